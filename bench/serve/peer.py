"""The peer of bench/serve: FastAPI and PyTorch, as a careful developer would set them up.

One process; images are decoded and classified by as many threads as there are cores, each with one thread of PyTorch,
which is the faster setting for many small requests.

usage: peer.py MODEL CLASSES PORT
"""
import asyncio
import io
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import torch
import torchvision
import uvicorn
from fastapi import FastAPI, Request
from PIL import Image

name, classes, port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)
model = torchvision.models.get_model(name, weights=None, num_classes=classes).eval()
prepare = torchvision.transforms.Compose([
    torchvision.transforms.Resize(256),
    torchvision.transforms.CenterCrop(224),
    torchvision.transforms.ToTensor(),
    torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
])
workers = ThreadPoolExecutor(os.cpu_count())
app = FastAPI()


def classify(data):
    image = Image.open(io.BytesIO(data)).convert("RGB")
    with torch.inference_mode():
        p = model(prepare(image)[None]).softmax(1)[0]
    return [{"index": int(i), "probability": float(p[i])} for i in p.argsort(descending=True)]


@app.get("/healthz")
def healthz():
    return "ok"


@app.post("/predict")
async def predict(request: Request):
    data = await request.body()
    return {"predictions": await asyncio.get_running_loop().run_in_executor(workers, classify, data)}


uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
