"""Reference values of LogME, the H-score and NCE: peer_rank.py > rank.json. Needs numpy and scikit-learn.

LogME from the determinant and the inverse of the whole matrix of the evidence (You et al. 2021, equation 2) at the precisions
of the fixed point; the H-score with scikit-learn's Ledoit-Wolf covariance and numpy's pseudo-inverse; NCE from the table of
counts. The features are rounded to four digits.
"""

import json
import sys

import numpy as np
from sklearn.covariance import LedoitWolf


def logme(f, labels, classes):
    n, d = f.shape
    total = 0
    for c in range(classes):
        y = (labels == c).astype(float)
        alpha = beta = 1.0
        for _ in range(11):
            t = alpha / beta
            a = alpha * np.eye(d) + beta * f.T @ f
            m = beta * np.linalg.solve(a, f.T @ y)
            eigen = np.linalg.eigvalsh(f.T @ f)
            gamma = (beta * eigen / (alpha + beta * eigen)).sum()
            m2, residual = m @ m, ((f @ m - y) ** 2).sum()
            alpha, beta = gamma / (m2 + 1e-5), (n - gamma) / (residual + 1e-5)
            # As in the paper's algorithm, the evidence has the new precisions with the old mean.
            a = alpha * np.eye(d) + beta * f.T @ f
            evidence = (d * np.log(alpha) + n * np.log(beta) - np.linalg.slogdet(a)[1] - beta * residual - alpha * m2 - n * np.log(2 * np.pi)) / 2
            if abs(alpha / beta - t) <= 1e-3 * t:
                break
        total += evidence / n / classes
    return total


def hscore(f, labels, classes):
    f = f - f.mean(0)
    fit = LedoitWolf().fit(f)
    g = np.stack([f[labels == c].mean(0) for c in labels])
    return float(np.trace(np.linalg.pinv(fit.covariance_) @ ((1 - fit.shrinkage_) * g.T @ g / len(f))))


def nce(source, labels):
    table = np.zeros((source.max() + 1, labels.max() + 1))
    np.add.at(table, (source, labels), 1)
    joint = table / table.sum()
    given = joint / joint.sum(1, keepdims=True).clip(1e-12)
    return float((joint[joint > 0] * np.log(given[joint > 0])).sum())


sets = []
for seed, n, d, classes, gap in [(1, 60, 8, 3, 1.0), (2, 30, 50, 4, 0.5), (3, 80, 12, 2, 0.2)]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    f = np.round(np.abs(rng.normal(0, 1, (n, d)) + gap * rng.normal(0, 1, (classes, d))[labels]), 4)
    source = (labels + (rng.random(n) < 0.4) * rng.integers(0, 5, n)) % 6
    sets.append({"features": f.tolist(), "labels": labels.tolist(), "source": source.tolist(), "classes": classes,
                 "logme": logme(f, labels, classes), "hscore": hscore(f, labels, classes), "nce": nce(source, labels)})
json.dump(sets, sys.stdout)
