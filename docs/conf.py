"""The site of the documents: `make docs`. Nothing in it is fetched from elsewhere."""

from secret_refresher import __version__

project = "secret-refresher"
author = "the secret-refresher authors"
release = __version__
html_title = f"secret-refresher {release}"

# The source is the whole repository, so that pages link as they do there.
root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "CHANGELOG.md",
    "README.md",
    "SECURITY.md",
    "bench/REPORT.md",
    "charts/secret-refresher/README.md",
]
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]

html_theme = "furo"
html_copy_source = False
html_show_sphinx = False
