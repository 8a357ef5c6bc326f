"""What a page of the site must satisfy, checked in a real browser."""

from urllib.parse import urlsplit

SETTLED = """
async () => {
  if (window.MathJax?.startup) await window.MathJax.startup.promise;
  for (const image of document.images) image.loading = "eager";
  await Promise.allSettled([...document.images].map((image) => image.decode()));
}
"""

FINDINGS = r"""
() => {
  const found = [];
  const article = document.querySelector("main") ?? document.body;

  for (const error of document.querySelectorAll("mjx-merror"))
    found.push(`equation with an error: ${error.getAttribute("data-mjx-error")}`);
  for (const math of document.querySelectorAll(".math, .MathJax_Preview"))
    if (!math.querySelector("mjx-container"))
      found.push(`equation not typeset: ${math.textContent.trim().slice(0, 60)}`);
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest("code, pre, script, style, mjx-container")) continue;
    if (/\\[(\[]|\\begin\{|\$[^$]*\\[a-z]+/.test(node.data))
      found.push(`raw mathematics: ${node.data.trim().slice(0, 60)}`);
  }

  for (const image of document.images) {
    const name = image.getAttribute("src").slice(0, 60);
    if (!image.naturalWidth) found.push(`image not loaded: ${name}`);
    if (!image.alt.trim()) found.push(`image without alternative text: ${name}`);
    const dark = document.documentElement.dataset.theme === "dark";
    if (dark && image.closest(".cell_output") && !getComputedStyle(image).filter.includes("invert"))
      found.push(`figure not adapted to the dark: ${name}`);
  }

  const root = document.documentElement;
  if (!root.lang) found.push("no language attribute");
  if (root.scrollWidth > innerWidth) {
    const wide = [...article.querySelectorAll("*")].filter(
      (element) => element.getBoundingClientRect().right > innerWidth + 1);
    const first = wide[0]?.outerHTML.slice(0, 100) ?? "?";
    found.push(`horizontal scroll: ${root.scrollWidth} px in ${innerWidth} px, first ${first}`);
  }
  return found;
}
"""


def check_page(browser, base, name, *, scheme="light", widths=(1280, 390)):
    """Open base + name and return what is wrong with the page, a list of sentences.

    The page is loaded at the first width and then narrowed or widened to the others. Requests to
    another host than that of `base` are reported and not let out.
    """
    found = []
    host = urlsplit(base).netloc
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")

    def guard(route):
        if urlsplit(route.request.url).netloc == host:
            route.continue_()
        else:
            found.append(f"request to another host: {route.request.url}")
            route.abort()

    def note_response(response):
        if response.status >= 400:
            found.append(f"status {response.status}: {response.url}")

    def note_console(message):
        if message.type == "error":
            found.append(f"console error: {message.text}")

    context.route("**/*", guard)
    page = context.new_page()
    page.on("response", note_response)
    page.on("console", note_console)
    page.on("pageerror", lambda error: found.append(f"page error: {error}"))
    page.on("requestfailed", lambda request: found.append(f"request failed: {request.url}"))
    page.set_viewport_size({"width": widths[0], "height": 900})
    page.goto(base + name, wait_until="networkidle")
    page.evaluate(SETTLED)
    if page.evaluate("document.documentElement.dataset.theme") not in (scheme, None):
        found.append(f"not shown in the {scheme} theme")
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        found += page.evaluate(FINDINGS)
    context.close()
    return list(dict.fromkeys(found))
