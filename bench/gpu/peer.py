"""Seconds for one inference and one training step (SGD) of a torchvision model in PyTorch on a GPU, or on the CPU where there is none, on zeros.

usage: peer.py MODEL BATCH SIZE STEPS VARIANT      prints one JSON line with the medians
VARIANT: eager (float32), tf32 (float32 with products of 10 bits), channels_last (tf32), compile (torch.compile, channels_last, tf32),
bf16 (autocast to bfloat16, channels_last).
"""
import contextlib, json, statistics, sys, time
import torch, torch.nn.functional as F, torchvision

name, batch, size, steps, variant = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = variant != "eager"
torch.backends.cudnn.benchmark = True
model = torchvision.models.get_model(name, weights=None).to(device)
x = torch.zeros(batch, 3, size, size, device=device)
y = torch.zeros(batch, dtype=torch.long, device=device)
if variant in ("channels_last", "compile", "bf16"):
    model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
cast = (lambda: torch.autocast(device, torch.bfloat16)) if variant == "bf16" else contextlib.nullcontext
run = torch.compile(model) if variant == "compile" else model
opt = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)


def timed(fn):
    times = []
    for _ in range(steps):
        begin = time.time()
        fn()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.time() - begin)
    return statistics.median(times[2:])


def infer():
    with torch.no_grad(), cast():
        run(x)


def train():
    opt.zero_grad()
    with cast():
        loss = F.cross_entropy(run(x), y)
    loss.backward()
    opt.step()


model.eval()
infer_s = timed(infer)
model.train()
print(json.dumps(dict(model=name, batch=batch, size=size, variant=variant, device=torch.cuda.get_device_name() if device == "cuda" else "cpu",
                      torch=torch.__version__, infer_s=infer_s, train_s=timed(train))))
