"""Features: LSA on small and strange columns, functions, and what a user may write."""

from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from tracer_nb import datasets
from tracer_nb.engine.features import (
    FunctionFeatures,
    LsaFeatures,
    SentenceFeatures,
    WordllamaFeatures,
    make_features,
)
from tracer_nb.engine.features import sentence as static
from tracer_nb.engine.features.lsa import pack_terms, unpack_terms
from tracer_nb.engine.features.ngrams import NGrams, Words
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
    assert "arrived" in small._ngrams[0].terms
    large = LsaFeatures(5).fit([*(COLUMN * 200), "onceonly"])
    assert "arrived" in large._ngrams[0].terms
    assert "onceonly" not in large._ngrams[0].terms


def test_long_columns_are_fitted_on_a_random_part():
    texts = [f"word{i}" for i in range(500)]
    a, b = (LsaFeatures(5, n_fit_texts=50, seed=1).fit(texts) for _ in range(2))
    assert len(a._ngrams[0].terms) == 50
    assert a._ngrams[0].terms == b._ngrams[0].terms
    # Not its first rows, which may be alike.
    assert set(a._ngrams[0].terms) != set(texts[:50])


def test_same_seed_same_features():
    a, b = (LsaFeatures(3, seed=2).fit(COLUMN).transform(COLUMN) for _ in range(2))
    assert a.tolist() == b.tolist()


def test_transform_needs_a_fit():
    with pytest.raises(NotFitted, match=r"call fit\(texts\) first"):
        LsaFeatures().transform(COLUMN)


# --- saved LSA ---------------------------------------------------------------------------

STRANGE = [
    "",
    " ",
    "\n",
    "card",
    "CARD!",
    "ünïcode straße",
    "😀 card 😀",
    "a\0b",
    "\ud800 pin",
    "zz",
]


def saved(lsa):
    """Settings and arrays as a file gives them back."""
    settings, arrays = lsa.state()
    return json.loads(json.dumps(settings)), {name: a.copy() for name, a in arrays.items()}


@pytest.mark.parametrize(
    "column",
    [COLUMN, ["a"], ["!!!", "???"], ["😀", "😀😀"], STRANGE, ["line\none", "nul\0nul", "\u2028 x"]],
    ids=ascii,
)
def test_loaded_features_are_the_fitted_ones(column):
    lsa = LsaFeatures(4, n_fit_texts=30, seed=3).fit(column)
    loaded = LsaFeatures.from_state(*saved(lsa))
    for texts in (column, STRANGE, [], *([text] for text in STRANGE)):
        a, b = lsa.transform(texts), loaded.transform(texts)
        assert a.dtype == b.dtype == np.float32
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()
    assert (loaded.n_components, loaded.n_fit_texts, loaded.seed) == (4, 30, 3)
    assert saved(loaded)[0] == saved(lsa)[0]
    # It can learn another column, as a new one can.
    again = loaded.fit(COLUMN).transform(COLUMN)
    assert (
        again.tolist()
        == LsaFeatures(4, n_fit_texts=30, seed=3).fit(COLUMN).transform(COLUMN).tolist()
    )


def test_saved_features_are_small_and_as_good():
    texts = datasets.load("support")["text"].tolist()[::3]
    lsa = LsaFeatures(50).fit(texts)
    settings, arrays = lsa.state()
    n_terms = sum(part["n_terms"] for part in settings["vectorizers"])
    assert arrays["components"].shape == (n_terms, 50)
    assert arrays["components"].dtype == np.float16
    assert arrays["terms"].dtype == np.uint8
    # Against the projection before it is rounded.
    counts = sparse.hstack([v.transform(Words.of(texts)) for v in lsa._ngrams]).tocsr()
    exact = TruncatedSVD(50, n_iter=2, random_state=0).fit(counts).transform(counts)
    X = lsa.transform(texts)
    a, b = (M / np.linalg.norm(M, axis=1, keepdims=True) for M in (exact, X))
    assert np.abs(a @ a.T - b @ b.T).max() < 1e-3
    assert LsaFeatures.from_state(settings, arrays).transform(texts).tobytes() == X.tobytes()


def test_only_fitted_features_have_a_state():
    with pytest.raises(NotFitted):
        LsaFeatures().state()


