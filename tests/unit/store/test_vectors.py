"""Vectors of texts beside the label store: the same ones again, and never a reason to fail."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from tracer_nb.store import VectorCache, vectors


class Encoder:
    """Vectors of a text alone, and how many texts were embedded at a time."""

    def __init__(self, d=3):
        self.d, self.asked = d, []

    def __call__(self, texts):
        self.asked.append(list(texts))
        seeds = [[*text.encode("utf-8", "surrogatepass"), 7] for text in texts]
        return np.float32([np.random.default_rng(seed).normal(size=self.d) for seed in seeds])


@pytest.fixture
def cache(tmp_path):
    return VectorCache(tmp_path / "deep" / "labels.sqlite")


TEXTS = ["where is it", "", "a", "where is it", "\ud800 half", "long " * 50]


def test_texts_are_embedded_once(cache):
    encoder = Encoder()
    first = cache.vectors("e", TEXTS, encoder)
    assert first.tolist() == Encoder()(TEXTS).tolist()
    assert first.dtype == np.float32
    assert encoder.asked == [sorted(set(TEXTS), key=len)]
    again = cache.vectors("e", [*TEXTS[::-1], "new"], encoder)
    assert encoder.asked[1:] == [["new"]]
    assert again[:-1].tolist() == first[::-1].tolist()
    VectorCache(cache.path.with_name("labels.sqlite")).vectors("e", TEXTS, encoder)
    assert len(encoder.asked) == 2
    assert cache.path.name == "labels.vectors.sqlite"
    assert b"where is it" not in cache.path.read_bytes()


def test_another_encoder_has_its_own(cache):
    cache.vectors("e", TEXTS, Encoder())
    encoder = Encoder(d=4)
    assert cache.vectors("f", TEXTS, encoder).shape == (6, 4)
    assert len(encoder.asked) == 1


def test_what_an_interrupt_leaves_is_kept(cache, monkeypatch):
    monkeypatch.setattr(vectors, "_TOGETHER", 2)
    texts, encoder = [f"{i:03}" for i in range(7)], Encoder()

    def stopped(part):
        if len(encoder.asked) == 2:
            raise KeyboardInterrupt
        return encoder(part)

    with pytest.raises(KeyboardInterrupt):
        cache.vectors("e", texts, stopped)
    cache.vectors("e", texts, encoder)
    assert sorted(t for part in encoder.asked for t in part) == texts


def _damage_file(path):
    path.write_bytes(b"no database" * 100)


def _damage_rows(path):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE vectors SET vector = x'00000000' WHERE number = 1")
        db.execute("UPDATE vectors SET vector = x'0000' WHERE number = 2")
        db.execute("UPDATE vectors SET vector = x'0000807f0000807f0000807f' WHERE number = 3")


def _folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [_damage_file, _damage_rows, _folder])
def test_a_file_that_is_no_use_costs_time_alone(cache, harm):
    expected = cache.vectors("e", TEXTS, Encoder())
    harm(cache.path)
    assert cache.vectors("e", TEXTS, Encoder()).tolist() == expected.tolist()


def test_a_locked_file_is_not_waited_for_long(cache, monkeypatch):
    monkeypatch.setattr(vectors, "_PATIENCE", 0.01)
    cache.vectors("e", TEXTS[:1], Encoder())
    with closing(sqlite3.connect(cache.path, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        assert cache.vectors("e", TEXTS, Encoder()).shape == (6, 3)


def test_the_oldest_go_when_there_are_too_many(cache, monkeypatch):
    monkeypatch.setattr(vectors, "_MOST_BYTES", 400_000)
    encoder = Encoder(d=300)
    for start in range(0, 2000, 100):
        cache.vectors("e", [str(i) for i in range(start, start + 100)], encoder)
    assert cache.path.stat().st_size < 900_000
    encoder.asked.clear()
    cache.vectors("e", ["0", "1999"], encoder)
    assert encoder.asked == [["0"]]
