"""The content of a lead: the flagged actions of one case, their links, and the reasons of their scores."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from fraudsieve.cases.actions import IDS, ids_of
from fraudsieve.exceptions import LeadError
from fraudsieve.tables.cells import STRING
from fraudsieve.tables.source import Source, as_input, origin_of

NEEDED: Final = {
    "members": ("case_id", "action_id"),
    "links": ("case_id", "source_id", "target_id", "kind", "evidence"),
}
FIX: Final = "Name a folder that 'fraudsieve cases' has written."


@dataclass(frozen=True, eq=False)
class CaseContent:
    """The actions and links of one case.

    Parameters
    ----------
    case_id : str
    members : DataFrame of shape (n_actions, n_columns)
        Its flagged actions, as in `Cases.members`. With several subjects, the ``action_id`` of message 17 is
        ``message:17``.
    links : DataFrame of shape (n_links, n_columns)
        The links between them.
    """

    case_id: str
    members: pd.DataFrame
    links: pd.DataFrame

    @property
    def flagged_accounts(self) -> frozenset[str]:
        """The accounts that took a flagged action of the case."""
        return frozenset(self.members["account_id"].dropna()) if "account_id" in self.members else frozenset()


@dataclass(frozen=True)
class ActionReasons:
    """The reasons why an action was flagged.

    Parameters
    ----------
    named : tuple of (str, str)
        Family and cue of each reason for the class, the strongest first.
    techniques : tuple of (str, str)
        Ids and names of the techniques of MITRE F3 that belong to the class.
    """

    named: tuple[tuple[str, str], ...]
    techniques: tuple[tuple[str, str], ...]


def read_case(folder: str | os.PathLike[str], case_id: str) -> CaseContent:
    """Read one case from a folder of cases.

    Parameters
    ----------
    folder : str or path
        A folder that `write_cases` has written.
    case_id : str

    Returns
    -------
    CaseContent
        Its members and the links between them.

    Raises
    ------
    LeadError
        If the folder does not hold cases, or not this one.
    """
    tables = read_case_tables(folder)
    members, links = (table[table["case_id"].eq(case_id)].reset_index(drop=True) for table in tables)
    if members.empty:
        problem = "no case has this id"
        raise LeadError(os.fspath(folder), problem, "Name a case_id of cases.parquet.")
    return CaseContent(case_id, members, links)


def actions_of(members: pd.DataFrame, subject: str) -> dict[str, str]:
    """Return the action of each record of a subject, since records of two subjects may have the same id."""
    if "subject" not in members or "record" not in members:
        return {str(action): str(action) for action in members["action_id"]}
    own = members[members["subject"].eq(subject)]
    return dict(zip(own["record"].astype(STRING), own["action_id"].astype(STRING), strict=True))


def read_case_tables(folder: str | os.PathLike[str]) -> list[pd.DataFrame]:
    """Read the members and the links from a folder of cases."""
    tables = []
    for name, columns in NEEDED.items():
        path = Path(folder) / f"{name}.parquet"
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError) as error:  # its text may quote a value
            raise LeadError(str(path), f"cannot be read ({type(error).__name__})", FIX) from None
        missing = [name for name in columns if name not in table]
        if missing:
            raise LeadError(str(path), f"columns are missing: {', '.join(missing)}", FIX)
        tables.append(table)
    return tables


def read_reasons(scores: "Source", members: pd.DataFrame) -> dict[str, ActionReasons]:
    """Read the reasons of actions from scores that were written with ``predict --reasons``.

    Parameters
    ----------
    scores : path or DataFrame
        The scores, with a column ``reasons``.
    members : DataFrame
        The actions.

    Returns
    -------
    dict of str to ActionReasons
        The reasons of each action whose record has a score. Reasons against the class and sums of other reasons are
        left out.

    Raises
    ------
    LeadError
        If the scores have no reasons, or no action is among them.
    """
    frame = pd.concat([part.loaded.frame for part in as_input(scores).parts], ignore_index=True)
    origin = origin_of(scores)
    name = next((name for name in IDS if name in frame), None)
    if name is None or "reasons" not in frame:
        problem = f"expected a column 'reasons' and one of {', '.join(IDS)}"
        raise LeadError(origin, problem, "Pass the scores of 'fraudsieve predict --reasons 5'.")
    actions = ids_of(frame[name]).map(actions_of(members, name.removesuffix("_id")))
    has_reasons = actions.notna() & frame["reasons"].notna()
    found = dict(zip(actions[has_reasons], frame.loc[has_reasons, "reasons"], strict=True))
    if not found:
        problem = f"none of the {len(members)} actions has reasons"
        raise LeadError(origin, problem, "Pass the scores from which the cases were formed.")
    try:
        return {action: _reasons_of(json.loads(text)) for action, text in found.items()}
    except (ValueError, KeyError, TypeError):
        raise LeadError(origin, "expected reasons as JSON, got something else", "Score the records again.") from None


def _reasons_of(explanation: Mapping[str, Any]) -> ActionReasons:
    named = [one for one in explanation["reasons"] if one["cue"] is not None and one["direction"] > 0]
    techniques = explanation["explained"]["techniques"]
    return ActionReasons(
        tuple((str(one["family"]), str(one["cue"])) for one in named),
        tuple((str(one["id"]), str(one["name"])) for one in techniques),
    )
