"""The configuration of the documentation: ``sphinx-build -W docs docs/_build``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import fraudsieve

project = "fraudsieve"
author = "the authors of fraudsieve"
copyright = f"2026, {author}"
version = release = fraudsieve.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "scripts.reference.extension",
]
exclude_patterns = ["_build", "jupyter_execute"]  # myst_nb writes the latter beside the former
suppress_warnings = ["mystnb.unknown_mime_type"]  # what a notebook shows as HTML has other forms too
nitpicky = True
smartquotes_action = "qe"  # quotes and ellipses: two hyphens begin an option

# Docstrings describe the types of parameters in words, so signatures do not repeat them.
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
autosummary_generate = False  # scripts.reference.api_pages writes the pages
numpydoc_show_class_members = False
default_role = "obj"

nb_execution_mode = "off"  # the notebooks are committed with their outputs, and run elsewhere
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "pydata_sphinx_theme"
html_title = f"fraudsieve {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": False,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": []}
