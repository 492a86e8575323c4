"""Two fits of one column, side by side."""

from __future__ import annotations

import numpy as np
import pytest

from tracer_nb import Tracer
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.magics.show import DifferenceTables
from tracer_nb.words import difference_lines, difference_tables

LABELS = ("login", "parcel", "refund")
EVIL = "<script>alert(1)</script>"


def calibrated(world, X=None, *, teach=None, labels=LABELS, texts=None, sample=300, **options):
    options = {"store": ":memory:", "target": 0.8, **options}
    X = world.X if X is None else X
    tracer = Tracer(teach or world.teach, labels, features=X, **options, labelling="random")
    tracer.label(world.texts if texts is None else texts, sample=sample)
    tracer.fit()
    tracer.calibrate()
    return tracer


def blurred(world, noise=0.4):
    """The same features, worse."""
    return world.X + noise * np.random.default_rng(3).normal(size=world.X.shape)


def test_better_features_raise_coverage_and_every_figure_can_be_counted_again(world):
    before, after = calibrated(world, blurred(world, 0.6)), calibrated(world)
    asked = len(world.asked)
    found = after.differences(before)
    assert len(world.asked) == asked
    # The same sample and seed: the calibration rows are common, and the rest of the column.
    tested = before.labels.rows[before.fitted.calibration_rows]
    assert np.array_equal(
        np.sort(tested), np.sort(after.labels.rows[after.fitted.calibration_rows])
    )
    assert (found.n_rows, found.n_tested, found.same_teacher) == (300, len(tested), True)
    for tracer in (before, after):
        tracer.route(ask_teacher=False)
    left = np.setdiff1d(np.arange(600), before.labels.rows)
    handled = [np.array([s == "surrogate" for s in t.outcome.source]) for t in (before, after)]
    assert found.n_handled == tuple(int(h[left].sum()) for h in handled)
    assert found.n_handled[1] > found.n_handled[0]
    assert sorted(found.to_handled) == [r for r in left if handled[1][r] and not handled[0][r]]
    assert sorted(found.to_deferred) == [r for r in left if handled[0][r] and not handled[1][r]]
    certificates = [t.router.column_certificate for t in (before, after)]
    assert found.n_tested_handled == tuple(c.n_handled for c in certificates)
    assert found.n_tested_agree == tuple(c.n_agree for c in certificates)
    assert sum(one.n_rows for one in found.labels) == found.n_tested
    assert found.changes
    assert all(c.handled == (False, True) for c in found.changes if c.row in found.to_handled)
    assert all(world.texts[c.row] == c.text for c in found.changes)
    back = before.differences(after)
    assert back.n_handled == found.n_handled[::-1]
    assert np.array_equal(back.to_deferred, found.to_handled)
    assert (back.lower, back.upper) == (-found.upper, -found.lower)


def test_a_fit_equals_itself_made_again(world):
    found = calibrated(world).differences(calibrated(world))
    assert not len(found.to_handled) + len(found.to_deferred) + len(found.relabelled)
    assert (found.only_before, found.only_after, found.changes) == (0, 0, ())
    assert found.n_both > 0


def test_a_larger_sample_is_judged_on_rows_that_are_new_to_both(world):
    before, after = calibrated(world, sample=150), calibrated(world, sample=400)
    found = after.differences(before)
    seen = {
        *before.labels.rows[before.fitted.fit_rows],
        *after.labels.rows[after.fitted.fit_rows],
    }
    fair = [row for row in after.labels.rows[after.fitted.calibration_rows] if row not in seen]
    assert found.n_tested == len(fair) > len(before.fitted.calibration_rows)
    assert found.n_rows == 200


