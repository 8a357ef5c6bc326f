"""The diffusion function K of the noisy interaction rule (eq. (20); paper)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kinetic import _validate


@dataclass(frozen=True)
class Diffusion:
    """K, applied to each entry of an array. Made by `get`.

    Attributes
    ----------
    name : str
        "1", "x", or the name of the given function.
    """

    name: str
    _value: Callable

    def __call__(self, x):
        """K(x), of the shape of x.

        Raises
        ------
        ValueError, TypeError
            If x is not finite, or K changes it or does not return one finite real number for
            each point.
        """
        x = _validate.array("x", x).view()
        x.flags.writeable = False
        with np.errstate(all="ignore"):
            given = self._value(x)
        values = np.asarray(given)
        if values.dtype.kind not in "iuf":
            raise TypeError(f"diffusion must return real numbers; {self.name} returned {given!r}")
        if values.shape != x.shape:
            raise ValueError(
                "diffusion must return one value for each point; "
                f"{self.name} returned shape {values.shape} for points of shape {x.shape}"
            )
        if not np.isfinite(values).all():
            i = np.argmin(np.isfinite(values))
            raise ValueError(
                f"diffusion must be finite; {self.name} is {values.flat[i]} at x={x.flat[i]}"
            )
        return values.astype(float)


def get(diffusion):
    """The diffusion function of that name, a given one, or a `Diffusion` itself.

    Parameters
    ----------
    diffusion : {"1", "x"}, callable or Diffusion
        K(x) = 1, K(x) = x, or a function that returns an array of the shape of x.

    Returns
    -------
    Diffusion

    Raises
    ------
    ValueError, TypeError
        If it is none of these.
    """
    if isinstance(diffusion, Diffusion):
        return diffusion
    if isinstance(diffusion, str) and diffusion in NAMED:
        return Diffusion(diffusion, NAMED[diffusion])
    if callable(diffusion):
        return Diffusion(getattr(diffusion, "__name__", "diffusion"), diffusion)
    error = ValueError if isinstance(diffusion, str) else TypeError
    raise error(f"diffusion must be '1', 'x' or a function of x; got {diffusion!r}")


NAMED = {"1": np.ones_like, "x": np.copy}
