"""The bundled data set is what its script writes; BANKING77 is found, fetched and checked."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import sys
from collections import Counter
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeClassifier

from tracer_nb import datasets
from tracer_nb.datasets import _support_grammar as grammar
from tracer_nb.datasets import load
from tracer_nb.datasets._make_support import make_rows, to_csv
from tracer_nb.errors import InvalidInput, TracerError

# --- support --------------------------------------------------------------------------


def bundled() -> bytes:
    return resources.files("tracer_nb.datasets").joinpath("support.csv").read_bytes()


def test_the_script_writes_the_bundled_file():
    assert to_csv(make_rows()).encode() == bundled()


def test_rows_do_not_depend_on_hash_randomisation():
    code = (
        "import hashlib; from tracer_nb.datasets._make_support import make_rows, to_csv;"
        "print(hashlib.sha256(to_csv(make_rows()).encode()).hexdigest())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == hashlib.sha256(bundled()).hexdigest()


def test_support_has_distinct_texts_and_uneven_classes():
    support = load("support")
    keys = support["text"].str.strip().str.casefold()
    assert keys.is_unique
    assert (keys.str.len() > 0).all()
    assert Counter(support["label"]) == grammar.SIZES
    assert max(grammar.SIZES.values()) == 4 * min(grammar.SIZES.values())
    assert len(bundled()) < 700_000


def test_no_phrase_keeps_its_markup():
    assert not load("support")["text"].str.contains(r"[\[\]{}|]").any()


def test_grammar_covers_every_intent():
    intents = set(grammar.SIZES)
    assert set(grammar.CORES) == set(grammar.SIDES) == set(grammar.NEIGHBOURS) == intents
    assert {n for near in grammar.NEIGHBOURS.values() for n in near} <= intents
    assert {i for _, of in grammar.VAGUE for i in of} == intents
    for intent, cores in grammar.CORES.items():
        assert len(set(cores)) == len(cores) >= 25, intent


def test_support_is_neither_a_toy_nor_noise():
    """A weaker and faster learner than the one the data set was tuned with."""
    support = load("support")
    order = np.random.default_rng(0).permutation(len(support))
    labelled, rest = support.iloc[order[:1000]], support.iloc[order[1000:]]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = RidgeClassifier().fit(words.fit_transform(labelled["text"]), labelled["label"])
    assert 0.75 < model.score(words.transform(rest["text"]), rest["label"]) < 0.93


# --- banking77 ------------------------------------------------------------------------

ROWS = {
    "train": [("where is my card?", "card_arrival"), ("two\r\nlines", "top_up"), ("NA", "age")],
    "test": [("I lost, it", "lost_card")],
}


def as_csv(rows: list[tuple[str, str]], end: str = "\n") -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows([("text", "category"), *rows])
    return out.getvalue().encode()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make a small BANKING77 the right one, with nothing of it on this machine."""
    for split, rows in ROWS.items():
        text = "".join(f"{' '.join(text.split())}\t{label}\n" for text, label in rows)
        monkeypatch.setitem(datasets._DIGESTS, split, hashlib.sha256(text.encode()).hexdigest())
    work = tmp_path / "project" / "notebooks"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    monkeypatch.delenv(datasets._VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets, "_CHECKOUT", tmp_path / "nowhere" / "repository")
    monkeypatch.setattr(datasets, "_URL", (tmp_path / "web").as_uri() + "/{split}.csv")
    return tmp_path


def put(folder: Path, *, end: str = "\n", rows: dict[str, list[tuple[str, str]]] = ROWS) -> Path:
    folder.mkdir(parents=True)
    for split, of_split in rows.items():
        (folder / f"{split}.csv").write_bytes(as_csv(of_split, end))
    return folder


def check(frame) -> None:
    assert list(frame.columns) == ["text", "label", "split"]
    assert frame["split"].tolist() == ["train"] * 3 + ["test"]
    assert frame["label"].tolist() == ["card_arrival", "top_up", "age", "lost_card"]
    assert frame["text"].tolist()[2:] == ["NA", "I lost, it"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_named_folder_is_read_whatever_its_line_ends(small, monkeypatch, end):
    put(small / "mine" / "banking77", end=end)
    monkeypatch.setenv("TRACER_NB_DATA", str(small / "mine"))
    check(load("banking77"))


@pytest.mark.parametrize("place", ["project/shared/data", "nowhere/shared/data", "cache/tracer_nb"])
def test_other_places_are_found_without_a_download(small, place):
    (small / "nowhere" / "repository").mkdir(parents=True)
    (small / "nowhere" / "repository" / "pyproject.toml").touch()
    put(small / place / "banking77")
    check(load("banking77"))


def test_download_fills_the_cache(small):
    web = put(small / "web")
    check(load("banking77"))
    for split in ROWS:
        (web / f"{split}.csv").unlink()
    check(load("banking77"))


def test_download_of_other_content_is_refused_and_not_kept(small):
    put(small / "web", rows={**ROWS, "train": [("<html>", "404")]})
    with pytest.raises(InvalidInput, match=r"not the published train.csv.*set TRACER_NB_DATA"):
        load("banking77")
    assert not list((small / "cache").rglob("*.csv*"))


@pytest.mark.usefixtures("small")
def test_no_network_says_what_to_do():
    with pytest.raises(TracerError, match=r"cannot download.*set TRACER_NB_DATA") as caught:
        load("banking77")
    assert "\n" not in str(caught.value)


def test_named_folder_without_the_files_is_an_error_though_others_have_them(small, monkeypatch):
    put(small / "cache" / "tracer_nb" / "banking77")
    monkeypatch.setenv("TRACER_NB_DATA", str(small / "empty"))
    with pytest.raises(InvalidInput, match=r"empty.*no BANKING77"):
        load("banking77")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b'text,category\n"x'])
def test_a_file_that_is_no_such_table_is_refused(small, monkeypatch, content):
    (put(small / "mine" / "banking77") / "test.csv").write_bytes(content)
    monkeypatch.setenv("TRACER_NB_DATA", str(small / "mine"))
    with pytest.raises(InvalidInput, match=r"test\.csv"):
        load("banking77")


def test_the_published_files():
    if datasets._folder() is None:
        pytest.skip("BANKING77 is not on this machine")
    banking = load("banking77")
    assert banking["split"].tolist() == ["train"] * 10_003 + ["test"] * 3_080
    assert banking["label"].nunique() == 77


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(InvalidInput, match="no data set 'bankin77'; did you mean 'banking77'"):
        load("bankin77")
