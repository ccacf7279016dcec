"""Makes operators.zip: small ONNX networks around one operator each, with the logits that ONNX Runtime computes.

    python make_operators.py            (numpy, onnx, onnxruntime)

They are what exporters other than PyTorch's write: TensorFlow's padding (auto_pad), windows rounded up (ceil_mode),
images with their channels last, output layers that are convolutions, operators of Caffe and MXNet, operator sets 8 to 23.
The committed file was made with onnx 1.23.2 and onnxruntime 1.32.0. Images are "input 0" to "input 2" of
tlkit/zoo/zootest's formula.
"""

import json
import pathlib
import sys
import zipfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "zoo/zootest"))
from formula import uniform  # noqa: E402

HERE = pathlib.Path(__file__).parent
SIZE, CHANNELS, CLASSES = 19, 6, 4


class Net:
    """A graph under construction: a convolution, what is tried, and an output layer."""

    def __init__(self, opset=13, nhwc=False, stem=True):
        self.opset, self.nhwc, self.nodes, self.inits, self.count = opset, nhwc, [], [], 0
        self.rng = np.random.default_rng(7)
        self.value, self.batch, self.height, self.width = "image", "N", SIZE, SIZE
        if nhwc:
            self("Transpose", perm=[0, 3, 1, 2])
        if stem:
            self("Conv", self.weight(CHANNELS, 3, 3, 3), pads=[1, 1, 1, 1], kernel_shape=[3, 3])

    def weight(self, *shape, low=-0.5, high=0.5):
        return self.tensor((self.rng.uniform(low, high, shape) * 64).round().astype(np.float32) / 64)

    def tensor(self, array):
        self.count += 1
        self.inits.append(numpy_helper.from_array(np.asarray(array), f"w{self.count}"))
        return f"w{self.count}"

    def __call__(self, op, *inputs, first=None, outputs=1, **attributes):
        self.count += 1
        out = [f"v{self.count}.{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, [first or self.value, *inputs], out, name=f"n{self.count}", **attributes))
        self.value = out[0]
        return self

    def linear(self, features=CHANNELS):
        self("GlobalAveragePool")("Flatten")
        return self("Gemm", self.weight(CLASSES, features), self.weight(CLASSES), transB=1)

    def model(self):
        sides = [self.height, self.width]
        shape = [self.batch, *sides, 3] if self.nhwc else [self.batch, 3, *sides]
        graph = helper.make_graph(
            self.nodes, "operators", [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(self.value, TensorProto.FLOAT, [self.batch, CLASSES])], self.inits)
        m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=min(10, 4 + self.opset // 3))
        onnx.checker.check_model(m)
        return m


def windows(nets):
    for auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        short = auto.lower()
        for k, s, d in ((3, 2, 1), (2, 2, 1), (5, 3, 1), (3, 1, 2), (1, 2, 1)):
            if d > 1 and auto != "VALID":
                continue  # ONNX Runtime refuses it
            n = Net()
            n("Conv", n.weight(CHANNELS, CHANNELS, k, k), n.weight(CHANNELS), auto_pad=auto, strides=[s, s], dilations=[d, d])
            nets[f"conv_{short}_{k}{s}{d}"] = n.linear()
        n = Net()
        n("Conv", n.weight(CHANNELS, 1, 3, 3), auto_pad=auto, strides=[2, 2], group=CHANNELS)
        nets[f"depthwise_{short}"] = n.linear()
        for k, s in ((3, 2), (2, 2), (3, 1), (4, 3)):
            nets[f"max_{short}_{k}{s}"] = Net()("MaxPool", auto_pad=auto, kernel_shape=[k, k], strides=[s, s]).linear()
            for count in (0, 1):
                nets[f"avg_{short}_{k}{s}_{count}"] = Net()(
                    "AveragePool", auto_pad=auto, kernel_shape=[k, k], strides=[s, s], count_include_pad=count).linear()
    for k, s, pads in ((2, 2, [0] * 4), (3, 2, [0] * 4), (3, 2, [1] * 4), (3, 3, [1] * 4), (5, 4, [2] * 4), (3, 2, [0, 0, 1, 1]), (3, 2, [1, 0, 0, 1])):
        name = f"{k}{s}_{''.join(map(str, pads))}"
        for ceil in (0, 1):
            nets[f"max_{name}_ceil{ceil}"] = Net()("MaxPool", kernel_shape=[k, k], strides=[s, s], pads=pads, ceil_mode=ceil).linear()
            for count in (0, 1):
                nets[f"avg_{name}_ceil{ceil}_{count}"] = Net()(
                    "AveragePool", kernel_shape=[k, k], strides=[s, s], pads=pads, ceil_mode=ceil, count_include_pad=count).linear()
    n = Net()
    nets["conv_uneven"] = n("Conv", n.weight(CHANNELS, CHANNELS, 3, 3), pads=[0, 1, 2, 0], strides=[2, 2]).linear()
    n = Net()
    nets["conv_oblong"] = n("Conv", n.weight(CHANNELS, CHANNELS, 1, 5), auto_pad="SAME_UPPER").linear()
    for op in ("AveragePool", "MaxPool"):
        nets[f"larger_{op}"] = Net()(op, kernel_shape=[64, 64], strides=[64, 64], ceil_mode=1).linear()
    # A mean over one window, as exporters write a global mean; PyTorch's transformers with ceil_mode.
    nets["avg_whole"] = Net()("AveragePool", kernel_shape=[SIZE, SIZE], strides=[1, 1], ceil_mode=1).linear()


def heads(nets):
    n = Net()
    nets["head_conv"] = n("GlobalAveragePool")("Conv", n.weight(CLASSES, CHANNELS, 1, 1), n.weight(CLASSES))("Flatten")
    n = Net(opset=8)
    nets["head_conv_reshape"] = n("GlobalAveragePool")("Conv", n.weight(CLASSES, CHANNELS, 1, 1))("Reshape", n.tensor(np.array([0, -1])))
    n = Net()
    nets["head_conv_squeeze"] = n("ReduceMean", axes=[2, 3])("Conv", n.weight(CLASSES, CHANNELS, 1, 1), n.weight(CLASSES))(
        "Squeeze", n.tensor(np.array([2, 3])))
    n = Net()
    nets["head_conv_mean"] = n("Relu")("Conv", n.weight(CLASSES, CHANNELS, 1, 1), n.weight(CLASSES))("GlobalAveragePool")("Flatten")
    n = Net(opset=18)
    nets["head_conv_mean_axes"] = n("Relu")("Conv", n.weight(CLASSES, CHANNELS, 1, 1))("ReduceMean", n.tensor(np.array([-2, -1])), keepdims=0)
    # As tf2onnx writes a Keras network: images with channels last, Dense as MatMul and Add.
    n = Net(nhwc=True)
    n("Relu")("ReduceMean", axes=[2, 3], keepdims=0)
    nets["keras"] = n("MatMul", n.weight(CHANNELS, CLASSES))("Add", n.weight(CLASSES))
    n = Net(nhwc=True, stem=False)
    n("Conv", n.weight(CHANNELS, 3, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2])
    n("BatchNormalization", n.weight(CHANNELS, low=0.5, high=1), n.weight(CHANNELS), n.weight(CHANNELS), n.weight(CHANNELS, low=0.5, high=1), epsilon=1e-3)
    n("Clip", n.tensor(np.float32(0)), n.tensor(np.float32(6)))
    n("Transpose", perm=[0, 2, 3, 1])("Reshape", n.tensor(np.array([-1, 100 * CHANNELS])))
    nets["keras_flatten"] = n("MatMul", n.weight(100 * CHANNELS, CLASSES))("Add", n.weight(CLASSES))


def operators(nets):
    for size in (1, 3, 5):
        nets[f"lrn_{size}"] = Net()("LRN", size=size, alpha=0.3, beta=0.75, bias=1.5).linear()
    n = Net()
    nets["instance_norm"] = n("InstanceNormalization", n.weight(CHANNELS), n.weight(CHANNELS), epsilon=1e-3)("Relu").linear()
    n = Net()
    n("Reshape", n.tensor(np.array([0, 2, -1])))("InstanceNormalization", n.weight(2), n.weight(2))
    nets["group_norm_torch"] = n("Reshape", n.tensor(np.array([-1, CHANNELS, SIZE, SIZE])))("Relu").linear()
    n = Net(opset=21)
    nets["group_norm_21"] = n("GroupNormalization", n.weight(CHANNELS), n.weight(CHANNELS), num_groups=3)("Relu").linear()
    n = Net(opset=13)
    w = n.weight(CHANNELS, CHANNELS, 3, 3)
    before = n.value
    n("Reshape", n.tensor(np.array([1, CHANNELS, -1])), first=w)
    n("BatchNormalization", n.weight(CHANNELS, low=0.5, high=1), n.tensor(np.zeros(CHANNELS, np.float32)), n.tensor(np.zeros(CHANNELS, np.float32)),
      n.tensor(np.ones(CHANNELS, np.float32)), outputs=1)
    n.nodes[-1] = helper.make_node("BatchNormalization", list(n.nodes[-1].input), [n.value, "rm", "rv"], name="std", training_mode=1, epsilon=1e-6)
    n.opset = 15
    n("Reshape", n.tensor(np.array([CHANNELS, CHANNELS, 3, 3])))
    standard = n.value
    nets["weight_standardisation"] = n("Conv", standard, first=before, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])("Relu").linear()
    # The same as PyTorch's exporter with dynamo writes it: the statistics of the weights are computed beside.
    n = Net(opset=18)
    w, before = n.weight(CHANNELS, CHANNELS, 3, 3), n.value
    flat = n("Reshape", n.tensor(np.array([1, CHANNELS, -1])), first=w).value
    mean = n("ReduceMean", n.tensor(np.array([0, 2])), keepdims=1).value
    centred = n("Sub", mean, first=flat).value
    var = n("ReduceMean", n.tensor(np.array([0, 2])), first=n("Mul", centred).value, keepdims=0).value
    mean = n("Squeeze", n.tensor(np.array([0, 2])), first=mean).value
    n("BatchNormalization", n.weight(CHANNELS), n.tensor(np.zeros(CHANNELS, np.float32)), mean, var, first=flat, momentum=1.0)
    standard = n("Reshape", n.tensor(np.array([CHANNELS, CHANNELS, 3, 3]))).value
    nets["weight_standardisation_dynamo"] = n("Conv", standard, first=before, kernel_shape=[3, 3])("Relu").linear()
    for op, options in (("Celu", {"alpha": 0.7}), ("Selu", {}), ("ThresholdedRelu", {"alpha": 0.2}), ("Softsign", {}), ("Elu", {"alpha": 0.5}),
                        ("HardSwish", {}), ("Softplus", {}), ("LeakyRelu", {"alpha": 0.2}), ("HardSigmoid", {}), ("Mish", {}), ("Gelu", {})):
        nets[op.lower()] = Net(opset={"HardSwish": 14, "Mish": 18, "Gelu": 20}.get(op, 13))(op, **options).linear()
    for op in ("GlobalMaxPool",):
        n = Net()
        nets["global_max"] = n(op)("Flatten")("Gemm", n.weight(CLASSES, CHANNELS), transB=1)
    for op in ("ReduceL1", "ReduceSumSquare", "ReduceL2", "ReduceMax", "ReduceMin"):
        n = Net()
        nets[op.lower()] = n(op, axes=[2, 3], keepdims=0)("Gemm", n.weight(CLASSES, CHANNELS), transB=1)
    for op in ("Sum", "Mean", "Max", "Min"):
        n = Net()
        a = n.value
        b = n("Relu").value
        nets[f"{op.lower()}_3"] = n(op, a, n.weight(CHANNELS, 1, 1), first=b).linear()
    for block, mode in ((1, "DCR"), (2, "DCR"), (2, "CRD")):
        n = Net(stem=False)
        n("Conv", n.weight(8, 3, 3, 3), pads=[1] * 4)("DepthToSpace", blocksize=block, mode=mode)
        c = 8 // block**2
        nets[f"depth_{mode}_{block}"] = n("Conv", n.weight(CHANNELS, c, 3, 3), strides=[2, 2])("Relu").linear()
    n = Net()
    n("MaxPool", kernel_shape=[2, 2])("SpaceToDepth", blocksize=3)
    nets["space_to_depth"] = n("Conv", n.weight(CHANNELS, 9 * CHANNELS, 3, 3))("Relu").linear()
    for opset in (8, 9, 10, 11, 13, 15, 18, 19, 21, 22, 23):
        n = Net(opset=opset)
        n("BatchNormalization", n.weight(CHANNELS, low=0.5, high=1), n.weight(CHANNELS), n.weight(CHANNELS), n.weight(CHANNELS, low=0.5, high=1))
        n("Clip", n.tensor(np.float32(0)), n.tensor(np.float32(6))) if opset > 10 else n("Clip", min=0.0, max=6.0)
        n("MaxPool", kernel_shape=[3, 3], strides=[2, 2])
        n("Dropout")
        nets[f"opset_{opset}"] = n("Softmax", axis=1).linear()
    for axis, exclusive, reverse in ((1, 0, 0), (2, 1, 0), (-1, 0, 1), (3, 1, 1)):
        n = Net(opset=14)
        nets[f"cumsum_{axis}_{exclusive}{reverse}"] = n("CumSum", n.tensor(np.int64(axis)), exclusive=exclusive, reverse=reverse)("Relu").linear()
    n = Net(opset=9)
    nets["upsample_9"] = n("Upsample", n.tensor(np.array([1, 1, 2, 2], np.float32)), mode="nearest")("Relu").linear()
    nets["upsample_7"] = Net(opset=8)("Upsample", scales=[1.0, 1.0, 3.0, 2.0], mode="nearest")("Relu").linear()
    nets["resize_10"] = (n := Net(opset=10))("Resize", n.tensor(np.array([1, 1, 2, 2], np.float32)), mode="nearest")("Relu").linear()
    n = Net(opset=18)
    n.batch = 3
    nets["resize_sizes"] = n("Resize", "", "", n.tensor(np.array([3, CHANNELS, 38, 57])), mode="nearest")("Relu").linear()
    n = Net(opset=13)
    nets["resize_13"] = n("Resize", "", n.tensor(np.array([1, 1, 2, 2], np.float32)), mode="nearest", nearest_mode="floor",
                          coordinate_transformation_mode="asymmetric")("Relu").linear()
    for at in ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"):
        n = Net(opset=13)
        nets[f"resize_linear_{at}"] = n("Resize", "", n.tensor(np.array([1, 1, 1.5, 0.75], np.float32)), mode="linear",
                                        coordinate_transformation_mode=at)("Relu").linear()
        for a, outside in ((-0.75, 0), (-0.5, 0), (-0.75, 1)):
            n = Net(opset=13)
            nets[f"resize_cubic_{at}_{a}_{outside}"] = n("Resize", "", n.tensor(np.array([1, 1, 1.5, 0.75], np.float32)), mode="cubic",
                                                        coordinate_transformation_mode=at, cubic_coeff_a=a, exclude_outside=outside)("Relu").linear()
        if at != "asymmetric":  # ONNX Runtime's antialias is for centres of pixels
            for mode, by in (("linear", (0.4, 0.75)), ("cubic", (0.4, 0.75)), ("cubic", (1.5, 1.25))):
                n = Net(opset=18)
                nets[f"resize_antialias_{mode}_{at}_{by[0]}"] = n("Resize", "", n.tensor(np.array([1, 1, *by], np.float32)), mode=mode, antialias=1,
                                                                 cubic_coeff_a=-0.5, coordinate_transformation_mode=at)("Relu").linear()
        for nearest in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"):
            n = Net(opset=13)
            nets[f"resize_{nearest}_{at}"] = n("Resize", "", n.tensor(np.array([1, 1, 1.5, 0.75], np.float32)), mode="nearest",
                                               nearest_mode=nearest, coordinate_transformation_mode=at)("Relu").linear()


def constants(nets):
    """What PyTorch's exporters write around position embeddings, shapes and the ends of slices."""
    n = Net(opset=13)
    before = n.value
    positions = n("Resize", "", "", n.tensor(np.array([1, CHANNELS, SIZE, SIZE])), first=n.weight(1, CHANNELS, 5, 7), mode="cubic").value
    nets["positions"] = n("Add", positions, first=before)("Relu").linear()
    n = Net(opset=13)  # as Optimum writes it: any size, but the positions are for one
    n.height, n.width, before = "height", "width", n.value
    nets["any_size"] = n("Add", n.weight(1, CHANNELS, SIZE, SIZE), first=before)("Relu").linear()
    n = Net(opset=18)
    before = n.value
    ends = n("Reshape", n.tensor(np.array([-1])), first=n("Cast", first=n.tensor(np.int64(2**63 - 1)), to=TensorProto.INT64).value).value
    nets["slice_ends"] = n("Slice", n.tensor(np.array([1])), ends, n.tensor(np.array([2])), first=before)("Relu").linear()
    n = Net(opset=13)  # the shape of a number, as TorchScript's exporter expands indices
    before = n.value
    shape = n("Shape", first=n.tensor(np.float32(0))).value
    offset = n("Expand", shape, first=n.tensor(np.float32(0.25))).value
    nets["shape_of_number"] = n("Add", offset, first=before)("Relu").linear()


def sequences(nets):
    """Pieces of a sequence, as PyTorch's exporter writes chunk, split and unbind with optimize=False."""
    for name, lengths, places in (("chunk", np.int64(4), (1, 0)), ("split", np.array([1, 2, 3]), (-1, 0, 1)), ("unbind", None, (1, 0))):
        n = Net(opset=18)
        if lengths is None:
            n("Reshape", n.tensor(np.array([0, 2, CHANNELS // 2, SIZE, SIZE])))
        inputs = [] if lengths is None else [n.tensor(lengths)]
        sequence = n("SplitToSequence", *inputs, axis=1, keepdims=0 if lengths is None else 1).value
        pieces = [n("SequenceAt", n.tensor(np.int64(i)), first=sequence).value for i in places]
        nets[f"sequence_{name}"] = n("Concat", *pieces[1:], first=pieces[0], axis=1)("Relu").linear()


def forms(nets):
    """Rectangular and dilated windows, padding with values of the image, and numbered entries, as PyTorch writes them."""
    for name, how in {"": {}, "_padded": {"pads": [1, 0, 1, 1]}, "_ceil": {"pads": [0, 1, 1, 0], "ceil_mode": 1}}.items():
        for kernel, strides in (([2, 3], [2, 1]), ([3, 2], [2, 3]), ([1, 4], [1, 4]), ([5, 1], [3, 1])):
            if any(max(how.get("pads", [0, 0])[a::2]) >= kernel[a] for a in range(2)):
                continue  # ONNX Runtime refuses padding as wide as the window
            size = "".join(map(str, kernel + strides))
            nets[f"max{name}_{size}"] = Net(opset=19)("MaxPool", kernel_shape=kernel, strides=strides, **how).linear()
            for padding in (0, 1):
                nets[f"mean{padding}{name}_{size}"] = Net(opset=19)("AveragePool", kernel_shape=kernel, strides=strides, count_include_pad=padding, **how).linear()
    nets["max_dilated"] = Net()("MaxPool", kernel_shape=[3, 3], strides=[2, 2], dilations=[2, 3], pads=[1, 1, 1, 1]).linear()
    for mode in ("reflect", "edge", "wrap"):
        n = Net(opset=19)
        nets[f"pad_{mode}"] = n("Pad", n.tensor(np.array([0, 0, 2, 1, 0, 0, 3, 18])), mode=mode)("MaxPool", kernel_shape=[5, 5], strides=[4, 4]).linear()
    n = Net(opset=18)
    nets["pad_negative"] = n("Pad", n.tensor(np.array([0, 0, -2, 3, 0, 0, 1, -4])), n.tensor(np.float32(0.5))).linear()
    n = Net(opset=18)
    flip = n("Slice", n.tensor(np.array([-1, 17])), n.tensor(np.array([-2**63, 2])), n.tensor(np.array([3, 2])), n.tensor(np.array([-1, -3])))
    nets["slice_back"] = flip("MaxPool", kernel_shape=[4, 4], strides=[4, 4]).linear()
    n = Net(opset=18)
    n("Transpose", perm=[1, 0, 2, 3])("GatherND", n.tensor(np.array([[3], [1], [5], [-1], [0], [2]])))("Transpose", perm=[1, 0, 2, 3])
    nets["gather_nd"] = n("Mul", n.weight(CHANNELS, 1, 1)).linear()
    n = Net(opset=18)
    n("Transpose", perm=[2, 3, 0, 1])("GatherND", n.tensor(np.array([[[3, 1], [0, 18]], [[5, -1], [7, 7]]])))("Transpose", perm=[2, 3, 0, 1])
    nets["gather_nd_pairs"] = n("Relu").linear()
    n = Net(opset=18)
    nets["log_sum_exp"] = n("ReduceLogSumExp", n.tensor(np.array([2, 3])), keepdims=1)("Relu").linear()


def buffers(nets):
    """Buffers that no training may change: mean and deviation of images, a mask of attention, a blur."""
    n = Net(stem=False)
    n("Sub", n.weight(1, 3, 1, 1))("Div", n.weight(1, 3, 1, 1, low=1, high=2))
    nets["fixed_mean"] = n("Conv", n.weight(CHANNELS, 3, 3, 3), kernel_shape=[3, 3]).linear()
    n = Net()
    n("Reshape", n.tensor(np.array([0, 0, -1])))
    tokens = n("Transpose", perm=[0, 2, 1]).value
    turned = n("Transpose", perm=[0, 2, 1]).value
    mask = n.tensor(np.triu(np.full((SIZE * SIZE, SIZE * SIZE), -100, np.float32), 1))
    n("MatMul", turned, first=tokens)("Add", mask)("Softmax", axis=-1)("MatMul", tokens)("Transpose", perm=[0, 2, 1])
    nets["fixed_mask"] = n("Reshape", n.tensor(np.array([0, 0, SIZE, SIZE]))).linear()
    for name, how in {"": {}, "_padded": {"pads": [1, 1, 1, 1], "strides": [2, 2]}, "_dilated": {"dilations": [2, 2]}}.items():
        n = Net()
        kernel = n.tensor(np.repeat(np.outer([1, 2, 1], [1, 3, 1]).astype(np.float32)[None, None] / 20, CHANNELS, 0))
        nets[f"fixed_blur{name}"] = n("Conv", kernel, kernel_shape=[3, 3], group=CHANNELS, **how)("Relu").linear()


def main():
    nets = {}
    buffers(nets)
    forms(nets)
    constants(nets)
    sequences(nets)
    windows(nets)
    heads(nets)
    operators(nets)
    images = np.stack([uniform(f"input {i}", 3 * SIZE * SIZE).astype(np.float32).reshape(3, SIZE, SIZE) for i in range(3)])
    goldens = {}
    with zipfile.ZipFile(HERE / "operators.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        def add(name, data):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)

        for name, net in nets.items():
            data = net.model().SerializeToString()
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
            x = images.transpose(0, 2, 3, 1) if net.nhwc else images
            logits = session.run(None, {"image": np.ascontiguousarray(x)})[0].reshape(3, CLASSES)
            goldens[name] = [[float("%.7g" % v) for v in row] for row in logits]
            add(f"{name}.onnx", data)
        add("goldens.json", json.dumps(goldens))
    print(len(goldens), (HERE / "operators.zip").stat().st_size)


if __name__ == "__main__":
    main()
