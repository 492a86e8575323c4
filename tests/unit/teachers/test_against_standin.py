"""The chat teacher and the runner together, against the stand-in server."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import tracer_nb
from tracer_nb.labelling import INTERRUPTED, run_labels
from tracer_nb.records import Spending
from tracer_nb.standin import Faults, serve
from tracer_nb.store import LabelStore
from tracer_nb.teachers import Price
from tracer_nb.teachers.chat.teacher import ChatTeacher

LABELS = ("delivery", "login", "refund")
TABLE = {f"question {i}": LABELS[i % 3] for i in range(240)}
CONCURRENCY = 8


def teacher_at(base_url, **options):
    defaults = {"server_name": "stand-in", "concurrency": CONCURRENCY, "price": Price(1.0, 2.0)}
    return ChatTeacher("m", LABELS, "Choose.", base_url=base_url, **{**defaults, **options})


def test_all_labels_and_their_cost():
    with serve(TABLE, latency=0.005) as standin:
        run = run_labels(teacher_at(standin.base_url), TABLE, max_cost=1.0)
        assert {text: answer.label for text, answer in run.answers.items()} == TABLE
        assert set(standin.asked().values()) == {1}
        assert 1 < standin.peak <= CONCURRENCY
    assert 0 < run.spending.cost < 1.0
    assert run.spending.cost == pytest.approx(
        (run.spending.prompt_tokens + 2 * run.spending.completion_tokens) / 1e6
    )


def test_a_cap_holds_at_a_real_server():
    with serve(TABLE) as standin:
        teacher = teacher_at(standin.base_url)
        bound = teacher.cost_bound("question 100")
        run = run_labels(teacher, TABLE, max_cost=1.5 * bound)
        assert standin.requests == len(run.answers) < len(TABLE)
    # The bound is set aside, not spent: many texts fit, until the next might not.
    assert 0.4 * bound < run.spending.cost <= 1.5 * bound
    assert "cost cap" in run.stopped


def test_a_server_that_refuses_gets_fewer_requests_at_a_time_and_answers_all():
    table = dict(list(TABLE.items())[:80])

    def peak(**faults):
        with serve(table, latency=0.1, faults=Faults(**faults)) as standin:
            run = run_labels(teacher_at(standin.base_url, concurrency=64), table)
            assert {text: answer.label for text, answer in run.answers.items()} == table
            return standin.peak, standin.met()["rate_limit"]

    untroubled, _ = peak()
    troubled, refusals = peak(rate_limit=0.1, retry_after=0.01, first_attempts=1)
    assert refusals >= 5
    assert troubled < untroubled <= 64


@pytest.mark.parametrize("faults", [{"retry_after": 50.0}, {}])
def test_a_stop_does_not_wait_for_a_server_that_asks_to_wait(faults):
    stop = threading.Event()
    with serve(TABLE, faults=Faults(rate_limit=1.0, **faults)) as standin:

        def on_progress(_progress):
            if standin.met()["rate_limit"]:
                stop.set()

        run = run_labels(
            teacher_at(standin.base_url), TABLE, max_cost=1.0, stop=stop, on_progress=on_progress
        )
    # The first one was refused and waits, and the rest wait for it; none of this costs anything.
    assert run.stopped == INTERRUPTED
    assert (run.answers, run.spending) == ({}, Spending())


def test_requests_a_minute_are_kept():
    stop = threading.Event()
    with serve(TABLE) as standin:

        def on_progress(progress):
            if progress.spending.asked == 1:
                stop.set()

        teacher = teacher_at(standin.base_url, requests_per_minute=1)
        run = run_labels(teacher, TABLE, stop=stop, on_progress=on_progress)
        assert standin.requests == len(run.answers) == 1
    assert run.spending.lost == 0


def test_time_in_line_is_not_time_of_the_answer():
    with serve(TABLE, latency=0.05) as standin:
        run = run_labels(teacher_at(standin.base_url, concurrency=2), TABLE, max_rows=20)
        alone = run_labels(teacher_at(standin.base_url, concurrency=1), TABLE, max_rows=1)
    assert all(
        answer.seconds >= 0.05 for answer in [*run.answers.values(), *alone.answers.values()]
    )


RUN = """
import sys
from tracer_nb.labelling import run_labels
from tracer_nb.store import LabelStore
from tests_teacher import TABLE, teacher_at
with LabelStore(sys.argv[2]) as store:
    run = run_labels(teacher_at(sys.argv[1]), TABLE, store=store)
print(len(run.answers), run.spending.asked, run.spending.reused)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_killed_run_goes_on_where_it_was(tmp_path):
    # The same teacher, made in another process, from this very file.
    (tmp_path / "tests_teacher.py").write_text(Path(__file__).read_text())
    path = tmp_path / "store" / "labels.sqlite"
    root = str(Path(tracer_nb.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([root, str(tmp_path)])}

    with serve(TABLE, latency=0.04) as standin:
        command = [sys.executable, "-c", RUN, standin.base_url, str(path)]
        identity = teacher_at(standin.base_url).identity
        killed = subprocess.Popen(command, env=env)
        try:
            while stored_in(path, identity) < 30:
                assert killed.poll() is None, "the run ended before it could be killed"
                time.sleep(0.01)
        finally:
            killed.send_signal(signal.SIGKILL)
            killed.wait()
        with LabelStore(path) as store:
            kept = store.get_many(identity, TABLE)
        before = standin.asked()
        assert 30 <= len(kept) < len(TABLE)

        again = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        answers, asked, reused = map(int, again.stdout.split())
        after = standin.asked()

    assert (answers, reused, asked) == (len(TABLE), len(kept), len(TABLE) - len(kept))
    assert all(after[text] == before[text] == 1 for text in kept)
    twice = [text for text, times in after.items() if times > 1]
    assert len(twice) <= CONCURRENCY
    with LabelStore(path) as store:
        labels = {text: a.label for text, a in store.get_many(identity, TABLE).items()}
    assert labels == TABLE


def stored_in(path, identity):
    if not path.exists() or path.stat().st_size == 0:
        return 0
    with LabelStore(path) as store:
        return len(store.get_many(identity, TABLE))
