"""Which definitions a change of source reaches, and which tests use them.

A definition is a top-level function, class or assignment, named (file, name). The graph follows
names and attributes of imported modules; a name that is also a local variable only widens it.
"""

import ast
from pathlib import Path

TOP = "<module>"


def _targets(node):
    """Names that a top-level statement defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    return []


def _overloaded(node):
    """Name of the function for which a decorator registers this definition, or None."""
    for decorator in getattr(node, "decorator_list", ()):
        if isinstance(decorator, ast.Call):
            called = decorator.func
            if isinstance(called, ast.Name) and called.id == "overload":
                return decorator.args[0].id
            decorator = called
        if isinstance(decorator, ast.Attribute) and decorator.attr == "register":
            return decorator.value.id
    return None


def _compiled(node, compilers):
    names = {n.id for d in getattr(node, "decorator_list", ()) for n in ast.walk(d)
             if isinstance(n, ast.Name)}  # fmt: skip
    return bool(names & compilers)


class Source:
    """The definitions of one file and what each refers to.

    Attributes
    ----------
    spans : list of (first line, last line, names)
        One entry a top-level statement, decorators included.
    statements : list of (first line, last line)
        Of every simple statement and of every header of a compound one.
    """

    def __init__(self, path, text, modules, compilers):
        tree = ast.parse(text)
        self.path, self.spans, self.uses, self.compiled = path, [], {}, set()
        self.overloads = []
        self._imports(tree, modules)
        self.names = {name for node in tree.body for name in _targets(node)}
        for node in tree.body:
            names = _targets(node) or [TOP]
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            self.spans.append((first, node.end_lineno, names))
            used = self._used(node)
            for name in names:
                self.uses.setdefault((path, name), set()).update(used)
            if _compiled(node, compilers):
                self.compiled.update((path, name) for name in names)
            if (target := _overloaded(node)) is not None:
                found = self._resolve(target)
                self.overloads.append((found, (path, node.name)))
        self.statements = sorted(_statements(tree))
        self.bodies = [
            (node.body[0].lineno, node.end_lineno)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
        ]

    def _imports(self, tree, modules):
        """Symbols imported from the package: name -> (file, name), alias -> file."""
        self.symbols, self.aliases = {}, {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kinetic"):
                for alias in node.names:
                    known = alias.asname or alias.name
                    inner = f"{node.module}.{alias.name}"
                    if inner in modules:
                        self.aliases[known] = modules[inner]
                    elif node.module in modules:
                        self.symbols[known] = (modules[node.module], alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name in modules and alias.asname:
                        self.aliases[alias.asname] = modules[alias.name]

    def _resolve(self, name):
        return (self.path, name) if name in self.names else self.symbols.get(name)

    def _used(self, node):
        used = set()
        for child in ast.walk(node):
            if isinstance(child, ast.Name):
                used.add(self._resolve(child.id))
            elif isinstance(child, ast.arg):  # a fixture, in a test
                used.add(self._resolve(child.arg))
            elif isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
                file = self.aliases.get(child.value.id)
                used.add(file and (file, child.attr))
        return used - {None}

    def definition(self, line):
        """Names defined by the top-level statement at a line."""
        return next((names for a, b, names in self.spans if a <= line <= b), [TOP])

    def in_body(self, line):
        """Whether a line runs when a function is called, not when the file is imported."""
        return any(first <= line <= last for first, last in self.bodies)

    def statement(self, line):
        """Lines of the smallest statement at a line, as a range."""
        around = [(b - a, a, b) for a, b in self.statements if a <= line <= b]
        _, first, last = min(around, default=(0, line, line))
        return range(first, last + 1)


def _statements(tree):
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt):
            continue
        body = getattr(node, "body", None)
        last = body[0].lineno - 1 if body else node.end_lineno
        yield node.lineno, max(node.lineno, last)


class Reach:
    """The graph of a tree with `kinetic` and `tests`."""

    def __init__(self, root, tests):
        root = Path(root)
        package = sorted((root / "kinetic").glob("*.py"))
        modules = {f"kinetic.{p.stem}": f"kinetic/{p.name}" for p in package}
        modules["kinetic"] = "kinetic/__init__.py"
        files = [f"kinetic/{p.name}" for p in package] + list(tests)
        compile_file = ast.parse((root / "kinetic" / "_compile.py").read_text("utf-8"))
        compilers = {n.name for n in compile_file.body if isinstance(n, ast.FunctionDef)}
        compilers.add("overload")
        self.sources = {
            f: Source(f, (root / f).read_text("utf-8"), modules, compilers) for f in files
        }
        self.users, self.compiled = {}, set()
        for source in self.sources.values():
            self.compiled |= source.compiled
            for user, used in source.uses.items():
                for name in used:
                    self.users.setdefault(name, set()).add(user)
            for target, definition in source.overloads:
                self.users.setdefault(definition, set()).add(target)
            for known, original in source.symbols.items():
                self.users.setdefault(original, set()).add((source.path, known))

    def affected(self, file, line):
        """All definitions that a change at a line can reach, its own among them."""
        reached, todo = set(), [(file, name) for name in self.sources[file].definition(line)]
        while todo:
            definition = todo.pop()
            if definition not in reached:
                reached.add(definition)
                todo.extend(self.users.get(definition, ()))
        return reached

    def importing(self, file):
        """The test files that import a module or from it, or are named after it."""
        named = f"tests/test_{Path(file).stem.strip('_')}.py"
        return [
            test
            for test, source in self.sources.items()
            if test.startswith("tests/")
            and (
                test == named
                or file in source.aliases.values()
                or any(origin == file for origin, _ in source.symbols.values())
            )
        ]
