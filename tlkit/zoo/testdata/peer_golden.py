"""Golden logits from torchvision: peer_golden.py DIR MODEL writes DIR/MODEL.json.

Weights and image follow the formula of the golden files (package tlkit/zoo/zootest says it in Go): values in [-1, 1) from
splitmix64 seeded with the FNV-1a hash of the state-dict key, scaled by kind.
"""

import json
import sys

import numpy as np
import torch
import torchvision

MASK = (1 << 64) - 1


def uniform(name, n):
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & MASK
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1


def value(key, shape):
    u = uniform(key, int(np.prod(shape)))
    if key.endswith("running_var"):
        u = 1 + 0.5 * np.abs(u)
    elif key.endswith("running_mean"):
        u = 0.1 * u
    elif len(shape) >= 2:
        u = u * np.sqrt(6 / np.prod(shape[1:]))
    elif key.endswith("weight"):
        u = 1 + 0.1 * u
    else:
        u = 0.1 * u
    return torch.from_numpy(u.astype(np.float32)).reshape(shape)


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
        tensor.copy_(value(key, list(tensor.shape)))
    else:
        skipped.append(key)
with torch.no_grad():
    logits = net(torch.from_numpy(uniform("input", 3 * size * size).astype(np.float32)).reshape(1, 3, size, size)).double().flatten()
json.dump({"model": name, "source": "torchvision " + torchvision.__version__, "input": [1, 3, size, size],
           "num_params": sum(p.numel() for p in net.parameters()), "buffers_not_filled": skipped, "state_dict": keys,
           "logits": logits.tolist(), "argmax": int(logits.argmax()), "std": float(logits.std())},
          open(f"{folder}/{name}.json", "w"))