VECTORIZER = {"analyzer": "word", "ngram_range": [1, 2], "n_terms": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "fastembed"},
        {"kind": None},
        {"n_components": 0},
        {"n_components": 3.0},
        {"n_fit_texts": True},
        {"seed": -1},
        {"seed": "0"},
        {"more": 1},
        {"vectorizers": []},
        {"vectorizers": {}},
        {"vectorizers": [1]},
        {"vectorizers": [VECTORIZER] * 3},
        *(
            {"vectorizers": [{**VECTORIZER, **wrong}]}
            for wrong in (
                {},  # too few terms for the arrays
                {"analyzer": "char"},
                {"analyzer": []},
                {"token_pattern": "(a+)+$"},
                {"ngram_range": [2, 1]},
                {"ngram_range": [0, 1]},
                {"ngram_range": [1, 10**9]},
                {"ngram_range": [1]},
                {"ngram_range": "12"},
                {"ngram_range": [1.0, 2.0]},
                {"n_terms": 10**12},
                {"n_terms": 0},
                {"n_terms": -1},
                {"n_terms": "1"},
            )
        ),
    ],
    ids=str,
)
def test_settings_that_are_not_ours(change):
    settings, arrays = saved(LsaFeatures().fit(COLUMN))
    refused({**settings, **change}, arrays)


def test_settings_that_are_missing():
    settings, arrays = saved(LsaFeatures().fit(COLUMN))
    for name in settings:
        refused({k: v for k, v in settings.items() if k != name}, arrays)
    for name in arrays:
        refused(settings, {k: v for k, v in arrays.items() if k != name})


def changed(array, at, value):
    array = array.copy()
    array[at] = value
    return array


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("terms", lambda a: a[:-1]),
        ("terms", lambda a: a.astype(np.int64)),
        ("terms", lambda a: a[None]),
        ("terms", lambda a: changed(a, 3, 255)),
        ("terms", lambda a: np.full_like(a, 97)),
        ("term_offsets", lambda a: a[:-1]),
        ("term_offsets", lambda a: a[:0]),
        ("term_offsets", lambda a: a.astype(np.int32)),
        ("term_offsets", lambda a: changed(a, 0, 1)),
        ("term_offsets", lambda a: changed(a, 2, -5)),
        ("term_offsets", lambda a: changed(a, 2, np.iinfo(np.int64).max)),
        ("term_offsets", lambda a: changed(a, -1, a[-1] + 1)),
        ("idf", lambda a: a[:-1]),
        ("idf", lambda a: a.astype(np.float64)),
        ("idf", lambda a: changed(a, 0, np.nan)),
        ("idf", lambda a: changed(a, 0, 0)),
        ("components", lambda a: a[1:]),
        ("components", lambda a: a[:, :0]),
        ("components", lambda a: a.ravel()),
        ("components", lambda a: a.astype(np.float32)),
        ("components", lambda a: changed(a, (0, 0), np.inf)),
        ("more", lambda a: a),
    ],
)
def test_arrays_that_are_not_ours(name, change):
    settings, arrays = saved(LsaFeatures().fit(COLUMN))
    refused(settings, {**arrays, name: change(arrays.get(name, arrays["idf"]))})


def refused(settings, arrays):
    with pytest.raises(InvalidInput) as error:
        LsaFeatures.from_state(settings, arrays)
    message = str(error.value)
    assert len(message.splitlines()) == 1
    assert message.startswith("saved LSA features cannot be used: ")
    assert message.endswith("; fit and save them again")


@given(terms=st.lists(st.text(st.characters(exclude_categories=()), max_size=5)))
def test_terms_of_any_characters(terms):
    assert unpack_terms(*pack_terms(terms)) == terms


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


def test_a_function_cannot_be_saved():
    with pytest.raises(InvalidInput) as error:
        FunctionFeatures(lengths).state()
    assert str(error.value) == (
        "features function lengths cannot be saved; save the router without features, "
        "and give the loaded one a matrix or the same function again"
    )


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
        "features must be 'auto', 'wordllama', 'lsa', 'fastembed:NAME-OR-DIRECTORY', a function or "
        f"a matrix, got {spec!r}"
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

    def embed(self, texts, batch_size=256):
        FakeEmbedding.batch = batch_size
        yield from (np.full(3, len(text)) for text in texts)


