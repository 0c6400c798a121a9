"""How the documentation becomes static pages: `make site`."""

from importlib.metadata import version as version_of

project = "Goldloop"
author = "Goldloop's authors"
version = release = version_of("goldloop")
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "Goldloop"
html_copy_source = False
html_show_sphinx = False
# Every page works from a folder, without a server and without a network.
html_static_path: list[str] = []
