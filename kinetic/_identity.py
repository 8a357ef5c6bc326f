"""What a result depends on, as text: two runs are the same if and only if this is equal.

Objects are pickled without memory of what was pickled before, so that equal objects give equal
bytes in any process. Functions and classes of installed packages count by name, since the
versions of the packages are compared as well; those of the user count with their code and with the
globals that it names.
"""

import hashlib
import io
import pickle
import platform
import sys
import sysconfig
import types
from importlib import metadata
from pathlib import Path

import numpy as np

from kinetic._compile import PACKAGE, source_digest

LIBRARIES = ("datasketches", "numba", "numpy", "scipy")
PLAIN = (bool, bytes, complex, float, int, str, tuple, list, dict, np.ndarray, types.NoneType)
_FOLDERS = [
    PACKAGE,
    *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
]
INSTALLED = {*_FOLDERS, *(folder.resolve() for folder in _FOLDERS)}


def versions():
    """Versions of what computes, and a digest of this package's source."""
    found = {"python": platform.python_version(), "kinetic": source_digest()}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            found[library] = "none"
    return found


def digest(name, value):
    """Hexadecimal digest of a picklable object, or of functions of any kind.

    Raises TypeError where something in it cannot be described.
    """
    buffer = io.BytesIO()
    pickler = _Canonical(buffer)
    try:
        pickler.dump(value)
    except (pickle.PicklingError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"a checkpoint needs to tell {name} from others, but cannot describe it: {error}"
        ) from error
    return hashlib.sha256(buffer.getvalue()).hexdigest()


class _Canonical(pickle.Pickler):
    def __init__(self, buffer):
        super().__init__(buffer, protocol=5)
        self.fast = True
        self._within = set()

    def reducer_override(self, value):
        if value is _description:
            return NotImplemented
        if isinstance(value, (np.random.Generator, np.random.RandomState)):
            return _as(type(value).__name__)  # blocks bring their own
        if isinstance(value, types.ModuleType):
            return _as(value.__name__)
        function = getattr(value, "py_func", value)
        if isinstance(function, types.FunctionType):
            return self._once(function, _describe_function)
        if isinstance(value, type):
            return self._once(value, _describe_class)
        return NotImplemented

    def _once(self, value, describe):
        """A function or class of the user with its code, but not again within itself."""
        name = f"{value.__module__}.{value.__qualname__}"
        if value in self._within or _is_installed(value):
            return _as(name)
        self._within.add(value)
        return _as(name, describe(value))


def _as(*parts):
    return _description, parts


def _description(*parts):
    return parts


def _is_installed(value):
    if isinstance(value, types.FunctionType):
        file = value.__code__.co_filename
    elif value.__module__ == "__main__":
        return False
    else:
        file = getattr(sys.modules.get(value.__module__), "__file__", None)
        if file is None:  # built in
            return True
    return any(Path(file).is_relative_to(folder) for folder in INSTALLED)


def _describe_function(function):
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    named = {
        name: function.__globals__[name]
        for name in sorted(_names(function.__code__))
        if name in function.__globals__
    }
    code = _describe_code(function.__code__)
    return code, function.__defaults__, function.__kwdefaults__, cells, named


def _describe_code(code):
    constants = [
        _describe_code(c) if isinstance(c, types.CodeType)
        else sorted(map(repr, c)) if isinstance(c, frozenset)
        else c
        for c in code.co_consts
    ]  # fmt: skip
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars


def _names(code):
    inner = (_names(c) for c in code.co_consts if isinstance(c, types.CodeType))
    return set(code.co_names).union(*inner)


def _describe_class(cls):
    members = {}
    for name, member in sorted(vars(cls).items()):
        member = getattr(member, "__func__", getattr(member, "fget", member))
        special = name.startswith("__")
        if isinstance(member, types.FunctionType) or (isinstance(member, PLAIN) and not special):
            members[name] = member
    return [base for base in cls.__bases__ if base is not object], members
