"""The test run must leave every tracked file as it was."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STATE = pytest.StashKey[bytes | None]()


def tracked_changes():
    """Return git's account of how tracked files differ from the last commit, None without git."""
    command = ["git", "-c", "core.safecrlf=false", "diff", "HEAD", "--no-ext-diff", "--binary"]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def pytest_configure(config):
    config.stash[STATE] = tracked_changes()


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.name == "test_the_run_changed_no_tracked_file")


@pytest.fixture
def tracked_files_changed(request):
    """Whether tracked files differ from what they were when the run began."""
    before, now = request.config.stash[STATE], tracked_changes()
    if before is None or now is None:
        pytest.skip("not a git checkout")
    return before != now
