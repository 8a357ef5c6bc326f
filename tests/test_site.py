"""Every page of the site, built from the stored outputs, in headless Chromium."""

import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import browser as browsers
import pytest
import yaml
from bs4 import BeautifulSoup
from page_checks import check_page
from playwright.sync_api import sync_playwright

from kinetic import claims

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/someone/some-book"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
PAGES = ["intro", *(entry["file"] for part in TOC["parts"] for entry in part["chapters"])]
CHAPTERS = [name for name in PAGES if (ROOT / "book" / f"{name}.ipynb").exists()]


def build(target, repository_url):
    """Build the site as `make preview` does; return its folder."""
    command = [sys.executable, "tools/book.py", "--output", str(target)]
    environment = os.environ | {"REPOSITORY_URL": repository_url}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return target


@contextmanager
def serve(folder):
    """Serve a folder on a free local port; give its address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    return build(tmp_path_factory.mktemp("site") / "html", "")


@pytest.fixture(scope="session")
def linked_site(tmp_path_factory):
    return build(tmp_path_factory.mktemp("linked") / "html", REPOSITORY)


@pytest.fixture(scope="module")
def spoiled_site(site, tmp_path_factory):
    return shutil.copytree(site, tmp_path_factory.mktemp("spoiled") / "html")


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        if not browsers.find(playwright):
            pytest.skip("NO BROWSER: no page was looked at; `python tools/browser.py` says why")
        chromium = browsers.launch(playwright)
        yield chromium
        chromium.close()


def findings(browser, folder, **view):
    """Return what is wrong, page by page, in all pages of a site."""
    with serve(folder) as base:
        names = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*.html"))
        every = {name: check_page(browser, base, name, **view) for name in names}
    assert {"index.html", "search.html", *(f"{name}.html" for name in PAGES)} <= set(every)
    return {name: found for name, found in every.items() if found}


@pytest.mark.parametrize(("scheme", "widths"), [("light", (1280, 390)), ("dark", (390, 1280))])
def test_no_page_has_a_fault(browser, site, scheme, widths):
    assert findings(browser, site, scheme=scheme, widths=widths) == {}


def test_no_page_with_launch_buttons_has_a_fault(browser, linked_site):
    assert findings(browser, linked_site, widths=(390,)) == {}


@pytest.mark.parametrize(
    ("snippet", "finding"),
    [
        ('<img src="http://example.org/a.png" alt="a">', "request to another host"),
        ('<script src="https://example.org/a.js"></script>', "request to another host"),
        ('<img src="missing.png" alt="a">', "image not loaded"),
        ('<img src="missing.png" alt="a">', "status 404"),
        ('<img src="_static/favicon.svg">', "image without alternative text"),
        (
            '<p class="cell_output"><img class="only-dark" src="_static/favicon.svg" alt="a"></p>',
            "figure not adapted to the dark",
        ),
        ('<div class="math">\\[\\undefined x\\]</div>', "equation with an error"),
        ('<div class="math">x^2</div>', "equation not typeset"),
        ("<p>where \\(x is</p>", "raw mathematics"),
        ("<p>where $\\sigma$ is</p>", "raw mathematics"),
        ('<div style="width: 900px">wide</div>', "horizontal scroll"),
        ("<script>console.error('no')</script>", "console error"),
        ("<script>throw new Error('no')</script>", "page error"),
        (
            "<script>setInterval(() => document.documentElement.dataset.theme = 'light')</script>",
            "not shown in the",
        ),
        ("<script>document.documentElement.lang = ''</script>", "no language attribute"),
    ],
)
def test_a_fault_is_found(browser, site, spoiled_site, snippet, finding):
    text = (site / "notation.html").read_text("utf-8")
    assert "</article>" in text
    bad = text.replace("</article>", f"{snippet}</article>", 1)
    (spoiled_site / "bad.html").write_text(bad, "utf-8")
    with serve(spoiled_site) as base:
        found = check_page(browser, base, "bad.html", scheme="dark", widths=(390,))
    assert any(sentence.startswith(finding) for sentence in found), found


@pytest.mark.parametrize("name", [f"{name}.html" for name in PAGES])
def test_nothing_on_a_page_names_another_host_to_load_from(site, name):
    soup = BeautifulSoup((site / name).read_text("utf-8"), "html.parser")
    loading = [tag["src"] for tag in soup.find_all(src=True)]
    loading += [tag["href"] for tag in soup.find_all("link", rel=("stylesheet", "preload"))]
    assert loading
    assert [url for url in loading if url.startswith(("http:", "https:", "//"))] == []


@pytest.mark.parametrize("word", ["characteristic", "reconstruction"])
def test_search_finds_pages(browser, site, word):
    with serve(site) as base:
        page = browser.new_page()
        page.goto(f"{base}search.html?q={word}")
        page.wait_for_selector("#search-results li a[href^='notation.html']")
        page.close()


def test_the_ledger_has_every_claim_that_the_chapters_store(site):
    outputs = []
    for path in (ROOT / "book").glob("*.ipynb"):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            outputs += [output.get("data", {}) for output in cell.get("outputs", ())]
    stored = sum(len(data[claims.MIME]["claims"]) for data in outputs if claims.MIME in data)
    page = BeautifulSoup((site / "ledger.html").read_text("utf-8"), "html.parser")
    total = page.find("table").find_all("tr")[-1]
    assert total.find("td").get_text() == str(stored)
    assert len(page.select(".kinetic-claims tbody[id]")) == stored


def test_the_numbers_of_the_chapters_run_through_all_parts(site):
    page = BeautifulSoup((site / "intro.html").read_text("utf-8"), "html.parser")
    listed = {link["href"]: link.get_text().strip() for link in page.select("nav.bd-links a[href]")}
    numbers = [listed[f"{name}.html"].split(" ")[0] for name in CHAPTERS]
    assert numbers == [f"{count}." for count in range(1, len(CHAPTERS) + 1)]


def test_search_of_an_absent_word_finds_nothing(browser, site):
    with serve(site) as base:
        page = browser.new_page()
        page.goto(f"{base}search.html?q=qwertyuiop")
        page.get_by_text("did not match any documents").wait_for()
        assert page.query_selector_all("#search-results li a") == []
        page.close()


def links(page):
    """Return all link targets of one page."""
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    return {tag["href"] for tag in soup.find_all("a", href=True)}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_launch_buttons_open_the_chapter(linked_site, chapter):
    notebook = f"book/{chapter}.ipynb"
    found = links(linked_site / f"{chapter}.html")
    binder = f"https://mybinder.org/v2/gh/someone/some-book/launch?urlpath=lab/tree/{notebook}"
    colab = f"https://colab.research.google.com/github/someone/some-book/blob/launch/{notebook}"
    assert {binder, colab, REPOSITORY, f"{REPOSITORY}/edit/main/{notebook}"} <= found


@pytest.mark.parametrize("name", PAGES)
def test_without_an_address_no_button_points_anywhere(site, name):
    text = (site / f"{name}.html").read_text("utf-8")
    assert "mybinder" not in text
    assert "colab.research" not in text
    assert "fa-github" not in text
    assert "launch-buttons" not in text
