"""Golden t-SNE of scikit-learn: peer_tsne.py > ../internal/tsne/testdata/tsne.json.

Needs numpy and scikit-learn (1.9.1). The rows are those of tsne_test.go: 150 in 5 groups, with 8 columns, by the formula of
tlkit/zoo/zootest for the names "tsne rows" and "tsne groups". The four starts are two columns each, with deviation 1e-4
of the first of the two.
"""

import json
import pathlib
import sys

import numpy as np
import sklearn
from scipy.spatial.distance import squareform
from sklearn.manifold import TSNE
from sklearn.manifold._t_sne import _joint_probabilities

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "zoo/zootest"))
from formula import uniform  # noqa: E402

rows, columns, groups = 150, 8, 5
x = uniform("tsne rows", rows * columns).reshape(rows, columns)
x = x + 1.5 * uniform("tsne groups", groups * columns).reshape(groups, columns)[np.arange(rows) % groups]
distances = ((x[:, None] - x[None]) ** 2).sum(-1)
out = {"source": f"scikit-learn {sklearn.__version__}", "runs": []}
for perplexity in [5, 30]:
    p = squareform(_joint_probabilities(distances, perplexity, 0))
    divergences = []
    for k in [0, 2, 4, 6]:
        start = x[:, k:k + 2] / x[:, k].std() * 1e-4
        tsne = TSNE(perplexity=perplexity, method="exact", init=start, max_iter=1000, n_iter_without_progress=1000, min_grad_norm=0,
                    learning_rate="auto")
        divergences.append(float(tsne.fit(x).kl_divergence_))
    out["runs"].append({"perplexity": perplexity, "similarities": p[3].tolist(), "divergences": divergences})
json.dump(out, sys.stdout)
