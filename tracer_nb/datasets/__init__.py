"""Data sets with known labels, for examples, tests and benchmarks.

``support``
    4,040 messages to a made-up online shop in 14 intents, part of the package and written
    by a script in it (:mod:`tracer_nb.datasets._make_support`). Not quite easy: some
    messages name two intents, some are too short to tell.
``banking77``
    13,083 questions of bank customers in 77 intents, with the published split. Not part of
    the package (CC BY 4.0, Casanueva et al., 2020): read from a folder or downloaded once.
"""

from __future__ import annotations

from importlib import resources

import pandas as pd

from tracer_nb.datasets import _banking77
from tracer_nb.errors import InvalidInput

__all__ = ["load"]


def load(name: str) -> pd.DataFrame:
    """Return a data set by name.

    Parameters
    ----------
    name : {"support", "banking77"}
        Which one.

    Returns
    -------
    pandas.DataFrame
        Text columns ``text`` and ``label``. ``banking77`` also has ``split``: 10,003 rows
        "train", then 3,080 rows "test", in the order of the published files.

    Raises
    ------
    InvalidInput
        There is no such data set, or the files found are not the published ones.
    TracerError
        ``banking77`` is not on this machine and cannot be downloaded.

    Notes
    -----
    ``banking77`` is looked for in the folder that the environment variable
    ``TRACER_NB_DATA`` names, as ``banking77/train.csv`` and ``banking77/test.csv``. Without
    the variable: in ``../shared/data`` seen from the current directory, then from the
    repository when running from a checkout, then in the user's cache
    (``$XDG_CACHE_HOME/tracer_nb`` or ``~/.cache/tracer_nb``), which a download fills.

    References
    ----------
    Casanueva et al., Efficient Intent Detection with Dual Sentence Encoders
    (arXiv 2003.04807).

    Examples
    --------
    >>> support = load("support")
    >>> support.shape, support["label"].nunique()
    ((4040, 2), 14)
    """
    if name == "support":
        with resources.files(__name__).joinpath("support.csv").open("rb") as file:
            return pd.read_csv(file, dtype=str, keep_default_na=False)
    if name == "banking77":
        return _banking77.load()
    raise InvalidInput.unknown_name("data set", name, ["support", "banking77"])
