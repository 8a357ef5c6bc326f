"""Take the README's picture of the book: one chapter of the site, in light and dark."""

import functools
import http.server
import sys
import threading
from pathlib import Path

import browser
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
PAGE, FIGURE = "classification.html", "#fig-cls-figure3"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and does not log."""

    def log_message(self, *arguments):
        """Stay silent."""


def main():
    """Photograph the page around the figure, once per theme."""
    if not (SITE / PAGE).exists():
        sys.exit(f"{SITE / PAGE} does not exist; run `make book` first.")
    handler = functools.partial(Quiet, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            chromium = browser.launch(playwright)
            for scheme in ("light", "dark"):
                target = ROOT / "book" / "_static" / f"book-{scheme}.png"
                page = chromium.new_page(
                    viewport={"width": 1280, "height": 820}, color_scheme=scheme
                )
                page.goto(f"http://127.0.0.1:{server.server_port}/{PAGE}", wait_until="networkidle")
                page.locator(FIGURE).first.evaluate(
                    "e => window.scrollTo(0, e.getBoundingClientRect().top + scrollY - 430)"
                )
                page.wait_for_timeout(500)
                page.screenshot(path=target)
                print(target.relative_to(ROOT))
            chromium.close()
        server.shutdown()


if __name__ == "__main__":
    main()
