"""The one decorator for compiled kernels, and the cache that never serves stale code.

numba's on-disk cache notices a change in the file of a function, not in the files
of what it calls. Here every kernel is cached in a directory whose name is a digest
of all the package's source, so that any edit anywhere starts from an empty cache.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import numba
from numba import config

PACKAGE = Path(__file__).parent
KEPT_GENERATIONS = 4

OPTIONS = {"error_model": "numpy", "fastmath": {"nsz", "arcp", "contract"}, "nogil": True}
"""No zero-division branch, no reassociation: loops vectorize, sums keep their order."""
UNCONTRACTED = OPTIONS | {"fastmath": OPTIONS["fastmath"] - {"contract"}}


def source_digest(package=PACKAGE):
    """Hexadecimal digest of all Python source of a package (a `Path`)."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _stamps():
    """Names, sizes and times of change of the package's modules."""
    with os.scandir(PACKAGE) as entries:
        files = [entry for entry in entries if entry.name.endswith(".py")]
        return {(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files}


def _usable(directory):
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
        os.utime(directory)
    except OSError:
        return False
    return True


def _cache_directory():
    """Directory of this generation of kernels, or None where nothing is writable."""
    name = f"kinetic-kernels-{source_digest()}"
    roots = [PACKAGE / "__pycache__"]
    with contextlib.suppress(RuntimeError):  # there may be no home
        roots.append(Path("~/.cache/kinetic").expanduser())
    if os.environ.get("NUMBA_CACHE_DIR"):
        roots.insert(0, Path(os.environ["NUMBA_CACHE_DIR"]))
    for root in roots:
        if _usable(root / name):
            with contextlib.suppress(OSError):  # another process may clean up as well
                generations = sorted(root.glob("kinetic-kernels-*"), key=os.path.getmtime)
                for old in generations[:-KEPT_GENERATIONS]:
                    shutil.rmtree(old, ignore_errors=True)
            return str(root / name)
    return None


_STAMPS, _DIRECTORY = _stamps(), _cache_directory()


def kernel(function, *, contract=True):
    """Compile a module-level function of arrays and numbers, without the GIL, cached.

    The interpreted function stays callable as ``.py_func``. Kernels of modules that are
    imported after a change of the source are not cached: the process is a mixture of both.
    Without ``contract`` its arithmetic is that of `uncontracted`.
    """
    before = config.CACHE_DIR
    config.CACHE_DIR = _DIRECTORY or before
    cached = _DIRECTORY is not None and _stamps() == _STAMPS
    try:
        return numba.njit(cache=cached, **(OPTIONS if contract else UNCONTRACTED))(function)
    finally:
        config.CACHE_DIR = before


def inlined(function):
    """Compile a scalar function that kernels call; compiled into them, not cached."""
    return numba.njit(**OPTIONS)(function)


def uncontracted(function, *, whole=False):
    """Like `inlined`, but each product and each sum is rounded on its own.

    Where the compiler may contract them, it does so in one way in the vectorized part of a
    loop and in another in the rest, and the bits of a result depend on where the loop began.
    With ``whole`` a long function is taken in line too, so that its caller's loop vectorizes.
    """
    return numba.njit(forceinline=whole, **UNCONTRACTED)(function)


def summing(function):
    """Like `inlined`, for long sums: their terms may be reordered, so that they vectorize.

    The last digits of such a sum depend on the processor.
    """
    fast = OPTIONS["fastmath"] | {"reassoc"}
    return numba.njit(**OPTIONS | {"fastmath": fast})(function)
