"""Makes the goldens of the mapping from timm's models to torchvision's, with real timm.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch torchvision timm
    /tmp/venv/bin/python make_goldens.py [ARCHITECTURE...]
    /tmp/venv/bin/python make_goldens.py --keys ARCHITECTURE...

Each file holds what timm's repositories on the Hugging Face hub hold in config.json, the keys and shapes of the state
dict, and the logits for weights and an image that follow the formula of tlkit/zoo/zootest (splitmix64 seeded with the
FNV-1a hash of the key). Models have 10 classes, so that the files stay small; convolutional ones see small images. The
kernels of networks in SCALES are smaller than the formula's, under which they multiply rounding errors too much.
With --keys, ../timm_keys.json.gz gets the number of parameters, and keys and
shapes with 10 classes, of each architecture. The committed files were made with timm 1.0.31 and torch 2.15.0 on the CPU.
"""

import gzip
import json
import pathlib
import sys
import tempfile

import numpy as np
import timm
import torch
from timm.models._hub import save_config_for_hf

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "zootest"))
from formula import uniform, value  # noqa: E402

HERE = pathlib.Path(__file__).parent
CLASSES = 10

# architecture, or architecture@img_size: side of the image
MODELS = {
    "swinv2_tiny_window16_256": 256, "swinv2_base_window12to16_192to256": 256, "swinv2_base_window12to24_192to384": 384,
    "swinv2_tiny_window8_256@384": 384, "swin_base_patch4_window12_384": 384, "swin_large_patch4_window7_224": 224,
    "resnet18": 64, "resnet50": 64, "resnext50_32x4d": 64, "wide_resnet50_2": 64,
    "resnet10t": 72, "resnet18d": 72, "resnet26": 64, "resnet26d": 64, "resnet50d": 64, "seresnext26d_32x4d": 72, "seresnet50": 64,
    "vgg11": 224, "vgg11_bn": 224, "densenet121": 64, "mobilenetv2_100": 64, "mnasnet_050": 64, "mnasnet_100": 64,
    "efficientnet_b0": 64, "efficientnet_b1": 64, "efficientnet_b2": 64, "efficientnet_b3": 64, "efficientnet_b4": 64,
    "efficientnet_b5": 64, "tf_efficientnet_b0": 63, "tf_efficientnet_b1": 64, "mobilenetv3_large_100": 64, "mobilenetv3_small_100": 64,
    "tf_efficientnetv2_b0": 64, "tf_efficientnetv2_b1": 64, "tf_efficientnetv2_b2": 64, "tf_efficientnetv2_b3": 64,
    "tf_efficientnetv2_s": 64, "tf_efficientnetv2_m": 64, "tf_efficientnetv2_l": 64,
    "efficientnetv2_rw_t": 64, "efficientnetv2_rw_s": 64, "efficientnetv2_rw_m": 64,
    "efficientnet_es": 64, "efficientnet_em": 64, "efficientnet_el": 64, "tf_efficientnet_es": 63, "tf_efficientnet_em": 64, "tf_efficientnet_el": 64,
    "efficientnet_lite0": 64, "tf_efficientnet_lite0": 63, "tf_efficientnet_lite1": 64, "mobilenetv2_050": 64, "mobilenetv2_110d": 64, "mobilenetv2_140": 64,
    "mobilenetv3_small_050": 64, "mobilenetv3_small_075": 64, "mobilenetv3_large_075": 64,
    "tf_mobilenetv3_large_100": 63, "tf_mobilenetv3_large_minimal_100": 64, "tf_mobilenetv3_small_minimal_100": 64,
    "regnetx_002": 64, "regnety_002": 64, "regnety_008": 64, "regnetx_004": 64, "regnety_040": 64,
    "regnetx_004_tv": 64, "regnetx_008": 64, "regnetx_016": 64, "regnetx_032": 64, "regnetx_080": 64,
    "regnety_004": 64, "regnety_008_tv": 64, "regnety_016": 64, "regnety_032": 64, "regnety_080_tv": 64,
    "convnext_tiny": 64, "convnext_small": 64, "convnextv2_atto": 64, "convnextv2_tiny": 64, "vit_base_patch32_224": 224,
    "convnext_atto": 64, "convnext_nano": 64, "convnext_xlarge": 64, "vit_tiny_patch16_224": 224, "deit_tiny_patch16_224": 224, "vit_small_patch16_224": 224,
    "vit_small_patch32_224": 224, "vit_small_patch8_224": 224, "vit_base_patch8_224": 224, "deit_base_patch16_224": 224, "vit_base_patch16_224": 224,
    "vit_small_patch14_dinov2": 518, "vit_small_patch14_reg4_dinov2": 518,
    "vit_xsmall_patch16_clip_224": 224, "vit_base_patch32_clip_224": 224, "vit_base_patch32_clip_quickgelu_224": 224,
    "deit3_small_patch16_224": 224, "deit_tiny_distilled_patch16_224": 224,
    "vit_base_patch16_siglip_224": 224, "vit_base_patch32_siglip_256": 256, "vit_base_patch16_siglip_gap_224": 224,
    "vit_small_patch14_dinov2@224": 224, "vit_small_patch14_reg4_dinov2@224": 224, "eva02_tiny_patch14_224": 224, "eva02_base_patch14_224": 224, "eva02_base_patch16_clip_224": 224,
    "beit_base_patch16_224": 224, "swin_tiny_patch4_window7_224": 224, "swinv2_tiny_window8_256": 256, "inception_v3": 299, "mobilevit_xxs": 128, "mobilevit_s": 128,
}

