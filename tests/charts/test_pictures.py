"""What each chart draws: which rows, in which order, with which words and fields to click."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.charts import pictures
from tracer_nb import charts
from tracer_nb.charts import to_svg, values_of
from tracer_nb.charts.parts import short_names
from tracer_nb.engine import gaps
from tracer_nb.errors import InvalidInput
from tracer_nb.records import STATUSES, Audit, LabelCounts, LostCoverage, Timeline
from tracer_nb.steps.audit.auditor import replay

HOSTILE = "<script>alert('x')</script>"


def title_of(chart):
    return " ".join(values_of(chart)["about"][0]["title"]).replace("\N{NO-BREAK SPACE}", " ")


def encodings(chart, mark, name):
    """Encodings of the layer with this mark that draws the data set."""
    found = [
        layer["encoding"]
        for layer in chart.to_dict()["layer"]
        if (layer["mark"]["type"], layer["data"]["name"]) == (mark, name)
    ]
    assert found
    return found[0]


# --- a run ----------------------------------------------------------------------------


def test_spending_is_drawn_against_the_cap():
    line = pictures.timeline("small")
    chart = charts.spending_chart(line)
    values = values_of(chart)
    assert [row["cost"] for row in values["spent"]] == pytest.approx(line.cost, rel=1e-3)
    assert values["cap"] == [{"cost": 4.0, "text": "cap $4.00"}]
    assert title_of(chart) == "$0.0050 paid; 88 of 96 texts answered"
    assert encodings(chart, "line", "spent")["x"]["field"] == "seconds"
    by_answers = charts.spending_chart(line, over="answers")
    assert encodings(by_answers, "line", "spent")["x"]["field"] == "done"
    with pytest.raises(InvalidInput, match="over must be 'time' or 'answers', got 'cost'"):
        charts.spending_chart(line, over="cost")


def test_a_run_without_a_price_or_without_a_cap_or_not_begun():
    line = replace(pictures.timeline("small"), cost=np.full(12, np.nan), max_cost=None)
    chart = charts.spending_chart(line)
    assert values_of(chart)["spent"] == values_of(chart)["cap"] == []
    assert title_of(chart) == "Cost unknown; 88 of 96 texts answered"
    for chart in (charts.spending_chart(Timeline()), charts.rate_chart(Timeline())):
        assert to_svg(chart).startswith("<svg")
    assert title_of(charts.spending_chart(Timeline())) == "Nothing asked yet"


def test_the_rate_is_that_of_the_last_seconds():
    seconds = np.arange(1.0, 101.0)
    # Ten a second for half the run, then none.
    asked = np.minimum(10 * np.arange(1, 101), 500)
    line = Timeline(seconds, asked, asked, np.zeros(100), 1000)
    chart = charts.rate_chart(line)
    rates = [row["rate"] for row in values_of(chart)["rate"]]
    assert rates[:50] == pytest.approx([10.0] * 50)
    assert 0 < rates[51] < 10
    assert rates[60:] == [0.0] * 40
    assert title_of(chart) == "Answers a second: 0 now; mean of the last 5 s"


# --- labels ---------------------------------------------------------------------------


def test_the_most_frequent_labels_have_bars_and_the_rest_is_in_words():
    k = 30
    sample = np.arange(k)
    zeros = np.zeros(k, dtype=np.intp)
    counts = LabelCounts(tuple(f"l{i}" for i in range(k)), sample, zeros, zeros, 440, 5, 0)
    chart = charts.label_chart(counts)
    values = values_of(chart)
    assert [bar["label"] for bar in values["bars"]] == [f"l{i}" for i in range(29, 9, -1)]
    assert [bar["index"] for bar in values["bars"]] == list(range(29, 9, -1))
    assert values["bars"][0] == {
        "label": "l29",
        "index": 29,
        "place": 0,
        "who": "teacher",
        "order": 0,
        "n": 29,
        "share": pytest.approx(29 / 435, rel=1e-3),
    }
    assert values["ticks"] == []
    rest = values["ends"][-1]
    # Labels that never occur are not among the others.
    assert (rest["label"], rest["text"]) == ("9 other labels", "45 rows, 10.3 %")
    assert title_of(chart) == (
        "The 20 most frequent of 30 labels in 440 rows asked about 5 of them without a label"
    )


def test_after_routing_bars_say_who_answered_and_ticks_what_the_sample_held():
    counts = LabelCounts(
        ("a", "b"), np.array([3, 1]), np.array([2, 3]), np.array([8, 5]), 4, 0, n_missing=2
    )
    chart = charts.label_chart(counts)
    values = values_of(chart)
    assert [(bar["label"], bar["who"], bar["n"]) for bar in values["bars"]] == [
        ("a", "surrogate", 8),
        ("a", "teacher", 2),
        ("b", "surrogate", 5),
        ("b", "teacher", 3),
    ]
    assert [tick["share"] for tick in values["ticks"]] == [0.75, 0.25]
    assert [end["text"] for end in values["ends"]] == ["10", "8"]
    assert values["ends"][0]["share"] == 0.75  # behind the tick, which stands further out
    assert title_of(chart) == (
        "Labels in 20 rows of the output 2 without a label, not shown Ticks: share in 4 rows asked about"
    )


def test_abstained_rows_are_told_apart_from_missing_ones():
    counts = LabelCounts(("a",), np.array([3]), np.array([2]), np.array([8]), 3, 0, 2, 4)
    assert "Labels in 16 rows of the output 4 abstained, 2 without a label, not shown" in title_of(
        charts.label_chart(counts)
    )


def test_one_label_more_than_there_is_room_for_is_shown_and_not_folded():
    ones = np.ones(21, dtype=np.intp)
    counts = LabelCounts(tuple(map(str, range(21))), ones, 0 * ones, 0 * ones, 21, 0, 0)
    values = values_of(charts.label_chart(counts))
    assert len(values["bars"]) == 21
    assert not any("other" in end["label"] for end in values["ends"])


def test_names_that_are_cut_stay_different():
    names = ["x" * 70 + str(i) for i in range(3)]
    assert len(set(short_names(names))) == 3
    assert short_names(["a", "b"]) == ["a", "b"]
    assert all(len(name) <= 30 for name in short_names(names, 24))


# --- bill -----------------------------------------------------------------------------


def test_the_least_expected_bill_is_marked_and_the_present_comes_last():
    bill = pictures.bill(n_deferred=None)
    values = values_of(charts.bill_chart(bill))
    (least,), (now,) = values["least"], values["now"]
    assert least["bill"] == min(row["bill"] for row in values["expected"])
    assert (now["n"], values["expected"][-1]["n"]) == (bill.expected[-1][0],) * 2
    assert len(values["expected"]) <= 202  # however often it was expected
    assert now["text"].startswith("now: ")
    assert least["text"].startswith("least expected: ")
    assert now["dollars"].startswith("$")
    assert "no interval" in title_of(charts.bill_chart(bill)).replace("without an", "no")


def test_a_bill_that_is_known_is_the_last_point():
    bill = pictures.bill()
    values = values_of(charts.bill_chart(bill))
    (now,) = values["now"]
    assert (now["n"], now["bill"]) == (bill.n_asked, bill.total)
    assert f"{bill.total:,} of 13,000 texts" in title_of(charts.bill_chart(bill))
    falling = replace(bill, expected=((100, 900.0), (200, 800.0)), n_deferred=None, price=None)
    values = values_of(charts.bill_chart(falling))
    assert values["least"] == []
    assert values["now"][0]["text"] == "now, the least: 800"
    assert values["now"][0]["dollars"] == "unknown"
    nothing = values_of(charts.bill_chart(replace(bill, expected=())))
    assert nothing["now"] == nothing["expected"] == []


def test_the_parts_of_a_bill_fill_one_bar():
    bill = pictures.bill(n_new_rows=300)
    parts = values_of(charts.bill_parts_chart(bill))["parts"]
    assert [row["part"] for row in parts] == [
        *("drawn to fit", "hard ones", "drawn to test", "for new rows", "deferred", "saved"),
    ]
    assert sum(row["n"] for row in parts) == bill.n_texts
    assert [row["start"] for row in parts[1:]] == [row["end"] for row in parts[:-1]]
    assert (parts[0]["start"], parts[-1]["end"], parts[-1]["n"]) == (0.0, 1.0, bill.saved)
    assert parts[0]["text"] == "325, $0.23"
    early = replace(bill, n_deferred=None, n_hard=0, n_test=0, n_new_rows=0, price=None)
    parts = values_of(charts.bill_parts_chart(early))["parts"]
    assert [(row["part"], row["text"]) for row in parts] == [
        ("drawn to fit", "325"),
        ("not known yet", "12,675"),
    ]


# --- confusion ------------------------------------------------------------------------


def test_cells_have_counts_and_the_places_that_a_click_needs():
    confusion = gaps.confusion(pictures.judged())
    chart = charts.confusion_chart(confusion)
    values = values_of(chart)
    for cell in values["cells"]:
        i, j = cell["i"], cell["j"]
        assert cell["n"] == confusion.counts[i, j] > 0
        assert cell["wrong"] == (cell["n"] if i != j else 0)
        assert cell["handled"] == confusion.handled[i, j]
    assert sum(cell["n"] for cell in values["cells"]) == confusion.n_rows
    assert [row["name"] for row in values["labels"]] == list(confusion.labels)
    off = confusion.counts - np.diag(np.diag(confusion.counts))
    assert values["about"][0]["most"] == off.max()
    wrong = confusion.n_rows - confusion.n_agree
    assert title_of(chart) == (
        f"{wrong} disagreements on 300 calibration rows that were not fitted on Outlined: "
        "agreements. Counts, no interval"
    )
    svg = to_svg(chart)
    assert all(f">{name}<" in svg for name in confusion.labels)


def test_folded_labels_are_one_line():
    confusion = gaps.confusion(pictures.judged("large"))
    values = values_of(charts.confusion_chart(confusion))
    assert len(values["labels"]) == 26
    assert values["labels"][-1]["name"] == f"{len(confusion.folded)} other labels"
    (corner,) = (c for c in values["cells"] if c["i"] == c["j"] == 25)
    assert corner["wrong"] == corner["n"] - confusion.n_folded_agree


# --- agreement ------------------------------------------------------------------------


def test_labels_with_most_disagreements_come_first():
    agreement = gaps.label_agreement(pictures.judged("large"), target=0.92)
    chart = charts.agreement_chart(agreement)
    values = values_of(chart)
    assert len(values["bars"]) == 25
    wrong = [bar["counted"] - bar["agree"] for bar in values["bars"]]
    assert wrong == sorted(wrong, reverse=True)
    assert wrong[0] == (agreement.n_handled - agreement.n_agree).max()
    for bar in values["bars"]:
        i = bar["index"]
        assert bar["text"] == f"{agreement.n_agree[i]:,} of {agreement.n_handled[i]:,}"
        assert bar["low"] <= bar["agreement"] <= bar["high"]
    assert values["target"] == [{"agreement": 0.92}]
    assert "Line: target 92 %" in title_of(chart)
    assert "handled calibration rows" in title_of(chart)
    assert f"The 25 of {len(agreement.labels)} labels with most disagreements" in title_of(chart)


def test_a_label_of_which_no_row_is_handled_has_no_bar():
    rows = replace(pictures.judged(), handled=pictures.judged().teacher == 0)
    bars = values_of(charts.agreement_chart(gaps.label_agreement(rows, target=0.9)))["bars"]
    assert [bar["agreement"] is None for bar in bars] == [False] + [True] * 5
    assert bars[1]["text"] == "0 of 0"


# --- reliability ----------------------------------------------------------------------


def test_bins_have_their_range_and_interval():
    reliability = gaps.reliability(pictures.judged())
    chart = charts.reliability_chart(reliability)
    values = values_of(chart)
    assert [row["index"] for row in values["bins"]] == list(range(10))
    assert sum(row["rows"] for row in values["bins"]) == 294
    for row in values["bins"]:
        assert row["low_score"] <= row["score"] <= row["high_score"]
        assert row["low"] <= row["agreement"] <= row["high"]
    assert "6 left out as unlike every labelled row" in title_of(chart)
    assert values["ideal"] == [{"score": 0, "agreement": 0}, {"score": 1, "agreement": 1}]


# --- slices and lost coverage ---------------------------------------------------------


def test_slices_stand_against_elsewhere_with_interval_and_effect():
    found = pictures.found("large")
    chart = charts.slices_chart(found)
    rows = values_of(chart)["slices"]
    assert [row["index"] for row in rows] == list(range(20))
    for row, one in zip(rows, found.slices, strict=True):
        assert row["low"] <= row["agreement"] <= row["high"] < row["elsewhere"]
        assert (row["rows"], row["wrong"]) == (one.n_rows, one.n_disagree)
        assert row["text"] == f"+{one.excess:.1f}"
    assert len({row["name"] for row in rows}) == 20
    assert title_of(chart).startswith("20 groups with more disagreement, of 100,000 calibration")
    few = values_of(charts.slices_chart(pictures.found()))["slices"]
    assert few[0]["name"] == "word: label 0 0"
    none = charts.slices_chart(replace(found, slices=()))
    assert title_of(none) == "No group stands out among 100,000 calibration rows"


def test_lost_coverage_is_one_bar_from_nothing_to_all_rows():
    lost = LostCoverage(target=0.9, n_rows=400, coverage=0.5, hindsight=0.6, ceiling=0.85)
    chart = charts.lost_chart(lost)
    rows = values_of(chart)["parts"]
    assert [(row["start"], row["end"]) for row in rows] == [
        *((0.0, 0.5), (0.5, 0.6), (0.6, 0.85), (0.85, 1.0)),
    ]
    assert [row["text"] for row in rows] == ["50 %", "10 %", "25 %", "15 %"]
    assert title_of(chart).startswith("Coverage of 400 tested rows at the target 90 %")
    svg = to_svg(chart)
    assert all(f">{row['part']}<" in svg for row in rows)
    nothing = charts.lost_chart(LostCoverage(0.9, 0, 0.0, 0.0, 0.0))
    assert title_of(nothing) == "No row to compare yet"
    assert values_of(nothing)["parts"] == []


# --- targets --------------------------------------------------------------------------


def test_targets_have_coverage_money_and_what_is_certified():
    targets = pictures.targets()
    chart = charts.targets_chart(targets, hand=pictures.hand())
    values = values_of(chart)
    assert len(values["estimates"]) == 40
    first = values["estimates"][0]
    assert first["kind"] == "at the estimated threshold"
    assert (first["target"], first["coverage"], first["saved"]) == (0.8, 0.95, "$19.00")
    assert first["agreement"] == "80.3 % (77 % to 82 %)"
    last = values["estimates"][-2]
    assert (last["saved"], last["agreement"]) == ("unknown cost", "nothing handled")
    (point,) = values["certified"]
    assert (point["target"], point["text"]) == (0.9, "certified: 60 % of 900 rows")
    assert values["hand"][0]["text"] == "by hand: 30 %, not certified"
    assert values["main"] == [{"target": 0.9}]
    assert title_of(chart).startswith("Coverage of 900 rows, judged on 300 calibration rows")
    assert "Nothing is certified at 95 %" in title_of(chart)


# --- map ------------------------------------------------------------------------------


def test_points_are_drawn_with_status_row_and_text():
    points = pictures.points(text="some text")
    chart = charts.map_chart(points)
    values = values_of(chart)
    assert len(values["points"]) == 60
    at = {int(row): i for i, row in enumerate(points.rows)}
    names = {row["place"]: row["name"] for row in values["labels"]}
    for point in values["points"]:
        i = at[point["row"]]
        assert point["status"] == points.status[i]
        assert names[point["label"]] == (points.labels[i] or "none yet")
        assert point["text"] == "some text"
        assert point["score"] == (None if np.isnan(points.scores[i]) else pytest.approx(points.scores[i], abs=0.001))  # fmt: skip
    order = [points.x[at[point["row"]]] for point in values["points"]]
    ranked = np.argsort(np.argsort(order))
    assert np.argsort(np.argsort([p["x"] for p in values["points"]])).tolist() == ranked.tolist()
    # Disagreements are on top.
    assert STATUSES[values["points"][-1]["status"]] == "disagree"
    assert title_of(chart).startswith(
        "60 texts of 300 by principal components (12.3 % of variance) Drawn at random: agree"
    )
    assert "t-SNE" in title_of(charts.map_chart(pictures.points(method="t-sne")))


def test_ten_labels_have_a_colour_and_the_others_are_grey():
    points = pictures.points("large")
    encoding = encodings(charts.map_chart(points, colour="label"), "point", "points")
    assert len(encoding["color"]["scale"]["range"]) == 11
    assert encoding["color"]["legend"]["values"] == list(range(11))
    assert "other labels" in encoding["color"]["legend"]["labelExpr"]
    few = encodings(charts.map_chart(pictures.points(), colour="label"), "point", "points")
    assert few["color"]["legend"]["values"] == [0, 1, 2, 3, 4, 5, 10]
    assert "no label yet" in few["color"]["legend"]["labelExpr"]


def test_the_legend_has_the_statuses_that_occur():
    points = replace(pictures.points(), status=np.full(60, 2))
    encoding = encodings(charts.map_chart(points), "point", "points")
    assert encoding["color"]["legend"]["values"] == [2]
    assert "handled" in to_svg(charts.map_chart(points))


@pytest.mark.parametrize("length", [10, 90, 160])
def test_texts_are_cut_only_as_far_as_it_takes(length):
    points = replace(pictures.points(text="t" * length))
    texts = {point["text"] for point in values_of(charts.map_chart(points))["points"]}
    assert texts == {"t" * length}
    many = replace(pictures.points("large", text="t" * length), labels=(None,) * 3000)
    values = values_of(charts.map_chart(many))
    (text,) = {point["text"] for point in values["points"]}
    assert text == ("t" * length if length == 10 else "t" * 19 + "…")
    assert len(json.dumps(values).encode()) < 400_000


def test_a_map_of_nothing_and_an_unknown_colour():
    nothing = np.empty(0)
    none = nothing.astype(np.intp)
    empty = replace(
        pictures.points(),
        x=nothing,
        y=nothing,
        rows=none,
        status=none,
        labels=(),
        scores=nothing,
        texts=(),
        n_texts=0,
        sampled=(),
    )
    assert to_svg(charts.map_chart(empty)).startswith("<svg")
    with pytest.raises(InvalidInput, match="colour must be 'status' or 'label', got 'score'"):
        charts.map_chart(empty, colour="score")


# --- all ------------------------------------------------------------------------------


def test_empty_records_say_so_and_draw():
    rows = pictures.judged()
    nothing = gaps.Judged(rows.names, *(column[:0] for column in (rows.teacher, rows.surrogate, rows.scores, rows.handled)), "calibration")  # fmt: skip
    for chart in (
        charts.confusion_chart(gaps.confusion(nothing)),
        charts.agreement_chart(gaps.label_agreement(nothing, target=0.9)),
        charts.reliability_chart(gaps.reliability(nothing)),
    ):
        assert title_of(chart) == "No row to compare yet"
        assert "No row to compare yet" in to_svg(chart)


def named_slices(names):
    """Slices of these names."""
    found = pictures.found("large")
    slices = [replace(one, name=name) for one, name in zip(found.slices, names, strict=False)]
    return replace(found, slices=tuple(slices))


def test_names_show_as_they_are_written():
    names = (HOSTILE, "a & b", "'] + alert(1) + ['")
    rows = replace(pictures.judged(), names=names, teacher=np.arange(300) % 3)
    rows = replace(rows, surrogate=(np.arange(300) // 3) % 3)
    counts = np.array([5, 4, 3])
    zeros = np.zeros(3, dtype=np.intp)
    points = replace(pictures.points(), labels=tuple(names[i % 3] for i in range(60)))
    for chart in (
        charts.confusion_chart(gaps.confusion(rows)),
        charts.agreement_chart(gaps.label_agreement(rows, target=0.9)),
        charts.label_chart(LabelCounts(names, counts, zeros, zeros, 12, 0, 0)),
        charts.map_chart(points, colour="label"),
        charts.slices_chart(named_slices(names)),
    ):
        svg = to_svg(chart)
        assert "<script" not in svg
        assert "&lt;script&gt;" in svg.replace("&lt;script&gt…", "&lt;script&gt;") or "&lt;script" in svg  # fmt: skip
        assert "a &amp; b" in svg


# --- a watch --------------------------------------------------------------------------


def test_a_watch_is_drawn_with_its_bounds_its_target_and_its_alarm():
    found = pictures.watch("small")
    chart = charts.watch_chart(found)
    values = values_of(chart)
    assert [row["n"] for row in values["audits"]] == list(range(1, 81))
    assert all(row["low"] <= row["agreement"] <= row["high"] for row in values["audits"])
    assert values["audits"][-1]["low"] == pytest.approx(found.lower, rel=1e-3)
    assert values["target"] == [{"agreement": 0.9}]
    assert values["alarm"] == []
    assert "valid at all times" in title_of(chart)
    assert encodings(chart, "area", "audits")["y2"]["field"] == "high"
    late = charts.watch_chart(replace(found, is_broken=True, alarm_at=60))
    assert values_of(late)["alarm"] == [{"n": 60, "text": "alarm"}]
    assert len(values_of(charts.watch_chart(pictures.watch("large")))["audits"]) == 240


def test_a_first_audit_that_disagrees_does_not_flatten_all_that_follow():
    audits = [Audit("0", "a", "b"), *(Audit(f"{i}", "a", "a") for i in range(1, 400))]
    watch = replay(audits, 0.9, 0.95)
    assert watch.history[0][1] == 0.0
    assert values_of(charts.watch_chart(watch))["about"][0]["bottom"] >= 0.75
    few = replay([Audit(f"{i}", "a", "b") for i in range(5)], 0.9, 0.95)
    assert values_of(charts.watch_chart(few))["about"][0]["bottom"] == 0.0


def test_a_watch_without_audits_is_a_picture_too():
    chart = charts.watch_chart(replay([], 0.9, 0.95))
    assert title_of(chart) == "0 audits yet; dashed: 90 % promised"
    assert to_svg(chart).startswith("<svg")
