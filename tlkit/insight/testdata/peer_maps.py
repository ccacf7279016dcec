"""Golden feature maps and filters of torchvision: peer_maps.py > maps.json.

Needs torch and torchvision. Weights and image are those of peer_heatmaps.py. Each stage has the mean and the standard
deviation of three channels, and one row of the first; the filters are the bytes that filterImage draws of two kernels.
"""

import json
import pathlib
import sys

import numpy as np
import torch
import torchvision

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "zoo/zootest"))
from formula import uniform, value  # noqa: E402

blocks = np.floor(128 + 127 * uniform("blocks", 14 * 14 * 3)).astype(np.uint8).reshape(14, 14, 3)
pixels = np.repeat(np.repeat(blocks, 16, 0), 16, 1).astype(np.float32) / 255
mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
image = torch.from_numpy(((pixels - mean) / std).transpose(2, 0, 1))[None]
out = []


def maps(stage, y):
    """y is [channels, height, width]."""
    chosen = [0, 5, y.shape[0] - 1]
    y = y.double()
    out[-1]["stages"].append({"stage": stage, "shape": list(y.shape), "channels": chosen, "means": [float(y[c].mean()) for c in chosen],
                              "deviations": [float(y[c].std(correction=0)) for c in chosen],
                              "highest": int(y.std((1, 2), correction=0).argmax()), "row": [float(v) for v in y[5, y.shape[1] // 2]]})


for name, first in [("resnet18", "conv1"), ("vit_b_32", "conv_proj")]:
    net = torchvision.models.get_model(name, weights=None).eval()
    for key, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.from_numpy(value(key, list(tensor.shape))))
    weight = getattr(net, first).weight.detach().double()
    drawn = [np.round(127.5 + 127.5 * (k / k.abs().max()).permute(1, 2, 0).numpy()).astype(int).ravel()[:147].tolist() for k in (weight[0], weight[37])]
    out.append({"model": name, "source": f"torchvision {torchvision.__version__}", "key": first + ".weight", "filters": weight.shape[0], "drawn": drawn, "stages": []})
    with torch.no_grad():
        if name == "resnet18":
            y = net.maxpool(net.relu(net.bn1(net.conv1(image))))
            maps("stem", y[0])
            y = net.layer2(net.layer1(y))
            maps("layer2", y[0])
        else:
            got = {}
            net.encoder.layers[3].register_forward_hook(lambda _, __, y: got.update(y=y))
            net(image)
            maps("encoder.layers.encoder_layer_3", got["y"][0, 1:].T.reshape(768, 7, 7))
json.dump(out, sys.stdout)
