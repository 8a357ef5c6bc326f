"""Observables f(c, w) of the parameters of a two-layer network, and their gradients."""

import numpy as np

from kinetic import _validate

STEP = 1e-3


def check(observables):
    """A non-empty tuple of functions from one function or a sequence of them."""
    if callable(observables):
        return (observables,)
    found = tuple(observables) if isinstance(observables, list | tuple) else ()
    if not found or not all(map(callable, found)):
        raise TypeError(
            "observables must be a function f(c, w) or a non-empty sequence of them; "
            f"got {observables!r:.80}"
        )
    return found


def values(functions, field, c, w):
    """(J, K) values at K points."""
    found = np.empty((len(functions), c.size))
    for j, function in enumerate(functions):
        value = _validate.real(f"observables[{j}]", function(c, field.shown(w)))
        if value.shape != c.shape:
            raise ValueError(
                f"observables[{j}] must return one number for each neuron; got shape "
                f"{value.shape} for {c.size} neurons"
            )
        found[j] = value
    if not np.isfinite(found).all():
        j = int(np.argmin(np.isfinite(found).all(axis=1)))
        raise ValueError(f"observables[{j}] must be finite on the neurons; it is not")
    return found


def gradients(functions, field, c, w):
    """(J, K, 1 + d) gradients by differences of fourth order with the step 1e-3 max(1, |.|)."""
    theta = np.column_stack([c, w])
    found = np.empty((len(functions), *theta.shape))
    for axis in range(theta.shape[1]):
        step = np.zeros_like(theta)
        step[:, axis] = STEP * np.maximum(1.0, abs(theta[:, axis]))

        def at(multiple, step=step):
            moved = theta + multiple * step
            return values(functions, field, moved[:, 0], moved[:, 1:])

        found[..., axis] = (8.0 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12.0 * step[:, axis])
    return found
