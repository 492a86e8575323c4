"""Jobs side by side: what each takes and how right it is, from what is stored."""

import numpy as np
import pytest

import tracer_nb
from tests.unit.steps.test_chain_steps import LABELS, World
from tracer_nb import Tracer, compare
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.teachers import FunctionTeacher

N = 700


@pytest.fixture(scope="module")
def world():
    return World(n=N, right=0.97)


@pytest.fixture(scope="module")
def jobs(world, tmp_path_factory):
    """A single teacher, a chain before it and a panel of three, in one store."""
    path = tmp_path_factory.mktemp("jobs") / "labels.sqlite"
    how = {"target": 0.9, "confidence": 0.9, "features": world.X, "store": path}
    # The chain first: what it leaves unasked is stored by the single teacher's job.
    chain = Tracer(world.teacher(), chain=[world.stage()], **how)
    single = Tracer(world.teacher(), **how)
    panel = Tracer([world.stage(name=n) for n in ("a", "b", "c")], **how)
    for job in (chain, single, panel):
        job.run(world.texts)
        job.route(ask_teacher=True)  # where nothing is certified, nobody is asked by default
    return single, chain, panel


@pytest.fixture(scope="module")
def truth(world):
    return [world.truth[text] for text in world.texts]


def test_each_job_has_its_bill_its_agreement_and_its_promise(world, jobs, truth):
    before = {who: len(texts) for who, texts in world.asked.items()}
    single, chain, panel = compare(*jobs, reference=truth).jobs
    assert {who: len(texts) for who, texts in world.asked.items()} == before
    assert [single.kind, chain.kind, panel.kind] == ["single teacher", "chain", "panel"]
    assert chain.name == "small → big"
    # No feature tells, so a single teacher is asked about everything.
    assert (single.n_asked, single.n_calls, single.agreement) == (N, N, 1.0)
    assert single.cost == pytest.approx(0.02 * N) == pytest.approx(single.cost_all)
    assert not single.certificate.certified
    assert chain.certificate.certified
    # As the chain alone reports, whatever the single teacher had stored later in the same file.
    assert chain.n_asked == jobs[1].report.bill.n_asked + _deferred(jobs[1])
    assert jobs[1].report.bill.n_asked == len(jobs[1].labels.rows)
    assert chain.cost == pytest.approx(0.02 * chain.n_asked + 0.001 * jobs[1].stages[0].n_heard)
    assert chain.cost < single.cost
    assert chain.saved_share == pytest.approx(1 - chain.n_asked / N)
    routed = np.array(jobs[1].outcome.label)
    assert chain.agreement == pytest.approx((routed == np.array(truth)).mean())
    assert panel.n_calls == 2 * panel.n_asked  # the third only where two differ: never
    assert panel.cost == pytest.approx(0.001 * panel.n_calls)
    assert {job.basis for job in (single, chain, panel)} == {"counted"}


def _deferred(job):
    """Texts that the router leaves to the teacher, beside those that were drawn."""
    outcome, texts = job.outcome, job._state.column.texts
    drawn = set(texts.codes[job.labels.rows].tolist())
    by_teacher = {c for c, s in zip(texts.codes, outcome.source, strict=True) if s == "teacher"}
    return len(by_teacher - drawn)


def test_the_teachers_stored_answers_are_the_reference_where_none_is_given(jobs):
    record = compare(*jobs).comparison
    assert record.reference == "big"
    assert record.n_known == record.n_rows == N  # the single teacher has answered everything
    assert [job.basis for job in record.jobs] == ["counted"] * 3


def test_where_the_own_teacher_has_not_answered_all_agreement_is_estimated():
    world = World(n=N, right=0.97, seed=4)
    how = {"target": 0.9, "confidence": 0.9, "features": world.X, "store": ":memory:"}
    chain = Tracer(world.teacher(), chain=[world.stage()], **how)
    chain.run(world.texts)
    (estimated,) = compare(chain).jobs
    (counted,) = compare(chain, reference=world.truth).jobs
    assert (estimated.basis, counted.basis) == ("estimated", "counted")
    assert estimated.n_compared == chain.router.column_certificate.n_handled < counted.n_compared
    assert estimated.agreement == pytest.approx(counted.agreement, abs=0.03)
    assert estimated.agreement < 1.0  # what is stored agrees by itself: counting that says nothing
    other = Tracer(world.stage(name="other"), **how)
    other.run(world.texts)
    other.route(ask_teacher=True)
    card = compare(other, reference=chain)
    assert card.jobs[0].basis == "stored"
    assert card.jobs[0].n_compared == card.comparison.n_known < N
    assert "no random sample" in repr(card)


def test_labels_of_some_rows_are_enough(jobs, truth):
    some = [label if i % 2 else None for i, label in enumerate(truth)]
    card = compare(*jobs, reference=some)
    assert card.comparison.n_known == N // 2
    assert all(job.n_compared == N // 2 for job in card.jobs)
    assert card.jobs[0].agreement == 1.0


def test_a_table_a_frame_and_a_card_say_the_same(jobs, truth):
    card = compare(*jobs, reference=truth)
    frame = card.frame()
    assert frame["job"].tolist() == ["big", "small → big", "a + b + c"]
    assert frame["certified"].tolist() == [job.certificate.certified for job in card.jobs]
    text, html = repr(card), card._repr_mimebundle_()["text/html"]
    for said in ("small → big", "a + b + c", "nobody was asked", "$14.00"):
        assert said in text
    assert "data:image/svg+xml" in html
    assert "tracer-card" in html
    assert "agreement with the given labels" in html


def test_a_promise_that_was_not_made_is_said(jobs, truth):
    line = next(x for x in repr(compare(*jobs, reference=truth)).splitlines() if x[:4] == "big ")
    assert "nothing at 90 %" in line


def test_without_a_price_calls_are_compared():
    world = World(n=300)
    teacher = FunctionTeacher(world.truth.__getitem__, LABELS, name="free of words")
    tracer = Tracer(teacher, target=0.9, features=world.X, store=":memory:")
    tracer.run(world.texts, max_rows=1000)
    card = compare(tracer)
    assert card.jobs[0].cost is None
    assert "unknown cost" in repr(card)
    axes = [layer.get("encoding", {}).get("x", {}) for layer in card.chart().to_dict()["layer"]]
    assert "Bill of the whole column, in single calls" in [axis.get("title") for axis in axes]


def test_what_cannot_be_compared_is_said(world, jobs):
    with pytest.raises(InvalidInput, match="no job to compare"):
        compare()
    with pytest.raises(InvalidInput, match="job 2 must be a Tracer, got str"):
        compare(jobs[0], "gpt")
    new = Tracer(world.teacher(), store=":memory:")
    with pytest.raises(NotFitted, match=r"job 2 \(big\) is not calibrated"):
        compare(jobs[0], new)
    with pytest.raises(InvalidInput, match="reference has 2 labels, and the column 700 rows"):
        compare(*jobs, reference=["yes", "no"])
    with pytest.raises(InvalidInput, match="no label for any row"):
        compare(*jobs, reference={"another text": "yes"})
    with pytest.raises(InvalidInput, match="got 'gold'"):
        compare(*jobs, reference="gold")
    less = World(n=300)
    small = Tracer(less.teacher(), target=0.9, features=less.X, store=":memory:")
    small.run(less.texts)
    with pytest.raises(InvalidInput, match="job 2 is about another column"):
        compare(jobs[0], small)


def test_it_is_imported_when_it_is_used():
    assert tracer_nb.compare is compare