class QuantisedEmbedding(FakeEmbedding):
    """Eight bits for the largest activation of a batch, as dynamic quantisation has them."""

    def embed(self, texts, batch_size=256):
        for start in range(0, len(texts), batch_size):
            batch = [
                [len(text), text.count("e"), 1.0] for text in texts[start : start + batch_size]
            ]
            step = max(max(row) for row in batch) / 127
            yield from np.round(np.array(batch) / step) * step


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
def test_an_encoder_looks_into_its_memory_if_it_knows_its_files(tmp_path, monkeypatch):
    asked = []

    class Memory:
        def vectors(self, encoder, texts, embed):
            asked.append((encoder, list(texts)))
            return embed(texts) + 1

    features = make_features("fastembed:maker/small-model+lsa", memory=Memory()).parts[0]
    assert features.transform(["a"]).tolist() == [[1, 1, 1]]  # its files are nowhere
    (tmp_path / "model.onnx").write_bytes(b"graph")
    digest = hashlib.sha256(b"graph").hexdigest()
    again = make_features("fastembed:maker/small-model", memory=Memory())
    about = SimpleNamespace(model_file="model.onnx", additional_files=[])
    again._model.model = SimpleNamespace(_model_dir=tmp_path, model_description=about)
    monkeypatch.setattr("importlib.metadata.version", lambda _: "9.9")
    assert again.transform(["bb", "a"]).tolist() == [[3, 3, 3], [2, 2, 2]]
    assert asked == [(f"{digest}9.9", ["bb", "a"])]
    assert again.transform([]).size == 0
    assert len(asked) == 1


TEXTS = [f"{'where is it ' * (i % 7)}{i}" for i in range(60)]


@pytest.mark.usefixtures("fastembed")
def test_texts_of_like_length_are_embedded_together_and_come_back_in_order():
    features = make_features("fastembed:maker/small-model")
    assert features.transform(TEXTS)[:, 0].tolist() == [len(text) for text in TEXTS]
    assert FakeEmbedding.batch == 32


def test_a_text_has_one_vector_whatever_a_quantised_encoder_is_given_with_it(monkeypatch):
    module = type(sys)("fastembed")
    module.TextEmbedding = QuantisedEmbedding
    monkeypatch.setitem(sys.modules, "fastembed", module)
    features = make_features("fastembed:maker/small-model")
    among = features.transform(TEXTS)
    assert np.array_equal(among, features.transform(TEXTS[::-1])[::-1])
    assert np.array_equal(among[:5], features.transform(TEXTS[:5]))
    mixed = np.array(list(QuantisedEmbedding(model_name="maker/small-model").embed(TEXTS)))
    assert np.abs(mixed - among).max() > 0.1  # as it would be without


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


@pytest.mark.usefixtures("fastembed")
def test_the_state_of_sentence_vectors_names_the_model(tmp_path):
    features = make_features("fastembed:maker/small-model")
    state = {"kind": "fastembed", "model": "maker/small-model", "digest": None}
    assert features.state() == (state, {})
    # What fastembed has inside when it has read its files.
    about = SimpleNamespace(model_file="onnx/model.onnx", additional_files=["weights"])
    features._model.model = SimpleNamespace(_model_dir=tmp_path, model_description=about)
    assert features.state() == (state, {})
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"graph")
    (tmp_path / "weights").write_bytes(b"numbers")
    state["digest"] = hashlib.sha256(b"graphnumbers").hexdigest()
    assert features.state() == (state, {})


def test_kinds():
    kinds = [c.kind for c in (LsaFeatures, SentenceFeatures, FunctionFeatures)]
    assert kinds == ["lsa", "fastembed", "function"]


# --- static vectors --------------------------------------------------------------------------


def test_static_vectors_are_near_where_meanings_are():
    X = WordllamaFeatures().fit(COLUMN).transform([*COLUMN, "give me my money back"])
    assert X.shape == (7, 256)
    assert X.dtype == np.float32
    units = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert (units @ units[6]).argsort()[-2] in (2, 3)  # about a refund, with no word in common


def test_a_static_vector_does_not_depend_on_what_is_beside_it():
    features, texts = WordllamaFeatures(), [*COLUMN, "x " * 4000, "\ud800?", "ß", "\0"]
    together = features.transform(texts)
    alone = np.vstack([features.transform([text]) for text in texts])
    assert together.tolist() == alone.tolist()
    assert np.isfinite(together).all()


def test_an_empty_text_has_zeros_and_no_warning():
    X = WordllamaFeatures().transform(["", "card", ""])
    assert X.any(axis=1).tolist() == [False, True, False]
    assert WordllamaFeatures().transform([]).shape == (0, 256)


