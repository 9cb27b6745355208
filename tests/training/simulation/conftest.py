"""Simulated worlds."""

import pandas as pd
import pytest

from fraudsieve.training.simulation.world import World, simulate
from tests.training.simulation.worlds import START, WELL_LABELLED, labelled_messages


@pytest.fixture(scope="package")
def world() -> World:
    return simulate()


@pytest.fixture(scope="package")
def well_labelled() -> World:
    """Return a world whose labels are complete and right."""
    return simulate(**WELL_LABELLED)


@pytest.fixture(scope="package")
def labelled(well_labelled: World) -> pd.DataFrame:
    return labelled_messages(well_labelled)


@pytest.fixture(scope="package")
def fraud_messages() -> pd.DataFrame:
    """Return the fraud messages of a world with many of them, and their times from 0 to 1 (``progress``)."""
    world = simulate(days=400, n_accounts=3000, messages_per_day=60.0, fraud_share=0.5, **WELL_LABELLED)
    labelled = labelled_messages(world)
    return labelled[labelled["label"] != "legitimate"].assign(
        progress=lambda rows: (rows["sent_at"] - START).dt.days / 400
    )
