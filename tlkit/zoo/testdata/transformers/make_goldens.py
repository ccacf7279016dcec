"""Makes the goldens of the mapping from transformers' image classifiers to the zoo's networks, with real transformers.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch timm transformers
    /tmp/venv/bin/python make_goldens.py [NAME...]

Each file holds config.json and preprocessor_config.json as save_pretrained writes them, the keys and shapes of
model.safetensors, and the logits for weights and an image that follow the formula of timm/make_goldens.py. Models have
five classes, so that the files stay small. The committed files were made with transformers 5.24.0, timm 1.0.31 and
torch 2.15.0 on the CPU.
"""

import gzip
import importlib.util
import json
import pathlib
import sys
import tempfile

import torch
import transformers as tf
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("formula", HERE.parent / "timm" / "make_goldens.py")
formula = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(formula)

NAMES = ["ant", "bee", "cat", "dog", "elk"]
LABELS = {"id2label": dict(enumerate(NAMES)), "label2id": {n: i for i, n in enumerate(NAMES)}}
NECK = {"hidden_sizes": [256, 512, 1024, 2048], "layer_type": "bottleneck"}
TINY = {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768}
WORDS = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 50, "bos_token_id": 1, "eos_token_id": 2}  # no part of the classifier
CLIP = tf.CLIPImageProcessor()
DINO = {"hidden_size": 384, "num_attention_heads": 6, "image_size": 518}

