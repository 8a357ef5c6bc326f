"""Find a Chromium for the browser test and for screenshots, and install one where it is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
# Nothing but the pages under test may reach for the network.
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
)


def find(playwright):
    """Return the path of a Chromium, or None: the variable CHROMIUM, Playwright's, the system's."""
    candidates = [
        os.environ.get("CHROMIUM"),
        playwright.chromium.executable_path,
        *map(shutil.which, NAMES),
        *PLACES,
    ]
    return next((path for path in candidates if path and Path(path).exists()), None)


def launch(playwright):
    """Start a headless Chromium under Playwright."""
    return playwright.chromium.launch(executable_path=find(playwright), args=list(FLAGS))


def attempt(*command):
    """Run a command; return whether it succeeded, and show its last lines where it did not."""
    print("  " + " ".join(map(str, command)), flush=True)
    result = subprocess.run(
        command,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if result.returncode:
        print("\n".join(f"    {line}" for line in result.stdout.splitlines()[-5:]), flush=True)
    return result.returncode == 0


def install():
    """Install a Chromium by Playwright, or on Debian as root by apt."""
    print("Installing Chromium for the browser test", flush=True)
    if attempt(sys.executable, "-m", "playwright", "install", "chromium"):
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        attempt("apt-get", "-qq", "update")
        attempt("apt-get", "-qq", "install", "--yes", "chromium")


def main():
    """Say which browser there is, after installing one where there was none."""
    with sync_playwright() as playwright:
        if not find(playwright):
            install()
        path = find(playwright)
    print(f"Browser: {path}" if path else "Browser: none to be had; its tests will be skipped")


if __name__ == "__main__":
    main()
