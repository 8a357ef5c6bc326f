"""Neural differential equations from layers to kinetic equations.

One network (an activation, a weight, a bias), seen as layers and particles (`network`),
as a density (`mean_field`) and its moments (`moments`), with noise as a kinetic equation
(`boltzmann`, `fokker_planck`), with the gradients that re-train it (`sensitivity`), and
with more particles than memory holds (`ensemble`).

Three neighbouring theories beside it: wide networks of two layers (`two_layer`) and of more
(`multilayer`) in training, and residual networks as a problem of optimal control (`control`,
`autoencode`).
"""

from kinetic.grid import Grid
from kinetic.grid_2d import Grid2D
from kinetic.network import SimResNet

__all__ = ["Grid", "Grid2D", "SimResNet"]
