"""Where a certificate comes from: who was asked, about which rows, with what, when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Origin", "Spent"]


@dataclass(frozen=True, slots=True)
class Spent:
    """A test that was made on rows of the column, and the error that it spent.

    Attributes
    ----------
    n_round : int
        Which one, from 1.
    n_rows : int
        That were drawn for it.
    error : float
        Its part of the error budget.
    looks : tuple of (int, float)
        Planned beforehand: after so many rows it was looked at, at this part of ``error``. Empty
        where it was looked at once.
    """

    n_round: int
    n_rows: int
    error: float
    looks: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """What a certificate says of its job.

    Attributes
    ----------
    teacher : str
        By name.
    models : tuple of (str, int)
        Who gave the answers that it rests on, as servers name them, and how many.
    note : str
        What must be said with every answer of this teacher ("a stand-in: nothing was paid").
    labels : tuple of str
    prompt : str
        Without what looks like a key; empty where there is none.
    prompt_sha256 : str
        Of the prompt as it was asked, in hex; empty where there is none.
    column : str
        Name of the labelled column; empty where it has none.
    columns : tuple of str
        Others that the prompt names.
    n_rows, n_texts : int
        Of the column; its distinct texts.
    data_sha256 : str
        Fingerprint of the texts and of the rows that they stand in, in hex.
    features, surrogate : str
        Names.
    seed : int
    assumption : str
        What the promise rests on besides our own random draw; its first words.
    exact : bool
        False: features were fitted on the calibration rows too, so that for new rows the
        promise is close, not exact.
    tests : tuple of Spent
        All that were made on rows of the column until then.
    versions : mapping of str to str
    made : str
        When it was certified, UTC in ISO 8601.
    """

    teacher: str
    labels: tuple[str, ...]
    models: tuple[tuple[str, int], ...] = ()
    note: str = ""
    prompt: str = ""
    prompt_sha256: str = ""
    column: str = ""
    columns: tuple[str, ...] = ()
    n_rows: int = 0
    n_texts: int = 0
    data_sha256: str = ""
    features: str = ""
    surrogate: str = ""
    seed: int = 0
    assumption: str = ""
    exact: bool = True
    tests: tuple[Spent, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    made: str = ""
