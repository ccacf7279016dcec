"""Prints what torchvision says of every classifier and weight set, as JSON: {model: [weight set]}."""

import json
import math

import torchvision
from torchvision.models import get_model_weights, list_models

facts = {}
for name in list_models(module=torchvision.models):
    facts[name] = sets = []
    enum = get_model_weights(name)
    for w in enum:
        t, m = w.transforms(), w.meta
        metrics = {k: 0 if math.isnan(v) else v for k, v in m["_metrics"].get("ImageNet-1K", {}).items()}
        size = m["min_size"]
        sets.append({
            "name": w.name, "url": w.url, "default": w is enum.DEFAULT, "params": m["num_params"], "gflops": m["_ops"], "file_mb": m["_file_size"],
            "top1": metrics.get("acc@1", 0), "top5": metrics.get("acc@5", 0), "classes": m["categories"], "min_size": max(size),
            "crop": t.crop_size[0], "resize": t.resize_size[0], "interpolation": t.interpolation.value, "mean": t.mean, "std": t.std})
print(json.dumps(facts))
