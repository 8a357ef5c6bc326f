"""Remove what the Makefile's targets made: .venv, the site, caches."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MADE = (".venv", "_build", "build", "kinetic.egg-info", ".hypothesis", ".pytest_cache")


def main():
    """Remove the folders, telling each one."""
    caches = [p for top in ("kinetic", "tests", "tools") for p in (ROOT / top).rglob("__pycache__")]
    for path in [*(ROOT / name for name in MADE), *caches]:
        if path.exists():
            print(f"Removing {path.relative_to(ROOT)}")
            shutil.rmtree(path)


if __name__ == "__main__":
    main()
