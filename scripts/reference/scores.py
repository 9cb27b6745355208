"""The fields of a score, from their one definition."""

from typing import Annotated, Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

from fraudsieve.models.scoring.score_fields import Score

from .entries import entry, inline

__all__ = ["score_names", "scores_page"]


def score_names() -> list[str]:
    """Return the names of the fields."""
    return list(get_type_hints(Score))


def scores_page() -> str:
    """Return an entry per field of a score, with its values and its meaning."""
    return "\n".join(
        entry("score", name, inline(_meaning(hint)), _values(hint))
        for name, hint in get_type_hints(Score, include_extras=True).items()
    )


def _plain(hint: Any) -> Any:
    while get_origin(hint) in (NotRequired, Annotated):
        hint = get_args(hint)[0]
    return hint


def _meaning(hint: Any) -> str:
    hint = get_args(hint)[0] if get_origin(hint) is NotRequired else hint
    if get_origin(hint) is Annotated:
        return str(hint.__metadata__[0])
    return next((str(kind.__doc__) for kind in (hint, *get_args(hint)) if is_typeddict(kind)), "")


def _values(hint: Any) -> str:
    """Return the values of a field: its choices, the fields of an object, or its type."""
    plain = _plain(hint)
    kinds = [_plain(kind) for kind in (plain, *get_args(plain))]
    of = next((kind for kind in kinds if is_typeddict(kind)), None)
    choices = [value for kind in kinds for value in get_args(kind) if isinstance(value, str)]
    if of is not None:
        fields = ", ".join(f"`{name}`" for name in get_type_hints(of))
        return f"{'A list of dicts' if get_origin(plain) is list else 'A dict'} with {fields}."
    if choices:
        return f"{' or '.join(f'`{choice}`' for choice in dict.fromkeys(choices))}."
    if get_origin(plain) is dict:
        return "Numbers by class."
    types = [name for kind, name in ((str, "text"), (float, "number")) if kind in kinds]
    return f"{' or '.join(types)}.".capitalize()
