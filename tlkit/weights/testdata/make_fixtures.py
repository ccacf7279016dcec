"""Makes the fixtures of tlkit/weights with real PyTorch.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch numpy safetensors
    /tmp/venv/bin/python make_fixtures.py

The committed files were made with torch 2.15.0, numpy and safetensors of the
same month. The values follow from formulas (arange), so that the tests can
compute what they expect; nothing is random.
"""

import argparse
import collections
import datetime
import os
import pathlib
import pickle

import numpy as np
import torch
import torch.fx
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent


def values(*shape, dtype=torch.float32):
    """0, 0.5, 1, 1.5, ...: exact in every type used here."""
    n = int(np.prod(shape))
    return (torch.arange(n, dtype=torch.float64) / 2).to(dtype).reshape(shape)


def types():
    """Every element type, as a bare state dict."""
    d = collections.OrderedDict()
    for name in ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "complex64"]:
        d[name] = torch.arange(-2, 4).to(getattr(torch, name)).reshape(2, 3) if name != "uint8" else torch.arange(6, dtype=torch.uint8).reshape(2, 3)
    d["bool"] = torch.tensor([[True, False, True], [False, False, True]])
    d["half_edge"] = torch.tensor([65504.0, 6.1e-5, 6e-8, float("inf"), float("nan"), -0.0], dtype=torch.float16)
    return d


def new_types():
    """Types that only the zip format's _rebuild_tensor_v3 can name."""
    d = collections.OrderedDict()
    for name in ["uint16", "uint32", "uint64"]:
        d[name] = torch.arange(6).to(getattr(torch, name)).reshape(2, 3)
    # All finite 8-bit floats, to compare with torch's own widening.
    for name in ["float8_e4m3fn", "float8_e5m2"]:
        t = torch.arange(256, dtype=torch.uint8).view(getattr(torch, name))
        d[name] = t
        d[name + "_wide"] = t.to(torch.float32)
    return d


def views():
    """Tensors that share storages, in every way torch.save keeps."""
    base = values(4, 6)
    block = values(3, 4, 5)
    return collections.OrderedDict(
        base=base,
        transposed=base.t(),
        row=base[2],
        column=base[:, 3],
        slice=base[1:3, 2:5],
        steps=base[::2, ::3],
        permuted=block.permute(2, 0, 1),
        channels_last=values(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        expanded=torch.tensor([1.5, 2.5]).reshape(2, 1).expand(2, 3),
        scalar=torch.tensor(7.25),
        empty=torch.zeros(0, 3),
        one=torch.full((1, 1, 1), 3.5),
        tied=base,
        parameter=torch.nn.Parameter(values(2, 2)),
    )


def net():
    torch.manual_seed(0)
    m = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Linear(3, 2))
    with torch.no_grad():
        for p in m.parameters():
            p.copy_(values(*p.shape))
    return m


class Parts(torch.nn.Module):
    """A module with all that the state dict of one leaves out, and with a child under two names."""

    def __init__(self):
        super().__init__()
        self.body = net()
        self.again = self.body[2]
        self.scale = torch.nn.Parameter(values(3))
        self.register_parameter("shift", None)
        self.register_buffer("mean", values(2, 2))
        self.register_buffer("table", values(4), persistent=False)
        self.plain = values(5)  # no buffer
        self.parent = [self]  # a cycle


def modules():
    """A whole model beside its average and its optimizer, as some training scripts save them."""
    m = Parts()
    opt = torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)
    opt.state[m.scale] = {"momentum_buffer": values(3)}
    return {"model": m, "ema": Parts(), "optimizer": opt.state_dict(), "optimizer_g": opt.state_dict(), "epoch": 3}


def checkpoint():
    """What a training script saves, with all its company."""
    m = torch.nn.DataParallel(net())
    opt = torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)
    for p in m.parameters():
        p.grad = torch.ones_like(p)
    before = {k: v.clone() for k, v in m.state_dict().items()}
    opt.step()
    m.load_state_dict(before)
    return {
        "epoch": 18,
        "arch": "tiny",
        "state_dict": m.state_dict(),
        "best_acc1": torch.tensor(46.5),
        "best_np": np.float64(0.25),
        "best_np32": np.float32(0.5),
        "count_np": np.int64(12),
        "loss": 0.125,
        "done": True,
        "nothing": None,
        "big": 1 << 80,
        "optimizer": opt.state_dict(),
        "args": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("a/b"), when=datetime.datetime(2020, 1, 2)),
        "rng": np.arange(4),
        "device": torch.device("cpu"),
        "dtype": torch.float32,
        "size": torch.Size([1, 2]),
        "raw": b"\x00\xff\x7f",
        "names": {"a", "b"},
        "frozen": frozenset([1, 2]),
        "history": collections.defaultdict(list, {"loss": [1.0, 0.5]}),
        "counter": collections.Counter("aab"),
        "complex": 1 + 2j,
    }


