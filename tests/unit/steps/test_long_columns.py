"""What a long column takes: bytes and calls are counted, for seconds are the machine's."""

import tracemalloc

import numpy as np
import pytest

from tracer_nb import Tracer
from tracer_nb.engine.features import LsaFeatures
from tracer_nb.engine.features.ngrams import NGrams, Words

N_ROWS, N_FEATURES = 24_000, 300
# Of 24,000 rows 1,400 are fitted on, and 5,000 smoothed over: some 30 arrays of 1,000 by 1,400.
MOST_BYTES = 105 * 2**20


@pytest.fixture(scope="module")
def column():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(10, N_FEATURES)).astype(np.float32)
    codes = rng.integers(0, 10, N_ROWS)
    X = centres[codes] + 3 * rng.standard_normal((N_ROWS, N_FEATURES), dtype=np.float32)
    return [f"text {i}" for i in range(N_ROWS)], X, codes


def test_a_fit_copies_no_more_of_the_column_than_it_looks_at(column, tmp_path):
    texts, X, codes = column
    tracer = Tracer(
        lambda text: f"label {codes[int(text[5:])]}",
        [f"label {i}" for i in range(10)],
        features=X,
        surrogate="kernel-ridge",
        labelling="random",
        store=tmp_path / "labels.sqlite",
        seed=1,
    )
    tracer.label(texts, sample=2000)
    tracemalloc.start()
    try:
        tracer.fit()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < MOST_BYTES
    # What is counted here sees arrays.
    assert most > 20 * 2**20


def test_each_word_of_a_column_is_taken_apart_once(monkeypatch):
    monkeypatch.setattr("tracer_nb.engine.features.lsa._PIECE", 10)
    texts = [f"Card number{i % 7} Lost, in street{i % 11}" for i in range(200)]
    lsa = LsaFeatures(5).fit(texts)
    apart = []
    counter = lsa._ngrams[1]._counter
    transform = counter.transform
    monkeypatch.setattr(counter, "transform", lambda words: apart.extend(words) or transform(words))
    X = lsa.transform(texts)
    assert sorted(apart) == sorted({word for text in texts for word in text.lower().split()})
    # As if each had come alone, and as if nothing of the others were kept.
    assert X.tobytes() == np.vstack([lsa.transform([text]) for text in texts]).tobytes()
    monkeypatch.setattr("tracer_nb.engine.features.ngrams._MOST_APART", 8)
    assert lsa.transform(texts).tobytes() == X.tobytes()


@pytest.mark.parametrize("ngram_range", [(1, 1), (2, 2), (1, 3), (2, 4)])
def test_phrases_are_those_that_are_counted_one_by_one(ngram_range):
    words = ["a", "b", "c", "d"]
    rng = np.random.default_rng(3)
    texts = [" ".join(rng.choice(words, rng.integers(0, 9))) for _ in range(40)]
    fewest, most = ngram_range
    grams = {
        " ".join(text.split()[i : i + n])
        for text in texts
        for n in range(fewest, most + 1)
        for i in range(len(text.split()) - n + 1)
    }
    # Some are known; others are not, or could never be met.
    terms = [*sorted(grams)[::2], "x y", "a  b", "", "a b c d a"]
    idf = np.ones(len(terms), dtype=np.float32)
    ngrams = NGrams("word", ngram_range, terms, idf)
    counts = ngrams._phrases.count(Words.of(texts)).toarray()
    expected = [
        [
            sum(
                " ".join(text.split()[i : i + n]) == term
                for n in range(fewest, most + 1)
                for i in range(len(text.split()) - n + 1)
            )
            for term in terms
        ]
        for text in texts
    ]
    assert counts.tolist() == expected
    assert np.count_nonzero(counts) > 20