def test_static_vectors_need_no_network_and_none_of_the_package_s_code():
    code = (
        "import socket, sys\n"
        "def refused(*_, **__): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refused\n"
        "import tracer_nb.engine\n"
        "assert 'tokenizers' not in sys.modules\n"
        "from tracer_nb.engine.features import WordllamaFeatures\n"
        "import logging; before = logging.root.handlers[:]\n"
        "print(WordllamaFeatures().transform(['a card']).any())\n"
        "assert logging.root.handlers == before\n"
        "assert not {'wordllama', 'requests', 'huggingface_hub'} & set(sys.modules)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr) == ("True", "")


def test_static_vectors_go_to_another_process_by_name():
    assert len(pickle.dumps(WordllamaFeatures())) < 200
    again = pickle.loads(pickle.dumps(WordllamaFeatures()))
    assert again.transform(COLUMN).tolist() == WordllamaFeatures().transform(COLUMN).tolist()


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A copy of the package's files, found in place of the package; its folder."""
    version, folder = static._installed()
    copy = tmp_path / "wordllama"
    for name in (static._WEIGHTS, static._TOKENIZER):
        (copy / name).parent.mkdir(parents=True)
        (copy / name).symlink_to(folder / name)
    monkeypatch.setattr(static, "_installed", lambda: (version, copy))
    static._load.cache_clear()
    yield copy
    static._load.cache_clear()


def test_other_weights_are_refused(elsewhere):
    WordllamaFeatures()
    static._load.cache_clear()
    (elsewhere / static._TOKENIZER).unlink()
    (elsewhere / static._TOKENIZER).write_text("{}")
    with pytest.raises(InvalidInput, match=r"wordllama .* cannot be used: its files have sha256"):
        WordllamaFeatures()
    (elsewhere / static._WEIGHTS).unlink()
    with pytest.raises(InvalidInput, match="cannot be read; install it again"):
        WordllamaFeatures()
    features = make_features("auto", seed=3)
    assert isinstance(features, LsaFeatures)
    assert features.seed == 3
    assert features.note.startswith("features are n-grams alone (LSA): wordllama 0.4")


@pytest.mark.parametrize("module", ["wordllama", "tokenizers"])
def test_without_the_package(monkeypatch, module):
    static._load.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"features needs {module} \(extra 'vectors'\)"):
        make_features("wordllama")
    features = make_features("auto")
    assert features.name == "lsa"
    assert "wordllama is not installed" in features.note
    assert "\n" not in features.note


def test_by_default_both_are_made():
    features = make_features("auto", seed=5)
    assert features.name == "wordllama + lsa"
    assert features.parts[1].seed == 5
    assert [X.shape[0] for X in features.fit(COLUMN).transform(COLUMN)] == [6, 6]
    assert make_features("wordllama+lsa").name == features.name
    assert make_features("wordllama").name == "wordllama"
    assert make_features("lsa").note == ""


def test_the_state_of_static_vectors_names_package_version_and_hash():
    settings, arrays = WordllamaFeatures().state()
    assert arrays == {}
    assert settings["package"] == "wordllama"
    assert settings["version"].startswith("0.4.")
    assert len(settings["digest"]) == 64
    assert WordllamaFeatures.from_state(settings).state()[0] == settings


@pytest.mark.parametrize("name", ["package", "version", "digest"])
def test_other_static_vectors_than_a_router_was_fitted_on_are_refused_in_one_line(name):
    settings = WordllamaFeatures().state()[0] | {name: "0.3.9"}
    with pytest.raises(InvalidInput, match="the router was fitted on vectors of ") as error:
        WordllamaFeatures.from_state(settings)
    assert "\n" not in str(error.value)
    with pytest.raises(InvalidInput, match="must have kind, package, version, digest"):
        WordllamaFeatures.from_state(settings | {name: 3})
    del settings[name]
    with pytest.raises(InvalidInput, match="must have kind, package, version, digest"):
        WordllamaFeatures.from_state(settings)


@pytest.mark.parametrize("analyzer", ["word", "char_wb"])
@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text(st.sampled_from("abA ÄΣς\n\t\u00a0-1\ud800\0"), max_size=30), min_size=1),
    st.integers(1, 3),
    st.tuples(st.integers(1, 3), st.integers(3, 5)),
)
def test_ngrams_are_those_of_scikit_learn_whatever_else_is_counted(
    analyzer, texts, min_df, ngram_range
):
    options = {"word": {"token_pattern": r"(?u)\b\w+\b"}, "char_wb": {}}[analyzer]
    known = TfidfVectorizer(
        analyzer=analyzer,
        ngram_range=ngram_range,
        min_df=min_df,
        sublinear_tf=True,
        dtype=np.float32,
        **options,
    )
    try:
        expected = known.fit_transform(texts)
    except ValueError:
        assert NGrams.fit(analyzer, ngram_range, Words.of(texts), min_df=min_df) is None
        return
    ngrams = NGrams.fit(analyzer, ngram_range, Words.of(texts), min_df=min_df)
    assert list(ngrams.terms) == known.get_feature_names_out().tolist()
    rows = ngrams.transform(Words.of(texts))
    np.testing.assert_allclose(rows.toarray(), expected.toarray(), rtol=1e-6)
    assert all((np.diff(row.indices) > 0).all() for row in rows)
    assert ngrams.transform(Words.of(texts[:1])).toarray().tobytes() == rows[:1].toarray().tobytes()
