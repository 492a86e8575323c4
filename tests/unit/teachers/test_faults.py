"""Every fault of a server and of a store: nothing is lost, mixed up, or billed twice.

``python tests/bench/faults.py`` prints the same runs, with more texts, as tables.
"""

from __future__ import annotations

import signal

import pytest
from faulty.server import CAP, FAULTS, FINAL, SHARE, Fault, survive_lasting, survive_passing
from faulty.store import (
    full_disk,
    killed,
    locked,
    locked_briefly,
    truncated,
    two_kernels,
)
from faulty.world import PRICE, billed, labels_of, make_table, short_pauses, teacher_at

from tracer_nb.labelling import run_labels
from tracer_nb.standin import Faults, serve
from tracer_nb.standin.faults import KINDS
from tracer_nb.store import LabelStore

N = 48
# Faults that a repair answers, and that may meet the repair, too: a paid answer, no label.
UNREPAIRED = {"wrong_label", "bad_json_content", "empty_choices"}

needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")


def test_every_fault_of_the_stand_in_is_tried():
    assert {kind for fault in FAULTS for kind in fault.kinds} == set(KINDS)
    assert FAULTS[-1].kinds == KINDS


def check_books(fault: Fault, result) -> None:
    """What the runs paid is in the store, or was lost on texts without an answer."""
    assert result.paid == pytest.approx(result.stored + result.lost, abs=1e-12)
    assert result.paid <= CAP
    if fault.books == "exact":
        assert result.paid == pytest.approx(result.billed, abs=1e-12)
        assert result.lost == 0
    elif fault.books == "estimated":
        # Four bytes a token is what the stand-in counts, too, and it counts a little less.
        assert result.billed <= result.paid <= 1.3 * result.billed
    else:
        assert result.paid >= result.billed


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_that_passes_leaves_no_trace_in_the_table(fault, tmp_path):
    result = survive_passing(fault, tmp_path / "labels.sqlite", N)
    met = sum(result.met.values())
    assert set(result.met) <= set(fault.kinds)
    assert met >= (0.3 * SHARE * N if len(fault.kinds) == 1 else 5)
    final = sum(result.met[kind] for kind in FINAL)
    assert result.missing.total() == final == N - result.n_labelled
    assert result.same == (final == 0)
    assert (result.wrong, result.stopped, result.asked_again) == ({}, (), 0)
    check_books(fault, result)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_that_lasts_ends_in_a_label_or_a_reason(fault, tmp_path):
    result = survive_lasting(fault, tmp_path / "labels.sqlite", N)
    assert sum(result.met.values()) >= 5
    assert (result.wrong, result.stopped) == ({}, ())
    assert "no reason" not in result.missing
    # Later runs ask those that had no paid answer, and nobody else.
    assert (result.asked_again, result.asked_needlessly) == (0, 0)
    has_final = fault.final or not UNREPAIRED.isdisjoint(fault.kinds)
    if not has_final:
        assert result.same
    assert result.n_labelled >= N - result.missing.total()
    check_books(fault, result)


def test_a_cap_holds_under_all_faults_also_by_the_servers_own_count():
    fault = FAULTS[-1]
    table = make_table(4 * N)
    with short_pauses(), serve(table, faults=fault.faults(), seed=5) as server:
        teacher = teacher_at(server.base_url, timeout=fault.timeout, concurrency=4)
        cap = 6 * teacher.cost_bound(max(table, key=len))
        run = run_labels(teacher, table, max_cost=cap)
    assert 0 < len(run.answers) < len(table)
    assert "cost cap" in run.stopped
    assert billed(server) <= run.spending.cost <= cap


def test_the_runs_tokens_are_the_servers_tokens():
    table = make_table(N)
    faults = Faults(wrong_label=0.3, refusal=0.1, server_error=0.2, first_attempts=1)
    with short_pauses(), serve(table, faults=faults) as server:
        run = run_labels(teacher_at(server.base_url), table)
    assert (run.spending.prompt_tokens, run.spending.completion_tokens) == server.billed
    assert run.spending.cost == pytest.approx(PRICE.of(*server.billed))


def test_an_answer_whose_logprobs_are_missing_has_no_distribution():
    table = make_table(N)
    faults = Faults(no_logprobs=0.5, first_attempts=1)
    with serve(table, faults=faults) as server:
        run = run_labels(teacher_at(server.base_url, logprobs=True), table)
        met = server.met()["no_logprobs"]
    assert labels_of(run.answers) == table
    # Those asked first are asked again, by codes: these may bring what the schema does not.
    asked_again = met - sum(a.probabilities is None for a in run.answers.values())
    assert 0 <= asked_again <= 2 < met < N


def test_the_same_faults_give_the_same_table_whatever_the_order_of_requests():
    table = make_table(N)
    faults = FAULTS[-3].faults()
    tables = []
    for concurrency in (1, 16):
        with short_pauses(), serve(table, faults=faults) as server:
            run = run_labels(teacher_at(server.base_url, concurrency=concurrency), table)
        tables.append(labels_of(run.answers))
    assert tables[0] == tables[1] != table


# --- store ----------------------------------------------------------------------------


def check_store(result) -> None:
    """One answer to each text is in the store, at its price, and the table is whole."""
    assert result.same
    assert result.asked_again == 0
    assert result.stored == pytest.approx(result.once, abs=1e-12)
    assert result.requests == result.n_texts + result.n_repeated


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (full_disk, "database or disk is full); free some space on its disk; what was stored"),
        (locked, "database is locked); another process is writing to it: wait"),
    ],
)
def test_a_store_that_cannot_be_written_ends_the_run_in_one_line(fault, says, tmp_path):
    result = fault(tmp_path / "labels.sqlite", N)
    check_store(result)
    assert len(result.said) == 1
    assert "\n" not in result.said[0]
    assert says in result.said[0]
    assert 0 < result.n_kept < N


def test_a_moment_in_which_the_store_is_locked_is_waited_out(tmp_path):
    result = locked_briefly(tmp_path / "labels.sqlite", N)
    check_store(result)
    assert (result.said, result.n_repeated) == ((), 0)


def test_a_truncated_store_is_refused_before_anything_is_asked(tmp_path):
    result = truncated(tmp_path / "labels.sqlite", N)
    check_store(result)
    assert len(result.said) == 1
    assert "move it away" in result.said[0] or "cut off" in result.said[0]


@needs_kill
def test_two_kernels_at_once_end_with_the_same_table_and_one_answer_each(tmp_path):
    check_store(two_kernels(tmp_path / "labels.sqlite", N))


@needs_kill
def test_a_kernel_killed_again_and_again_loses_nothing(tmp_path):
    kills = 8
    result = killed(tmp_path / "labels.sqlite", N, kills)
    check_store(result)
    # What was under way when the kernel died is asked again, and nothing else.
    assert result.n_repeated <= kills * result.concurrency


def test_answers_of_a_faulty_run_are_those_in_the_store(tmp_path):
    table = make_table(N)
    with (
        short_pauses(),
        serve(table, faults=Faults(server_error=0.5, refusal=0.2)) as server,
        LabelStore(tmp_path / "labels.sqlite") as store,
    ):
        teacher = teacher_at(server.base_url, max_retries=1)
        run = run_labels(teacher, table, store=store)
        kept = store.get_many(teacher.identity, table)
    assert {t: a for t, a in run.answers.items() if a.keep} == kept
    assert 0 < len(kept) < N
