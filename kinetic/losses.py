r"""How far the output g(T) of a network is from a target law h (eq. (17); paper).

    "l2": D = 1/2 int |g(T, x) - h(x)|^2 dx                                           (17)
    "w2": D = 1/2 W_2(g(T), h)^2 = 1/2 int (X(T, z) - S(z))^2 g_0(z) dz

X is the flow of the network and S = H^{-1} G_0 the increasing map from g_0 to h. The first
needs densities, the second only the quantiles of h. `mollified` gives points a density.

The derivative of a loss in the direction of a perturbation of g(T) is int lambda(T, x)
times the perturbation, with lambda(T) = g(T) - h and lambda_x(T, X(T, z)) = X(T, z) - S(z).
All quantities are dimensionless; d = 1.
"""

from typing import NamedTuple

import numpy as np

from kinetic import _validate, characteristics
from kinetic._quadrature import resolve

__all__ = ["Mollified", "Points", "Terminal", "mollified", "target_law"]

LEVELS_IN_SIGMA = np.linspace(-7.5, 7.5, 31)
MASS_TOLERANCE = 1e-8
LARGEST_TAIL = 1e-3


class Points:
    """The law of equal masses at points, with the smallest quantile at a jump.

    Parameters
    ----------
    points : (M,) array
    """

    def __init__(self, points):
        self.points = np.sort(points)

    def cdf(self, x):
        """Distribution function at x."""
        x = _validate.array("x", x)
        return np.searchsorted(self.points, x, side="right") / self.points.size

    def ppf(self, q):
        """Quantile function at q in [0, 1]."""
        rank = np.ceil(_validate.quantiles("q", q) * self.points.size).astype(int)
        return self.points[np.clip(rank - 1, 0, self.points.size - 1)]

    @property
    def jumps(self):
        """Levels at which the quantile function jumps."""
        return np.arange(1, self.points.size) / self.points.size


class Mollified:
    """Points, convolved with the normal law of standard deviation ``width``."""

    def __init__(self, points, width):
        self.points, self.width = np.sort(points), width

    def pdf(self, x):
        """Density at x."""
        x = _validate.array("x", x)
        with np.errstate(over="ignore"):
            s = np.exp(-((self._scaled(x)) ** 2) / 2.0)
        return s.mean(axis=-1) / (np.sqrt(2.0 * np.pi) * self.width)

    def cdf(self, x):
        """Distribution function at x."""
        return self._cdf(_validate.array("x", x))

    def _cdf(self, x):
        from scipy.special import ndtr

        return ndtr(self._scaled(x)).mean(axis=-1)

    def _scaled(self, x):
        with np.errstate(over="ignore"):
            return (x[..., None] - self.points) / self.width

    def ppf(self, q):
        """Quantile function at q in (0, 1), by bisection."""
        from scipy.special import ndtri

        q = _validate.quantiles("q", q)
        low = self.points[0] + self.width * ndtri(q)
        high = self.points[-1] + self.width * ndtri(q)
        while np.any((low < (middle := (low + high) / 2.0)) & (middle < high)):
            below = self._cdf(middle) < q
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return (low + high) / 2.0


def target_law(target):
    """A target as a law with ppf: a number stands for a Dirac measure, an array for points.

    Raises
    ------
    ValueError, TypeError
        If it is none of them, or an array that is empty or not finite.
    """
    if hasattr(target, "ppf"):
        return target
    accepted = "a law with ppf, a point or a sample of shape (M,)"
    points = np.atleast_1d(_validate.array("target", target, accepted=accepted))
    if points.ndim != 1 or points.size == 0:
        raise ValueError(f"target must be {accepted}; got shape {np.shape(target)}")
    return Points(points)


def mollified(target, width):
    """Points convolved with a Gaussian, so that the L2 loss is finite.

    Parameters
    ----------
    target : float or (M,) array_like
        A point, or M points of equal mass.
    width : float
        Standard deviation of the Gaussian, positive.

    Returns
    -------
    law
        With pdf, cdf and ppf.

    Raises
    ------
    ValueError, TypeError
        If the target is not finite, or a law (which keeps its own density), or width <= 0.
    """
    law = target_law(target)
    if not isinstance(law, Points):
        raise TypeError("target must be a point or a sample to be mollified; it is a law")
    width = _validate.number("width", width, low=1e-300, accepted="a positive number")
    return Mollified(law.points, width)


class Terminal(NamedTuple):
    """A loss, and what the gradient needs of the adjoint at T.

    loss : float
    inputs : (Q,) array
        Where characteristics start.
    force : (Q,) array
        lambda_x(T) at their ends, times the mass that each carries.
    scale : float
        Size of the terms whose difference the loss is.
    """

    loss: float
    inputs: np.ndarray
    force: np.ndarray
    scale: float


def _edges(name, law):
    """Ends of panels that follow the quantiles of a law."""
    from scipy.special import ndtr

    if hasattr(law, "breakpoints"):
        return np.asarray(law.breakpoints, dtype=float)
    levels = np.concatenate([[0.0], ndtr(LEVELS_IN_SIGMA), [1.0]])
    with np.errstate(divide="ignore"):
        edges = _validate.real(name, law.ppf(levels))
    if edges.shape != levels.shape or np.isnan(edges).any():
        raise ValueError(f"{name} must have a ppf that returns one quantile for each level")
    return edges[np.isfinite(edges)]


def _density(name, law, x):
    values = _validate.real(name, law.pdf(x))
    if values.shape != x.shape or not np.isfinite(values).all():
        raise ValueError(
            f"{name}.pdf must return one finite density for each point: it may not be infinite "
            "anywhere"
        )
    return values


