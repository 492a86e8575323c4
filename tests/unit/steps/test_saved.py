"""Routers in files: what is saved routes the same elsewhere, and files never surprise."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import safetensors
from sklearn.naive_bayes import GaussianNB

import tracer_nb
from tracer_nb import Tracer
from tracer_nb.datasets import load
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.steps.audit.step import fitted_texts
from tracer_nb.store.rows import short_address
from tracer_nb.teachers import ReplayTeacher

COLUMNS = ["label", "label_source", "label_score", "label_reason"]


@pytest.fixture(scope="module")
def messages():
    return load("support").head(900)


def fitted(messages, **options):
    """Recorded labels of 900 messages, most of them easy at this target."""
    options = {"features": "lsa", **options}
    recorded = dict(zip(messages["text"], messages["label"], strict=True))
    options = {"target": 0.6, "confidence": 0.9, "store": ":memory:", **options}
    tracer = Tracer(recorded, **options, labelling="random")
    tracer.label(messages["text"], sample=500)
    tracer.fit()
    tracer.calibrate()
    return tracer


@pytest.fixture(scope="module")
def tracer(messages):
    return fitted(messages)


NEW = [f"{text}!" for text in load("support")["text"][2000:2150]] + ["qwrtz ploink ßß"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"features": "auto"},
        {"features": "wordllama"},
        {"surrogate": "logistic", "gate": "entropy"},
        {"surrogate": "logistic", "guard": False},
        {"gate": "learned"},
        {"pipeline": "cascade"},
        {"certificate": "cross-fit"},
        {"certificate": "per-class", "target": 0.5},
        {"target": [0.6, 0.7]},
        {"strategy": "fixed-threshold", "threshold": 0.3},
    ],
    ids=str,
)
def test_a_loaded_router_routes_texts_as_the_live_one_does(messages, tmp_path, options):
    tracer = fitted(messages, **options)
    path = tmp_path / "intents.tracer"
    tracer.save(path)
    loaded = tracer_nb.load(path)
    live = tracer.route(NEW, ask_teacher=False)
    routed = loaded.route(NEW)
    assert routed["label_score"].tolist() == live["label_score"].tolist()
    assert routed["label"].tolist() == live["label"].tolist()
    # nan is the threshold of certificates per class, and equals nothing.
    assert repr(loaded.router.certificates) == repr(tracer.router.certificates)
    assert repr(loaded.router.column_certificates) == repr(tracer.router.column_certificates)
    for target in tracer.options.targets:
        assert loaded.route(NEW, target=target)["label"].tolist() == (
            tracer.route(NEW, target=target, ask_teacher=False)["label"].tolist()
        )


def test_something_is_handled_or_these_tests_show_nothing(tracer):
    routed = tracer.route(NEW, ask_teacher=False)
    assert (routed["label_source"] == "surrogate").sum() > 20


def test_a_saved_router_loads_in_a_fresh_interpreter_without_the_libraries_of_the_fit(
    tracer, tmp_path
):
    path = tmp_path / "intents.tracer"
    tracer.save(path)
    code = (
        "import sys, tracer_nb\n"
        "loaded = tracer_nb.load(sys.argv[1])\n"
        "print(loaded.route(sys.argv[2:])['label_score'].tolist())\n"
        "assert 'xgboost' not in sys.modules and 'IPython' not in sys.modules\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, path, *NEW[:5]], capture_output=True, text=True, check=True
    )
    expected = tracer.route(NEW[:5], ask_teacher=False)["label_score"].tolist()
    assert json.loads(ran.stdout) == expected


def test_deferred_rows_wait_for_a_teacher(tracer, messages, tmp_path):
    path = tmp_path / "intents.tracer"
    tracer.save(path)
    alone = tracer_nb.load(path).route(NEW)
    missing = alone["label"].isna()
    assert missing.any()
    kinds = "score below 0.*|unlike every labelled text|fits no label well"
    waits = alone["label_reason"][missing].str
    assert waits.fullmatch(f"deferred: ({kinds}); teacher not asked").all()
    labels = sorted(set(messages["label"]))
    teacher = ReplayTeacher(dict.fromkeys(NEW, labels[0]), labels=labels)
    helped = tracer_nb.load(path, teacher=teacher, store=":memory:").route(NEW)
    assert helped["label"].notna().all()
    assert set(helped["label_source"][missing]) == {"teacher"}


def test_features_of_ones_own_come_with_the_column(world, tmp_path):
    tracer = Tracer(
        world.teach, world.labels, "x", features=world.X, store=":memory:", labelling="random"
    )
    tracer.run(world.texts, sample=200, ask_teacher=False)
    path = tmp_path / "own.tracer"
    tracer.save(path)
    loaded = tracer_nb.load(path)
    with pytest.raises(InvalidInput, match="fitted on features of your own"):
        loaded.route(world.texts)
    routed = loaded.route(world.texts, features=world.X)
    assert (routed["label_source"] == "surrogate").any()
    with pytest.raises(InvalidInput, match="must have the 3 features"):
        loaded.route(world.texts, features=np.ones((600, 4)))


def test_what_the_file_says_about_itself(tracer, tmp_path):
    path = tmp_path / "intents.tracer"
    tracer.save(path)
    loaded = tracer_nb.load(path)
    assert loaded.about["teacher"] == "recorded labels"
    assert set(loaded.about["versions"]) >= {"tracer_nb", "numpy", "scikit-learn"}
    assert "target 60 %" in repr(loaded)
    with safetensors.safe_open(path, framework="np") as read:
        assert list(read.metadata()) == ["tracer_nb"]
        assert json.loads(read.metadata()["tracer_nb"])["content"]["about"]["saved"]


def test_a_path_from_the_home_folder(tracer, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    tracer.save("~/intents.tracer")
    assert [p.name for p in tmp_path.iterdir()] == ["intents.tracer"]
    assert tracer_nb.load("~/intents.tracer").certificate == tracer.router.certificate
    with pytest.raises(InvalidInput, match="path must be a file's name, got int"):
        tracer_nb.load(0)


def test_what_the_file_remembers_of_the_fitted_texts(tracer, tmp_path):
    path = tmp_path / "intents.tracer"
    tracer.save(path)
    fitted = tracer_nb.load(path).about["fitted"]
    assert fitted == sorted(map(short_address, fitted_texts(tracer._state)))
    assert len(fitted) > 200


def test_no_key_is_in_the_file(messages, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-test")
    tracer = fitted(messages)
    path = tmp_path / "intents.tracer"
    tracer.save(path)
    assert b"sk-secret" not in path.read_bytes()


def test_nothing_to_save_yet(tmp_path):
    with pytest.raises(NotFitted, match="nothing is calibrated yet"):
        Tracer({"a": "x", "b": "y"}, labelling="random").save(tmp_path / "x.tracer")


@pytest.mark.parametrize("surrogate", [GaussianNB(), "xgboost"])
def test_what_is_not_plain_numbers_cannot_be_saved(messages, tmp_path, surrogate):
    tracer = fitted(messages, surrogate=surrogate)
    with pytest.raises(InvalidInput, match="cannot be saved"):
        tracer.save(tmp_path / "x.tracer")
    assert list(tmp_path.iterdir()) == []


# --- files that are not what they were --------------------------------------------------------


def altered(path, change):
    """The archive written again with another manifest content, hashes right."""
    from tracer_nb.engine.saving import read_archive, write_archive

    content, arrays = read_archive(path)
    content, arrays = change(content, arrays) or (content, arrays)
    write_archive(path, content, arrays)


def drop_array(name):
    return lambda content, arrays: (content, {k: v for k, v in arrays.items() if k != name})


def put(path, value):
    def change(content, arrays):
        where = content
        for key in path[:-1]:
            where = where[key]
        where[path[-1]] = value
        return content, arrays

    return change


@pytest.mark.parametrize(
    "change",
    [
        put(["about"], None),
        put(["about"], {}),
        put(["about", "labels"], ["nobody's", "nothing"]),
        put(["about", "saved"], "\x1b[2J"),
        put(["about", "seconds"], -1),
        put(["about", "identity"], []),
        put(["about", "more"], 1),
        put(["router"], None),
        put(["router", "classes"], []),
        put(["router", "classes"], ["only", "two"]),
        put(["router", "pipeline", "stages"], []),
        put(["router", "pipeline", "stages", 0, "model_kind"], "pickle"),
        put(["router", "pipeline", "stages", 0, "model"], {}),
        put(["router", "pipeline", "stages", 0, "gate", "slope"], -1.0),
        put(["router", "pipeline", "view", "weights"], ["a"]),
        put(["router", "options", "strategy"], "hope"),
        put(["router", "options", "surprise"], 1),
        put(["router", "n_features"], [3]),
        put(["router", "certificates"], []),
        put(["router", "certificates", 0, "surprise"], 1),
        put(["features", "kind"], "exec"),
        put(["features", "vectorizers"], []),
        drop_array("router/stage0/model/weights"),
        drop_array("router/frontier/coverage"),
        put(["features"], {"kind": "fused", "parts": [{"kind": "fused", "parts": []}]}),
        put(["features"], {"kind": "fastembed", "model": "\0", "digest": None}),
        put(["features", "vectorizers", 0, "ngram_range"], [1, 10**9]),
        put(["features", "n_components"], 10**400),
        drop_array("features/components"),
        drop_array("about/fitted"),
        lambda content, arrays: (content, arrays | {"about/fitted": np.zeros(3)}),
        lambda content, arrays: (
            content,
            arrays | {"features/components": arrays["features/components"][:, :5]},
        ),
    ],
)
def test_other_content_is_one_clear_line(tracer, tmp_path, change):
    path = tmp_path / "intents.tracer"
    tracer.save(path)
    altered(path, change)
    with pytest.raises(InvalidInput) as error:
        tracer_nb.load(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("keep", [0, 1, 100, 5000, -1])
def test_truncated_files_are_refused(tracer, tmp_path, keep):
    path = tmp_path / "intents.tracer"
    tracer.save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InvalidInput) as error:
        tracer_nb.load(path)
    assert "\n" not in str(error.value)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "x"
    with pytest.raises(InvalidInput, match="no"):
        tracer_nb.load(path)
    path.write_text("hello")
    with pytest.raises(InvalidInput):
        tracer_nb.load(path)


def test_a_kill_during_a_save_leaves_the_old_file_whole(tracer, tmp_path):
    path = tmp_path / "intents.tracer"
    tracer.save(path)
    code = (
        "import sys\n"
        "from tracer_nb.engine.saving import read_archive, write_archive\n"
        "content, arrays = read_archive(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    write_archive(sys.argv[1], content, arrays)\n"
    )
    for pause in (0.05, 0.15, 0.3):
        with subprocess.Popen(
            [sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True
        ) as process:
            process.stdout.readline()
            time.sleep(pause)
            os.kill(process.pid, signal.SIGKILL)
        assert tracer_nb.load(path).certificate == tracer.router.certificate


def test_a_tilde_is_the_home_folder_for_both(tracer, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    tracer.save("~/messages.tracer")
    assert tracer_nb.load("~/messages.tracer").certificate == tracer.router.certificate
