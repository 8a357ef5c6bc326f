"""Mean-field optimal control of residual networks (maximum principle; Bonnet et al. 2023).

`Problem` holds data and parameters; `cost`, `gradient`, `hessian` and `minimize` are the
direct way, exact for the layers (`kinetic.control_layers`); `shoot` is the fixed-point
iteration of the maximum principle (`kinetic.shooting`). The same on densities, and laws of
inputs with labels, are in `kinetic.control_density`.
"""

from kinetic.control_layers import (
    Minimum,
    Passes,
    Problem,
    cost,
    gradient,
    hessian,
    minimize,
    passes,
)
from kinetic.shooting import Shooting, hamiltonian, shoot, shooting_derivative, shooting_step

__all__ = [
    "Minimum",
    "Passes",
    "Problem",
    "Shooting",
    "cost",
    "gradient",
    "hamiltonian",
    "hessian",
    "minimize",
    "passes",
    "shoot",
    "shooting_derivative",
    "shooting_step",
]
