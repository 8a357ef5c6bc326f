"""Loads the check of the chapters, wherever pytest is started from."""

pytest_plugins = ["chapter_checks"]
