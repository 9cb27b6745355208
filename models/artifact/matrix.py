"""The features of a model in its folder: their declaration in the manifest, and the files of arrays and lists."""

import json
import operator
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from fraudsieve._subjects import Subject
from fraudsieve.exceptions import ArtifactError
from fraudsieve.features.account_matrix import AccountMatrix, FeatureMatrix, text_matrices
from fraudsieve.features.campaign.over_time import CampaignHistory
from fraudsieve.features.cues.custom_lists import CustomLists
from fraudsieve.features.history.declaration import History, check_histories
from fraudsieve.features.message_matrix import MessageMatrix
from fraudsieve.features.network.declaration import Network
from fraudsieve.features.profile.custom_columns import CustomColumns
from fraudsieve.features.wording.model import BITS, TextModel
from fraudsieve.features.wording.surprisal import CHAR_BITS, PAIR_BITS, CharacterModel
from fraudsieve.tables.values.moments import time_zone

from .arrays import MAX_ARRAY_BYTES, TEXT_PREFIXES, pack_arrays, read_arrays

MANIFEST: Final = "manifest.json"
LISTS_FILE: Final = "lists.json"
"""The file of the custom lists of words, brands, hotlines and short hosts."""
EXPORT: Final = "Export the model again."
MAX_CHARACTERS: Final = 2
"""Character models of raw and of folded text."""
MAX_MAGNITUDE: Final = 1e9
"""Bound of weights, intercepts and scales; sums and products of larger ones could overflow."""
MAX_TRUST: Final = 100.0


def _build_custom(declared: Mapping[str, Any], files: Mapping[str, bytes]) -> CustomColumns:
    texts = {
        str(name): _build_messages(
            text, {file.removeprefix(prefix): content for file, content in files.items() if file.startswith(prefix)}
        )
        for prefix, (name, text) in zip(TEXT_PREFIXES, declared.get("texts", {}).items(), strict=False)
    }
    return CustomColumns.from_dict(declared, texts)


def build_matrix(subject: str, declared: Mapping[str, Any], files: Mapping[str, bytes]) -> FeatureMatrix:
    """Build a matrix from its declaration (`FeatureMatrix.to_dict`) and the content of the files with its arrays."""
    kind = Subject(subject)
    return _build_messages(declared, files) if kind.has_text else _build_accounts(kind, declared, files)


def _build_messages(declared: Mapping[str, Any], files: Mapping[str, bytes]) -> MessageMatrix:
    sender = check_histories([History.from_dict(view) for view in declared["sender"]])
    models = {
        name: None if declared[name] is None else _read_wording(name, declared[name], files)
        for name in ("wording", "pinyin")
    }
    characters = _read_characters(declared["characters"], files) if declared["characters"] else ()
    campaigns = None if declared["campaigns"] is None else CampaignHistory.from_dict(declared["campaigns"])
    return MessageMatrix(
        **models,
        sender=sender,
        characters=characters,
        campaigns=campaigns,
        lists=_read_lists(files) if declared["lists"] else CustomLists(),
        custom=_build_custom(declared["own"], files),
    )


def _read_lists(files: Mapping[str, bytes]) -> CustomLists:
    try:
        return CustomLists.of(**json.loads(files[LISTS_FILE]))
    except (ValueError, TypeError, AttributeError, RecursionError):  # the errors quote entries
        raise ArtifactError(LISTS_FILE, "does not hold lists of words, brands, hotlines and hosts", EXPORT) from None


def _build_accounts(subject: Subject, declared: Mapping[str, Any], files: Mapping[str, bytes]) -> AccountMatrix:
    return AccountMatrix(
        subject,
        check_histories([History.from_dict(view) for view in declared["histories"]]),
        None if declared["network"] is None else Network.from_dict(declared["network"]),
        custom=_build_custom(declared["own"], files),
        timed=bool(declared["timed"]),
        time_zone=time_zone(declared.get("time_zone", "UTC")).key,
    )


def matrix_files(matrix: FeatureMatrix) -> dict[str, bytes]:
    """Return the files of a matrix by name: its arrays in NumPy's format without pickle, its lists in JSON."""
    files: dict[str, bytes] = {}
    for name, model in matrix.text_models.items():
        arrays = {"buckets": model.buckets, "weights": model.weights, "intercept": model.intercept}
        numbers = {
            "scale": np.float64(model.scale),
            "trust": np.float64(model.trust),
            "legitimate": np.int64(model.legitimate),
        }
        files[f"{name}.npz"] = pack_arrays(arrays | numbers)
    if matrix.characters:
        counts = {f"chars-{place}": model.chars for place, model in enumerate(matrix.characters)}
        counts |= {f"pairs-{place}": model.pairs for place, model in enumerate(matrix.characters)}
        files["characters.npz"] = pack_arrays(counts)
    if matrix.lists:
        files[LISTS_FILE] = json.dumps(matrix.lists.to_dict(), indent=2, ensure_ascii=False).encode()
    for prefix, text in zip(TEXT_PREFIXES, text_matrices(matrix).values(), strict=False):
        files |= {f"{prefix}{name}": content for name, content in matrix_files(text).items()}
    return files


