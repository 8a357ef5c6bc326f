"""What is fuzzed with which arguments, and whether that is all of the package."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import kinetic

TARGETS = {}
RESULTS = {}


@dataclass(frozen=True)
class Target:
    """A function, method or property, and the kinds of its arguments.

    Attributes
    ----------
    name : str
        "module.function", "module.Class" or "module.Class.method".
    called : callable
        What is called with the arguments by name, "self" among them for a method or property.
    kinds : dict of str to Kind
        In the order in which they are drawn.
    optional : set of str
        Arguments that are left out of every other call.
    raises : tuple of types
        What it may raise besides ValueError, TypeError and FloatingPointError.
    infinite, nan : set of str
        Names of the fields of the result, or "" for the result, that may be infinite, or NaN, as
        their documentation says.
    prepare : callable or None
        Changes the dict of accepted arguments to one that fits together.
    """

    name: str
    called: Callable
    kinds: dict
    optional: frozenset = frozenset()
    raises: tuple = ()
    infinite: frozenset = frozenset()
    nan: frozenset = frozenset()
    prepare: Callable | None = None


def target(name, /, *, raises=(), infinite=(), nan=(), prepare=None, required=(), **kinds):
    """Add a target; arguments with a default are optional unless required, self_ is self."""
    if name in TARGETS:
        raise ValueError(f"name {name!r} is a target already")
    found, member = _looked_up(name), "self_" in kinds
    if member:
        kinds = {"self": kinds.pop("self_"), **kinds}
    given = signature(name)
    optional = {n for n, p in given.items() if p.default is not inspect.Parameter.empty}
    called = _of_instance(name.rpartition(".")[2]) if member else found
    TARGETS[name] = Target(
        name,
        called,
        kinds,
        frozenset(optional - set(required)),
        tuple(raises),
        frozenset(infinite),
        frozenset(nan),
        prepare,
    )


def _looked_up(name):
    module, *path = name.split(".")
    found = importlib.import_module(f"kinetic.{module}")
    for part in path:
        found = getattr(found, part)
    return found


def _of_instance(attribute):
    def called(self, **arguments):
        value = getattr(self, attribute)
        return value(**arguments) if callable(value) else value

    return called


def results(*names):
    """Classes that only functions of the package make."""
    RESULTS.update(dict.fromkeys(names))


def signature(name):
    """The parameters of a public name, without self; none for a property."""
    found = _looked_up(name)
    if not callable(found):
        return {}
    parameters = dict(inspect.signature(found).parameters)
    parameters.pop("self", None)
    return parameters


def public_modules():
    """The modules without an underscore."""
    names = (entry.name for entry in pkgutil.iter_modules(kinetic.__path__))
    return {n: importlib.import_module(f"kinetic.{n}") for n in names if not n.startswith("_")}


def public_names():
    """What a user may call: names of functions, of classes, and of their methods and properties.

    A name is public in the module that defines it if that module's ``__all__``, or without one
    any name, has no underscore in front.
    """
    functions, classes, members = set(), set(), set()
    for module_name, module in public_modules().items():
        for name in getattr(module, "__all__", vars(module)):
            value = getattr(module, name)
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            full = f"{module_name}.{name}"
            if inspect.isclass(value):
                classes.add(full)
                members |= {f"{full}.{member}" for member in _members(value)}
            elif callable(value):
                functions.add(full)
    return functions, classes, members


def _members(kind):
    own = vars(kind)
    for name, value in own.items():
        public = not name.startswith("_") or name == "__call__"
        if public and (inspect.isfunction(value) or isinstance(value, property) or _cached(value)):
            yield name


def _cached(value):
    return type(value).__name__ == "cached_property"


def missing():
    """Public names that are neither a target nor a result, and targets that are not public."""
    functions, classes, members = public_names()
    known = set(TARGETS)
    lacking = (functions | members) - known | classes - known - set(RESULTS)
    strange = known - functions - classes - members | set(RESULTS) - classes
    return sorted(lacking), sorted(strange)


def incomplete():
    """Targets whose arguments are not those of the signature."""
    wrong = []
    for entry in TARGETS.values():
        given, known = set(signature(entry.name)), set(entry.kinds) - {"self"}
        if given != known:
            wrong.append(f"{entry.name}: {sorted(given ^ known)}")
    return wrong
