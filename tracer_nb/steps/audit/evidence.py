"""Audits of handled rows: which rows are drawn, what they belong to, and what they tell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tracer_nb.draws.coins import coin
from tracer_nb.engine import SurrogateFit
from tracer_nb.engine.checks import is_number
from tracer_nb.engine.monitor import Monitor
from tracer_nb.engine.pipeline import Answers
from tracer_nb.errors import InvalidInput
from tracer_nb.records import Audit, Certificate, Labels, Watch
from tracer_nb.steps.column.frames import Texts
from tracer_nb.store.rows import text_address

__all__ = [
    "CONSEQUENCES",
    "check_consequence",
    "check_rate",
    "draw_audits",
    "fit_key",
    "replay",
    "watch_key",
]

CONSEQUENCES = ("defer", "stricter", "tell")
"""What routing does about an alarm."""
_MOMENTS = 240


def check_rate(rate: Any) -> float:
    """The chance of each handled text to be audited.

    Raises
    ------
    InvalidInput
        Not a fraction above 0, 1 at most.
    """
    if not is_number(rate) or not 0.0 < rate <= 1.0:
        raise InvalidInput(f"rate must be a fraction above 0, 1 at most, got {rate!r}")
    return float(rate)


def check_consequence(on_alarm: Any) -> str:
    """What to do about an alarm.

    Raises
    ------
    InvalidInput
        Not one of :data:`CONSEQUENCES`.
    """
    if on_alarm not in CONSEQUENCES:
        raise InvalidInput.unknown_name("on_alarm", str(on_alarm), CONSEQUENCES)
    return str(on_alarm)


def draw_audits(texts: Iterable[str], rate: float, seed: int) -> list[str]:
    """The texts that an independent coin flip of chance ``rate`` chooses, in random order.

    Coin and order are one number made of seed and text: a repeat draws the same, a higher rate
    goes on where the lower one ended, and what a cap leaves out is left out at random.
    """
    coins = {text: coin("audit", seed, text) for text in texts}
    return sorted((text for text, at in coins.items() if at < rate), key=coins.__getitem__)


def fit_key(texts: Texts, labels: Labels, *, fitted: SurrogateFit, answers: Answers) -> str:
    """A fit by what it was made of and what it says about the column.

    The same steps in another kernel have the same key.
    """
    sample = hashlib.sha256()
    for code in texts.codes[labels.rows].tolist():
        sample.update(text_address(texts.unique[code]).encode())
    for codes in (labels.codes, answers.codes):
        sample.update(np.ascontiguousarray(codes, dtype=np.int64).tobytes())
    chosen = [(t.name, t.view, t.gate, t.settings) for t in fitted.trials if t.chosen]
    return _digest([sample.hexdigest(), chosen])


def watch_key(identity: Mapping[str, Any], fit: str, certificate: Certificate) -> str:
    """What the audits of one promise belong to: teacher, fit, method, target and threshold."""
    thresholds = [certificate.threshold, *(part.threshold for part in certificate.classes or ())]
    # Another order of summation may move the last digits of a score.
    shown = [f"{threshold:.9g}" for threshold in thresholds]
    return _digest([dict(identity), fit, certificate.method, f"{certificate.target!r}", shown])


def replay(
    audits: Sequence[Audit],
    target: float,
    confidence: float,
    **others: Any,
) -> Watch:
    """What audits tell, in their order.

    Parameters
    ----------
    audits : sequence of Audit
    target, confidence : float
        Of the promise.
    **others
        Fields of the record that no audit tells.
    """
    state = Monitor(alpha=1.0 - target, delta=1.0 - confidence)
    needed = 1.0 / state.delta
    shown = {round(at) for at in np.linspace(1, max(len(audits), 1), min(len(audits), _MOMENTS))}
    history: list[tuple[int, float, float, float]] = []
    evidence, alarm_at, is_broken, has_drifted = state.evidence, None, False, False
    for audit in audits:
        state = state.audited(disagrees=audit.disagrees)
        evidence = max(evidence, state.evidence)
        is_broken, has_drifted = is_broken or state.is_broken, has_drifted or state.has_drifted
        if alarm_at is None and (is_broken or has_drifted):
            alarm_at = state.n_audits
        if state.n_audits in shown:
            low, high = state.interval()
            agreement = 1.0 - state.n_disagree / state.n_audits
            history.append((state.n_audits, agreement, 1.0 - high, 1.0 - low))
    return Watch(
        target=target,
        confidence=confidence,
        n_audits=state.n_audits,
        n_disagree=state.n_disagree,
        lower=history[-1][2] if history else 0.0,
        upper=history[-1][3] if history else 1.0,
        evidence=evidence,
        needed_evidence=needed,
        is_broken=is_broken,
        drift_level=state.drift_level,
        run_length=state.run_length,
        has_drifted=has_drifted,
        alarm_at=alarm_at,
        history=tuple(history),
        **others,
    )


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
