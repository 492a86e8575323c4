"""Every term that a page, a card or a line uses, in one sentence each; tooltips are made of it."""

from __future__ import annotations

__all__ = ["GLOSSARY"]

GLOSSARY = {
    "teacher": "Who gives the labels that count: a language model, a function, or people.",
    "surrogate": "A small classifier that was fitted on the teacher's answers and answers the easy rows.",
    "gate score": "How likely surrogate and teacher agree on a row, as estimated; from 0 to 1.",
    "threshold": "Rows with at least this gate score are answered by the surrogate.",
    "certificate": "A tested promise about agreement: it fails with a chance of at most 1 minus the confidence.",
    "certified": "Tested on random rows, and promised with the confidence that is named.",
    "target": "The agreement that the certificate promises at the least.",
    "confidence": "How sure the promise is: at 95 %, at most 1 in 20 such promises is broken.",
    "coverage": "The share of rows that the surrogate answers.",
    "agreement": "The share of rows on which the surrogate gives the teacher's label; not the truth.",
    "handled": "Answered by the surrogate: its gate score is at or above the threshold.",
    "deferred": "Left to the teacher: the gate score is below the threshold.",
    "calibration row": "A row drawn at random to test on; nothing was fitted on it.",
    "fitting row": "A labelled row that the surrogate learned from.",
    "audit": "Asking the teacher about a few rows that the surrogate answered, to see whether the promise holds.",
    "stand-in": "A small local program that answers in place of a language model; nothing is paid.",
}
"""Each term with its sentence; plurals mean the same."""
