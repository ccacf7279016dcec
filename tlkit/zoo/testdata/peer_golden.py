"""Golden logits from torchvision: peer_golden.py DIR MODEL writes DIR/MODEL.json.

Weights and image follow the formula of the golden files (package tlkit/zoo/zootest says it in Go): values in [-1, 1) from
splitmix64 seeded with the FNV-1a hash of the state-dict key, scaled by kind.
"""

import json
import pathlib
import sys

import numpy as np
import torch
import torchvision

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "zootest"))
from formula import uniform, value  # noqa: E402

folder, name = sys.argv[1:]
size = 299 if name == "inception_v3" else 224
extra = dict(aux_logits=True, init_weights=False, transform_input=False) if name in ("googlenet", "inception_v3") else {}
net = torchvision.models.get_model(name, weights=None, **extra).eval()
skipped, keys = [], []
for key, tensor in net.state_dict().items():
    if key.endswith("num_batches_tracked"):
        continue
    keys.append([key, list(tensor.shape)])
    if tensor.is_floating_point():
        tensor.copy_(torch.from_numpy(value(key, list(tensor.shape))))
    else:
        skipped.append(key)
with torch.no_grad():
    logits = net(torch.from_numpy(uniform("input", 3 * size * size).astype(np.float32)).reshape(1, 3, size, size)).double().flatten()
json.dump({"model": name, "source": "torchvision " + torchvision.__version__, "input": [1, 3, size, size],
           "num_params": sum(p.numel() for p in net.parameters()), "buffers_not_filled": skipped, "state_dict": keys,
           "logits": logits.tolist(), "argmax": int(logits.argmax()), "std": float(logits.std())},
          open(f"{folder}/{name}.json", "w"))
