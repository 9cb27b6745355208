"""A planted case, and a model that says how strong its scores are."""

from pathlib import Path

import pytest

from fraudsieve.leads.case_content import CaseContent
from fraudsieve.models import Model
from tests.fitted_models import Fitted

from .planted import case_of, with_support


@pytest.fixture
def case(tmp_path: Path) -> CaseContent:
    return case_of(tmp_path)


@pytest.fixture
def model(binary: Fitted) -> Model:
    return with_support(binary.model)
