"""Loads exported models in PyTorch and ONNX Runtime: check_export.py DIR MODEL.

DIR holds MODEL.pth, MODEL.safetensors, MODEL.onnx with MODEL.onnx.json, and input.f32, images [n, 3, size, size] as raw
float32. Prints the logits that each gives, as JSON.
"""

import collections
import json
import sys

import numpy as np
import onnx
import onnxruntime
import safetensors.torch
import torch
import torchvision

folder, name = sys.argv[1], sys.argv[2]
path = f"{folder}/{name}"
about = json.load(open(path + ".onnx.json"))
size, classes = about["preprocess"]["crop"], len(about["classes"])
images = np.fromfile(f"{folder}/input.f32", dtype="<f4").reshape(-1, 3, size, size)

model = onnx.load(path + ".onnx")
onnx.checker.check_model(model, full_check=True)
assert [i.name for i in model.graph.input] == ["images"] and [o.name for o in model.graph.output] == ["logits"]
metadata = {p.key: p.value for p in model.metadata_props}
assert json.loads(metadata["tlkit"]) == about, metadata
options = onnxruntime.SessionOptions()
options.log_severity_level = 2
session = onnxruntime.InferenceSession(path + ".onnx", options, providers=["CPUExecutionProvider"])
out = {"onnx": session.run(["logits"], {"images": images})[0].tolist(),
       "onnx_one": session.run(["logits"], {"images": images[:1]})[0].tolist(),
       "nodes": len(model.graph.node), "transposes": sum(n.op_type == "Transpose" for n in model.graph.node)}

extra = {}
if name in ("googlenet", "inception_v3"):
    extra = dict(aux_logits=True, init_weights=False, transform_input=False)
net = torchvision.models.get_model(name, weights=None, num_classes=classes, **extra).eval()
for kind, state in (("pth", torch.load(path + ".pth", weights_only=True)), ("safetensors", safetensors.torch.load_file(path + ".safetensors"))):
    for p in net.parameters():
        p.data.zero_()
    if kind == "safetensors" and name.startswith("mnasnet"):  # torchvision wants a version, for which the format has no place
        state = collections.OrderedDict(state)
        state._metadata = {"": {"version": 2}}
    net.load_state_dict(state, strict=True)
    with torch.no_grad():
        out[kind] = net(torch.from_numpy(images)).tolist()
print(json.dumps(out))