# name: the class of the configuration, its arguments, the image processor, the side of the image, and the class of the
# model where it is not the usual one
MODELS = {
    "resnet18": (tf.ResNetConfig, {"layer_type": "basic", "depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512]}, tf.ConvNextImageProcessor(size={"shortest_edge": 224}), 64),
    "resnet34": (tf.ResNetConfig, {"layer_type": "basic", "depths": [3, 4, 6, 3], "hidden_sizes": [64, 128, 256, 512]}, tf.ConvNextImageProcessor(size={"shortest_edge": 384}), 64),
    "resnet50": (tf.ResNetConfig, {"depths": [3, 4, 6, 3], **NECK}, tf.ConvNextImageProcessor(size={"shortest_edge": 224}), 64),
    "regnet_x_400mf": (tf.RegNetConfig, {"layer_type": "x", "depths": [1, 2, 7, 12], "hidden_sizes": [32, 64, 160, 400], "groups_width": 16}, tf.ConvNextImageProcessor(size={"shortest_edge": 224}), 64),
    "regnet_y_400mf": (tf.RegNetConfig, {"layer_type": "y", "depths": [1, 3, 6, 6], "hidden_sizes": [48, 104, 208, 440], "groups_width": 8}, tf.ConvNextImageProcessor(size={"shortest_edge": 224}), 64),
    "resnet26": (tf.ResNetConfig, {"depths": [2, 2, 2, 2], **NECK}, tf.ConvNextImageProcessor(size={"shortest_edge": 224}), 64),
    "regnetx_004": (tf.RegNetConfig, {"layer_type": "x", "depths": [1, 2, 7, 12], "hidden_sizes": [32, 64, 160, 384], "groups_width": 16}, tf.ConvNextImageProcessor(size={"shortest_edge": 224}), 64),
    "regnety_040": (tf.RegNetConfig, {"layer_type": "y", "depths": [2, 6, 12, 2], "hidden_sizes": [128, 192, 512, 1088], "groups_width": 64}, tf.ConvNextImageProcessor(size={"shortest_edge": 224}), 64),
    "convnext_tiny": (tf.ConvNextConfig, {}, tf.ConvNextImageProcessor(size={"shortest_edge": 224}), 64),
    "convnextv2_atto": (tf.ConvNextV2Config, {"depths": [2, 2, 6, 2], "hidden_sizes": [40, 80, 160, 320]}, tf.ConvNextImageProcessor(size={"shortest_edge": 224}), 64),
    "vit_ti_16": (tf.ViTConfig, TINY, tf.ViTImageProcessor(), 224),
    "vit_b_16": (tf.ViTConfig, {}, tf.ViTImageProcessor(), 224),
    "vit_b_32": (tf.ViTConfig, {"patch_size": 32}, tf.ViTImageProcessor(), 224),
    "beit_b_16": (tf.BeitConfig, {"use_relative_position_bias": True, "image_size": 48}, tf.BeitImageProcessor(size={"height": 48, "width": 48}, do_center_crop=False), 48),
    "data2vec_b_16": (tf.Data2VecVisionConfig, {"use_relative_position_bias": True, "image_size": 224}, tf.BeitImageProcessor(size={"height": 224, "width": 224}, do_center_crop=False), 224),
    "swin_t": (tf.SwinConfig, {}, tf.ViTImageProcessor(resample=3), 224),
    "swin_v2_t": (tf.Swinv2Config, {"window_size": 8, "image_size": 256}, tf.ViTImageProcessor(size={"height": 256, "width": 256}), 256),
    "swin_v2_b_window12to16": (tf.Swinv2Config, {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "window_size": 16, "image_size": 256, "pretrained_window_sizes": [12, 12, 12, 6]},
                               tf.ViTImageProcessor(size={"height": 256, "width": 256}), 256),
    "swin_b_window12": (tf.SwinConfig, {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "window_size": 12, "image_size": 384},
                        tf.ViTImageProcessor(size={"height": 384, "width": 384}, resample=3), 384),
    "swin_v2_t_192": (tf.Swinv2Config, {"window_size": 8, "image_size": 256}, tf.ViTImageProcessor(size={"height": 192, "width": 192}), 192),
    "tf_efficientnet_b0": (tf.EfficientNetConfig, {"width_coefficient": 1.0, "depth_coefficient": 1.0, "hidden_dim": 1280, "image_size": 224},
                           tf.EfficientNetImageProcessor(size={"height": 224, "width": 224}, rescale_factor=1 / 255), 224),
    "tf_efficientnet_b1": (tf.EfficientNetConfig, {"width_coefficient": 1.0, "depth_coefficient": 1.1, "hidden_dim": 1280, "image_size": 240, "depthwise_padding": [16]},
                           tf.EfficientNetImageProcessor(size={"height": 240, "width": 240}, rescale_factor=1 / 127.5, rescale_offset=True, include_top=False), 240),
    "tf_mobilenet_v2": (tf.MobileNetV2Config, {}, tf.MobileNetV2ImageProcessor(), 224),
    "tf_mobilenet_v2_140": (tf.MobileNetV2Config, {"depth_multiplier": 1.4}, tf.MobileNetV2ImageProcessor(), 96),
    "clip_b_32": (tf.CLIPConfig, {"vision_config": {}, "text_config": WORDS}, CLIP, 224),
    "clip_xs_16": (tf.CLIPConfig, {"vision_config": {"hidden_size": 256, "intermediate_size": 1024, "num_hidden_layers": 10, "num_attention_heads": 4, "patch_size": 16, "hidden_act": "gelu"},
                                   "text_config": WORDS}, CLIP, 224),
    "siglip_b_16": (tf.SiglipConfig, {"vision_config": {}, "text_config": WORDS}, tf.SiglipImageProcessor(), 224),
    "mobilevit_xxs": (tf.MobileViTConfig, {"hidden_sizes": [64, 80, 96], "neck_hidden_sizes": [16, 16, 24, 48, 64, 80, 320], "expand_ratio": 2.0},
                      tf.MobileViTImageProcessor(size={"shortest_edge": 288}), 256),
    "deit_ti_16": (tf.DeiTConfig, TINY, tf.DeiTImageProcessor(), 224, tf.DeiTForImageClassification),
    "deit_ti_16_distilled": (tf.DeiTConfig, TINY, tf.DeiTImageProcessor(), 224, tf.DeiTForImageClassificationWithTeacher),
    "tf_mobilenet_v2_035": (tf.MobileNetV2Config, {"depth_multiplier": 0.35}, tf.MobileNetV2ImageProcessor(), 95),
    "timm_resnet18": (tf.TimmWrapperConfig, {"architecture": "resnet18"}, None, 64),
    "dinov2_vits14": (tf.Dinov2Config, DINO, tf.BitImageProcessor(size={"shortest_edge": 256}, resample=3), 224),
    "dinov2_vits14_reg": (tf.Dinov2WithRegistersConfig, {**DINO, "patch_size": 14}, tf.BitImageProcessor(size={"shortest_edge": 256}, resample=3), 224),
    "dinov2_vits14_224": (tf.Dinov2Config, {**DINO, "image_size": 224}, tf.BitImageProcessor(size={"shortest_edge": 256}, resample=3), 224),
    # Another epsilon than the family's usual one, large enough to be seen in the logits.
    "vit_ti_16_eps1e-02": (tf.ViTConfig, {**TINY, "layer_norm_eps": 1e-2}, tf.ViTImageProcessor(), 224),
    "swin_t_eps1e-02": (tf.SwinConfig, {"layer_norm_eps": 1e-2}, tf.ViTImageProcessor(), 224),
    "dinov2_vits14_eps1e-02": (tf.Dinov2Config, {**DINO, "layer_norm_eps": 1e-2}, tf.BitImageProcessor(size={"shortest_edge": 256}, resample=3), 224),
    "convnext_atto_eps1e-02": (tf.ConvNextConfig, {"depths": [2, 2, 6, 2], "hidden_sizes": [40, 80, 160, 320], "layer_norm_eps": 1e-2}, tf.ConvNextImageProcessor(size={"shortest_edge": 224}), 64),
    "convnextv2_atto_eps1e-02": (tf.ConvNextV2Config, {"depths": [2, 2, 6, 2], "hidden_sizes": [40, 80, 160, 320], "layer_norm_eps": 1e-2}, tf.ConvNextImageProcessor(size={"shortest_edge": 224}), 64),
    "mobilevit_xxs_eps1e-02": (tf.MobileViTConfig, {"hidden_sizes": [64, 80, 96], "neck_hidden_sizes": [16, 16, 24, 48, 64, 80, 320], "expand_ratio": 2.0, "layer_norm_eps": 1e-2},
                               tf.MobileViTImageProcessor(size={"shortest_edge": 288}), 64),
    "tf_mobilenet_v2_eps1e-02": (tf.MobileNetV2Config, {"layer_norm_eps": 1e-2}, tf.MobileNetV2ImageProcessor(), 64),
    "tf_efficientnet_b0_eps1e-02": (tf.EfficientNetConfig, {"width_coefficient": 1.0, "depth_coefficient": 1.0, "hidden_dim": 1280, "image_size": 224, "batch_norm_eps": 1e-2},
                                    tf.EfficientNetImageProcessor(size={"height": 224, "width": 224}, rescale_factor=1 / 255), 64),
    "dinov2_giant": (tf.Dinov2Config, {"num_hidden_layers": 1, "use_swiglu_ffn": True, "image_size": 518}, tf.BitImageProcessor(), 0),
    "tf_mobilenet_v1": (tf.MobileNetV1Config, {}, tf.MobileNetV1ImageProcessor(), 224),
    "tf_mobilenet_v1_025": (tf.MobileNetV1Config, {"depth_multiplier": 0.25, "image_size": 128}, tf.MobileNetV1ImageProcessor(size={"shortest_edge": 143}, crop_size={"height": 128, "width": 128}), 127),
}


def make(name):
    config, arguments, processor, size, *made = MODELS[name]
    golden = {"model": name, "source": f"transformers {tf.__version__}, torch {torch.__version__}"}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        settings = config(**arguments, **LABELS)
        model = made[0](settings) if made else tf.AutoModelForImageClassification.from_config(settings)
        model.save_pretrained(folder)
        golden["config"] = json.loads((folder / "config.json").read_text())
        if processor is not None:
            processor.save_pretrained(folder)
            golden["processor"] = json.loads((folder / "preprocessor_config.json").read_text())
        if size:
            state = load_file(folder / "model.safetensors")
            keys = [[k, list(v.shape)] for k, v in state.items() if v.is_floating_point()]
            for k, shape in keys:
                state[k] = torch.from_numpy(formula.value(k, tuple(shape)))
            save_file(state, folder / "model.safetensors", {"format": "pt"})
            model = type(model).from_pretrained(folder).eval()
            image = torch.from_numpy(formula.uniform("input", 3 * size * size).astype("float32")).reshape(1, 3, size, size)
            if getattr(processor, "do_flip_channel_order", False):
                image = image.flip(1)  # as the processor gives the network an image whose red, green and blue are the formula's
            with torch.no_grad():
                logits = model(pixel_values=image).logits.flatten().double()
            golden |= {"input": [1, 3, size, size], "state_dict": keys, "logits": [float("%.7g" % v) for v in logits], "std": float(logits.std())}
    text = json.dumps(golden, separators=(",", ":")).encode()
    (HERE / f"{name}.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    print(name, size, "std %.4g" % golden.get("std", 0), flush=True)


if __name__ == "__main__":
    for name in sys.argv[1:] or MODELS:
        make(name)
