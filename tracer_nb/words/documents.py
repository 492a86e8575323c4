"""A certificate as JSON, by a schema that lies beside this file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tracer_nb.records import Certificate, ClassCertificate, Origin, Setting
from tracer_nb.words.certificates import class_sentence, stated, which_rows
from tracer_nb.words.promises import short_stated

__all__ = ["SCHEMA", "certificate_document", "certificate_id", "certificate_schema"]

SCHEMA = "urn:tracer-nb:certificate:1"
"""Name of the schema; its number goes up when a reader of the one before would be misled."""

_FILE = Path(__file__).parent / "certificate-1.schema.json"
# What may be another without another certificate: words, and where and when it was made again.
_PASSING = ("date", "versions", "models", "note", "short", "sentence")


def certificate_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what :func:`certificate_document` returns."""
    schema: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return schema


def certificate_document(
    certificate: Certificate, others: Iterable[Certificate] = ()
) -> dict[str, Any]:
    """A certificate as plain values for JSON.

    Parameters
    ----------
    certificate : Certificate
    others : iterable of Certificate
        Of the same router: at other targets, about the column.

    Returns
    -------
    dict
        Following :func:`certificate_schema`; all numbers are finite.
    """
    c = certificate
    body: dict[str, Any] = {
        "certified": c.certified,
        "promise": _promise(c, short_stated(c), stated(c)),
        "also": [
            _promise(one, short_stated(one), stated(one))
            for one in (replace(each, origin=c.origin) for each in c.also)
        ],
        "method": c.method,
        "strategy": c.strategy,
        "proof": "simulation" if c.by_simulation else "exact test",
        "target": c.target,
        "confidence": c.confidence,
        "counts": {
            "fitted": c.n_fit,
            "tested": c.n_calibration,
            "handled": c.n_handled,
            "agreeing": c.n_agree,
            "set_aside": c.n_set_aside,
            "column": c.n_population,
            "column_handled": c.n_population_handled,
        },
        "measured": {
            "coverage": c.coverage,
            "cost_coverage": c.cost_coverage,
            "agreement": _finite(c.agreement),
            "agreement_lower": c.agreement_lower,
            "whole_output_lower": c.whole_output_lower,
        },
        "thresholds": {
            "handled_from": _finite(c.threshold),
            "passed": [_setting(setting) for setting in c.settings],
            "tested": c.n_tested,
        },
        "classes": [_class(c, part) for part in c.classes],
        "error_budget": _budget(c),
        "refused": None if c.certified else {"note": c.note, "needed_rows": c.needed_rows},
        "date": None if c.origin is None else c.origin.made,
        "origin": None if c.origin is None else _origin(c.origin),
    }
    return {
        "schema": SCHEMA,
        "id": _digest(body),
        **body,
        "others": [certificate_document(other) for other in others],
    }


def certificate_id(certificate: Certificate) -> str:
    """What names a certificate: 32 hexadecimal digits.

    The same rows, answers and settings give the same, whenever and wherever they are computed.
    """
    return str(certificate_document(certificate)["id"])


def _digest(body: Mapping[str, Any]) -> str:
    """Beginning of the SHA-256 of its canonical JSON, without what is passing."""
    text = json.dumps(_lasting(body), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


def _lasting(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _lasting(part) for key, part in value.items() if key not in _PASSING}
    if isinstance(value, list):
        return [_lasting(part) for part in value]
    # Another order of summation may move the last digits.
    return f"{value:.9g}" if isinstance(value, float) else value


_KINDS = {
    "handled": "selective_agreement",
    "output": "whole_output_agreement",
    "recall": "recall",
    "precision": "precision",
}


def _promise(c: Certificate, short: str, sentence: str, *, label: Any = None) -> dict[str, Any]:
    """What is counted, among what, as an object of its own: other kinds have other ones."""
    # Whose names are in it is said by sentence and origin.
    name = c.promise
    gives = "would give" if c.n_population is None else "gives"
    counted = f"rows whose label is the one that the teacher {gives}"
    if name.kind == "recall":
        counted = f"rows that come out as {name.label}"
    among = name.rows.removeprefix("all ").removeprefix("the ")
    if label is not None:
        among += f" with the label {label}"
    return {
        "kind": _KINDS[name.kind],
        "counted": counted,
        "among": among
        if name.kind == "output"
        else f"{among}, of rows {which_rows(c, 'the teacher')}",
        "about": "new rows" if c.n_population is None else "column",
        "label": name.label if label is None else label,
        "short": short,
        "sentence": sentence,
        "tested": c.n_counted if label is None else None,
        "broken_by": c.n_wrong if label is None else None,
        "delivered": c.n_delivered,
    }


def _class(c: Certificate, part: ClassCertificate) -> dict[str, Any]:
    said = class_sentence(c, part)
    return {
        "promise": _promise(c, said, said, label=_label(part.label)),
        "certified": part.certified,
        "threshold": _finite(part.threshold),
        "tested": part.n_calibration,
        "handled": part.n_handled,
        "agreeing": part.n_agree,
        "agreement_low": part.agreement_low,
        "agreement_high": part.agreement_high,
        "needed_rows": part.needed_rows,
    }


def _label(label: object) -> Any:
    """The label where JSON knows it, else its text."""
    if isinstance(label, (str, bool, int)):
        return label
    if isinstance(label, float) and math.isfinite(label):
        return label
    return str(label)


def _setting(setting: Setting) -> dict[str, float]:
    return {
        "threshold": setting.threshold,
        "coverage": setting.coverage,
        "cost_coverage": setting.cost_coverage,
    }


def _budget(c: Certificate) -> dict[str, Any]:
    tests = None
    if c.origin is not None:
        tests = [
            {
                "round": test.n_round,
                "rows": test.n_rows,
                "error": _clean(test.error),
                "looks": [{"rows": n, "error": _clean(error)} for n, error in test.looks],
            }
            for test in c.origin.tests
        ]
    return {
        "own": _clean(1.0 - c.confidence),
        # A difference of sums, which rounding may take below 0.
        "others": _clean(max(c.earlier, 0.0)),
        "confidence_of_all": _clean(c.total_confidence),
        "rounds": c.n_rounds,
        "targets": c.n_targets,
        "tests": tests,
    }


def _origin(origin: Origin) -> dict[str, Any]:
    return {
        "teacher": origin.teacher,
        "models": [{"name": name, "answers": n} for name, n in origin.models],
        "note": origin.note,
        "labels": list(origin.labels),
        "prompt_sha256": origin.prompt_sha256 or None,
        "column": origin.column or None,
        "columns": list(origin.columns),
        "rows": origin.n_rows,
        "texts": origin.n_texts,
        "data_sha256": origin.data_sha256,
        "features": origin.features,
        "surrogate": origin.surrogate,
        "seed": origin.seed,
        "assumption": origin.assumption.strip(),
        "exact": origin.exact,
        "versions": dict(origin.versions),
    }


def _clean(value: float) -> float:
    """A difference of levels without what rounding has left: .1 for 1 - .9."""
    return float(f"{value:.12g}")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
