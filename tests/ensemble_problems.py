"""Problems whose functions processes started afresh can import."""

import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinetic import SimResNet, datasets, ensemble, network
from kinetic.summaries import Histogram, Moments, Quantiles

NET = SimResNet("tanh", 1.0, -5.0)
WALLS = (2.0, 8.0)
SUMMARIES = {"moments": Moments(), "bins": Histogram(WALLS, 60), "quantiles": Quantiles(100)}


def classification(block=1000, output=None, seed=0, **options):
    """The classification problem at t = 2, with walls, in small blocks."""
    output = output or network.end_map(NET, WALLS, 2.0, walls=WALLS)
    return ensemble.Problem(datasets.lengths, output, SUMMARIES, seed=seed, block=block, **options)


@dataclass(frozen=True)
class Slow:
    """Leaves a file for each block that it begins, and takes its time."""

    folder: str
    seconds: float

    def __call__(self, x):
        """Twice x."""
        Path(self.folder, f"{os.getpid()}-{uuid.uuid4().hex}").touch()
        time.sleep(self.seconds)
        return 2.0 * x


def begun(folder):
    """Blocks that were begun in processes other than this one."""
    return sum(not path.name.startswith(f"{os.getpid()}-") for path in Path(folder).iterdir())


def fails_above_seven(x):
    """Raises where a particle exceeds 7.99."""
    if x.max() > 7.99:
        raise ArithmeticError("above 7.99")
    return x


def gaussian(count, rng):
    """Standard normal particles."""
    return rng.standard_normal(count)


def forgetful(count, rng):
    """Draws from elsewhere."""
    return np.random.default_rng().uniform(2.0, 8.0, count)
