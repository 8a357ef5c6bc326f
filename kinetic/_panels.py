"""Gauss panels in time, on which integrals of w(t) and b(t) up to every node are exact to rounding.

Panel p is [edges[p], edges[p + 1]] and has ``NODES`` Gauss-Legendre nodes. ``cumulative``
integrates the interpolating polynomial from the start of a panel to its nodes and to its end.
"""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

NODES = 16
FEWEST = 32
MOST = 1 << 16
LARGEST_EXPONENT = 3.0
RESOLVED = 1e-13
NARROWEST = 2.0**-45
"""Of the whole time: where a jump of w or b is enclosed as well as rounding allows."""


class Panels(NamedTuple):
    """The panels of a time interval.

    edges : (P + 1,) array, increasing.
    w, b : (P, NODES) arrays of the parameters at the nodes.
    """

    edges: np.ndarray
    w: np.ndarray
    b: np.ndarray

    @property
    def widths(self):
        """(P,) lengths of the panels."""
        return np.diff(self.edges)

    @property
    def nodes(self):
        """(P, NODES) times of the nodes."""
        return self.edges[:-1, None] + self.widths[:, None] * _rule().nodes


class _Rule(NamedTuple):
    nodes: np.ndarray
    to_coefficients: np.ndarray
    to_integrals: np.ndarray


@cache
def _rule():
    """Nodes on [0, 1]; values at nodes to Legendre coefficients, and to integrals."""
    legendre = np.polynomial.legendre
    x, weights = legendre.leggauss(NODES)
    degrees = np.arange(NODES)
    values = legendre.legvander(x, NODES - 1)
    to_coefficients = (values * weights[:, None]).T * (degrees[:, None] + 0.5)
    upper = np.append(x, 1.0)
    antiderivatives = np.column_stack(
        [legendre.legval(upper, legendre.legint(row, lbnd=-1)) for row in np.eye(NODES)]
    )
    return _Rule((x + 1.0) / 2.0, to_coefficients, antiderivatives @ to_coefficients / 2.0)


def cumulative(values, widths):
    """(P, NODES + 1) integrals of (P, NODES) values from panel starts to nodes and ends."""
    return widths[:, None] * (values @ _rule().to_integrals.T)


def interpolant(values, left, right):
    """The polynomial through the (NODES,) values of one panel, as a function of time."""
    coefficients = _rule().to_coefficients @ values
    return np.polynomial.legendre.Legendre(coefficients, domain=[left, right])


def resolve(net, breaks, order):
    """Panels that resolve w, b and exp(order int w) of a one-dimensional network.

    Parameters
    ----------
    net : SimResNet
        Of dimension one.
    breaks : (T,) array
        Increasing times, at least two, all of which become edges.
    order : int
        Order K of the moments.

    Returns
    -------
    Panels

    Raises
    ------
    ValueError
        If more than 65,536 panels are needed.
    """
    span = breaks[-1] - breaks[0]
    counts = np.maximum(1, np.ceil(FEWEST * np.diff(breaks) / span)).astype(int)
    pending = [
        np.linspace(*ends, count + 1) for ends, count in zip(pairwise(breaks), counts, strict=True)
    ]
    left = np.concatenate([edges[:-1] for edges in pending])
    right = np.concatenate([edges[1:] for edges in pending])
    shortest = max(NARROWEST * span, 4.0 * np.spacing(np.abs(breaks).max()))
    done, scales, total = [], np.zeros(2), 0
    while left.size:
        total += left.size
        if total > MOST:
            raise ValueError(
                f"w and b between t={breaks[0]} and t={breaks[-1]} need more than {MOST} intervals "
                f"of quadrature at order K={order}: they vary too fast or w is too large; "
                "shorten the times or lower the order"
            )
        w, b = _sampled(net, left, right)
        scales = np.maximum(scales, [np.abs(w).max(), np.abs(b).max()])
        narrow = (right - left) * np.abs(w).max(axis=1) * max(order, 1) <= LARGEST_EXPONENT
        accepted = narrow & (
            (_tail(w) <= RESOLVED * scales[0]) & (_tail(b) <= RESOLVED * scales[1])
            | (right - left <= shortest)
        )
        done.append((left[accepted], w[accepted], b[accepted]))
        total -= np.count_nonzero(~accepted)
        left, right = left[~accepted], right[~accepted]
        middle = (left + right) / 2.0
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    starts, w, b = (np.concatenate(parts) for parts in zip(*done, strict=True))
    order_in_time = np.argsort(starts)
    return Panels(np.append(starts[order_in_time], breaks[-1]), w[order_in_time], b[order_in_time])


def _sampled(net, left, right):
    if net.autonomous:
        return [np.full((left.size, NODES), value) for value in net.parameters(0.0)]
    nodes = left[:, None] + (right - left)[:, None] * _rule().nodes
    pairs = np.array([net.parameters(float(t)) for t in nodes.ravel()])
    return pairs.T.reshape(2, *nodes.shape)


def _tail(values):
    """Size of the last two Legendre coefficients of (P, NODES) values."""
    return np.abs(values @ _rule().to_coefficients[-2:].T).max(axis=1)
