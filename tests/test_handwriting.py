"""Handwritten digits: the set in scikit-learn, and a user's files of MNIST."""

import gzip
import re
import subprocess
import sys

import numpy as np
import pytest

from kinetic import datasets


def test_the_small_digits_have_the_published_counts_and_range():
    data = datasets.digits()
    assert data.image.shape == (1797, 64)
    assert (data.image.min(), data.image.max()) == (0.0, 1.0)
    np.testing.assert_array_equal(data.image * 16.0, np.rint(data.image * 16.0))
    published = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    np.testing.assert_array_equal(np.bincount(data.label), published)


def test_the_labels_belong_to_the_images():
    image, label = datasets.digits()
    assert label.dtype == np.int64
    halves = np.arange(label.size) < 900
    means = np.array([image[halves & (label == digit)].mean(axis=0) for digit in range(10)])
    distance = np.linalg.norm(image[~halves, None] - means, axis=-1)
    assert (distance.argmin(axis=1) == label[~halves]).mean() > 0.8


def test_without_scikit_learn_the_extra_is_named():
    script = (
        "import sys; sys.modules['sklearn.datasets'] = None; from kinetic import datasets\n"
        "try:\n    datasets.digits()\nexcept ImportError as error:\n    print(error)"
    )
    command = [sys.executable, "-c", script]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert 'pip install "kinetic[data]"' in printed


# ------------------------------------------------------------------------------------------ MNIST

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 3, 4), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 5], np.uint8)


def idx(array, magic=None, counts=None):
    """An array of bytes in the format of the MNIST files."""
    header = [magic or 2048 + array.ndim, *(counts or array.shape)]
    return np.array(header, ">u4").tobytes() + array.tobytes()


def write(folder, images, labels, names=("train-images-idx3-ubyte", "train-labels-idx1-ubyte")):
    for name, content in zip(names, (images, labels), strict=True):
        packed = gzip.compress(content) if name.endswith(".gz") else content
        (folder / name).write_bytes(packed)


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize(("part", "prefix"), [("train", "train"), ("test", "t10k")])
def test_files_of_mnist_are_read_under_each_accepted_name(tmp_path, part, prefix, mark, end):
    names = (f"{prefix}-images{mark}idx3-ubyte{end}", f"{prefix}-labels{mark}idx1-ubyte{end}")
    write(tmp_path, idx(PIXELS), idx(LABELS), names)
    image, label = datasets.mnist(tmp_path, part)
    assert image.dtype == np.float64
    np.testing.assert_array_equal(image * 255.0, PIXELS.reshape(5, 12))
    np.testing.assert_array_equal(label, LABELS)


WHOLE = idx(PIXELS)
DAMAGED = {
    "magic": (idx(PIXELS, magic=2052), "images.*begins with the number 2052; accepted is 2051"),
    "labels as images": (
        idx(PIXELS[0, 0]) + bytes(8),
        "images.*begins with the number 2049; accepted is 2051",
    ),
    "cut": (WHOLE[:-7], "images.*53 bytes of data; its header announces 5 x 3 x 4"),
    "too long": (WHOLE + b"x", "images.*61 bytes of data"),
    "header": (WHOLE[:9], "images.*9 bytes; its header alone has 16"),
    "empty": (b"", "images.*0 bytes"),
    "count": (idx(PIXELS[:4]), "4 images, but .*labels.* has 5 labels"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_named(tmp_path, case):
    content, message = DAMAGED[case]
    write(tmp_path, content, idx(LABELS))
    with pytest.raises(ValueError, match=message):
        datasets.mnist(tmp_path)


@pytest.mark.parametrize(
    "spoil", [lambda c: c[:-9], lambda c: WHOLE, lambda c: c[:12] + b"\xff" * 20]
)
def test_a_damaged_compression_is_named(tmp_path, spoil):
    names = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte")
    write(tmp_path, WHOLE, idx(LABELS), names)
    path = tmp_path / names[0]
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match=r"images.*damaged or not compressed"):
        datasets.mnist(tmp_path)


def test_a_missing_file_folder_or_part_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder must be an existing folder; got .*none"):
        datasets.mnist(tmp_path / "none")
    names = ["", ".gz"]
    accepted = [f"train-images{mark}idx3-ubyte{end}" for mark in "-." for end in names]
    with pytest.raises(FileNotFoundError, match=re.escape(", ".join(accepted))):
        datasets.mnist(tmp_path)
    with pytest.raises(ValueError, match="part must be one of 'train', 'test'; got 'all'"):
        datasets.mnist(tmp_path, "all")
