"""Quantises an .onnx file with ONNX Runtime's own quantize_static and writes the logits of test images.

    python quantize_static.py MODEL.onnx CALIBRATE.f32 TEST.f32 SIZE LOGITS.f32

The .f32 files hold float32 images [n, 3, SIZE, SIZE].
"""

import sys

import numpy as np
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

model, calibrate, test, size, out = sys.argv[1:]
calibrate, test = (np.fromfile(f, np.float32).reshape(-1, 3, int(size), int(size)) for f in (calibrate, test))


class Reader(CalibrationDataReader):
    def __init__(self):
        self.left = list(calibrate)

    def get_next(self):
        return {"images": self.left.pop()[None]} if self.left else None


quant_pre_process(model, model + ".pre.onnx")
quantize_static(model + ".pre.onnx", model + ".int8.onnx", Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
session = ort.InferenceSession(model + ".int8.onnx", providers=["CPUExecutionProvider"])
np.concatenate([session.run(["logits"], {"images": x[None]})[0] for x in test]).astype(np.float32).tofile(out)
