"""The custom lists of the section ``[features]`` of a recipe: words, brands, hotlines and hosts of link shorteners."""

from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, model_validator

from fraudsieve.features.cues.custom_lists import CustomLists

from .data import RecipeSection

MAX_BYTES: Final = 4 << 20


def read_list(path: str) -> list[str]:
    """Read a list from a text file in UTF-8, with an entry per line; blank lines and comments (``#``) are ignored."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"expected a list of at most 4 MB, got a larger file, {path}. Use fewer entries.")
        lines = content.decode("utf-8-sig").splitlines()
    except OSError as error:
        problem = f"expected a text file with an entry per line, got {path}, which cannot be read"
        raise ValueError(f"{problem} ({type(error).__name__}). Name a file, or write a list.") from None
    except UnicodeDecodeError:
        raise ValueError(f"expected a list in UTF-8, got another encoding in {path}. Save it as UTF-8.") from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _from_file(entries: Any) -> Any:
    return read_list(entries) if isinstance(entries, str) else entries


Entries = Annotated[tuple[str, ...], BeforeValidator(_from_file)]
"""Strings, or the path of a text file with one of them per line."""


class ListRecipe(RecipeSection):
    """Your own lists. A list in a file is read with the recipe, so the recipe contains the list itself."""

    words: dict[str, Entries] | None = None
    """Words by group. Each group is counted in a column of its own, ``cues__own_<group>``."""
    brands: Entries | dict[str, Entries] = ()
    """Names of brands in host names: a list, or a table with the domains of each brand."""
    hotlines: Entries = ()
    """Telephone numbers of banks or authorities, as they are written in messages."""
    short_hosts: Entries = ()
    """Registered domains of link shorteners, in addition to the built-in ones."""

    @model_validator(mode="after")
    def _check_lists(self) -> Self:
        CustomLists.of(self.words, self.brands, self.hotlines, self.short_hosts)
        return self


LISTS: Final = tuple(ListRecipe.model_fields)
"""The keys of the lists."""
