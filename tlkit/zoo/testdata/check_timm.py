"""Loads exported models into timm, strictly: check_timm.py DIR ARCHITECTURE...

DIR holds ARCHITECTURE.pth, ARCHITECTURE.safetensors with its .json, and ARCHITECTURE.f32, one image [3, size, size] as raw float32. Prints
the logits that each file gives, as JSON.
"""

import json
import sys

import numpy as np
import safetensors.torch
import timm
import torch

folder, names = sys.argv[1], sys.argv[2:]
out = {}
for name in names:
    path = f"{folder}/{name}"
    about = json.load(open(path + ".safetensors.json"))
    image = torch.from_numpy(np.fromfile(path + ".f32", dtype="<f4").reshape(1, 3, about["input_size"], about["input_size"]))
    net = timm.create_model(name, num_classes=len(about["classes"])).eval()
    out[name] = []
    for state in (torch.load(path + ".pth", weights_only=True), safetensors.torch.load_file(path + ".safetensors")):
        net.load_state_dict(state, strict=True)
        with torch.no_grad():
            out[name].append(net(image)[0].tolist())
print(json.dumps(out))
