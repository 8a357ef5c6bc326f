"""Which callables of the package are fuzzed with which arguments, and whether that is all of them."""

import importlib
import inspect
import pkgutil
from dataclasses import dataclass, field

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
    kinds : dict of str to Kind
        In the order in which they are drawn; "self" for a method or property.
    raises : tuple of types
        What it may raise besides ValueError, TypeError and FloatingPointError.
    infinite, nan : set of str
        Names of the fields of the result, or "" for the result, that may be infinite, or NaN, as
        their documentation says.
    prepare : callable or None
        Changes the dict of accepted arguments to one that fits together.
    """

    name: str
    kinds: dict
    raises: tuple = ()
    infinite: frozenset = frozenset()
    nan: frozenset = frozenset()
    required: tuple = ()
    prepare: object = None
    optional: tuple = field(default=())

    def function(self):
        """What is called, with the arguments by name."""
        module, *path = self.name.split(".")
        found = importlib.import_module(f"kinetic.{module}")
        if "self" not in self.kinds:
            for part in path:
                found = getattr(found, part)
            return found
        attribute = path[-1]

        def call(self, **arguments):
            value = getattr(self, attribute)
            return value(**arguments) if callable(value) else value

        return call


def target(name, /, *, raises=(), infinite=(), nan=(), prepare=None, required=(), **kinds):
    """Add a target; arguments with a default are drawn in every other call unless required."""
    if name in TARGETS:
        raise ValueError(f"name {name!r} is a target already")
    if "self_" in kinds:
        kinds = {"self": kinds.pop("self_"), **kinds}
    found = Target(
        name, kinds, tuple(raises), frozenset(infinite), frozenset(nan), tuple(required), prepare
    )
    given = signature(found)
    optional = {n for n, p in given.items() if p.default is not inspect.Parameter.empty}
    object.__setattr__(found, "optional", tuple(optional - set(required)))
    TARGETS[name] = found


def results(*names):
    """Classes that only functions of the package make."""
    RESULTS.update(dict.fromkeys(names))


def signature(target):
    """The parameters of a target by name, without self."""
    module, *path = target.name.split(".")
    found = importlib.import_module(f"kinetic.{module}")
    for part in path:
        found = getattr(found, part)
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
        given, known = set(signature(entry)), set(entry.kinds) - {"self"}
        if given != known:
            wrong.append(f"{entry.name}: {sorted(given ^ known)}")
    return wrong
