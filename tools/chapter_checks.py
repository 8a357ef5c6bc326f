"""Pytest plugin: run every chapter by nbval, figures and claims compared with tolerance.

A chapter is a notebook in a folder that pytest collects. Each code cell is a test: it runs in a
kernel of the Python that runs pytest, and its outputs must be the stored ones, as
`chapters.output_differences` sees it.
"""

from chapters import output_differences, tolerance
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError


def pytest_collect_file(file_path, parent):
    """Collect notebooks, without nbval's own option."""
    if file_path.suffix == ".ipynb":
        return Chapter.from_parent(parent, path=file_path)


class Kernel(RunningKernel):
    """A kernel that keeps a history, without which IPython shows results despite a semicolon."""

    def execute_cell_input(self, cell_input, allow_stdin=None):
        """Send a cell to the kernel and return the identity of the message."""
        return self.kc.execute(cell_input, allow_stdin=allow_stdin, stop_on_error=False)


class Chapter(IPyNbFile):
    """A notebook whose cells are tests."""

    def setup(self):
        """Start a kernel of this Python, whatever kernels are installed besides."""
        limit = self.config.option.nbval_kernel_startup_timeout
        folder = str(self.path.parent)
        self.kernel = Kernel(CURRENT_ENV_KERNEL_NAME, cwd=folder, startup_timeout=limit)

    def collect(self):
        """Yield one test a code cell."""
        for item in super().collect():
            parts = {name: getattr(item, name) for name in ("name", "cell_num", "cell", "options")}
            yield Cell.from_parent(self, **parts)


class Cell(IPyNbCell):
    """A code cell, which must make its stored outputs again."""

    def runtest(self):
        """Run the cell; one that was never run has no outputs to be held to, and fails."""
        if self.cell.execution_count is None:
            self.raise_cell_error("the cell was never run; `make notebooks` runs it")
        super().runtest()

    def compare_outputs(self, test, ref, skip_compare=None):
        """Compare by the rules of the book instead of nbval's."""
        found = output_differences(ref, test, **tolerance(self.cell))
        found += [f"wrote to standard error:\n{o.text}" for o in test if o.get("name") == "stderr"]
        self.comparison_traceback = found
        return not found

    def repr_failure(self, excinfo):
        """Name chapter and cell, show its source and the differences."""
        error = excinfo.value
        if not isinstance(error, NbCellError):
            return super().repr_failure(excinfo)
        where = f"{self.path.name}, code cell {self.cell_num}"
        return f"{where}: {error}\n\n{error.source}\n\n{error.inner_traceback or ''}"
