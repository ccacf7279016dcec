"""Golden heat maps of pytorch-grad-cam and captum: peer_heatmaps.py MODEL > MODEL.json.

Needs torch, torchvision, grad-cam 1.5.5 and captum. Weights follow the formula of tlkit/zoo/zootest: values in [-1, 1)
from splitmix64 seeded with the FNV-1a hash of the state-dict key, scaled by kind. The image is 14 x 14 blocks of 16
pixels, whose bytes are 128 + 127 times the formula's values for "blocks". The maps are those of the peers, at every
eighth pixel.
"""

import json
import pathlib
import sys

import captum
import numpy as np
import pytorch_grad_cam
import torch
import torchvision
from captum.attr import Occlusion

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "zoo/zootest"))
from formula import uniform, value  # noqa: E402

name = sys.argv[1]
net = torchvision.models.get_model(name, weights=None).eval()
for key, tensor in net.state_dict().items():
    if tensor.is_floating_point():
        tensor.copy_(torch.from_numpy(value(key, list(tensor.shape))))
blocks = np.floor(128 + 127 * uniform("blocks", 14 * 14 * 3)).astype(np.uint8).reshape(14, 14, 3)
pixels = np.repeat(np.repeat(blocks, 16, 0), 16, 1).astype(np.float32) / 255
mean, std = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
image = torch.from_numpy(((pixels - mean) / std).transpose(2, 0, 1))[None]

if name.startswith("vit"):
    layers = net.encoder.layers

    def grid(x):
        side = int((x.shape[1] - 1) ** 0.5)
        return x[:, 1:].reshape(x.shape[0], side, side, x.shape[2]).permute(0, 3, 1, 2)

    target, transform = [layers[len(layers) - 2]], grid
else:
    target, transform = [net.layer4], None
with torch.no_grad():
    logits = net(image)[0]
best, other = int(logits.argmax()), 7
out = {"model": name, "source": f"grad-cam 1.5.5, captum {captum.__version__}, torchvision {torchvision.__version__}",
       "predicted": best, "probability": float(logits.double().softmax(0)[best]), "cams": [], "occlusion": []}
with pytorch_grad_cam.GradCAM(model=net, target_layers=target, reshape_transform=transform) as cam:
    for index in (best, other):
        heat = cam(input_tensor=image, targets=[pytorch_grad_cam.utils.model_targets.ClassifierOutputTarget(index)])[0]
        out["cams"].append({"class": index, "values": [[round(float(v), 5) for v in row] for row in heat[4::8, 4::8]]})
if not name.startswith("vit"):
    grey = torch.from_numpy(((np.floor(255 * mean + 0.5) / 255 - mean) / std).astype(np.float32)).reshape(1, 3, 1, 1).expand(1, 3, 224, 224)
    heat = Occlusion(lambda x: net(x).softmax(1)).attribute(image, (3, 112, 112), (3, 56, 56), baselines=grey, target=best)
    out["occlusion"] = [[round(float(v), 7) for v in row] for row in heat[0, 0, 4::8, 4::8]]
json.dump(out, sys.stdout)
