"""The Sphinx extension of the reference: the pages of the API, and the directive for parts of the reference."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from scripts.house import draw_house, packages_page
from scripts.imports import ROOT

from .api_pages import write_api_pages
from .command_line import command_line_page
from .entries import KINDS
from .features import features_page
from .http_paths import http_page
from .kernels import gains_page, kernels_page
from .metrics import metrics_page
from .model_folder import model_folder_page
from .prometheus import prometheus_page
from .recipe import recipe_page
from .scores import scores_page
from .tables import tables_page

__all__ = ["setup"]

PAGES: dict[str, Callable[[], str]] = {
    "command_line": command_line_page,
    "features": features_page,
    "gains": gains_page,
    "house": draw_house,
    "http": http_page,
    "kernels": kernels_page,
    "metrics": metrics_page,
    "model_folder": model_folder_page,
    "packages": packages_page,
    "prometheus": prometheus_page,
    "recipe": recipe_page,
    "scores": scores_page,
    "tables": tables_page,
}
"""The parts that ``{reference}`` can show, by name."""
SECTION = re.compile(r"(\w+Recipe)\((?:[^()]|\([^()]*\))*\)")
AT_THE_TOP = frozenset({"class", "exception", "function", "data"})


class Reference(SphinxDirective):
    """Show a part of the reference, generated from the code.

    Content before the first heading of a part would be shown after its last section, so a part begins with a heading
    or has none.
    """

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the part. Its page is read in every build, since the code may have changed."""
        self.env.note_reread()
        return self.parse_text_to_nodes(PAGES[self.arguments[0]](), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the object types, the directive and the handlers of the documentation."""
    for kind in KINDS:
        app.add_object_type(kind, kind)
    app.add_directive("reference", Reference)
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-signature", shorten_signature)
    app.connect("autodoc-skip-member", skip_inherited)
    app.connect("missing-reference", resolve_short_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app: Sphinx) -> None:
    """Write the pages of the API, and copy the notebooks with their outputs."""
    source = Path(app.srcdir)
    write_api_pages(source / "reference" / "generated")
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        shutil.copy2(notebook, source / "notebooks" / notebook.name)


def shorten_signature(
    app: Sphinx, kind: str, name: str, thing: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Leave out defaults inside the sections of a recipe, which its page has, and show default factories as dots."""
    return SECTION.sub(r"\1()", signature or "").replace("<factory>", "...") or None, returns


def skip_inherited(app: Sphinx, kind: str, name: str, thing: object, skip: bool, options: object) -> bool | None:
    """Skip the methods for metadata routing that scikit-learn adds to an estimator."""
    return True if name.endswith("_request") else None


def resolve_short_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.Element
) -> nodes.Element | None:
    """Link a name in backticks to the public object of that name; names of public classes and functions are unique.

    A method of another class is found with the name of its class. Any other text in backticks is code: a parameter, a
    value or a private name.
    """
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].lstrip(".~")
    objects = env.domains.python_domain.objects
    named = (name for name in objects if name == target or name.endswith(f".{target}"))
    full = next((name for name in named if "." in target or objects[name].objtype in AT_THE_TOP), None)
    if full is not None:
        found = objects[full]
        return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, contnode, full)
    return nodes.literal("", contnode.astext()) if node["reftype"] == "obj" else None
