"""Looking at a job at every step of it: figures that fit together, and nothing that fails."""

from __future__ import annotations

import threading
from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest

from tracer_nb import Tracer
from tracer_nb.engine.split import is_calibration
from tracer_nb.errors import InvalidInput
from tracer_nb.records import STATUSES, Selection

LABELS = ("login", "parcel", "refund")
LOOKS = ("label_counts", "confusion", "label_agreement", "reliability", "targets", "preview", "map")


def tracer_for(world, teacher=None, **options):
    options = {"features": world.X, "store": ":memory:", "cost": 0.5, **options}
    return Tracer(
        world.teach if teacher is None else teacher,
        LABELS,
        "Choose.",
        **options,
        labelling="random",
    )


def calibrated(world, column=None, sample=300, **options):
    tracer = tracer_for(world, **options)
    tracer.label(world.texts if column is None else column, sample=sample)
    tracer.fit()
    tracer.calibrate()
    return tracer


@pytest.fixture
def tracer(hard_world):
    return calibrated(hard_world)


def everything(tracer, **selection):
    """All pages of a selection."""
    rows, total = [], 1
    while len(rows) < total:
        page = tracer.rows(Selection(**selection), offset=len(rows), limit=100)
        total = page.total
        rows.extend(page.rows)
        assert page.rows or not total
    return rows


# --- step by step ---------------------------------------------------------------------


def test_before_labelling_there_is_nothing_to_see(world):
    tracer = tracer_for(world)
    assert [getattr(tracer, look)() for look in LOOKS] == [None] * len(LOOKS)
    assert tracer.at_threshold(0.5) is None
    assert tracer.rows().total == 0
    assert world.asked == []


def test_after_labelling_there_are_labels_and_a_map(world):
    tracer = tracer_for(world)
    labels = tracer.label(world.texts, sample=200)
    counts = tracer.label_counts()
    assert counts.labels == LABELS
    assert counts.sample.tolist() == np.bincount(labels.codes).tolist()
    assert (counts.n_sample, counts.n_routed) == (200, 0)
    for look in ("confusion", "label_agreement", "reliability", "targets"):
        assert getattr(tracer, look)() is None
    assert tracer.at_threshold(0.5) is None
    points = tracer.map("pca")
    assert points.sampled == (("labelled", 200, 200), ("unlabelled", 400, 400))
    rows = everything(tracer, status=("labelled",))
    assert {row.row for row in rows} == set(labels.rows.tolist())
    assert {(row.surrogate, row.score, row.answered_by) for row in rows} == {
        (None, None, "teacher")
    }
    assert tracer.preview().n_labels == 200


def test_after_the_fit_calibration_rows_are_still_not_looked_at(hard_world):
    tracer = tracer_for(hard_world)
    labels = tracer.label(hard_world.texts, sample=300)
    fit = tracer.fit()
    confusion = tracer.confusion()
    assert confusion.basis == tracer.reliability().basis == "out-of-fold"
    assert confusion.n_rows == len(fit.fit_rows) == 210
    assert confusion.n_agree == fit.pilot.agree.sum()
    assert not confusion.handled.any()
    assert not tracer.label_agreement().handled_only
    tested = labels.rows[fit.calibration_rows]
    rows = everything(tracer, rows=tuple(tested.tolist()))
    assert {(row.status, row.surrogate, row.score) for row in rows} == {("labelled", None, None)}
    looked = everything(tracer, tested=True)
    assert {row.row for row in looked} == set(labels.rows[fit.fit_rows].tolist())
    assert all(row.fitted for row in looked)
    assert sum(row.status == "agree" for row in looked) == confusion.n_agree
    assert tracer.targets() is None


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"target": [0.9, 0.95]},
        {"certificate": "cross-fit"},
        {"certificate": "per-class", "target": 0.8},
        {"strategy": "cost-aware"},
        {"strategy": "fixed-threshold", "threshold": 0.8},
        {"target": 0.97},
    ],
    ids=str,
)
def test_after_calibration_figures_are_those_of_the_certificate(hard_world, options):
    tracer = calibrated(hard_world, **options)
    certificate = tracer.router.column_certificate
    confusion = tracer.confusion()
    crossed = options.get("certificate") == "cross-fit"
    assert confusion.basis == ("left-out" if crossed else "calibration")
    assert confusion.n_rows == certificate.n_calibration
    assert confusion.handled.sum() == certificate.n_handled
    assert np.trace(confusion.handled) == certificate.n_agree
    agreement = tracer.label_agreement()
    if certificate.n_handled:
        assert agreement.handled_only
        assert agreement.n_handled.sum() == certificate.n_handled
        assert agreement.n_agree.sum() == certificate.n_agree
    assert agreement.target == certificate.target
    frontier = tracer.router.column_frontier
    reliability = tracer.reliability()
    assert reliability.n_rows.sum() == certificate.n_calibration - reliability.n_far
    assert reliability.n_agree.sum() <= frontier.agreement[-1] * frontier.n_handled[-1] + 1e-9
    targets = tracer.targets()
    assert targets.n_population == certificate.n_population
    assert [c.target for c in targets.certified] == list(tracer.options.targets)
    assert [c.coverage for c in targets.certified] == [
        c.coverage for c in tracer.router.column_certificates
    ]
    if certificate.certified and not certificate.classes:
        hand = tracer.at_threshold(certificate.threshold)
        assert not hand.certified
        assert (hand.n_handled, hand.n_agree) == (certificate.n_handled, certificate.n_agree)
        assert hand.coverage == pytest.approx(certificate.coverage)
        assert hand.saved == targets.certified[0].saved


