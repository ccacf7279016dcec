"""The peers of bench/serve: FastAPI with PyTorch or ONNX Runtime, as a careful developer would set them up.

One process; images are decoded and classified by as many threads as there are cores, each with one thread of the engine,
which is the faster setting for many small requests.

usage: peer.py torch NETWORK CLASSES PORT
       peer.py onnx FILE CLASSES PORT
"""
import asyncio
import io
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from fastapi import FastAPI, Request
from PIL import Image

engine, network, classes, port = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def with_torch():
    import torch
    import torchvision

    torch.set_num_threads(1)
    model = torchvision.models.get_model(network, weights=None, num_classes=classes).eval()
    prepare = torchvision.transforms.Compose([
        torchvision.transforms.Resize(256),
        torchvision.transforms.CenterCrop(224),
        torchvision.transforms.ToTensor(),
        torchvision.transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])

    def probabilities(image):
        with torch.inference_mode():
            return model(prepare(image)[None]).softmax(1)[0].tolist()
    return probabilities


def with_onnxruntime():
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])

    def probabilities(image):
        short = min(image.size)
        image = image.resize(tuple(256 * side // short for side in image.size), Image.BILINEAR)
        left, top = [round((side - 224) / 2) for side in image.size]
        x = (np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32) / 255 - mean) / std
        logits = session.run(None, {session.get_inputs()[0].name: x.transpose(2, 0, 1)[None]})[0][0]
        p = np.exp(logits - logits.max())
        return (p / p.sum()).tolist()
    return probabilities


probabilities = {"torch": with_torch, "onnx": with_onnxruntime}[engine]()
workers = ThreadPoolExecutor(os.cpu_count())
app = FastAPI()


def classify(data):
    p = probabilities(Image.open(io.BytesIO(data)).convert("RGB"))
    return [{"index": i, "probability": p[i]} for i in sorted(range(classes), key=lambda i: -p[i])]


@app.get("/healthz")
def healthz():
    return "ok"


@app.post("/predict")
async def predict(request: Request):
    data = await request.body()
    return {"predictions": await asyncio.get_running_loop().run_in_executor(workers, classify, data)}


uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
