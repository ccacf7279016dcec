"""Makes checkpoints as the libraries of today write them, with the libraries themselves.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch torchvision timm lightning omegaconf
    /tmp/venv/bin/python make.py [NAME...]

All hold a ResNet-18 for five classes. Its weights would be 45 MB a file; so each tensor in NAME.pth is replaced by one zero,
which all share, and shapes.json has the shapes. Keys and what stands beside the weights are real; the test makes the
tensors. The committed files were made with torch 2.15.0, torchvision 0.29.2, timm 1.0.31, lightning 2.6.6 and
omegaconf 2.4.0; fastai's with fastai 2.8.12 beside them, installed with --no-deps, since it asks for an older torch.
"""

import argparse
import collections
import functools
import json
import pathlib
import sys
import tempfile
import types

import timm
import torch
import torchvision
from torch import nn

HERE = pathlib.Path(__file__).parent


def resnet(**changes):
    m = torchvision.models.resnet18(num_classes=5)
    for name, layer in changes.items():
        setattr(m, name, layer)
    return m


def python313_path(text):
    """A path whose class is pickled under the name that Python 3.13 gives it."""
    module = types.ModuleType("pathlib._local")

    class PosixPath:
        def __init__(self, *parts):
            self.parts = parts

        def __reduce__(self):
            return PosixPath, self.parts

    PosixPath.__module__, PosixPath.__qualname__ = "pathlib._local", "PosixPath"
    module.PosixPath = PosixPath
    sys.modules["pathlib._local"] = module
    return PosixPath(text)


def lightning(compiled=False):
    import lightning as L
    from omegaconf import OmegaConf

    class Classifier(L.LightningModule):
        def __init__(self, lr, args, root, config, optimizer):
            super().__init__()
            self.save_hyperparameters()
            self.model = torch.compile(resnet()) if compiled else resnet()
            self.criterion = nn.CrossEntropyLoss(weight=torch.ones(5))

        def configure_optimizers(self):
            return torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)

    module = Classifier(1e-3, argparse.Namespace(seed=1), pathlib.Path("data"), OmegaConf.create({"size": 224, "aug": ["flip"]}),
                        functools.partial(torch.optim.AdamW, lr=1e-3))
    trainer = L.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu", max_epochs=1)
    trainer.strategy.connect(module)
    with tempfile.TemporaryDirectory() as folder:
        trainer.save_checkpoint(f"{folder}/last.ckpt")
        return torch.load(f"{folder}/last.ckpt", weights_only=False)


def timm_training():
    from timm.utils import CheckpointSaver, ModelEmaV3
    m = timm.create_model("resnet18", num_classes=5)
    saver = CheckpointSaver(m, torch.optim.SGD(m.parameters(), lr=0.1), args=argparse.Namespace(model="resnet18"), model_ema=ModelEmaV3(m),
                            checkpoint_dir=tempfile.mkdtemp())
    saver.save_checkpoint(3, 0.5)
    return torch.load(pathlib.Path(saver.checkpoint_dir) / "last.pth.tar", weights_only=False)


def fastai_learner():
    """A learner of fastai after an epoch on a few small images."""
    import numpy as np
    from fastai.vision.all import ImageDataLoaders, PILImage, Resize, accuracy, resnet18, vision_learner

    folder = pathlib.Path(tempfile.mkdtemp())
    for i, name in enumerate("abcde"):
        for k in range(4):
            (folder / name).mkdir(exist_ok=True)
            PILImage.create(np.full((32, 32, 3), 50 * i + k, np.uint8)).save(folder / name / f"{k}.png")
    dls = ImageDataLoaders.from_folder(folder, valid_pct=0.3, seed=1, item_tfms=Resize(32), bs=2, num_workers=0)
    learn = vision_learner(dls, resnet18, pretrained=False, metrics=accuracy, path=folder, model_dir=".")
    with learn.no_bar():
        learn.fit(1)
    return learn, folder