def _check_mass(masses):
    mass = float(masses.sum())
    if abs(mass - 1.0) > MASS_TOLERANCE:
        raise ValueError(
            f"g0 must have a density of mass 1 that belongs to its ppf; it has mass {mass:.9g}"
        )


def l2(net, g0, target, T):
    """The loss (17) and its adjoint at T (eq. (17); paper).

    Inside the image of g0 everything is integrated over the inputs z, with the density
    g_0(z) / X'(z) and dx = X'(z) dz. Where g or h jumps, at an end of a support or at one
    of the law's ``breakpoints``, the jump of lambda enters with the mean of g on both sides.

    Raises TypeError for a target without density.
    """
    law = target_law(target)
    if not hasattr(law, "pdf"):
        kind = "points" if isinstance(law, Points) else type(law).__name__
        raise TypeError(
            f"target must have a density (pdf) for the L2 loss (17), which is infinite "
            f"otherwise; got {kind}. Use loss='w2', or losses.mollified(target, width)"
        )
    starts, ends = _edges("g0", g0), _edges("target", law)
    image = characteristics.flow(net, starts[[0, -1]], 0.0, T)[0]
    inside = ends[(ends > image[0]) & (ends < image[1])]
    edges = np.unique(np.concatenate([starts, characteristics.flow(net, inside, T, 0.0)[0]]))

    def densities(panels):
        """g_0, g, h and X' at the nodes."""
        x, stretch = characteristics.flow(net, panels.points, 0.0, T)
        start = _density("g0", g0, panels.points)
        with np.errstate(over="ignore", invalid="ignore"):
            g, width = start * np.exp(-stretch), np.exp(stretch)
        if not np.isfinite(g + width).all():
            raise FloatingPointError(f"g(T) at T={T} exceeds float64 for w={net.w}, b={net.b}")
        return start, g, _density("target", law, x), width

    def integrands(panels):
        start, g, h, width = densities(panels)
        return np.stack([start, start * g, start * h, width * h**2])

    panels = resolve("the density g(T) of g0 or h of the target", edges, integrands)[0]
    start, g, h, width = densities(panels)
    masses = start * panels.weights
    _check_mass(masses)
    adjoint = g - h
    lengths = width * panels.weights
    inner = np.array([(h * lengths).sum(), (adjoint**2 * lengths).sum()])
    outer = [
        _mass_and_square(law, np.append(ends[ends < image[0]], image[0])),
        _mass_and_square(law, np.append(image[1], ends[ends > image[1]])),
    ]
    mass, total = np.sum([inner, *outer], axis=0)
    if abs(mass - 1.0) > MASS_TOLERANCE:
        raise FloatingPointError(
            f"quadrature sees mass {mass:.9g} of the target: its density does not belong to its "
            f"ppf, or g(T) is too wide for it at w={net.w}, b={net.b}"
        )
    return Terminal(
        float(total) / 2.0,
        np.concatenate([panels.points.ravel(), panels.edges]),
        np.concatenate(
            [
                (masses / width * panels.derivative(adjoint)).ravel(),
                _jump_forces(panels.at_ends(g), panels.at_ends(h), law, image),
            ]
        ),
        float(total) / 2.0 + float((masses * h).sum()),
    )


def _mass_and_square(law, edges):
    """int h dx and int h^2 dx between the first and the last edge."""
    if edges.size < 2:
        return np.zeros(2)

    def integrands(panels):
        h = _density("target", law, panels.points)
        return np.stack([h, h**2])

    panels, values = resolve("the target", edges, integrands)
    return (values * panels.weights).sum(axis=(1, 2))


def _jump_forces(g, h, law, image):
    """Mean of g times the jump of g - h at the edges, from values (P, 2) at panel ends."""
    beyond = np.asarray(law.pdf(np.nextafter(image, [-np.inf, np.inf])), dtype=float)
    sides = np.zeros((2, 2, g.shape[0] + 1))
    for values, side, outer in ((g, sides[0], np.zeros(2)), (h, sides[1], beyond)):
        side[0] = np.append(outer[0], values[:, 1])
        side[1] = np.append(values[:, 0], outer[1])
    (g_below, g_above), (h_below, h_above) = sides
    return (g_below + g_above) / 2.0 * ((g_above - h_above) - (g_below - h_below))


def w2(net, g0, target, T):
    """Half of the squared 2-Wasserstein distance to a law with ppf, and its adjoint at T."""
    law = target_law(target)
    edges = _edges("g0", g0)
    if isinstance(law, Points):
        edges = np.concatenate(
            [edges, _validate.returned("g0", g0.ppf(law.jumps), law.jumps.shape)]
        )

    def moments(panels):
        g = _density("g0", g0, panels.points)
        x = characteristics.flow(net, panels.points, 0.0, T)[0]
        level = _validate.real("g0", g0.cdf(panels.points))
        image = _validate.real("target", law.ppf(level))
        if level.shape != x.shape or image.shape != x.shape:
            raise ValueError("g0 must have a cdf, and target a ppf, with one number for each point")
        return np.stack([g, g * x, g * image, g * x**2, g * image**2])

    panels, values = resolve("the optimal map from g0 to the target", np.unique(edges), moments)
    g, x, image, *squares = values * panels.weights
    _check_mass(g)
    for name, square in zip(("g(T)", "the target"), squares, strict=True):
        if square[[0, -1]].sum() > LARGEST_TAIL * square.sum():
            raise ValueError(f"{name} has no second moment that quadrature sees, as W2 needs")
    force = (x - image).ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.where(g > 0.0, (x - image) ** 2 / g, 0.0).sum()
    scale = sum(float(square.sum()) for square in squares) / 2.0
    return Terminal(float(total) / 2.0, panels.points.ravel(), force, scale)


LOSSES = {"l2": l2, "w2": w2}
