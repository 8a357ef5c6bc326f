"""Write requirements.txt: one exact version of every package, for all systems and Pythons."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Written by `make lock` from pyproject.toml; do not edit.\n"


def main():
    """Resolve kinetic with its book, test and dev extras by uv, and write the lock."""
    print("Resolving pyproject.toml", flush=True)
    target = ROOT / "requirements.txt"
    extras = [f"--extra={name}" for name in ("book", "test", "dev")]
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml"),
            *extras,
            *("--universal", "--python-version=3.11", "--fork-strategy=fewest"),
            *("--upgrade", "--no-header", "--no-annotate", "--no-emit-package=kinetic"),
            *("--quiet", "--output-file", str(target)),
        ],
        cwd=ROOT,
        check=True,
    )
    target.write_text(HEADER + target.read_text("utf-8"), "utf-8", newline="\n")
    print(f"Wrote {target.relative_to(ROOT)}")


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"uv ended with status {error.returncode}; requirements.txt is as it was.")
