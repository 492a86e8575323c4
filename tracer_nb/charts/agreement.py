"""Agreement for each label, with its interval and the target."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer_nb.charts.confusion import BASES
from tracer_nb.charts.parts import Rows, about, name_axis, number, picture, share_axis, short_names
from tracer_nb.charts.theme import CURVE, TARGET, TEXT
from tracer_nb.records import LabelAgreement
from tracer_nb.words import count, level

__all__ = ["agreement_chart"]

_SHOWN = 25


def agreement_chart(agreement: LabelAgreement, *, width: int | str = 620) -> Any:
    """Bars of agreement, the labels with most disagreements first; at most twenty-five.

    Parameters
    ----------
    agreement : LabelAgreement
    width : int or "container"
        Pixels; the height follows the number of labels.

    Returns
    -------
    altair.LayerChart
        Data "bars" (field ``index`` as :meth:`LabelAgreement.bar` takes it), "target", "about".
    """
    data = {
        "bars": _bars(agreement),
        "target": [{"agreement": agreement.target}],
        "about": about(*_title(agreement)),
    }
    return picture(_layers, data, width=width)


def _layers(alt: Any) -> list[Any]:
    x = share_axis(alt, "agreement", "Agreement with the teacher", 60)
    y = name_axis(alt)
    tooltip = [
        alt.Tooltip("label:N", title="label"),
        alt.Tooltip("agreement:Q", format=".1%", title="agreement"),
        alt.Tooltip("low:Q", format=".1%", title="90 % interval, from"),
        alt.Tooltip("high:Q", format=".1%", title="to"),
        alt.Tooltip("agree:Q", format=",", title="agreeing"),
        alt.Tooltip("counted:Q", format=",", title="rows counted"),
        alt.Tooltip("rows:Q", format=",", title="rows of the label"),
        alt.Tooltip("coverage:Q", format=".1%", title="handled"),
    ]
    base, target = alt.Chart(alt.NamedData("bars")), alt.Chart(alt.NamedData("target"))
    return [
        base.mark_bar(color=CURVE, opacity=0.4, height={"band": 0.7}).encode(
            x=x, y=y, tooltip=tooltip
        ),
        base.mark_rule(color=TEXT, strokeWidth=2).encode(x="low:Q", x2="high:Q", y=y),
        target.mark_rule(color=TARGET, strokeDash=[5, 4], strokeWidth=1.5).encode(x="agreement:Q"),
        base.mark_text(color=TEXT, align="left", fontSize=11).encode(
            x=alt.datum(1.02), y=y, text="text:N", tooltip=tooltip
        ),
    ]


def _title(agreement: LabelAgreement) -> tuple[str, ...]:
    k, n = len(agreement.labels), int(agreement.n_handled.sum())
    if not n:
        return ("No row to compare yet",)
    which = "handled " if agreement.handled_only else ""
    whose = "teacher's" if agreement.by == "teacher" else "surrogate's"
    rows = count(n, f"{which}{BASES[agreement.basis]}")
    first = f"By the {whose} label, on {rows}"
    part = f"The {_SHOWN} of {k:,} labels with most disagreements" if k > _SHOWN else ""
    line = f"Line: target {level(agreement.target)}"
    return first, part, f"{line}. Whiskers: pointwise 90 % interval"


def _bars(agreement: LabelAgreement) -> Rows:
    wrong = agreement.n_handled - agreement.n_agree
    order = np.lexsort((np.arange(len(wrong)), -agreement.n_rows, -wrong))[:_SHOWN]
    names = short_names([agreement.labels[i] for i in order])
    share, coverage = agreement.agreement, agreement.coverage
    return [
        {
            "label": name,
            "index": i,
            "place": place,
            "agreement": number(share[i]),
            "low": number(agreement.lower[i]),
            "high": number(agreement.upper[i]),
            "agree": int(agreement.n_agree[i]),
            "counted": int(agreement.n_handled[i]),
            "rows": int(agreement.n_rows[i]),
            "coverage": number(coverage[i]),
            "text": f"{agreement.n_agree[i]:,} of {agreement.n_handled[i]:,}",
        }
        for place, (i, name) in enumerate(zip(order.tolist(), names, strict=True))
    ]