def test_cross_fitted_rows_are_judged_by_fits_without_them(hard_world):
    before = calibrated(hard_world)
    after = calibrated(hard_world, certificate="cross-fit", target=0.85)
    found = after.differences(before)
    # Positions in the sample, which is the same one.
    common = np.intersect1d(before.fitted.calibration_rows, after.fitted.calibration_rows)
    assert found.n_tested == len(common) > 50
    without = after.fitted.left_out
    at = np.isin(after.fitted.calibration_rows, common)
    rows = after.fitted.calibration_rows[at]
    handled = (without.scores >= after.router.column_certificate.threshold) & ~without.far
    said = after.fitted.classes[without.codes[at]]
    agree = said == np.array(LABELS)[after.labels.codes[rows]]
    assert found.n_tested_handled[1] == handled[at].sum()
    assert found.n_tested_agree[1] == (agree & handled[at]).sum()
    # The deployed fit knows these rows, and would look better than it is.
    knows = after.fitted.pipeline.predict([hard_world.X[after.labels.rows[rows]]])
    memory = after.fitted.classes[knows.codes] == np.array(LABELS)[after.labels.codes[rows]]
    assert memory.sum() > agree.sum()


def test_another_teacher_is_said_and_judged_on_rows_that_both_have_labelled(world):
    def other(text):
        label = world.truth[text]
        return "login" if text.endswith("7") else label

    before, after = calibrated(world), calibrated(world, teach=other, sample=400)
    found = after.differences(before)
    assert not found.same_teacher
    both = np.intersect1d(before.labels.rows, after.labels.rows)
    assert 0 < found.n_tested <= len(both)
    assert any("different teachers" in line for line in difference_lines(found))


def test_labels_in_another_order_are_the_same_labels(world):
    before = calibrated(world, labels=LABELS[::-1])
    found = calibrated(world).differences(before)
    assert not len(found.relabelled)
    assert found.n_tested_agree[0] == before.router.column_certificate.n_agree


def test_a_column_that_is_labelled_whole_has_no_row_to_decide(world):
    found = calibrated(world, sample=600).differences(calibrated(world, blurred(world)))
    assert found.n_rows == 0
    assert difference_lines(found)[0].startswith("Every row with text is in a sample")


def test_what_cannot_be_compared_is_one_clear_line(world):
    tracer = calibrated(world)
    new = Tracer(world.teach, LABELS, features=world.X, store=":memory:", labelling="random")
    with pytest.raises(NotFitted, match="the fit to compare with is not calibrated"):
        tracer.differences(new)
    with pytest.raises(NotFitted, match="this fit is not calibrated"):
        new.differences(tracer)
    for wrong in (tracer, None, "main"):
        with pytest.raises(InvalidInput, match="another Tracer"):
            tracer.differences(wrong)
    short = calibrated(world, world.X[:500], texts=world.texts[:500])
    with pytest.raises(InvalidInput, match="different columns \\(500 and 600 rows\\)"):
        tracer.differences(short)
    more = calibrated(world, labels=(*LABELS, "other"))
    with pytest.raises(InvalidInput, match="different label sets \\(other in one of them only"):
        tracer.differences(more)


def test_sentences_and_tables_tell_all_and_are_escaped(world):
    labels = tuple(f"{name}{EVIL}" for name in LABELS)
    texts = [f"{text} {EVIL}" for text in world.texts]

    def teach(text):
        return f"{text.split()[0]}{EVIL}"

    options = {"teach": teach, "labels": labels, "texts": texts}
    before = calibrated(world, blurred(world), **options, target=0.85)
    found = calibrated(world, **options).differences(before)
    lines = "\n".join(difference_lines(found))
    assert "Of 300 rows in neither sample the surrogate answers " in lines
    assert "(targets 85 % and 80 %)" in lines
    assert "went from deferred to handled" in lines
    assert "exact McNemar p = " in lines
    assert "certify it on fresh rows" in lines
    titles = [title for title, _, _ in difference_tables(found)]
    assert titles[0].startswith("By the teacher's label")
    assert titles[1] == "Rows that changed"
    bundle = DifferenceTables(found)._repr_mimebundle_()
    assert "<script" in bundle["text/plain"]
    assert "<script" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
