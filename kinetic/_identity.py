"""What a result depends on, as text: two runs are the same if and only if this is equal.

Objects are pickled without memory of what was pickled before, so that equal objects give equal
bytes in any process. Functions and classes of installed packages count by name and version; those
of the user count with their code and with the globals and attributes of modules that it names.
What no name in the code leads to is not seen: files that are read, compiled extensions,
attributes found by ``getattr``.
"""

import functools
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
SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)
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
    try:
        return _digest(value)
    except (pickle.PicklingError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"a checkpoint needs to tell {name} from others, but cannot describe it: {error}"
        ) from error


def _digest(value):
    buffer = io.BytesIO()
    _Canonical(buffer).dump(value)
    return hashlib.sha256(buffer.getvalue()).hexdigest()


class _Canonical(pickle.Pickler):
    def __init__(self, buffer):
        super().__init__(buffer, protocol=5)
        self.fast = True
        self._numbers = {}

    def persistent_id(self, value):
        """Sets, whose order differs from process to process, by the digests of their elements."""
        if type(value) in (set, frozenset):
            return type(value).__name__, sorted(map(_digest, value))
        return None

    def reducer_override(self, value):
        if value is _description:
            return NotImplemented
        if isinstance(value, (np.random.Generator, np.random.RandomState)):
            return _as(type(value).__name__)  # blocks bring their own
        if isinstance(value, types.ModuleType):
            return _as(value.__name__, _version(value.__name__))
        if isinstance(value, types.FunctionType):
            return self._once(value, _describe_function)
        if isinstance(value, type):
            return self._once(value, _describe_class)
        for kind, attributes in WRAPPERS.items():
            if isinstance(value, kind):
                return _as(kind.__name__, [getattr(value, name) for name in attributes])
        if isinstance(getattr(value, "py_func", None), types.FunctionType):  # of numba
            return _as("py_func", value.py_func, getattr(value, "targetoptions", None))
        return NotImplemented

    def _once(self, value, describe):
        """A function or class with its description, but not again within itself."""
        name = f"{value.__module__}.{value.__qualname__}"
        if _is_named(value):
            return _as(name, _version(value.__module__))
        if value in self._numbers:
            return _as(name, self._numbers[value])
        self._numbers[value] = len(self._numbers)
        return _as(name, describe(value))


WRAPPERS = {
    property: ("fget",),
    classmethod: ("__func__",),
    staticmethod: ("__func__",),
    functools.cached_property: ("func",),
    functools._lru_cache_wrapper: ("__wrapped__",),
}


def _as(*parts):
    return _description, parts


def _description(*parts):
    return parts


def _version(module):
    """Of the package that a module belongs to, where it tells."""
    return str(getattr(sys.modules.get(module.partition(".")[0]), "__version__", ""))


def _is_named(value):
    """Whether a function or class is what its name means in an installed module."""
    if not _is_installed(value.__module__):
        return False
    found = sys.modules.get(value.__module__)
    for name in value.__qualname__.split("."):
        found = getattr(found, name, None)
    return isinstance(value, type) or getattr(found, "py_func", found) is value


def _is_installed(name):
    """Whether a module is built in or lies where packages are installed."""
    module = sys.modules.get(name)
    if name == "__main__" or (hasattr(module, "__path__") and not _file(module)):
        return False
    return module is None or not _file(module) or _within_installed(_file(module))


def _file(module):
    return getattr(module, "__file__", None)


def _within_installed(file):
    return any(Path(file).is_relative_to(folder) for folder in INSTALLED)


def _describe_function(function):
    """Of installed code only what it was made with, as a decorator's wrapper has."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    made_with = function.__defaults__, function.__kwdefaults__, cells
    if _within_installed(function.__code__.co_filename):
        return made_with
    named = _named(_names(function.__code__), function.__globals__)
    return _describe_code(function.__code__), made_with, named, vars(function)


def _named(names, namespace, above=()):
    """What names mean among globals, and in modules of the user that they lead to."""
    found = {}
    for name in sorted(names):
        value = namespace.get(name, None if above else sys.modules.get(name))
        if isinstance(value, types.ModuleType) and not _is_installed(value.__name__):
            if value not in above:
                found[name] = _named(names, vars(value), (*above, value))
        elif name in namespace:
            found[name] = value
    return found


def _describe_code(code):
    constants = [_describe_code(c) if isinstance(c, types.CodeType) else c for c in code.co_consts]
    return (
        code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars,
        code.co_flags, code.co_argcount, code.co_kwonlyargcount, code.co_exceptiontable,
    )  # fmt: skip


def _names(code):
    inner = (_names(c) for c in code.co_consts if isinstance(c, types.CodeType))
    return set(code.co_names).union(*inner)


def _describe_class(cls):
    members = {
        name: member
        for name, member in sorted(vars(cls).items())
        if name != "_abc_impl" and not isinstance(member, SLOTS)
        if not name.startswith("__") or callable(getattr(member, "__func__", member))
    }
    return [base for base in cls.__bases__ if base is not object], members
