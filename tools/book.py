"""Build the site: from the chapters' stored outputs, or with --execute from outputs made now.

The pages are built in a work folder beside the target and moved there only when all went well,
so the target is always a complete site.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import yaml
from execute import ChapterError, execute

ROOT = Path(__file__).resolve().parent.parent


def say(text):
    """Print at once, also into a pipe."""
    print(text, flush=True)


def chapters(toc):
    """Return the notebooks that the table of contents names, in its order."""
    contents = yaml.safe_load(toc.read_text("utf-8"))
    names = [entry["file"] for part in contents["parts"] for entry in part["chapters"]]
    paths = [ROOT / "book" / f"{name}.ipynb" for name in names]
    return [path for path in paths if path.exists()]


def execute_all(paths, folder):
    """Execute chapters, several at a time, into `folder`; raise ChapterError if any failed."""
    workers = min(len(paths), os.cpu_count() or 1, 4)
    say(f"Executing {len(paths)} chapters, {workers} at a time")
    failures = []
    with ProcessPoolExecutor(workers) as pool:
        running = {pool.submit(execute, path, folder / path.name): path for path in paths}
        for future in as_completed(running):
            name = running[future].relative_to(ROOT)
            try:
                say(f"  {name}: {future.result():.1f} s")
            except ChapterError as error:
                say(f"  {name}: failed")
                failures.append(str(error))
    if failures:
        raise ChapterError("\n\n".join(failures))


def run_sphinx(work):
    """Build the pages of work/book into work/_build/html, with every warning an error."""
    command = [Path(sys.executable).parent / "jupyter-book", "build", work / "book"]
    command += ["--path-output", work, "--config", work / "_config.yml", "--toc", work / "_toc.yml"]
    # Standard output would name the work folder; warnings and errors come on standard error.
    command += ["-W", "-n", "--keep-going", "-q"]
    subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL)


def build(target, run_chapters=False):
    """Build the site into `target`, replacing what is there only when all went well."""
    start = time.perf_counter()
    work = target.parent / f"{target.name}.work"
    shutil.rmtree(work, ignore_errors=True)
    ignore = shutil.ignore_patterns("_build", "__pycache__", ".ipynb_checkpoints")
    shutil.copytree(ROOT / "book", work / "book", ignore=ignore)
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy2(ROOT / name, work)
    try:
        if run_chapters:
            execute_all(chapters(ROOT / "_toc.yml"), work / "book")
        say("Building the pages")
        run_sphinx(work)
        shutil.rmtree(target, ignore_errors=True)
        (work / "_build" / "html").rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    say(f"The site is complete after {time.perf_counter() - start:.0f} s:")
    say(str(target / "index.html"))


def main():
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--execute", action="store_true", help="execute every chapter first")
    parser.add_argument("--output", type=Path, default=ROOT / "_build" / "html")
    arguments = parser.parse_args()
    try:
        build(arguments.output.resolve(), arguments.execute)
    except ChapterError as error:
        sys.exit(f"\n{error}\n\nNo site was built: a chapter failed, see above.")
    except subprocess.CalledProcessError:
        sys.exit("\nNo site was built: Sphinx reported the warnings or errors above.")


if __name__ == "__main__":
    main()