def fastai():
    """learn.save, optimizer included."""
    learn, folder = fastai_learner()
    learn.save("saved")
    return torch.load(folder / "saved.pth", weights_only=False)


def fastai_export():
    """learn.export: a pickle of the whole learner."""
    learn, folder = fastai_learner()
    learn.path = folder
    learn.export("export.pkl")
    return torch.load(folder / "export.pkl", weights_only=False)


def dino():
    """The layout of the authors' main_dino.py: student behind DistributedDataParallel, teacher not."""
    backbone = resnet(fc=nn.Identity())
    head = nn.Sequential(nn.Linear(512, 64), nn.GELU(), nn.Linear(64, 16))
    whole = nn.ModuleDict({"backbone": backbone, "head": head})
    student = {"module." + k: v for k, v in whole.state_dict().items()}
    return {"student": student, "teacher": whole.state_dict(), "epoch": 3, "args": argparse.Namespace(arch="resnet18"), "dino_loss": {"center": torch.zeros(1, 16)}}


def moco():
    """The layout of the authors' main_moco.py."""
    whole = nn.ModuleDict({"encoder_q": resnet(), "encoder_k": resnet()})
    return {"epoch": 3, "arch": "resnet18", "state_dict": {"module." + k: v for k, v in whole.state_dict().items()} | {"module.queue": torch.zeros(16, 5)}}


MAKERS = {
    "lightning": lightning,
    "lightning_compiled": lambda: lightning(compiled=True),
    "swa": lambda: torch.optim.swa_utils.AveragedModel(resnet()).state_dict(),
    "compiled_parallel": lambda: nn.DataParallel(torch.compile(resnet())).state_dict(),
    "timm_training": timm_training,
    "fastai": fastai,
    "fastai_export": fastai_export,
    "whole_model": resnet,
    "dino": dino,
    "moco": moco,
    "features": lambda: nn.Sequential(*list(resnet().children())[:-1]).state_dict(),
    "sequential_head": lambda: resnet(fc=nn.Sequential(nn.Dropout(0.2), nn.Linear(512, 5))).state_dict(),
    "grey": lambda: resnet(conv1=nn.Conv2d(1, 64, 7, 2, 3, bias=False)).state_dict(),
    "python313": lambda: {"model": resnet().state_dict(), "root": python313_path("data"), "argv": ["train.py"]},
}


def shrink(value, zero, shapes, path=()):
    """Replaces every tensor, and notes its shape."""
    if isinstance(value, torch.Tensor):
        shapes[".".join(path)] = list(value.shape)
        return zero.to(value.dtype) if value.dtype != zero.dtype else zero
    model = value if isinstance(value, nn.Module) else getattr(value, "model", None)
    if isinstance(model, nn.Module):  # a whole model, or an object that holds one
        for name, tensor in model.state_dict(keep_vars=True).items():
            shapes[".".join((*path, *(() if model is value else ("model",)), name))] = list(tensor.shape)
            tensor.data = shrink(tensor.data, zero, {})
        return value
    if isinstance(value, (dict, collections.OrderedDict)) and type(value) in (dict, collections.OrderedDict):
        return type(value)((k, shrink(v, zero, shapes, (*path, str(k)))) for k, v in value.items())
    if type(value) in (list, tuple):
        return type(value)(shrink(v, zero, shapes, (*path, str(i))) for i, v in enumerate(value))
    return value


def main():
    at = HERE / "shapes.json"
    shapes = json.loads(at.read_text()) if at.exists() else {}
    for name in sys.argv[1:] or MAKERS:
        shapes[name] = {}
        small = shrink(MAKERS[name](), torch.zeros(1), shapes[name])
        torch.save(small, HERE / f"{name}.pth")
        print(name, (HERE / f"{name}.pth").stat().st_size, len(shapes[name]), flush=True)
    at.write_text(json.dumps(shapes, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