def test_a_refused_certificate_handles_nothing(hard_world):
    tracer = calibrated(hard_world, target=0.97, features=np.random.default_rng(0).random((600, 3)))
    assert not tracer.router.column_certificate.certified
    assert tracer.rows(Selection(status=("handled",))).total == 0
    assert not tracer.label_agreement().handled_only
    assert tracer.targets().certified[0].saved == 0


def test_money_is_that_of_the_report(hard_world):
    tracer = calibrated(hard_world, target=[0.9, 0.95])
    assert tracer.targets().certified == tracer.report.choices
    handled = tracer.rows(Selection(status=("handled",))).total
    assert tracer.targets().certified[0].saved == pytest.approx(0.5 * handled)


def test_after_routing_rows_are_those_of_the_output(hard_world):
    tracer = calibrated(hard_world)
    before = {row.row: row.status for row in everything(tracer)}
    frame = tracer.route()
    counts = tracer.label_counts()
    sources = frame["label_source"].value_counts()
    assert counts.by_surrogate.sum() == sources["surrogate"]
    assert counts.by_teacher.sum() == sources["teacher"]
    assert counts.n_routed == 600
    both = counts.by_teacher + counts.by_surrogate
    assert dict(zip(LABELS, both.tolist(), strict=True)) == frame["label"].value_counts().to_dict()
    for row in everything(tracer):
        assert row.answered_by == frame["label_source"][row.row]
        assert row.status == before[row.row]
        shown = row.teacher if row.answered_by == "teacher" else row.surrogate
        assert shown == frame["label"][row.row]
        assert row.text == hard_world.texts[row.row]
        if row.status in ("handled", "deferred"):
            assert row.score == frame["label_score"][row.row]
    assert set(before.values()) == {"agree", "disagree", "handled", "deferred"}


def test_routing_by_another_target_is_what_is_looked_at(hard_world):
    tracer = calibrated(hard_world, target=[0.8, 0.95])
    loose = tracer.confusion().handled.sum()
    tracer.route(target=0.95, ask_teacher=False)
    certificate = tracer.router.certificate_for(0.95, column=True)
    assert tracer.confusion().handled.sum() == certificate.n_handled < loose
    assert tracer.targets().main == tracer.label_agreement().target == 0.95


def test_routing_other_rows_leaves_the_labelled_column_in_sight(hard_world):
    tracer = calibrated(hard_world)
    new = [f"new {text}" for text in hard_world.texts[:50]]
    tracer.route(new, features=hard_world.X[:50], ask_teacher=False)
    assert tracer.label_counts().n_routed == 0
    assert tracer.rows().total == 600


def test_fitting_anew_looks_anew(tracer):
    confusion = tracer.confusion()
    tracer.fit()
    assert tracer.confusion().basis == "out-of-fold"
    tracer.calibrate()
    assert (tracer.confusion().counts == confusion.counts).all()


def test_what_was_worked_out_is_kept(tracer):
    assert tracer.map("pca") is tracer.map("pca")
    assert tracer.targets() is tracer.targets()
    points = tracer.map("pca")
    tracer.route(ask_teacher=False)
    assert tracer.map("pca") is not points


# --- selections -----------------------------------------------------------------------


def test_a_click_on_any_chart_shows_as_many_rows_as_the_chart_counts(tracer):
    confusion = tracer.confusion()
    for i, j in np.ndindex(confusion.counts.shape):
        assert tracer.rows(confusion.cell(i, j)).total == confusion.counts[i, j]
    for by in ("teacher", "surrogate"):
        agreement = tracer.label_agreement(by)
        for i in range(len(agreement.labels)):
            assert tracer.rows(agreement.bar(i)).total == agreement.n_rows[i]
    reliability = tracer.reliability()
    for i, n in enumerate(reliability.n_rows):
        page = tracer.rows(reliability.bin(i), limit=100)
        assert page.total == n
        assert sum(row.status == "agree" for row in page.rows) == reliability.n_agree[i]
    points = tracer.map("pca")
    some = tuple(points.rows[:10].tolist())
    assert [row.row for row in tracer.rows(Selection(rows=some)).rows] == sorted(some)


