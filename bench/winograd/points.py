#!/usr/bin/python3
"""The error of Winograd's algorithm by its interpolation points.

    python3 bench/winograd/points.py [--channels 64,512,2048] [--tiles N] [--seed N]

Computes one tile of a convolution, F(m x m, r x r), as the library does: transforms in single
precision, even and odd parts apart, products summed over channels in single precision. Prints the
largest error against double precision, over the largest result, in units of 1e-6: for normal data, for
data that is positive (as after a ReLU), and for an adversary: inputs of the largest size with the
signs for which a tile's transform is largest. "direct" is the plain sum in single precision.
"""
import argparse
from fractions import Fraction

import numpy as np

HALF, ROOT = Fraction(1, 2), 2 ** 0.5
# (m, r): pairs +-p of points; 0 and infinity are always points too.
CANDIDATES = {
    (2, 3): [(1,), (HALF,)],
    (4, 3): [(1, 2), (1, HALF), (HALF, 2), (Fraction(3, 4), Fraction(3, 2)),
             (Fraction(5, 8), Fraction(3, 2)), (Fraction(3, 4), Fraction(5, 4)),
             (1 / ROOT, ROOT), (Fraction(2, 3), Fraction(4, 3)), (HALF, Fraction(5, 4)),
             (HALF, Fraction(3, 2)), (Fraction(5, 8), Fraction(5, 4))],
    (2, 5): [(1 / ROOT, ROOT), (1, 2), (HALF, 1)],
    (6, 3): [(1, 2, HALF), (1, 2, 3), (HALF, 1, Fraction(3, 2)), (1 / ROOT, 1, ROOT),
             (Fraction(5, 8), 1, Fraction(8, 5)), (Fraction(3, 5), 1, Fraction(5, 3)),
             (3 ** -0.5, 1, 3 ** 0.5), (Fraction(5, 9), 1, Fraction(9, 5)), (HALF, 1, ROOT)],
}


def matrices(m, r, pairs):
    """A^T [m][n], G [n][r], B^T [n][n] in double precision, n = m + r - 1."""
    n = m + r - 1
    points = [0.0]
    for p in pairs:
        points += [float(p), -float(p)]
    at, g, bt = np.zeros((m, n)), np.zeros((n, r)), np.zeros((n, n))
    for i, p in enumerate(points):
        others = points[:i] + points[i + 1:]
        at[:, i] = [p ** j for j in range(m)]
        g[i] = [p ** j / np.prod([p - q for q in others]) for j in range(r)]
        bt[i, :n - 1] = np.poly(others)[::-1]
    at[m - 1, n - 1] = g[n - 1, r - 1] = 1.0
    bt[n - 1] = np.poly(points)[::-1]
    return at, g, bt


def apply_both(matrix, tiles):
    """matrix * tile * matrix^T in single precision, summed term by term. tiles [..., a, a]."""
    def left(t):
        out = np.zeros(t.shape[:-2] + (matrix.shape[0], t.shape[-1]), np.float32)
        for k in range(matrix.shape[1]):
            out += matrix[:, k].astype(np.float32)[:, None] * t[..., k, :][..., None, :]
        return out
    return np.swapaxes(left(np.swapaxes(left(tiles), -1, -2)), -1, -2)


def sum_channels(products):
    """Over the first axis, one after the other, as a tile of the product does."""
    return np.add.accumulate(products, axis=0, dtype=np.float32)[-1]


def direct(inputs, filters, m, r, kind):
    total = np.zeros(inputs.shape[1:2] + (m, m), kind)
    for i in range(r):
        for j in range(r):
            terms = (inputs[:, :, i:i + m, j:j + m] * filters[:, None, i:i + 1, j:j + 1]).astype(kind)
            total += np.add.accumulate(terms, axis=0, dtype=kind)[-1]
    return total


def winograd(inputs, filters, m, r, pairs):
    at, g, bt = matrices(m, r, pairs)
    products = apply_both(bt, inputs) * apply_both(g, filters)[:, None]
    return apply_both(at, sum_channels(products))


def data(kind, rng, channels, tiles, n, r, bt):
    filters = rng.standard_normal((channels, r, r)).astype(np.float32)
    inputs = rng.standard_normal((channels, tiles, n, n)).astype(np.float32)
    if kind == "positive":
        return np.abs(inputs), filters
    if kind == "adversary":
        # The element of the transform in which most cancels, and the signs that make it largest.
        row = np.argmax(np.abs(bt).sum(axis=1))
        signs = np.sign(np.outer(bt[row], bt[row])) + (np.outer(bt[row], bt[row]) == 0)
        inputs = (signs[None, None] * rng.uniform(0.5, 1, inputs.shape)).astype(np.float32)
        filters = (filters * np.sign(filters.sum(axis=(1, 2), keepdims=True))).astype(np.float32)
    return inputs, filters


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--channels", default="64,512,2048")
    options.add_argument("--tiles", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    channels = [int(c) for c in chosen.channels.split(",")]
    kinds = ["normal", "positive", "adversary"]
    print("error in 1e-6 of the largest result, seed", chosen.seed)
    print("| F(m, r) | points 0, inf, +- |", " | ".join(f"{k} {c}" for k in kinds for c in channels), "|")
    print("|---" * (2 + len(kinds) * len(channels)) + "|")
    for (m, r), candidates in CANDIDATES.items():
        for pairs in [None] + candidates:
            cells = []
            for kind in kinds:
                for c in channels:
                    rng = np.random.default_rng(chosen.seed)
                    bt = matrices(m, r, pairs or candidates[0])[2]
                    x, f = data(kind, rng, c, chosen.tiles, m + r - 1, r, bt)
                    exact = direct(x.astype(np.float64), f.astype(np.float64), m, r, np.float64)
                    got = (direct(x, f, m, r, np.float32) if pairs is None
                           else winograd(x, f, m, r, pairs))
                    cells.append(f"{np.abs(got - exact).max() / np.abs(exact).max() * 1e6:.2f}")
            name = "direct" if pairs is None else ", ".join(str(p)[:6] for p in pairs)
            print(f"| F({m}, {r}) | {name} |", " | ".join(cells), "|", flush=True)


main()