SCALES = {"tf_efficientnetv2_m": 0.92, "tf_efficientnetv2_l": 0.88, "efficientnetv2_rw_m": 0.92}


def config(model):
    """config.json as timm.models.push_to_hf_hub and save_for_hf write it."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "config.json"
        save_config_for_hf(model, str(path))
        return json.loads(path.read_text())


def make(name, size):
    architecture, _, given = name.partition("@")
    made_for = {"img_size": int(given)} if given else {}
    model = timm.create_model(architecture, pretrained=False, num_classes=CLASSES, **made_for).eval()
    state = model.state_dict()
    keys = [[k, list(v.shape)] for k, v in state.items() if v.is_floating_point()]
    scale = SCALES.get(name, 1)
    for k, shape in keys:
        state[k].copy_(torch.from_numpy(value(k, tuple(shape))) * (scale if len(shape) > 1 else 1))
    image = torch.from_numpy(uniform("input", 3 * size * size).astype(np.float32)).reshape(1, 3, size, size)
    with torch.no_grad():
        logits = model(image).flatten().double()
    golden = {
        "config": config(model), "source": f"timm {timm.__version__}", "input": [1, 3, size, size],
        "state_dict": keys, "logits": [float("%.7g" % v) for v in logits], "std": float(logits.std()),
    }
    if scale != 1:
        golden["scale"] = scale
    text = json.dumps(golden, separators=(",", ":"), default=list).encode()
    (HERE / f"{name}.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    print(name, size, "std %.4g" % golden["std"], flush=True)


def make_keys(names):
    networks = {}
    for name in names:
        with torch.device("meta"):
            model = timm.create_model(name, pretrained=False)
            count = sum(p.numel() for p in model.parameters())
            model.reset_classifier(CLASSES)
        keys = [[k, list(v.shape)] for k, v in model.state_dict().items() if v.is_floating_point()]
        networks[name] = {"params": count, "state_dict": keys}
        print(name, count, flush=True)
    text = json.dumps(networks, separators=(",", ":")).encode()
    (HERE.parent / "timm_keys.json.gz").write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--keys"]:
        make_keys(sys.argv[2:])
    else:
        for name in sys.argv[1:] or MODELS:
            make(name, MODELS[name])
