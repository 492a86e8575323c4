"""Features: LSA on small and strange columns, functions, and what a user may write."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
from scipy import sparse

from tracer_nb.engine.features import FunctionFeatures, LsaFeatures, make_features
from tracer_nb.errors import InvalidInput, MissingExtra, NotFitted

COLUMN = [
    "where is my card",
    "my card has not arrived",
    "i want a refund",
    "refund my order please",
    "change my pin",
    "the pin does not work",
]


@pytest.fixture(autouse=True)
def strict():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


# --- LSA ---------------------------------------------------------------------------------


def test_texts_with_common_words_are_near():
    X = LsaFeatures().fit(COLUMN).transform(COLUMN)
    assert X.shape == (6, 6)
    assert X.dtype == np.float32
    assert cosine(X[0], X[1]) > 2 * cosine(X[0], X[2])
    assert cosine(X[2], X[3]) > 2 * cosine(X[2], X[4])


@pytest.mark.parametrize(
    "texts",
    [
        ["hello world"],
        ["hello world", "bye"],
        ["same", "same", "same"],
        ["a"],
        ["!!!", "???"],
        ["!", "hello there", "?"],
        ["1", "2", "3"],
        ["你好", "再见"],
        ["😀", "😀😀"],
    ],
    ids=str,
)
def test_tiny_columns(texts):
    X = LsaFeatures().fit(texts).transform(texts)
    assert X.shape[0] == len(texts)
    assert 1 <= X.shape[1] <= len(texts)
    assert np.isfinite(X).all()
    # No text is lost, and different ones stay apart.
    assert (np.linalg.norm(X, axis=1) > 0.5).all()
    distances = np.linalg.norm(X[:, None] - X, axis=2)
    for i, a in enumerate(texts):
        for j, b in enumerate(texts):
            assert (distances[i, j] < 1e-3) == (a == b)


@pytest.mark.parametrize("texts", [[], [""], ["", "  "], ["\n", "\t "]])
def test_columns_without_a_character(texts):
    with pytest.raises(InvalidInput, match="nothing to learn from"):
        LsaFeatures().fit(texts)


def test_large_columns_in_which_nothing_repeats():
    texts = [chr(0x4E00 + i) for i in range(1200)]
    with pytest.raises(InvalidInput, match="no text holds a word or two equal characters"):
        LsaFeatures().fit(texts)


def test_unseen_words_are_zeros_and_known_ones_are_not():
    lsa = LsaFeatures().fit(COLUMN)
    X = lsa.transform(["zzqx", "", "card"])
    assert X[0].tolist() == X[1].tolist() == [0.0] * 6
    assert np.linalg.norm(X[2]) > 0.1


def test_no_texts_to_transform():
    assert LsaFeatures().fit(COLUMN).transform([]).shape == (0, 6)


def test_components_are_limited():
    assert LsaFeatures(2).fit(COLUMN).transform(COLUMN).shape == (6, 2)


def test_rare_ngrams_count_in_small_columns_only():
    small = LsaFeatures().fit(COLUMN)
    assert "arrived" in small._vectorizers[0].vocabulary_
    large = LsaFeatures(5).fit([*(COLUMN * 200), "onceonly"])
    assert "arrived" in large._vectorizers[0].vocabulary_
    assert "onceonly" not in large._vectorizers[0].vocabulary_


def test_long_columns_are_fitted_on_a_random_part():
    texts = [f"word{i}" for i in range(500)]
    a, b = (LsaFeatures(5, n_fit_texts=50, seed=1).fit(texts) for _ in range(2))
    assert len(a._vectorizers[0].vocabulary_) == 50
    assert a._vectorizers[0].vocabulary_ == b._vectorizers[0].vocabulary_
    # Not its first rows, which may be alike.
    assert set(a._vectorizers[0].vocabulary_) != set(texts[:50])


def test_same_seed_same_features():
    a, b = (LsaFeatures(3, seed=2).fit(COLUMN).transform(COLUMN) for _ in range(2))
    assert a.tolist() == b.tolist()


def test_transform_needs_a_fit():
    with pytest.raises(NotFitted, match=r"call fit\(texts\) first"):
        LsaFeatures().transform(COLUMN)


# --- functions ---------------------------------------------------------------------------


def lengths(texts):
    return [[len(text), text.count(" ")] for text in texts]


def test_a_function_makes_the_matrix():
    features = make_features(lengths)
    assert isinstance(features, FunctionFeatures)
    assert features.name == "lengths"
    assert features.fit(["any"]) is features
    assert features.transform(["a b", "ccc"]).tolist() == [[3, 1], [3, 0]]


def test_a_function_may_return_a_sparse_matrix():
    X = FunctionFeatures(lambda texts: sparse.eye(len(texts), format="csr")).transform(["a", "b"])
    assert sparse.issparse(X)


@pytest.mark.parametrize(
    "wrong", [lambda _: [[1.0]], lambda _: 3.0, lambda t: np.ones((5, len(t)))]
)
def test_a_function_must_return_one_row_a_text(wrong):
    with pytest.raises(
        InvalidInput, match=r"must return one row per text, got shape .* for 2 texts"
    ):
        FunctionFeatures(wrong).transform(["a", "b"])


# --- what a user writes ------------------------------------------------------------------


def test_lsa_by_name_takes_the_seed():
    features = make_features("lsa", seed=7)
    assert isinstance(features, LsaFeatures)
    assert features.name == "lsa"
    assert features.seed == 7


@pytest.mark.parametrize("spec", ["LSA", "fastembed", "fastembed:", None, 3])
def test_other_words_are_refused(spec):
    with pytest.raises(InvalidInput) as error:
        make_features(spec)
    assert str(error.value) == (
        "features must be 'lsa', 'fastembed:NAME-OR-DIRECTORY', a function or a matrix, "
        f"got {spec!r}"
    )


def test_without_fastembed_the_install_line_is_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "fastembed", None)
    with pytest.raises(MissingExtra) as error:
        make_features("fastembed:any")
    assert str(error.value) == (
        "features needs fastembed (extra 'embeddings'); install it with: pip install fastembed"
    )


class FakeEmbedding:
    made: dict

    def __init__(self, **options):
        FakeEmbedding.made = options
        if "broken" in options["model_name"]:
            raise RuntimeError("no file model.onnx\nsecond line")

    @staticmethod
    def list_supported_models():
        return [{"model": "maker/small-model"}, {"model": "maker/broken-model"}]

    def embed(self, texts):
        yield from (np.full(3, len(text)) for text in texts)


@pytest.fixture
def fastembed(monkeypatch):
    module = type(sys)("fastembed")
    module.TextEmbedding = FakeEmbedding
    monkeypatch.setitem(sys.modules, "fastembed", module)


@pytest.mark.usefixtures("fastembed")
def test_sentence_vectors_by_model_name():
    features = make_features("fastembed:maker/small-model")
    assert features.name == "fastembed:maker/small-model"
    assert features.fit(["x"]).transform(["a", "bb"]).tolist() == [[1, 1, 1], [2, 2, 2]]
    assert FakeEmbedding.made == {"model_name": "maker/small-model"}


@pytest.mark.usefixtures("fastembed")
def test_sentence_vectors_from_a_directory(tmp_path):
    folder = tmp_path / "Small-Model"
    folder.mkdir()
    make_features(f"fastembed:{folder}")
    assert FakeEmbedding.made == {
        "model_name": "maker/small-model",
        "specific_model_path": str(folder),
    }


@pytest.mark.usefixtures("fastembed")
def test_unknown_models_and_directories(tmp_path):
    with pytest.raises(InvalidInput, match="did you mean 'maker/small-model'"):
        make_features("fastembed:maker/smal-model")
    with pytest.raises(InvalidInput, match=f"no fastembed model '{tmp_path.name}'"):
        make_features(f"fastembed:{tmp_path}")


@pytest.mark.usefixtures("fastembed")
def test_a_model_that_does_not_load_is_explained_in_one_line():
    with pytest.raises(InvalidInput) as error:
        make_features("fastembed:maker/broken-model")
    assert str(error.value) == (
        "cannot load the embedding model 'maker/broken-model': no file model.onnx; give a local "
        "directory that holds model.onnx and tokenizer.json"
    )
