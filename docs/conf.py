"""How the pages become a site: `sphinx-build -W docs site`."""

from fastmigrate import __version__

project = "fastmigrate"
release = __version__
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "fastmigrate"
html_static_path: list[str] = []
exclude_patterns: list[str] = []
myst_heading_anchors = 3
