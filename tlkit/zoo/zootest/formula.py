"""The formula of the golden files, as zootest.go has it: values in [-1, 1) from splitmix64 seeded with the FNV-1a hash of
a name, scaled by kind for the entries of a state dict.
"""

import numpy as np

MASK = (1 << 64) - 1


def uniform(name, n):
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & MASK
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1


def value(key, shape):
    """The values of an entry, a float32 array of the shape."""
    u = uniform(key, int(np.prod(shape)))
    if key.endswith("running_var"):
        u = 1 + 0.5 * np.abs(u)
    elif key.endswith("running_mean"):
        u = 0.1 * u
    elif len(shape) >= 2:
        u = u * np.sqrt(6 / np.prod(shape[1:]))
    elif key.endswith("weight"):
        u = 1 + 0.1 * u
    else:
        u = 0.1 * u
    return u.astype(np.float32).reshape(shape)
