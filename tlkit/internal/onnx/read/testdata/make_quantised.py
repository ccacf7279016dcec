"""Makes testdata/quantised.zip: small networks with weights in fewer bits, as other programs write them, with the logits
that ONNX Runtime computes of goldens.json's images.

    python make_quantised.py quantised.zip

static: resnet.onnx by ONNX Runtime's quantize_static (QDQ, per channel). signed: the same with activations in int8 and
one scale per tensor. rounded: float weights with QuantizeLinear and DequantizeLinear behind each, as quantisation-aware
training exports them. half: weights in float16 with a Cast behind each. float16, float16_inside: all in float16 by ONNX
Runtime's convert_float_to_float16, with and without the images and logits. Committed as made with onnx 1.23.2 and
onnxruntime 1.32.0.
"""

import json
import pathlib
import sys
import tempfile
import zipfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parents[3] / "zoo/zootest"))
from formula import uniform  # noqa: E402

SIZE = 32
IMAGES = np.stack([uniform(f"input {i}", 3 * SIZE * SIZE).astype(np.float32).reshape(3, SIZE, SIZE) for i in range(3)])


class Reader(CalibrationDataReader):
    def __init__(self, name):
        self.left = [{name: x[None]} for x in IMAGES]

    def get_next(self):
        return self.left.pop() if self.left else None


def static(to, **kind):
    model = onnx.load(here / "resnet.onnx")
    onnx.save(onnx.version_converter.convert_version(model, 17), to)
    quantize_static(to, to, Reader(model.graph.input[0].name), quant_format=QuantFormat.QDQ, weight_type=QuantType.QInt8, **kind)


def behind(to, make):
    """Puts nodes behind each weight of a convolution."""
    model = onnx.load(here / "resnet.onnx")
    model = onnx.version_converter.convert_version(model, 17)
    g, nodes = model.graph, []
    weights = {t.name: t for t in g.initializer if len(t.dims) == 4}
    for name, t in weights.items():
        new = make(g, t, nodes)
        for n in g.node:
            for i, used in enumerate(n.input):
                if used == name:
                    n.input[i] = new
    rest = list(g.node)
    del g.node[:]
    g.node.extend(nodes + rest)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, to)


def rounded(g, t, nodes):
    w = numpy_helper.to_array(t)
    scale = (np.abs(w).max(axis=(1, 2, 3)) / 127).astype(np.float32)
    g.initializer.append(numpy_helper.from_array(scale, t.name + "_s"))
    g.initializer.append(numpy_helper.from_array(np.zeros(len(scale), np.int8), t.name + "_z"))
    nodes.append(helper.make_node("QuantizeLinear", [t.name, t.name + "_s", t.name + "_z"], [t.name + "_q"], axis=0))
    nodes.append(helper.make_node("DequantizeLinear", [t.name + "_q", t.name + "_s", t.name + "_z"], [t.name + "_d"], axis=0))
    return t.name + "_d"


def half(g, t, nodes):
    t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(t).astype(np.float16), t.name))
    nodes.append(helper.make_node("Cast", [t.name], [t.name + "_f"], to=TensorProto.FLOAT))
    return t.name + "_f"


def whole(to, **kind):
    from onnxruntime.transformers.float16 import convert_float_to_float16
    onnx.save(convert_float_to_float16(onnx.load(here / "resnet.onnx"), **kind), to)


def main(out):
    goldens = {}
    with tempfile.TemporaryDirectory() as dir, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, make in {
            "static": lambda to: static(to, per_channel=True),
            "signed": lambda to: static(to, activation_type=QuantType.QInt8),
            "rounded": lambda to: behind(to, rounded),
            "half": lambda to: behind(to, half),
            "float16": whole,
            "float16_inside": lambda to: whole(to, keep_io_types=True),
        }.items():
            path = f"{dir}/{name}.onnx"
            make(path)
            options = ort.SessionOptions()
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL  # rounds as the file says
            s = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            goldens[name] = np.concatenate([s.run(None, {s.get_inputs()[0].name: x[None].astype(np.float16 if name == "float16" else np.float32)})[0] for x in IMAGES]).tolist()
            z.writestr(zipfile.ZipInfo(f"{name}.onnx"), pathlib.Path(path).read_bytes(), zipfile.ZIP_DEFLATED)
        z.writestr(zipfile.ZipInfo("goldens.json"), json.dumps(goldens), zipfile.ZIP_DEFLATED)


main(sys.argv[1])