def test_folded_labels_have_a_cell_too():
    rng = np.random.default_rng(0)
    labels = [f"label {i:02d}" for i in range(40)]
    texts = [f"{labels[i % 40]} of text {i}" for i in range(1200)]
    X = np.eye(40)[np.arange(1200) % 40] + 0.35 * rng.normal(size=(1200, 40))
    tracer = Tracer(
        lambda t: t[:8], labels, features=X, store=":memory:", target=0.8, labelling="random"
    )
    tracer.label(texts, sample=900)
    tracer.fit()
    confusion = tracer.confusion()
    assert len(confusion.folded) == 15
    for i, j in np.ndindex(confusion.counts.shape):
        assert tracer.rows(confusion.cell(i, j)).total == confusion.counts[i, j]


def test_pages_are_parts_of_one_list(tracer):
    whole = everything(tracer)
    assert [row.row for row in whole] == list(range(600))
    page = tracer.rows(offset=590, limit=25)
    assert (page.total, page.offset) == (600, 590)
    assert page.rows == tuple(whole[590:])
    assert tracer.rows(offset=10_000).rows == ()


@pytest.mark.parametrize("words", ["QUESTION 17", "question 17", " question 17 "])
def test_search_ignores_case(tracer, hard_world, words):
    found = everything(tracer, search=words)
    expected = [i for i, text in enumerate(hard_world.texts) if "question 17" in text]
    assert [row.row for row in found] == expected
    assert len(expected) > 1


def test_search_and_labels_hold_together(tracer):
    found = everything(tracer, search="refund", teacher=("login",))
    assert found == []
    assert everything(tracer, search="refund", teacher=("refund",))


def test_rows_of_equal_texts_have_one_label_and_are_all_found(hard_world):
    column = [*hard_world.texts, *hard_world.texts[:200], None, ""]
    X = np.vstack([hard_world.X, hard_world.X[:200], np.zeros((2, 3))])
    tracer = calibrated(hard_world, column, sample=400, features=X, target=0.8)
    assert tracer.rows().total == 800
    confusion = tracer.confusion()
    for i, j in np.ndindex(confusion.counts.shape):
        assert tracer.rows(confusion.cell(i, j)).total == confusion.counts[i, j]
    rows = everything(tracer)
    for row in rows[600:]:
        twin = rows[row.row - 600]
        assert (row.text, row.teacher) == (twin.text, twin.teacher)
    assert tracer.map("pca").n_texts == 600
    certificate = tracer.router.column_certificate
    assert certificate.certified
    hand = tracer.at_threshold(certificate.threshold)
    assert hand.coverage == pytest.approx(certificate.coverage)


def test_rows_that_the_guard_defers_say_so(hard_world):
    X = hard_world.X.copy()
    X[::7] = -X[::7]  # unlike all others
    tracer = calibrated(hard_world, features=X)
    far = [row for row in everything(tracer) if row.far]
    assert far
    assert all(row.score is None for row in far)
    assert {row.status for row in far} <= {"agree", "disagree", "deferred"}
    rows = {row.row for row in everything(tracer, scores=(0.0, 1.0))}
    assert rows.isdisjoint(row.row for row in far)


def test_documents_are_shown_and_searched_as_text(world):
    frame = pd.DataFrame({"text": world.texts, "product": ["kettle", "lamp", None] * 200})
    tracer = Tracer(
        ReadsCells(), features=world.X, store=":memory:", target=0.8, labelling="random"
    )  # a teacher whose prompt names a column
    tracer.label(frame["text"], table=frame, sample=200)
    row = tracer.rows(Selection(rows=(0,))).rows[0]
    assert row.text == f"{world.texts[0]}\nkettle"
    assert tracer.rows(Selection(search="Lamp")).total == 200
    assert tracer.rows(Selection(search="product")).total == 0
    at = tracer.map("pca").rows.tolist().index(0)
    assert tracer.map("pca").texts[at] == f"{world.texts[0]} kettle"


class ReadsCells:
    name, labels, columns = "reader", LABELS, ("product",)
    identity = {"teacher": "reader"}  # noqa: RUF012
    concurrency, batch_size = 4, 10

    def cost_bound(self, _):
        return 0.0

    def token_bound(self, _):
        return 0

    def cost_estimate(self, _):
        return 0, 0, 0.0

    async def label(self, texts):
        from tracer_nb.records import Answer

        return [Answer(next(name for name in LABELS if name in text)) for text in texts]

    async def close(self):
        pass


