"""The version that the workers of a service share: one swaps it in, and the others follow; what is refused is shown."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fraudsieve.features.account_matrix import account_matrix_of
from fraudsieve.models import Scorer, write_model
from fraudsieve.models.calibration import Calibration
from fraudsieve.service.handlers import RequestHandler
from fraudsieve.service.loaded_model import FoundModel, LoadedModel, RefusedVersion, SharedModel
from fraudsieve.service.metrics import Metrics
from fraudsieve.service.settings import Settings
from fraudsieve.service.watchers import AliasWatcher

pytestmark = pytest.mark.slow
ALIAS = "models:/accounts@champion"


@pytest.fixture
def versions(accounts_folder: Path, tmp_path: Path) -> dict[str, Path]:
    """Version 2 has other scores than version 1, and version 3 another window."""
    model = Scorer.load(accounts_folder).model
    matrix = account_matrix_of(model.matrix)
    (view, *others), name = matrix.histories, "1d"
    other = replace(view, windows=tuple("2d" if window == name else window for window in view.windows))
    matrix = replace(matrix, histories=(other, *others))
    write_model(replace(model, calibration=Calibration(shift=1.0)), tmp_path / "2")
    write_model(replace(model, matrix=matrix), tmp_path / "3")
    return {"1": accounts_folder, "2": tmp_path / "2", "3": tmp_path / "3"}


class Service:
    """Two workers of a service that share a folder, and an alias that points to a version."""

    def __init__(self, folder: Path, versions: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        self.versions, self.alias, self.shared = versions, "1", SharedModel(str(folder))
        self.shared.write(FoundModel(versions["1"], version="1"))
        monkeypatch.setattr("fraudsieve.models.flavor.resolve_version", lambda _: self.alias)
        monkeypatch.setattr(
            "fraudsieve.service.watchers.model_folder", lambda address, into: versions[address.rpartition("/")[2]]
        )
        monkeypatch.setattr("gc.freeze", lambda: None)

    def worker(self) -> AliasWatcher:
        """Start a worker: it loads what the others use."""
        found = self.shared.read()
        assert found is not None
        loaded = LoadedModel(Scorer.load(found.folder, digest=found.digest), found.version)
        handler = RequestHandler(loaded, Settings(), Metrics())
        return AliasWatcher(ALIAS, handler, handler.metrics, self.shared)


@pytest.fixture
def service(tmp_path: Path, versions: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Service:
    return Service(tmp_path / "shared", versions, monkeypatch)


def version(worker: AliasWatcher) -> Any:
    return worker.holder.loaded.version


def test_one_worker_swaps_and_the_others_and_replacements_follow(service: Service) -> None:
    one, other = service.worker(), service.worker()
    assert (one.check(), other.follow()) == ("same", "same")
    service.alias = "2"
    assert (one.check(), one.follow()) == ("swapped", "same")
    shutil.rmtree(service.versions["2"])  # the registry is not asked again
    assert (other.follow(), version(other), version(service.worker())) == ("swapped", "2", "2")
    assert other.check() == "same"
    service.alias = "1"  # a rollback
    assert (other.check(), one.follow(), version(one), version(service.worker())) == ("swapped", "swapped", "1", "1")


def test_a_worker_that_is_late_does_not_share_an_older_version(service: Service) -> None:
    one, late = service.worker(), service.worker()
    late.holder.loaded = replace(late.holder.loaded, version="0")  # it has not followed yet
    service.alias = "2"
    assert one.check() == "swapped"
    service.alias = "1"
    assert (late.check(), late.follow(), version(late)) == ("same", "swapped", "2")


def test_no_worker_loads_another_history_and_a_replacement_does_not_either(service: Service) -> None:
    one = service.worker()
    service.alias = "2"
    assert one.check() == "swapped"
    service.alias = "3"
    assert (one.check(), one.check(), version(one)) == ("refused", "same", "2")
    assert one.holder.refused == RefusedVersion("3", needs_restart=True)
    replacement = service.worker()
    assert (version(replacement), replacement.check(), replacement.follow()) == ("2", "refused", "same")
    for worker in (one, replacement):
        shown = worker.holder.metrics.render().decode()
        assert "fraudsieve_model_refused 1.0" in shown
    service.alias = "2"
    assert one.check() == "same"
    assert [watcher.holder.refused for watcher in [one]] == [None]
    assert "fraudsieve_model_refused 0.0" in one.holder.metrics.render().decode()


def test_a_worker_that_is_killed_while_it_shares_leaves_the_version_in_use(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = service.worker(), service.worker()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("fraudsieve.service.loaded_model.write_file", killed)
        service.alias = "2"
        with pytest.raises(KeyboardInterrupt):
            one.check()
    assert (version(other), other.follow(), version(service.worker())) == ("1", "same", "1")
    assert (other.check(), version(service.worker())) == ("swapped", "2")
