"""Sensitivity of the output to weight and bias, and re-training (sec. 2.4; paper).

`loss` and `gradient` are for a target law and time; `adjoint` (by characteristics) and
`adjoint_on_grid` (finite volumes) are what the gradient rests on; `algorithm_1` is the
paper's re-training as printed, `retrain` a well-posed one, `mollified` its target.
"""

from kinetic.adjoint import adjoint, adjoint_on_grid, gradient, loss
from kinetic.losses import mollified
from kinetic.retraining import algorithm_1, retrain

__all__ = [
    "adjoint",
    "adjoint_on_grid",
    "algorithm_1",
    "gradient",
    "loss",
    "mollified",
    "retrain",
]
