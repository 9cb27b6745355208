"""What every change must pass, and what a release must pass: the one place that says which test is of which.

Every change must pass all tests but these: ``pytest -n 2 --dist loadfile`` (the README's command) runs them, with fewer
examples than a release (`tests.profiles`), and of the zoo of tables only the smoke set. ``python -m
scripts.release_check`` runs the rest, in parts: what is named here, and again what is larger in a release (marker
`release`). A run that names a file runs what is in it, of either tier.
"""

from itertools import compress
from pathlib import Path
from typing import Final

import pytest

from tests.profiles import IN_RELEASE, size

__all__ = ["RELEASE", "choose_tests"]

BENCHMARK: Final = "a benchmark from end to end: a release runs the benchmarks; their parts are tested at every change"
COMPILES: Final = "compiles every kernel anew, in an environment or a folder of its own"
KILLS: Final = "kills and clocks that jump, in real services; smaller ones stay"
SPARK: Final = (
    "a long run of Spark; the walk takes payments through Spark at every change, and other frames are compared"
)
RELEASE: Final[dict[str, str]] = {
    "tests/attack/test_champion_races.py::test_one_wins_or_both_do_one_after_the_other": (
        "fifty rounds of two processes; that one waits for another is tested at every change"
    ),
    "tests/attack/test_silent_mlflow.py::test_commands_before_a_server_that_falls_silent_or_is_slow": (
        "real processes that wait for six seconds each; every call is tested with a shorter limit at every change"
    ),
    "tests/benchmarks/attack_surface/test_kills.py::test_two_kills_lose_nothing": KILLS,
    "tests/benchmarks/attack_surface/test_health.py::test_the_figures_of_every_load": BENCHMARK,
    "tests/benchmarks/cold/test_cold.py::test_the_whole": BENCHMARK,
    "tests/benchmarks/contest/test_run.py::test_contestants_learn_and_nothing_is_measured_twice": BENCHMARK,
    "tests/benchmarks/scale/test_sampling.py::test_figures": BENCHMARK,
    "tests/benchmarks/scale/test_spark.py::test_figures": BENCHMARK,
    "tests/benchmarks/scale/test_store.py::test_figures": BENCHMARK,
    "tests/benchmarks/scale/test_train.py::test_figures": BENCHMARK,
    "tests/benchmarks/speed/test_payments.py::test_figures_bars_and_peers": BENCHMARK,
    "tests/benchmarks/speed/test_serve.py::test_figures_bars_and_peers": BENCHMARK,
    "tests/benchmarks/speed/test_serve.py::test_the_state_holds_exactly_what_precedes_a_message": BENCHMARK,
    "tests/benchmarks/test_footprint.py::test_the_whole": COMPILES,
    "tests/benchmarks/test_promotion.py::test_every_scenario": BENCHMARK,
    "tests/benchmarks/test_refit.py::test_message_folds_score_every_message_once": BENCHMARK,
    "tests/documents/test_blocks.py::test_the_blocks_of_a_document_run": (
        "the commands of the documents; those of both READMEs and of the quickstart run at every change, and that "
        "options, keys and links of all documents exist is checked then too"
    ),
    "tests/documents/test_hour.py::test_every_step_succeeds": (
        "the first hour in real processes; its commands are those of the README and the documents, which run"
    ),
    "tests/features/history/test_history_batch.py::test_a_million_events_of_one_account_take_a_few_seconds": (
        "a million events; benchmarks.speed measures the same kernels"
    ),
    "tests/features/text/test_fold.py::test_rebuilding_gives_the_stored_table": (
        "rebuilds a table that is stored, and that changes with its sources alone"
    ),
    "tests/live/test_kills.py::test_rows_are_removed_meanwhile": KILLS,
    "tests/live/test_kills.py::test_one_of_two_processes_is_killed": KILLS,
    "tests/live/test_score_kills.py::test_every_answered_score_is_logged_once": KILLS,
    "tests/service/test_faults.py::test_a_clock_that_jumps": KILLS,
    "tests/service/test_faults.py::test_a_kill_while_a_model_takes_over": KILLS,
    "tests/service/processes/test_alias.py::test_all_workers_switch_and_no_request_fails": (
        "workers that switch under load; a service of one process does so at every change"
    ),
    "tests/service/processes/test_supervisor.py::test_a_killed_worker_is_replaced_while_the_other_answers": KILLS,
    "tests/service/processes/test_history.py::test_a_killed_worker_loses_no_acknowledged_event": KILLS,
    "tests/service/test_compose.py::test_a_model_of_mlflow_is_served_and_both_keep_their_tables_in_postgresql": (
        "a server of MLflow on PostgreSQL makes its tables; the form and the options of the file are always tested"
    ),
    "tests/service/test_image.py::test_another_model_fails_the_build": COMPILES,
    "tests/service/test_image.py::test_the_health_check_tells_a_running_service": COMPILES,
    "tests/service/test_image.py::test_the_image_scores_without_compiling": COMPILES,
    "tests/service/test_image.py::test_the_service_runs_as_an_ordinary_user_on_a_read_only_root": COMPILES,
    "tests/models/scoring/test_samples.py::test_nothing_is_left_to_compile[events]": COMPILES,
    "tests/models/scoring/test_samples.py::test_nothing_is_left_to_compile[senders]": COMPILES,
    "tests/models/test_flavor_spark.py::test_a_spark_udf_gives_the_scores_of_the_scorer": SPARK,
    "tests/models/test_flavor_spark.py::test_own_columns_and_lists_score_alike_in_spark": SPARK,
    "tests/spark/test_connect.py::test_what_holds_in_a_classic_session_holds_over_spark_connect[all]": SPARK,
    "tests/spark/test_feature_files.py::test_the_rows_are_those_of_feature_frame": SPARK,
    "tests/spark/test_feature_frames.py::test_events_with_labels_and_a_hub": SPARK,
    "tests/spark/test_feature_frames.py::test_odd_accounts_in_any_buckets_and_order": SPARK,
    "tests/spark/test_feature_frames.py::test_without_times_or_history[True]": SPARK,
    "tests/spark/test_job.py::test_the_example_computes_features_scores_and_a_sample": SPARK,
    "tests/spark/test_sample_frames.py::test_the_rows_are_those_of_one_machine_whatever_the_partitions": SPARK,
    "tests/tables/test_checks.py::test_the_time_grows_with_the_columns_not_with_their_pairs": (
        "a table of many columns, to measure the growth of time"
    ),
    "tests/test_precompiled.py::test_the_list_is_what_a_first_result_compiles": COMPILES,
    "tests/training/test_needed_memory.py::test_the_estimate_is_near_the_peak": (
        "trains on 220,000 events to measure the peak of memory"
    ),
    "tests/training/promotion/test_promote_server.py::test_train_evaluate_compare_promote_and_roll_back": (
        "the whole life of a model on a server of MLflow; at every change it is on a file"
    ),
    "tests/training/tracking/test_open_run.py::test_a_run_whose_process_was_killed_is_ended_by_the_next": KILLS,
    "tests/walk/test_messages_and_accounts.py::test_door[sms_gb18030-spark]": SPARK,
}
"""The tests that only a release must pass, and why."""


def choose_tests(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what a release runs, and leave out its own tests, unless it is one, or the run names their file."""
    for item in items:
        if _is_of_release(item) or _grows(item):
            item.add_marker("release")
    named = {Path(str(argument).partition("::")[0]).name for argument in config.args}
    of_release = [_is_of_release(item) and item.path.name not in named for item in items]
    if any(of_release) and not IN_RELEASE:
        config.hook.pytest_deselected(items=list(compress(items, of_release)))
        items[:] = [item for item, is_left_out in zip(items, of_release, strict=True) if not is_left_out]


def _is_of_release(item: pytest.Item) -> bool:
    """Return whether only a release runs a test: with all parameters, or with those of the item."""
    return not RELEASE.keys().isdisjoint({item.nodeid, item.nodeid.partition("[")[0]})


def _grows(item: pytest.Item) -> bool:
    """Return whether a test is larger in a release: it draws examples, or its module asks for a size."""
    draws_examples = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    has_size = getattr(getattr(item, "module", None), "size", None) is size
    return draws_examples or (has_size and item.get_closest_marker("slow") is not None)
