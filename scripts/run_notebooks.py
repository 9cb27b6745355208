"""Execute the notebooks in place, so that they are committed with their results and pictures.

A warning is an error, and so is anything on the error stream. Run it from the root of the repository::

    python scripts/run_notebooks.py [notebooks/01_first_model.ipynb ...]
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
IGNORED = ("IProgress not found",)
"""Lines that depend on what is installed beside the notebook."""


def run(path: Path) -> None:
    """Execute a notebook and write it back with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_ignored(output)]
            errors = [output for output in cell.outputs if output.get("name") == "stderr"]
            if errors:
                raise SystemExit(f"{path.name}: expected no warnings, got:\n{errors[0].text}")
    nbformat.write(notebook, path)


def _is_ignored(output: nbformat.NotebookNode) -> bool:
    return output.get("name") == "stderr" and any(text in output.text for text in IGNORED)


if __name__ == "__main__":
    # MLflow draws its progress on the error stream, which would be stored as a result
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in sys.argv[1:] or sorted(NOTEBOOKS.glob("*.ipynb")):
        print(f"running {name}", file=sys.stderr)  # noqa: T201 - a script
        run(Path(name))
