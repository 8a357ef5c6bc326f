"""Runs tests on a tree in a process of its own, with kernels cached function by function."""

import contextlib
import os
import sys
import time
from pathlib import Path

PRELOADED = (
    "hypothesis", "hypothesis.extra.numpy", "matplotlib.figure", "matplotlib.pyplot", "mpmath",
    "numba", "numba.core.caching", "ot", "pytest", "scipy.integrate", "scipy.optimize",
    "scipy.special", "scipy.sparse", "scipy.sparse.linalg", "scipy.stats",
)  # fmt: skip
"""What the server of forks imports once; never a module of the tree under test."""

MEMORY = 8 << 30
"""Bytes of address space of a mutant's process."""


def cache_kernels(warm, fresh, affected):
    """Keep compiled functions in ``warm``, those of ``affected`` (file, name) in ``fresh``.

    The source's digest and time do not matter, so that a mutant compiles only what it reaches.
    """
    from numba.core import caching

    class Locator(caching._CacheLocator):
        def __init__(self, function, file):
            name = ("kinetic/" + Path(file).name, function.__qualname__.split(".")[0])
            self._path = fresh if name in affected else warm
            self._line = function.__code__.co_firstlineno

        def get_cache_path(self):
            return str(self._path)

        def get_source_stamp(self):
            return 0

        def get_disambiguator(self):
            return str(self._line)

        @classmethod
        def from_function(cls, function, file):
            return cls(function, file)

    caching.CacheImpl._locator_classes = [Locator]


def compile_clock():
    """Processor time spent compiling so far, as an object with ``seconds``."""
    from numba.core import event

    class Clock(event.Listener):
        depth, seconds = 0, 0.0

        def on_start(self, _):
            self.depth += 1
            if self.depth == 1:
                self.started = time.process_time()

        def on_end(self, _):
            self.depth -= 1
            if self.depth == 0:
                self.seconds += time.process_time() - self.started

    clock = Clock()
    event.register("numba:compile", clock)
    return clock


class Run:
    """pytest plugin: run tests in a given order, note failures, times without compiling, lines."""

    def __init__(self, order=None, coverage=None):
        self.order, self.coverage = order, coverage
        self.seconds, self.failed, self.compiling = {}, [], compile_clock()

    def _clock(self):
        return time.process_time() - self.compiling.seconds

    def pytest_collection_modifyitems(self, items):
        """Choose the tests and their order."""
        if self.order is not None:
            found = {item.nodeid: item for item in items}
            items[:] = [found[name] for name in self.order if name in found]

    def pytest_runtest_logstart(self, nodeid):
        """Begin to note time and lines."""
        self.started = self._clock()
        if self.coverage:
            self.coverage.switch_context(nodeid)

    def pytest_runtest_logfinish(self, nodeid):
        """Note the time."""
        self.seconds[nodeid] = self._clock() - self.started

    def pytest_runtest_logreport(self, report):
        """Note a failure."""
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report):
        """Note a file that cannot be imported."""
        if report.failed:
            self.failed.append(report.nodeid)


def _limit(seconds):
    """Bound processor time and memory, where the system can."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(pipe, tree, files, order, caches, seconds, trace=False):
    """Run tests and send (status of pytest, seconds a test, failed tests, lines a test).

    Parameters
    ----------
    pipe : Connection
    tree : Path
        Copy of the repository, with the mutant in place.
    files : list of str
        Test files, relative to the tree.
    order : list of str or None
        The tests to run; None for all.
    caches : tuple
        Arguments of `cache_kernels`.
    seconds : float
        Of processor time.
    trace : bool
        Whether to record which lines of the package each test runs.
    """
    with contextlib.suppress(AttributeError, OSError):
        os.setsid()
    _limit(seconds)
    sys.dont_write_bytecode = True
    os.environ.update(PYTHONDONTWRITEBYTECODE="1", PYTHONPATH=str(tree), MPLBACKEND="agg")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.chdir(tree)
    sys.path[:] = [str(tree)] + [p for p in sys.path if Path(p).name != "tools"]
    cache_kernels(*caches)
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    import pytest

    coverage = None
    if trace:
        import coverage as package

        coverage = package.Coverage(data_file=None, source=[str(tree / "kinetic")])
        coverage.start()
    plugin = Run(order, coverage)
    arguments = ["-q", "--confcutdir=tests", "-p", "no:cacheprovider"]
    arguments += ["-p", "_hypothesis_pytestplugin", "--hypothesis-seed=0"]
    arguments += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    arguments += [] if trace or order is None else ["-x"]
    status = pytest.main([*arguments, *files], plugins=[plugin])
    lines = {}
    if coverage:
        coverage.stop()
        data = coverage.get_data()
        for file in data.measured_files():
            name = Path(file).relative_to(tree).as_posix()
            for line, tests in data.contexts_by_lineno(file).items():
                for test in filter(None, tests):
                    lines.setdefault(test, []).append((name, line))
    pipe.send((int(status), plugin.seconds, plugin.failed, lines))
    pipe.close()
