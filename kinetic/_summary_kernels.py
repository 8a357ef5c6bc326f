"""Sums and counts over one block of particles, in an order that is written down.

Sums run in LANES partial sums, added in the end from the first to the last: the loop over the
lanes vectorizes without any freedom of the compiler to reorder.
"""

import numpy as np

from kinetic._compile import kernel

LANES = 32
COPIES = 4
"""Of the counts: consecutive particles in the same bin then do not wait for each other."""


@kernel
def extremes_and_mean(x):
    """Minimum, maximum and mean of x (n,), n >= 1."""
    total, low, high = np.zeros(LANES), np.full(LANES, x[0]), np.full(LANES, x[0])
    whole = x.size - x.size % LANES
    for start in range(0, whole, LANES):
        for p in range(LANES):
            value = x[start + p]
            total[p] += value
            low[p] = value if value < low[p] else low[p]
            high[p] = value if value > high[p] else high[p]
    for p in range(whole, x.size):
        total[0] += x[p]
        low[0], high[0] = min(low[0], x[p]), max(high[0], x[p])
    together = 0.0
    for p in range(LANES):
        together += total[p]
    return low.min(), high.max(), together / x.size


@kernel
def central_sums(x, center, out):
    """out[k] = sum of (x - center)^(k + 1) for k = 0, ..., 3."""
    sums = np.zeros((4, LANES))
    whole = x.size - x.size % LANES
    for start in range(0, whole, LANES):
        for p in range(LANES):
            d = x[start + p] - center
            square = d * d
            sums[0, p] += d
            sums[1, p] += square
            sums[2, p] += square * d
            sums[3, p] += square * square
    for i in range(whole, x.size):
        d = x[i] - center
        sums[0, i - whole] += d
        sums[1, i - whole] += d * d
        sums[2, i - whole] += d * d * d
        sums[3, i - whole] += d * d * d * d
    for k in range(4):
        out[k] = 0.0
        for p in range(LANES):
            out[k] += sums[k, p]


@kernel
def count(x, edges, per_unit, counts):
    """Add to counts (COPIES, bins + 2): below, in each bin, above.

    A bin holds edges[i] <= x < edges[i + 1], the last one its right edge too. The quotient
    says where x is up to rounding, the edges decide.
    """
    last = edges.size - 2
    left, right = edges[0], edges[-1]
    for p in range(x.size):
        value = x[p]
        if value < left:
            counts[0, 0] += 1
        elif value > right:
            counts[0, last + 2] += 1
        else:
            i = min(np.int64((value - left) * per_unit), last)
            i -= np.int64(value < edges[i])
            i += np.int64(value >= edges[i + 1]) * np.int64(i < last)
            counts[p % COPIES, i + 1] += 1
