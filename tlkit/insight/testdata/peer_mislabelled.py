"""Examples that cleanlab 2.9 names for made-up predictions: peer_mislabelled.py > mislabelled.json. Needs numpy and cleanlab.

Three sets of out-of-fold probabilities, rounded to four digits, with some of the labels flipped; named are the indices that
find_label_issues returns, filtered by noise rate (the method of the paper, section 3.2).
"""

import json
import sys

import numpy as np
from cleanlab.filter import find_label_issues

sets = []
for seed, n, classes, sure, flipped in [(1, 200, 2, 2.0, 0.05), (2, 300, 4, 2.5, 0.1), (3, 400, 10, 3.0, 0.2)]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    logits = rng.normal(0, 1, (n, classes)) + sure * np.eye(classes)[truth]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    p = np.round(p, 4)
    p[:, -1] = np.round(1 - p[:, :-1].sum(1), 4)
    labels = np.where(rng.random(n) < flipped, (truth + rng.integers(1, classes, n)) % classes, truth)
    named = find_label_issues(labels, p, filter_by="prune_by_noise_rate", n_jobs=1)
    sets.append({"probabilities": p.tolist(), "labels": labels.tolist(), "truth": truth.tolist(), "named": np.flatnonzero(named).tolist()})
json.dump(sets, sys.stdout)
