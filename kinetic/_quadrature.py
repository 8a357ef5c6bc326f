"""Quadrature and differentiation on intervals that are halved until they resolve a function.

A panel is an interval with the 16 Gauss-Legendre nodes in it. Jumps among the ends of the
first panels do no harm.
"""

import numpy as np

N = 16
NODES, WEIGHTS = np.polynomial.legendre.leggauss(N)
TO_LEGENDRE = np.linalg.inv(np.polynomial.legendre.legvander(NODES, N - 1))
TO_ENDS = np.polynomial.legendre.legvander(np.array([-1.0, 1.0]), N - 1) @ TO_LEGENDRE
DERIVATIVE = (
    np.polynomial.legendre.legvander(NODES, N - 2)
    @ np.polynomial.legendre.legder(np.eye(N))
    @ TO_LEGENDRE
)

RESOLVED, TOLERATED = 1e-11, 1e-7
MOST_HALVINGS, MOST_PANELS = 40, 1 << 12


class Panels:
    """Panels between increasing edges (P + 1,); ``points`` and ``weights`` are (P, 16)."""

    def __init__(self, edges):
        self.edges = edges
        self.half = np.diff(edges)[:, None] / 2.0
        self.points = (edges[:-1] + edges[1:])[:, None] / 2.0 + self.half * NODES
        self.weights = self.half * WEIGHTS

    def derivative(self, values):
        """Derivatives at the nodes of the interpolants of values (P, 16)."""
        return values @ DERIVATIVE.T / self.half

    def at_ends(self, values):
        """(P, 2) values of the interpolants at both ends of their panels."""
        return values @ TO_ENDS.T

    def halved(self, chosen):
        """The same panels with those of a mask (P,) in halves."""
        middles = (self.edges[:-1] + self.edges[1:])[chosen] / 2.0
        return Panels(np.unique(np.concatenate([self.edges, middles])))


def resolve(name, edges, integrands):
    """Halve panels until all integrands are polynomials of degree 13 on each.

    Parameters
    ----------
    name : str
        What the integrands are, for the error.
    edges : (P + 1,) array
        Increasing ends of the first panels.
    integrands : callable
        Takes `Panels` and returns an array (K, P, 16), or two such: the integrands, and
        the sizes of what cancels in them, to which the accuracy then refers.

    Returns
    -------
    (Panels, (K, P, 16) ndarray)

    Raises
    ------
    ValueError
        If what is not resolved remains larger than 1e-7 of an integral.
    FloatingPointError
        If an integrand is not finite.
    """
    panels = Panels(edges)
    for last in range(MOST_HALVINGS, -1, -1):
        with np.errstate(over="ignore", invalid="ignore"):
            found = integrands(panels)
        values, sizes = found if isinstance(found, tuple) else (found, np.abs(found))
        if not np.isfinite(sizes).all():
            raise FloatingPointError(f"{name} exceeds the range of float64 in its quadrature")
        scale = (sizes * panels.weights).sum(axis=(1, 2))[:, None]
        tails = np.abs(values @ TO_LEGENDRE[-2:].T).sum(axis=2) * panels.half[:, 0]
        coarse = (tails > RESOLVED * scale).any(axis=0)
        if not last or not coarse.any() or coarse.size + coarse.sum() > MOST_PANELS:
            break
        panels = panels.halved(coarse)
    if (tails.sum(axis=1) > TOLERATED * scale[:, 0]).any():
        raise ValueError(
            f"{name} cannot be resolved on {coarse.size} panels: too rough, too steep, or tails "
            "too heavy"
        )
    return panels, values
