"""Networks of three and more layers and their limit of infinite width (Nguyen and Pham 2023).

A `Network`, its `output`, `risk` and `gradients`, and `train`, gradient descent with the scaling
of the mean-field limit; `draw` makes one with independent weights. An `Embedding` samples
networks of all widths from one probability space, `limit` solves the equations of infinite
width on it, and `distance` compares the two.
"""

from kinetic.multilayer_network import Network, Training, draw, gradients, output, risk, train
from kinetic.neuronal_embedding import Embedding
from kinetic.neuronal_limit import distance, limit

__all__ = [
    "Embedding",
    "Network",
    "Training",
    "distance",
    "draw",
    "gradients",
    "limit",
    "output",
    "risk",
    "train",
]
