"""Inspection of a model folder, with a list of the checks that it passed."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .folder import FEATURES_VERSION, FORMAT, LIBRARIES, read_manifest, read_model

__all__ = ["Verified", "verify"]

NOT_PINNED = (
    "the digest is not pinned: the folder is complete, but its author is not verified; "
    "pass the digest that train printed"
)


@dataclass(frozen=True)
class Verified:
    """The checks that a model folder passed. A folder that fails a check raises `ArtifactError` instead.

    Parameters
    ----------
    folder : Path
        The folder.
    name, subject, digest : str
        The model's name, what it scores, and the SHA-256 of its manifest.
    pinned : bool
        Whether the digest was compared with an expected one.
    checks : tuple of (str, str)
        The subject of each check, and its result.
    notes : tuple of str
        What the checks do not cover.
    """

    folder: Path
    name: str
    subject: str
    digest: str
    pinned: bool
    checks: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def verify(folder: str | Path, *, digest: str | None = None) -> Verified:
    """Check a model folder as `Scorer.load` does, and list the checks.

    Parameters
    ----------
    folder : str or Path
        The model folder.
    digest : str, default=None
        The SHA-256 of its manifest, to accept only that model.

    Returns
    -------
    Verified
        The model's name, subject and digest, the checks and their results, and what they do not cover.

    Raises
    ------
    ArtifactError
        If a check fails. Nothing is built from a file that fails its check.

    Examples
    --------
    ::

        verify("fraudsieve-model", digest="…").checks[0]  # ('digest', 'of the manifest, equals the given one')
    """
    folder = Path(folder)
    model = read_model(folder, digest=digest)
    manifest, _ = read_manifest(folder, digest=model.digest)  # the same bytes as before
    trees = model.ensemble.booster
    sizes = [entry["bytes"] for entry in manifest["files"].values()]
    checks = (
        ("digest", "of the manifest, equals the given one" if digest else "of the manifest, none was given"),
        ("versions", f"format {FORMAT}, features {FEATURES_VERSION}: those of this fraudsieve"),
        ("files", f"{len(sizes)}, {sum(sizes):,} bytes, in the folder itself, SHA-256 as in the manifest"),
        ("booster", f"{trees.num_trees()} trees: every split and leaf is reached once, and every column exists"),
        ("arrays", "sizes before they were unpacked, shapes, types and ranges; nothing is pickled"),
        ("columns", f"{len(model.matrix.columns)}, in the order of the features that the manifest declares"),
        ("classes", f"{len(model.classes)}, as many as the trees have outputs for"),
        ("thresholds", f"{len(model.points)} operating points, calibration and start are finite"),
    )
    notes = () if digest else (NOT_PINNED,)
    return Verified(
        folder, model.name, model.subject, model.digest, bool(digest), checks, (*notes, *_version_notes(manifest))
    )


def _version_notes(manifest: dict[str, Any]) -> tuple[str, ...]:
    """Return a note on the libraries whose version differs from the one that wrote the folder."""
    written = manifest.get("libraries")
    written = written if isinstance(written, dict) else {}
    pairs = [(name, str(written.get(name)), version(name)) for name in LIBRARIES]
    differences = ", ".join(f"{name} {was} (here {now})" for name, was, now in pairs if was != now)
    return (f"written with {differences}",) if differences else ()
