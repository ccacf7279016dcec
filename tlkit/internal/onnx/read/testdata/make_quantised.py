"""Makes testdata/quantised.zip: small networks with weights in fewer bits, as other programs write them, with the logits
that ONNX Runtime computes of goldens.json's images.

    python make_quantised.py quantised.zip

static: resnet.onnx by ONNX Runtime's quantize_static (QDQ, per channel). signed: the same with activations in int8 and
one scale per tensor. rounded: float weights with QuantizeLinear and DequantizeLinear behind each, as quantisation-aware
training exports them. nibbles, blocks: weights of 4 bits, with a scale per channel in ONNX Runtime's own domain, and with one
per block of two output channels. branch: an If whose condition is a constant. half: weights in float16 with a Cast behind each. float16, float16_inside: all in float16 by ONNX
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


def behind(to, make, opset=17):
    """Puts nodes behind each weight of a convolution."""
    model = onnx.load(here / "resnet.onnx")
    model = onnx.version_converter.convert_version(model, opset)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
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


def four_bits(g, t, nodes, block):
    """Numbers of 4 bits: with a scale per channel in ONNX Runtime's own domain, or one per block of output channels."""
    w = numpy_helper.to_array(t)
    scale = np.abs(w).reshape(-1, block or 1, *w.shape[1:]).max(axis=1 if block else (1, 2, 3, 4)).astype(np.float32) / 7
    steps = np.repeat(scale, block, axis=0) if block else scale[:, None, None, None]
    q = np.clip(np.round(w / steps), -8, 7).astype(np.int8)
    g.initializer.append(helper.make_tensor(t.name + "_q", TensorProto.INT4, w.shape, q.flatten().tolist()))
    g.initializer.append(numpy_helper.from_array(scale, t.name + "_s"))
    zero = helper.make_tensor(t.name + "_z", TensorProto.INT4, scale.shape, [0] * scale.size)
    g.initializer.append(zero)
    options = {"axis": 0, "block_size": block} if block else {"axis": 0, "domain": "com.microsoft"}
    nodes.append(helper.make_node("DequantizeLinear", [t.name + "_q", t.name + "_s", t.name + "_z"], [t.name + "_d"], **options))
    return t.name + "_d"


def branch(to):
    """The output layer within a branch of an If whose condition is a constant, the other branch with other weights."""
    model = onnx.load(here / "resnet.onnx")
    g = model.graph
    head = next(n for n in g.node if n.output[0] == g.output[0].name)
    weight = next(t for t in g.initializer if t.name == head.input[1])
    graphs = []
    for name in "then", "else":
        inner = onnx.NodeProto()
        inner.CopyFrom(head)
        inner.output[0] = name
        inner.input[1] = weight.name if name == "then" else "other"
        other = [] if name == "then" else [numpy_helper.from_array(-numpy_helper.to_array(weight), "other")]
        graphs.append(helper.make_graph([inner], name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)], other))
    g.node.remove(head)
    g.node.append(helper.make_node("Constant", [], ["condition"], value=numpy_helper.from_array(np.array(True))))
    g.node.append(helper.make_node("If", ["condition"], [g.output[0].name], then_branch=graphs[0], else_branch=graphs[1]))
    onnx.checker.check_model(model)
    onnx.save(model, to)


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
            "nibbles": lambda to: behind(to, lambda g, t, nodes: four_bits(g, t, nodes, 0)),
            "blocks": lambda to: behind(to, lambda g, t, nodes: four_bits(g, t, nodes, 2), 21),
            "branch": branch,
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