def arrays():
    """NumPy arrays in place of tensors, in every order of bytes and axes."""
    base = np.arange(6, dtype=np.float32).reshape(2, 3) / 2
    return {
        "f32.weight": base,
        "f16": base.astype(np.float16),
        "f64": base.astype(np.float64),
        "i64": np.arange(-2, 4),
        "flags": np.array([True, False]),
        "fortran": np.asfortranarray(base),
        "big": base.astype(">f4"),
        "scalar": np.array(7.25, dtype=np.float32),
        "empty": np.zeros((0, 3), dtype=np.float32),
        "parameter": torch.nn.Parameter(values(2, 2)),
        "texts": np.array(["a", "b"]),
        "objects": np.array([None, {}], dtype=object),
    }


def save(name, obj, **kw):
    torch.save(obj, HERE / name, **kw)
    size = os.path.getsize(HERE / name)
    assert size < 20_000, (name, size)
    print(f"{name}: {size}")


def main():
    legacy = dict(_use_new_zipfile_serialization=False)
    save("types.zip.pth", types())
    save("types.legacy.pth", types(), **legacy)
    save("newtypes.zip.pth", new_types())
    save("views.zip.pth", views())
    save("views.legacy.pth", views(), **legacy)
    save("checkpoint.zip.pth", checkpoint())
    save("checkpoint.legacy.pth", checkpoint(), **legacy)
    for protocol in [1, 3, 4, 5]:
        small = {"model": collections.OrderedDict([("a.weight", values(2, 3)), ("ü'\"\\b", values(2))]), "note": "ü", "n": -70000, "x": 1.5, "yes": True}
        save(f"protocol{protocol}.zip.pth", small, pickle_protocol=protocol)
        save(f"protocol{protocol}.legacy.pth", small, pickle_protocol=protocol, **legacy)
    # torch.save writes protocol 0, but no torch.load reads it.
    save("protocol0.pth", small, pickle_protocol=0)
    save("several.pth", {"encoder": net().state_dict(), "decoder": {"inner": net().state_dict()}, "optimizer": {"state": {0: values(2)}}})
    save("whole_model.pth", net())
    save("modules.zip.pth", modules())
    save("traced.zip.pth", torch.fx.symbolic_trace(net()))
    save("optimizer.pth", modules()["optimizer"])
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), HERE / "script.pth")
    save("quantized.pth", {"q": torch.quantize_per_tensor(values(2, 2), 0.5, 0, torch.quint8), "w": values(2)})
    save("list.pth", [values(2)])
    save("arrays.zip.pth", arrays())
    save("arrays.protocol5.zip.pth", arrays(), pickle_protocol=5)
    save("arrays.legacy.pth", arrays(), **legacy)
    no_tensors = {"model": {k: v for k, v in arrays().items() if k != "parameter"}, "__author__": "Caffe2"}
    # NumPy 1 had other names of modules, and Python 2 other texts; Detectron2's model zoo has plain pickles.
    (HERE / "arrays.pkl").write_bytes(pickle.dumps(no_tensors, protocol=2).replace(b"numpy._core", b"numpy.core"))
    # pickle.dump writes each storage as torch.save does, into a string.
    tied = {k: v for k, v in views().items() if k in ("base", "tied", "transposed", "row", "scalar", "parameter")}
    for protocol in [2, 4]:
        (HERE / f"dumped.protocol{protocol}.pkl").write_bytes(pickle.dumps({"model": tied, "epoch": 3}, protocol=protocol))
    save("folds.pth", {0: net().state_dict(), 1: net().state_dict()})
    m = net()
    save("model_and_optimizer.pth", [m.state_dict(), torch.optim.SGD(m.parameters(), lr=0.1).state_dict(), 3])
    save("tuple.pth", (3, m))
    save("ensemble.pth", {"models": [net().state_dict(), net().state_dict()], "per_class": np.zeros(3, dtype=np.float32)})
    st = {k: v.contiguous().clone() for k, v in views().items() if k not in ("empty",)}
    st["bf16"] = values(2, 3, dtype=torch.bfloat16)
    st["f16"] = values(2, 3, dtype=torch.float16)
    st["flags"] = torch.tensor([True, False])
    st["i64"] = torch.arange(-2, 4)
    save_file(st, HERE / "views.safetensors", metadata={"format": "pt", "note": "ü"})


if __name__ == "__main__":
    main()
