"""A small simulated world for the tests of the training room."""

import pandas as pd
import pytest

from fraudsieve.training.simulate import World, simulate


@pytest.fixture(scope="session")
def small_world() -> World:
    return simulate(days=60, n_accounts=300)


@pytest.fixture(scope="session")
def labelled_messages(small_world: World) -> pd.DataFrame:
    """Messages with the latest label of each; unlabelled ones are left out."""
    labels = small_world.labels.sort_values("labelled_at").drop_duplicates("subject_id", keep="last")
    labels = labels.set_index("subject_id")[["label", "labelled_at"]]
    messages = small_world.messages.join(labels, on="message_id")
    return messages[messages["label"].notna()].reset_index(drop=True)