def _read_wording(name: str, declared: Mapping[str, Any], files: Mapping[str, bytes]) -> TextModel:
    classes = declared["classes"]
    n_outputs, buckets = len(classes), 8 << BITS
    sizes = {
        "buckets": buckets,
        "weights": min(buckets * (1 + n_outputs), MAX_ARRAY_BYTES),
        "intercept": 8 * n_outputs,
        "scale": 8,
        "trust": 8,
        "legitimate": 8,
    }
    arrays = _arrays(files, name, sizes)
    numbers = float(arrays["scale"]), float(arrays["trust"]), operator.index(arrays["legitimate"][()])
    return TextModel(
        tuple(classes),
        arrays["buckets"],
        arrays["weights"],
        arrays["intercept"],
        *numbers,
        declared.get("raw", False) is True,
        _usual_share(declared),
    )


def _usual_share(declared: Mapping[str, Any]) -> float:
    """Return the usual share of a manifest; older ones have none, and others than numbers are found to be wrong."""
    found = declared.get("usual_share", 1.0)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else float("nan")


def _read_characters(n: int, files: Mapping[str, bytes]) -> tuple[CharacterModel, ...]:
    if not 0 < n <= MAX_CHARACTERS:
        raise ArtifactError(MANIFEST, f"expected 1 to {MAX_CHARACTERS} character models, got {n}", EXPORT)
    sizes = {f"chars-{place}": 8 << CHAR_BITS for place in range(n)}
    arrays = _arrays(files, "characters", sizes | {f"pairs-{place}": 8 << PAIR_BITS for place in range(n)})
    return tuple(CharacterModel(arrays[f"chars-{place}"], arrays[f"pairs-{place}"]) for place in range(n))


def _arrays(files: Mapping[str, bytes], name: str, sizes: Mapping[str, int]) -> dict[str, Any]:
    try:
        return read_arrays(files[f"{name}.npz"], sizes)
    except ValueError as error:
        raise ArtifactError(f"{name}.npz", str(error), EXPORT) from None


def array_mismatch(matrix: FeatureMatrix, declared: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the arrays of a matrix, or None; kernels do not check bounds."""
    problems = [_text_model_mismatch(model, declared[name], name) for name, model in matrix.text_models.items()]
    shapes = {(m.chars.shape, m.pairs.shape, m.chars.dtype.name, m.pairs.dtype.name) for m in matrix.characters}
    expected = ((1 << CHAR_BITS,), (1 << PAIR_BITS,), "uint32", "uint32")
    if len(matrix.characters) != declared.get("characters", 0) or shapes - {expected}:
        problems.append("the counts of characters do not fit each other")
    problems += [array_mismatch(text, declared["own"]["texts"][name]) for name, text in text_matrices(matrix).items()]
    return next((problem for problem in problems if problem), None)


def _text_model_mismatch(wording: TextModel, declared: Mapping[str, Any], name: str) -> str | None:
    buckets, n_outputs = wording.buckets, len(wording.classes)
    shapes = (buckets.ndim, wording.weights.shape, wording.intercept.shape)
    types = (buckets.dtype.name, wording.weights.dtype.name, wording.intercept.dtype.name)
    expected = (1, (len(buckets), 1 + n_outputs), (n_outputs,))
    if shapes != expected or types != ("int32", "float32", "float64"):
        return f"the arrays of the {name} model do not fit each other"
    are_bounded = [bool((np.abs(part) <= MAX_MAGNITUDE).all()) for part in (wording.weights, wording.intercept)]
    if not 0 < wording.usual_share <= 1:
        return f"the usual share of the {name} model is not above 0 and at most 1"
    # A scale below zero would reverse the ranking.
    if not all(are_bounded) or not 0 < wording.scale <= MAX_MAGNITUDE or not 0 <= wording.trust <= MAX_TRUST:
        return f"the {name} model has a weight, an intercept, a scale or a trust that is not finite, or out of bounds"
    # Of two classes, the legitimate one may have no output. With more, evidence of fraud is measured against it.
    if not (-1 if n_outputs == 1 or not wording.trust else 0) <= wording.legitimate < n_outputs:
        return f"the {name} model has no output {wording.legitimate} of the legitimate class"
    ascending = (np.diff(buckets, prepend=-1, append=1 << BITS) > 0).all()
    if declared["bits"] != BITS or not ascending:
        return f"the {name} model does not hash n-grams to {BITS} bits"
    return None
