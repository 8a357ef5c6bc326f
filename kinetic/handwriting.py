"""Images of handwritten digits: a small set from scikit-learn, and MNIST where a user has it."""

import gzip
import math
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kinetic import _validate

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
"""Names of the files with images and labels, by part of MNIST."""

MAGIC = {1: 2049, 3: 2051}
"""First number of an IDX file of bytes, by its number of axes."""


class Digits(NamedTuple):
    """Images of digits, and which digit each one shows.

    image : (M, P) pixels row by row, from 0 for white to 1 for ink; dimensionless.
    label : (M,) integers from 0 to 9.
    """

    image: np.ndarray
    label: np.ndarray


def digits():
    """Small handwritten digits: the 1,797 images of 8 x 8 pixels in scikit-learn.

    They are installed with scikit-learn, and nothing is downloaded.

    Returns
    -------
    Digits
        With images of shape (1797, 64), in the order of scikit-learn.

    Raises
    ------
    ImportError
        If scikit-learn is not installed; the extra ``data`` of this package installs it.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            'datasets.digits needs scikit-learn; `pip install "kinetic[data]"` installs it'
        ) from error
    image, label = load_digits(return_X_y=True)
    return Digits(image / 16.0, label.astype(np.int64))


def mnist(folder, part="train"):
    """Handwritten digits of 28 x 28 pixels from a user's own copy of MNIST.

    Parameters
    ----------
    folder : path
        Folder with the files train-images-idx3-ubyte and train-labels-idx1-ubyte of the part
        "train", t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte of the part "test". Each
        may be compressed, with .gz at the end of its name, and have a dot before idx.
    part : {"train", "test"}
        Which part to read.

    Returns
    -------
    Digits
        With images of shape (M, 784): M = 60,000 for "train", 10,000 for "test".

    Raises
    ------
    FileNotFoundError
        If the folder or a file is missing.
    ValueError
        If a file is not such a file or incomplete, or if images and labels differ in number.
    """
    _validate.choice("part", part, FILES)
    try:
        folder = Path(folder)
    except TypeError:
        raise TypeError(f"folder must be a path; got {folder!r:.80}") from None
    if not folder.is_dir():
        raise FileNotFoundError(f"folder must be an existing folder; got '{folder}'")
    images, labels = (_find(folder, name) for name in FILES[part])
    image, label = _read_idx(images, 3), _read_idx(labels, 1)
    if len(image) != len(label):
        raise ValueError(
            f"'{images}' has {len(image)} images, but '{labels}' has {len(label)} labels"
        )
    return Digits(image.reshape(len(image), -1) / 255.0, label.astype(np.int64))


def _find(folder, name):
    accepted = [f"{n}{end}" for n in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]
    for path in (folder / entry for entry in accepted):
        if path.is_file():
            return path
    raise FileNotFoundError(f"'{folder}' has none of the files {', '.join(accepted)}")


def _read_idx(path, axes):
    """Read a file in IDX format: big-endian magic number and lengths of the axes, then bytes."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"'{path}' is damaged or not compressed by gzip: {error}") from error
    start = 4 * (1 + axes)
    if len(content) < start:
        raise ValueError(f"'{path}' has {len(content)} bytes; its header alone has {start}")
    magic, *shape = (int(n) for n in np.frombuffer(content, ">u4", 1 + axes))
    if magic != MAGIC[axes]:
        raise ValueError(f"'{path}' begins with the number {magic}; accepted is {MAGIC[axes]}")
    if len(content) != start + math.prod(shape):
        raise ValueError(
            f"'{path}' has {len(content) - start} bytes of data; "
            f"its header announces {' x '.join(map(str, shape))}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
