"""Make .venv with the locked requirements and kinetic itself; run by any Python 3.11 or later."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def pip_install(*arguments):
    """Run pip install inside .venv, quiet but for errors."""
    command = [PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*command, *arguments], cwd=ROOT, check=True)


def main():
    """Create or update .venv; leave the file .venv/ready where everything is installed."""
    if sys.version_info < (3, 11):  # noqa: UP036 (any Python may run this file)
        version = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"Python 3.11 or later is needed, and {sys.executable} is {version}: "
            "name another one, as in `make book PYTHON=python3.12`."
        )
    if not (VENV / "ready").exists():
        print(f"Making .venv with {sys.executable}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    print("Installing requirements.txt into .venv (a minute or two the first time)", flush=True)
    pip_install("--requirement", "requirements.txt")
    print("Installing kinetic into .venv", flush=True)
    pip_install("--no-deps", "--no-build-isolation", "--editable", ".")
    (VENV / "ready").touch()


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"The last command ended with status {error.returncode}; .venv is not complete.")
