"""Runs after all other tests; see conftest.py."""


def test_the_run_changed_no_tracked_file(tracked_files_changed):
    assert not tracked_files_changed, "by the run, or by somebody who edited them meanwhile"
