"""The architecture of an AutoencODE: which coordinates are active in which layer.

Our reconstruction; of Cipriani, Fornasier and Scagliotti 2024 only the abstract was at hand.
Layers l = 0, ..., N - 1 have active sets A_l that shrink to a smallest one, the bottleneck, and
grow again. With P_l the projection onto the coordinates in A_l,

    x_{l+1} = y_l + dt P_l sigma(W_l P_l y_l + b_l),    dt = depth / N,

where y_l is x_l without the coordinates outside of A_l (deactivation "project": they are set to
zero) or x_l itself ("freeze": they keep their value until they are active again). Theta holds
W_l, of shape (a, a) with a the size of A_l, and b_l, of shape (a,), for all layers.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from kinetic import _validate, activations
from kinetic._autoencode_kernels import Plan

__all__ = ["AutoencODE"]

DEACTIVATIONS = ("project", "freeze")
ACTIVATIONS = ("tanh", "identity")
ROUNDING = 1e-9


def default_widths(dimension, latent, layers):
    """(layers,) sizes of active sets, in a geometric progression from and to the dimension."""
    half = (layers + 1) // 2
    part = np.arange(half) / max(half - 1, 1) if half > 1 else np.ones(1)
    widths = dimension * (latent / dimension) ** part
    encoder = np.ceil(widths - ROUNDING).astype(int)
    return np.concatenate([encoder, encoder[::-1][layers % 2 :]])


@dataclass(frozen=True)
class AutoencODE:
    """A residual autoencoder whose layers act on nested sets of coordinates.

    (AutoencODE; our reconstruction of Cipriani, Fornasier and Scagliotti 2024)

    Parameters
    ----------
    dimension : int
        d, the number of coordinates of a sample, at least 1.
    latent : int
        Size of the smallest active set, from 1 to d.
    layers : int
        N, at least 1.
    depth : float
        T = N dt, positive and dimensionless.
    active : sequence of N sequences of int, optional
        Active coordinates of each layer: nested, shrinking up to the smallest set and growing
        from there on. Default: the first coordinates, in numbers that fall in a geometric
        progression from d to ``latent`` and rise again. Stored as tuples, in the order in
        which the rows and columns of W_l and the entries of b_l belong to coordinates.
    deactivation : {"project", "freeze"}
        What happens to a coordinate outside of the active set.
    activation : {"tanh", "identity"}
        sigma. With the identity the map is affine, and of rank ``latent`` for "project".

    Attributes
    ----------
    widths : (N,) ndarray
        Sizes of the active sets.
    bottleneck : int
        First layer with the smallest active set.
    step : float
        dt.
    size : int
        Number of entries of theta.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """

    dimension: int
    latent: int
    layers: int
    depth: float = 1.0
    active: tuple | None = None
    deactivation: str = "project"
    activation: str = "tanh"
    orders: tuple = field(init=False, repr=False, compare=False)
    plan: Plan = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        """Check the arguments and order the coordinates."""
        d = _validate.integer("dimension", self.dimension, low=1)
        latent = _validate.integer("latent", self.latent, low=1)
        layers = _validate.integer("layers", self.layers, low=1)
        depth = _validate.positive("depth", self.depth)
        if latent > d:
            raise ValueError(f"latent must be at most the dimension {d}; got {latent}")
        _validate.choice("deactivation", self.deactivation, DEACTIVATIONS)
        _validate.choice("activation", self.activation, ACTIVATIONS)
        if self.active is None:
            sets = [range(a) for a in default_widths(d, latent, layers)]
        else:
            sets = _checked_sets(self.active, d, latent, layers)
        widths = np.array([len(entry) for entry in sets])
        middle = int(widths.argmin())
        before, after = _orders(sets, middle, d)
        sets = [(before if i < middle else after)[:a].tolist() for i, a in enumerate(widths)]
        sizes = widths * (widths + 1)
        offsets = np.cumsum(sizes) - sizes
        relabel = np.argsort(before)[after]
        freeze = self.deactivation == "freeze"
        plan = Plan(widths, offsets, relabel, middle, depth / layers, freeze)
        object.__setattr__(self, "active", tuple(map(tuple, sets)))
        object.__setattr__(self, "depth", depth)
        object.__setattr__(self, "orders", (before, after))
        object.__setattr__(self, "plan", plan)

    @property
    def widths(self):
        """Sizes of the active sets."""
        return self.plan.widths.copy()

    @property
    def bottleneck(self):
        """First layer with the smallest active set."""
        return self.plan.middle

    @property
    def step(self):
        """Length of a layer."""
        return self.plan.step

    @property
    def size(self):
        """Number of entries of theta."""
        return int(self.plan.widths @ (self.plan.widths + 1))

    @property
    def tag(self):
        """Names the activation to compiled kernels."""
        return activations.get(self.activation).tag

    def parameters(self, theta):
        """Views (W_l, b_l) into theta, layer by layer, in the order of ``active``."""
        theta = self.checked(theta)
        blocks = []
        for a, first in zip(self.plan.widths, self.plan.offsets, strict=True):
            middle, last = first + a * a, first + a * (a + 1)
            blocks.append((theta[first:middle].reshape(a, a), theta[middle:last]))
        return blocks

    def initial(self, scale=0.1, rng=0):
        """Random theta: independent normal entries of deviation scale / sqrt(a) in a layer.

        Parameters
        ----------
        scale : float
            At least 0.
        rng : numpy.random.Generator or int
            Source of randomness, or its seed.
        """
        scale = _validate.number("scale", scale, low=0.0, accepted="a number of at least 0")
        widths = self.plan.widths
        deviations = np.repeat(scale / np.sqrt(widths), widths * (widths + 1))
        return deviations * _validate.generator("rng", rng).standard_normal(self.size)

    def checked(self, theta):
        """Theta as an array of shape (size,), or an error."""
        theta = _validate.array("theta", theta)
        if theta.shape != (self.size,):
            raise ValueError(f"theta must have shape ({self.size},); got {theta.shape}")
        return theta


def _checked_sets(active, d, latent, layers):
    accepted = f"{layers} sets of coordinates out of 0, ..., {d - 1}"
    try:
        sets = [list(entry) for entry in active]
    except TypeError:
        raise TypeError(f"active must be {accepted}; got {active!r:.80}") from None
    if len(sets) != layers:
        raise ValueError(f"active must be {accepted}; got {len(sets)} sets")
    for i, entry in enumerate(sets):
        coordinates = [_validate.integer(f"active[{i}]", c, low=0) for c in entry]
        if not entry or len(set(coordinates)) < len(entry) or max(coordinates) >= d:
            raise ValueError(f"active[{i}] must hold coordinates below {d}, each once; got {entry}")
    smallest = min(range(layers), key=lambda i: len(sets[i]))
    if len(sets[smallest]) != latent:
        raise ValueError(
            f"the smallest set of active must have latent={latent} coordinates; got {sets}"
        )
    for i in range(layers - 1):
        inner, outer = (i + 1, i) if i < smallest else (i, i + 1)
        if not set(sets[inner]) <= set(sets[outer]):
            raise ValueError(
                "active sets must be nested, shrink up to the smallest and then grow; "
                f"active[{inner}]={sets[inner]} is not within active[{outer}]={sets[outer]}"
            )
    return sets


def _orders(sets, middle, d):
    """Coordinates by their departure (latest first) and by their return (earliest first)."""
    latent = sorted(sets[middle])
    last = [max((i for i in range(middle) if c in sets[i]), default=-1) for c in range(d)]
    back = [
        min((i for i in range(middle, len(sets)) if c in sets[i]), default=math.inf)
        for c in range(d)
    ]
    rest = [c for c in range(d) if c not in latent]
    after = latent + sorted(rest, key=lambda c: back[c])
    before = latent + sorted(rest, key=lambda c: -last[c]) if middle else after
    return np.array(before), np.array(after)
