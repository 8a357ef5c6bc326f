"""Add launch, source, edit and issue buttons when REPOSITORY_URL says where the repository is.

The environment variable REPOSITORY_URL is the only place where the address is set. Without it
the pages have none of these buttons. Launch buttons open the branch `launch`, which
tools/launch.py makes: its chapters install kinetic where it is missing.
"""

import os
import re

LAUNCH_BRANCH = "launch"
SOURCE_BRANCH = "main"


def set_theme_options(app, config):
    """Fill in the theme's options from REPOSITORY_URL."""
    url = os.environ.get("REPOSITORY_URL", "").strip().removesuffix("/").removesuffix(".git")
    if not url:
        return
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", url):
        raise ValueError(
            f"REPOSITORY_URL is {url!r}; accepted is https://github.com/OWNER/NAME, or nothing."
        )
    config.html_theme_options |= {
        "repository_url": url,
        "repository_branch": LAUNCH_BRANCH,
        "use_repository_button": True,
        "use_issues_button": True,
        "use_edit_page_button": True,
        "launch_buttons": {
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
            "notebook_interface": "jupyterlab",
        },
    }


def edit_the_source_branch(app):
    """Let edit buttons open the branch that people write, not the generated one."""
    if "github_version" in app.config.html_context:
        app.config.html_context["github_version"] = SOURCE_BRANCH


def setup(app):
    """Connect the extension to Sphinx."""
    app.connect("config-inited", set_theme_options)
    app.connect("builder-inited", edit_the_source_branch, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
