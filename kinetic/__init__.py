"""Neural differential equations from layers to kinetic equations.

One network (an activation, a weight, a bias), seen as layers and particles
(`network`), as a density (`mean_field`), and as what solves it (`finite_volume`).
"""

from kinetic.grid import Grid
from kinetic.grid_2d import Grid2D
from kinetic.network import SimResNet

__all__ = ["Grid", "Grid2D", "SimResNet"]
