"""Autoencoders in continuous time: AutoencODEs.

(AutoencODE; our reconstruction of Cipriani, Fornasier and Scagliotti 2024)

`AutoencODE` says which coordinates are active in which layer; `forward`, `encode` and `decode`
move samples through it; `loss`, `cost` and `gradient` measure the reconstruction of a law;
`sweep` returns states and adjoints; `train` minimizes the cost.
"""

from kinetic.active_coordinates import AutoencODE
from kinetic.autoencode_training import train
from kinetic.reconstruction import cost, decode, encode, forward, gradient, loss, sweep

__all__ = [
    "AutoencODE",
    "cost",
    "decode",
    "encode",
    "forward",
    "gradient",
    "loss",
    "sweep",
    "train",
]
