"""Prints the logits of test images by ONNX Runtime and by OpenVINO, if that is installed, as JSON.

    python logits.py TEST.f32 SIZE MODEL.onnx...

TEST.f32 holds float32 images [n, 3, SIZE, SIZE].
"""

import json
import sys

import numpy as np
import onnxruntime as ort

try:
    import openvino
except ImportError:
    openvino = None

test, size, *models = sys.argv[1:]
test = np.fromfile(test, np.float32).reshape(-1, 3, int(size), int(size))
out = {}
for path in models:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    out[path] = {"ONNX Runtime": session.run(["logits"], {"images": test})[0].tolist()}
    if openvino:
        compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        out[path]["OpenVINO"] = next(iter(compiled({"images": test}).values())).tolist()
json.dump(out, sys.stdout)
