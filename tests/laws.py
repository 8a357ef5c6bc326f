"""Random networks and laws for the property tests."""

import numpy as np
from hypothesis import strategies as st
from scipy import stats

from kinetic import SimResNet

ACTIVATIONS = ("identity", "relu", "sigmoid", "tanh", "gcu")


def numbers(low, high):
    """Numbers of moderate size, without the tiny ones that only rounding sees."""
    return st.floats(low, high).map(lambda x: round(x, 6))


def lines(activations=ACTIVATIONS, w=2.0, b=2.0):
    """Networks of dimension one."""
    return st.builds(SimResNet, st.sampled_from(activations), numbers(-w, w), numbers(-b, b))


def moving_lines(activations=ACTIVATIONS):
    """Networks of dimension one whose parameters depend on time."""

    def build(activation, w, b, rate):
        return SimResNet(activation, lambda t: w * np.cos(rate * t), lambda t: b + np.sin(rate * t))

    return st.builds(
        build, st.sampled_from(activations), numbers(-1.5, 1.5), numbers(-1.0, 1.0), numbers(0.0, 5)
    )


def planes(activations=ACTIVATIONS):
    """Networks of dimension two with a full weight."""
    entry = numbers(-1.0, 1.0)
    rows = st.lists(st.lists(entry, min_size=2, max_size=2), min_size=2, max_size=2)
    biases = st.lists(entry, min_size=2, max_size=2)
    return st.builds(SimResNet, st.sampled_from(activations), rows.map(np.array), biases)


normal_laws = st.builds(stats.norm, numbers(-1.0, 1.0), numbers(0.3, 0.6))


def rough(cells, seed):
    """(cells,) averages of a law with holes, jumps and spikes, before division by dx."""
    rng = np.random.default_rng(seed)
    density = rng.random(cells) ** 4 * (rng.random(cells) < 0.5)
    density[rng.integers(cells)] += 1.0
    return density / density.sum()
