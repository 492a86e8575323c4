"""What each target would give."""

from __future__ import annotations

from typing import Any

from tracer_nb.charts.parts import CERTIFIED, CURVE, HAND, TARGET, Rows, about, number, picture
from tracer_nb.records import HandThreshold, Targets
from tracer_nb.words import count, level, money, percent

__all__ = ["targets_chart"]


_ESTIMATED, _EXPECTED = "at the estimated threshold", "to be expected of a certificate"


def targets_chart(
    targets: Targets,
    *,
    hand: HandThreshold | None = None,
    width: int | str = 620,
    height: int = 220,
) -> Any:
    """Coverage against target: estimated, to be expected, and certified.

    Parameters
    ----------
    targets : Targets
    hand : HandThreshold, optional
        A threshold moved by hand: drawn at the agreement that was observed, not certified.
    width : int or "container"
        Pixels.
    height : int
        Pixels, without title and axis.

    Returns
    -------
    altair.LayerChart
        Data "estimates", "certified", "hand", "main" and "about".
    """
    data = {
        "estimates": _lines(targets),
        "certified": _certified(targets),
        "hand": _by_hand(hand),
        "main": [{"target": targets.main}],
        "about": about(*_title(targets)),
    }
    return picture(_layers, data, height, width=width, height=height)


def _layers(alt: Any, height: int) -> list[Any]:
    x = alt.X(
        "target:Q",
        title="Target: agreement with the teacher on handled rows",
        scale=alt.Scale(domain=[0.8, 1.0], clamp=True, nice=False),
        axis=alt.Axis(format=".0%", tickCount=10, grid=False),
    )
    y = alt.Y(
        "coverage:Q",
        title="Coverage of the column",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format=".0%", tickCount=5),
    )
    kind = alt.StrokeDash(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=[_ESTIMATED, _EXPECTED], range=[[1, 0], [5, 4]]),
        legend=alt.Legend(labelLimit=260),
    )
    tooltip = [
        alt.Tooltip("target:Q", format=".1%", title="target"),
        alt.Tooltip("kind:N", title="coverage is"),
        alt.Tooltip("coverage:Q", format=".1%", title="coverage"),
        alt.Tooltip("saved:N", title="saves about"),
        alt.Tooltip("agreement:N", title="observed agreement, 90 % interval"),
    ]
    lines, hand_data = (alt.Chart(alt.NamedData(name)) for name in ("estimates", "hand"))
    return [
        alt.Chart(alt.NamedData("main"))
        .mark_rule(color=TARGET, strokeDash=[5, 4], strokeWidth=1.5)
        .encode(x=x),
        lines.mark_line(color=CURVE, strokeWidth=2).encode(x=x, y=y, strokeDash=kind),
        lines.mark_point(opacity=0, size=160, filled=True).encode(x=x, y=y, tooltip=tooltip),
        _point(alt, "certified", x, y, CERTIFIED, filled=True),
        # Targets are certified side by side: only that of the one in use has words.
        # At the foot, where the curves seldom are.
        *_words(alt, "certified", x, alt.value(height - 10), CERTIFIED, only="datum.main"),
        _point(alt, "hand", x, y, HAND, filled=False),
        hand_data.mark_rule(color=HAND, strokeDash=[3, 3], opacity=0.7).encode(x=x),
        *_words(alt, "hand", x, alt.value(10), HAND, only="true"),
    ]


def _words(alt: Any, name: str, x: Any, y: Any, colour: str, *, only: str) -> list[Any]:
    """Words beside a point, on the side with room."""
    return [
        alt.Chart(alt.NamedData(name))
        .transform_filter(f"({only}) && {'' if right else '!'}(datum.target > 0.9)")
        .mark_text(
            color=colour,
            align="right" if right else "left",
            dx=-9 if right else 9,
            fontSize=12,
            fontWeight="bold",
        )
        .encode(x=x, y=y, text="text:N")
        for right in (True, False)
    ]


def _point(alt: Any, name: str, x: Any, y: Any, colour: str, *, filled: bool) -> Any:
    tooltip = [
        alt.Tooltip("text:N", title="threshold"),
        alt.Tooltip("target:Q", format=".1%", title="target" if filled else "observed agreement"),
        alt.Tooltip("coverage:Q", format=".1%", title="coverage"),
        alt.Tooltip("saved:N", title="saves about"),
    ]
    mark = alt.Chart(alt.NamedData(name)).mark_point(
        color=colour,
        filled=filled,
        shape="circle" if filled else "diamond",
        size=90,
        opacity=1,
        strokeWidth=2,
    )
    return mark.encode(x=x, y=y, tooltip=tooltip)


def _title(targets: Targets) -> tuple[str, str]:
    refused = [level(c.target) for c in targets.certified if not c.certified]
    first = (
        f"Coverage of {count(targets.n_population, 'row')}, judged on "
        f"{count(targets.n_rows, 'calibration row')}"
    )
    second = f"Upright: target {level(targets.main)} in use. Lines are estimates, points certified"
    if refused:
        second = f"Nothing is certified at {', '.join(refused)}. Lines are estimates"
    return first, second


def _lines(targets: Targets) -> Rows:
    rows: Rows = []
    for i, target in enumerate(targets.targets.tolist()):
        seen = "nothing handled"
        if targets.n_handled[i]:
            a, lo, hi = (
                percent(float(v[i])) for v in (targets.agreement, targets.lower, targets.upper)
            )
            seen = f"{a} ({lo} to {hi})"
        saved = number(float(targets.saved[i]))
        for kind, coverage in ((_ESTIMATED, targets.coverage), (_EXPECTED, targets.expected)):
            own = kind == _ESTIMATED
            rows.append(
                {
                    "target": target,
                    "kind": kind,
                    "coverage": number(float(coverage[i])),
                    "saved": money(saved) if own else "",
                    "agreement": seen if own else "",
                }
            )
    return rows


def _certified(targets: Targets) -> Rows:
    return [
        {
            "target": choice.target,
            "coverage": number(choice.coverage),
            "saved": money(choice.saved),
            "text": f"certified: {percent(choice.coverage)} of {count(targets.n_population, 'row')}",
            "main": choice.target == targets.main,
        }
        for choice in targets.certified
        if choice.certified
    ]


def _by_hand(hand: HandThreshold | None) -> Rows:
    if hand is None or not hand.n_handled:
        return []
    return [
        {
            "target": number(hand.agreement),
            "coverage": number(hand.coverage),
            "saved": money(hand.saved),
            "text": f"by hand: {percent(hand.coverage)}, not certified",
        }
    ]
