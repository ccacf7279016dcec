"""Reference values of calibration: peer_calibration.py > calibration.json. Needs numpy, scipy, sklearn, torch and torchmetrics.

Logits of 300 images and 4 classes, sure of themselves beyond what they know; the temperature by scipy, the expected calibration
error by torchmetrics, NLL by scikit-learn, the Brier score by numpy.
"""

import json
import sys

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.metrics import log_loss
from torchmetrics.functional.classification import multiclass_calibration_error

rng = np.random.default_rng(17)
labels = rng.integers(0, 4, 300)
logits = np.round(rng.normal(0, 2.5, (300, 4)) + 3.0 * np.eye(4)[labels], 3)


def nll(t):
    return log_loss(labels, softmax(logits / t, axis=1), labels=range(4))


def score(t):
    p = softmax(logits / t, axis=1)
    ece = multiclass_calibration_error(torch.tensor(p), torch.tensor(labels), num_classes=4, n_bins=15, norm="l1")
    return {"nll": nll(t), "ece": float(ece), "brier": float(((p - np.eye(4)[labels]) ** 2).sum(1).mean())}


t = minimize_scalar(nll, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-10}).x
json.dump({"logits": logits.tolist(), "labels": labels.tolist(), "temperature": float(t), "before": score(1.0), "after": score(t)}, sys.stdout)
