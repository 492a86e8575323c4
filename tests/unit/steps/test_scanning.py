import numpy as np
import pytest

from tracer_nb.errors import InvalidInput, NotEnoughData
from tracer_nb.steps.scan import scan_logs


def calls(n, *, cost=None, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    words = {"refund": "money back please", "card": "my card is lost", "login": "cannot sign in"}
    for i in range(n):
        label = list(words)[i % 3]
        said = list(words)[rng.integers(3)] if rng.random() < noise else label
        row = {"input": f"{words[label]} number {i % (n // 2)}", "output": said}
        yield row if cost is None else {**row, "cost": cost}


def test_what_could_have_been_routed_at_each_target():
    told = []
    scan = scan_logs(
        calls(900, cost=0.01), targets=(0.9, 0.95), confidence=0.9, on_progress=told.append
    )
    assert (scan.n_read, scan.n_calls, scan.n_labels, scan.n_used) == (900, 900, 3, 900)
    assert scan.paid == pytest.approx(9.0)
    assert [c.target for c in scan.choices] == [0.9, 0.95]
    for choice, certificate in zip(scan.choices, scan.certificates, strict=True):
        assert choice.certified
        assert choice.coverage == certificate.coverage > 0.8
        assert choice.saved == pytest.approx(9.0 * choice.coverage)
        assert certificate.n_targets == 2
    steps = dict.fromkeys(progress.step for progress in told)
    assert [*steps] == ["Reading the log", "Reading texts", "Fitting and certifying"]
    parts = [progress for progress in told if progress.parts]
    assert [part.done for part in parts] == list(range(parts[0].total + 1))


def test_without_costs_there_is_no_saving():
    scan = scan_logs(calls(600), targets=0.9)
    assert scan.paid is None
    assert [c.saved for c in scan.choices] == [None]


def test_what_the_teacher_is_not_sure_of_is_not_routed():
    scan = scan_logs(calls(900, noise=0.6), targets=0.95)
    assert not scan.choices[0].certified
    assert scan.choices[0].coverage == 0


def test_a_random_part_of_a_long_log_is_used():
    scan = scan_logs(calls(900), sample=400, targets=0.9)
    assert (scan.n_calls, scan.n_used) == (900, 400)
    assert scan.certificates[0].n_fit + scan.certificates[0].n_calibration <= 400


def test_answers_that_are_no_labels_are_refused():
    rows = [{"input": f"text {i}", "output": f"a long answer {i}"} for i in range(300)]
    with pytest.raises(InvalidInput, match="300 different ones"):
        scan_logs(rows)


def test_a_short_log_says_so():
    with pytest.raises(NotEnoughData):
        scan_logs([{"input": f"x {i}", "output": "ab"[i % 2]} for i in range(8)])
