"""Golden principal components of scikit-learn: peer_pca.py > pca.json.

Needs numpy and scikit-learn (1.9.1). The features are 40 rows of 60 columns and 60 rows of 7, by the formula of
tlkit/zoo/zootest for the name "pca N", with the columns scaled by 1 to 3.
"""

import json
import pathlib
import sys

import numpy as np
import sklearn
from sklearn.decomposition import PCA

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "zoo/zootest"))
from formula import uniform  # noqa: E402

out = []
for rows, columns in [(40, 60), (60, 7)]:
    x = uniform(f"pca {columns}", rows * columns).reshape(rows, columns) * np.linspace(1, 3, columns)
    x = x.astype(np.float32).astype(np.float64)
    pca = PCA(2, svd_solver="full").fit(x)
    out.append({"source": f"scikit-learn {sklearn.__version__}", "rows": rows, "columns": columns,
                "explained": pca.explained_variance_ratio_.tolist(), "points": pca.transform(x).round(9).tolist()})
json.dump(out, sys.stdout)
