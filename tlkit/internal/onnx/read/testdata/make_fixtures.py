"""Makes the .onnx fixtures, tiny networks with random weights, with real PyTorch, and the logits that PyTorch gives.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch onnx onnxruntime
    /tmp/venv/bin/python make_fixtures.py

The committed files were made with torch 2.15.0 (its TorchScript exporter), onnx 1.23.2 and onnxruntime 1.32.0. The image
follows the formula of tlkit/zoo/zootest; logits of PyTorch and of ONNX Runtime agree to 1e-5, else this script fails.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "zoo/zootest"))
from formula import uniform  # noqa: E402

HERE = pathlib.Path(__file__).parent
torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, inp, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inp, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or inp != out:
            self.downsample = nn.Sequential(nn.Conv2d(inp, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class TinyResNet(nn.Module):
    """As ResNet-18, narrow: a stem with max pooling, stages, mean, linear."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Block(8, 8, 1))
        self.layer2 = nn.Sequential(Block(8, 16, 2))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.avgpool(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(x, 1))


class TinyMobile(nn.Module):
    """Depthwise convolutions, squeeze and excitation, hard-swish, a concatenation, softmax at the end."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.Hardswish())
        self.dw = nn.Conv2d(8, 8, 5, 1, 2, groups=8)
        self.fc1 = nn.Conv2d(8, 4, 1)
        self.fc2 = nn.Conv2d(4, 8, 1)
        self.a = nn.Conv2d(8, 6, 1)
        self.b = nn.Conv2d(8, 6, 3, padding=1, dilation=1)
        self.pool = nn.AvgPool2d(2)
        self.classifier = nn.Linear(12, 4)

    def forward(self, x):
        x = nn.functional.relu6(self.dw(self.stem(x)))
        s = x.mean((2, 3), keepdim=True)
        x = x * nn.functional.hardsigmoid(self.fc2(nn.functional.leaky_relu(self.fc1(s), 0.1)))
        x = torch.cat([self.a(x), torch.sigmoid(self.b(x))], 1)
        x = self.pool(x)
        return torch.softmax(self.classifier(x.mean((2, 3))), 1)


class TinyViT(nn.Module):
    """Patches, a class token, one layer of attention, layer norms, GELU: what is left to onnx-gomlx."""

    def __init__(self):
        super().__init__()
        self.proj = nn.Conv2d(3, 16, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.pos = nn.Parameter(torch.randn(1, 17, 16) * 0.1)
        self.norm1, self.norm2, self.norm = nn.LayerNorm(16), nn.LayerNorm(16), nn.LayerNorm(16)
        self.qkv = nn.Linear(16, 48)
        self.out = nn.Linear(16, 16)
        self.mlp = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        b = x.shape[0]
        x = self.proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(b, -1, -1), x], 1) + self.pos
        q, k, v = self.qkv(self.norm1(x)).reshape(b, 17, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
        a = torch.softmax(q @ k.transpose(-2, -1) * 8**-0.5, -1) @ v
        x = x + self.out(a.transpose(1, 2).reshape(b, 17, 16))
        x = x + self.mlp(self.norm2(x))
        return self.head(self.norm(x)[:, 0])


def randomise(model):
    """Running statistics and scales that matter, as after training."""
    g = torch.Generator().manual_seed(1)
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.copy_(torch.randn(m.running_mean.shape, generator=g) * 0.2)
            m.running_var.copy_(0.5 + torch.rand(m.running_var.shape, generator=g))
            m.weight.data.copy_(0.5 + torch.rand(m.weight.shape, generator=g))
            m.bias.data.copy_(torch.randn(m.bias.shape, generator=g) * 0.1)


def export(name, model, dynamic=True, keep_bn=False, **kw):
    model.eval()
    image = torch.from_numpy(uniform("input", 3 * 32 * 32).astype(np.float32)).reshape(1, 3, 32, 32)
    path = HERE / f"{name}.onnx"
    if keep_bn:
        kw.update(training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    torch.onnx.export(model, image, path, dynamo=False, input_names=["image"], output_names=["logits"], opset_version=17,
                      dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}} if dynamic else None, **kw)
    with torch.no_grad():
        want = model(image).flatten()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    got = session.run(None, {"image": image.numpy()})[0].flatten()
    assert np.abs(got - want.numpy()).max() < 1e-5, name
    logits = want
    if name == "mobile":  # what stands before the softmax; equal up to a constant
        logits = torch.log(want)
    ops = sorted({n.op_type for n in onnx.load(path).graph.node})
    print(name, path.stat().st_size, ops)
    return {"logits": [float("%.7g" % v) for v in logits], "softmax": name == "mobile"}


def main():
    goldens = {}
    resnet = TinyResNet()
    randomise(resnet)
    goldens["resnet"] = export("resnet", resnet)  # batch norm folded into the convolutions
    goldens["resnet_bn"] = export("resnet_bn", resnet, keep_bn=True)
    goldens["resnet_batch1"] = export("resnet_batch1", resnet, dynamic=False)
    goldens["mobile"] = export("mobile", TinyMobile())
    goldens["vit"] = export("vit", TinyViT())
    model = onnx.load(HERE / "resnet.onnx")
    onnx.save(model, HERE / "external.onnx", save_as_external_data=True, location="external.onnx.data", size_threshold=64)
    goldens["external"] = goldens["resnet"]
    (HERE / "goldens.json").write_text(json.dumps(goldens, indent=1) + "\n")

    # Operators that nobody has.
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm, self.fc = nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4, affine=True), nn.Linear(4, 2)

        def forward(self, x):
            x = nn.functional.celu(self.norm(self.conv(x)))
            return self.fc(nn.functional.local_response_norm(x, 2).amax((2, 3)))

    image = torch.zeros(1, 3, 32, 32)
    torch.onnx.export(Odd().eval(), image, HERE / "odd.onnx", dynamo=False, input_names=["image"], opset_version=17)
    print("odd", sorted({n.op_type for n in onnx.load(HERE / "odd.onnx").graph.node}))


if __name__ == "__main__":
    main()