def test_long_texts_are_cut(world):
    column = [f"{text} {'x' * 5000}" for text in world.texts]
    tracer = tracer_for(world, lambda text: text.split()[0])
    tracer.label(column, sample=200)
    text = tracer.rows().rows[0].text
    assert len(text) == 2000
    assert text.endswith("x…")
    assert {len(text) for text in tracer.map("pca").texts} == {160}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda t: t.rows(limit=0), "limit must be from 1 to 100 rows, got 0"),
        (lambda t: t.rows(limit=101), "got 101"),
        (lambda t: t.rows(offset=-1), "offset must be 0 or more rows, got -1"),
        (lambda t: t.rows(Selection(teacher=("lgin",))), "no label 'lgin'; did you mean 'login'"),
        (lambda t: t.rows(Selection(surrogate=("x",))), "no label 'x'"),
        (lambda t: t.rows(Selection(status=("wrong",))), "no status 'wrong'"),
        (lambda t: t.label_agreement("human"), "by must be 'teacher' or 'surrogate'"),
        (lambda t: t.at_threshold(1.5), r"threshold must be a score in \[0, 1\], got 1.5"),
        (lambda t: t.at_threshold("x"), "threshold must be a score"),
        (lambda t: t.map("tsne"), "no map 'tsne'; did you mean 't-sne'"),
        (lambda t: t.map(n_points=0), "n_points must be from 1 to 100,000, got 0"),
    ],
)
def test_what_cannot_be_asked_for(tracer, call, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        call(tracer)
    assert "\n" not in str(caught.value)


# --- map ------------------------------------------------------------------------------


def test_points_are_texts_with_their_status(tracer, hard_world):
    points = tracer.map("pca")
    assert sorted(points.rows.tolist()) == list(range(600))
    assert points.texts == tuple(hard_world.texts[i] for i in points.rows)
    rows = everything(tracer)
    for i, row in enumerate(points.rows):
        assert STATUSES[points.status[i]] == rows[row].status
        assert points.labels[i] == (rows[row].teacher or rows[row].surrogate)
    assert sum(n for _, _, n in points.sampled) == 600
    assert points.explained > 0.5


def test_a_smaller_map_says_what_it_left_out(tracer):
    points = tracer.map("pca", n_points=100)
    assert len(points.rows) == len(points.texts) == 100
    assert sum(shown for _, shown, _ in points.sampled) == 100
    assert sum(every for _, _, every in points.sampled) == 600
    assert tracer.map(n_points=60).method == "t-sne"


# --- while labelling ------------------------------------------------------------------


def test_a_preview_grows_while_another_thread_labels(world, tmp_path):
    """The teacher waits at two texts until somebody has looked."""
    looked = threading.Event()
    seen = []

    def teach(text):
        if len(world.asked) in (120, 240):
            looked.wait(30)
            looked.clear()
        return world.teach(text)

    def look(_):
        preview, counts = tracer.preview(), tracer.label_counts()
        if counts is not None and counts.n_sample:
            seen.append((counts.n_sample, preview and preview.n_labels, tracer.rows().total))
            assert counts.sample.sum() == counts.n_sample
        looked.set()

    tracer = tracer_for(world, teach, store=tmp_path / "s.sqlite", concurrency=1)
    tracer.label(world.texts, sample=300, on_progress=look)
    sizes = [n for n, _, _ in seen]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 300
    assert any(0 < n < 300 for n in sizes)
    assert {total for _, _, total in seen} == {600}
    assert all(n is None or n >= 28 for _, n, _ in seen)
    assert tracer.preview().n_labels == 300


def test_a_preview_is_the_same_whatever_calibration_rows_say(world):
    honest = tracer_for(world)
    labels = honest.label(world.texts, sample=300)
    tested = {world.texts[i] for i in labels.rows[is_calibration(300)]}
    assert len(tested) == 90

    def spoilt(text):
        return "refund" if text in tested else world.truth[text]

    other = tracer_for(world, spoilt)
    assert (other.label(world.texts, sample=300).codes != labels.codes).sum() > 30
    one, two = honest.preview(), other.preview()
    assert one.expected_coverage == two.expected_coverage
    for a, b in zip(astuple(one.frontier), astuple(two.frontier), strict=True):
        assert a.tolist() == b.tolist()


def test_a_run_that_broke_leaves_what_it_stored_in_sight(world, tmp_path):
    from tracer_nb.errors import TeacherError

    def teach(text):
        if len(world.asked) == 100:
            raise TeacherError("the server is gone")
        return world.teach(text)

    tracer = tracer_for(world, teach, store=tmp_path / "s.sqlite", concurrency=1)
    labels = tracer.label(world.texts, sample=300)
    assert labels.stopped == "the server is gone"
    assert tracer.label_counts().n_sample == 100
    assert tracer.preview().n_labels == 100
