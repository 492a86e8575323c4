"""What jobs and saved routers say of their certificates: as JSON, in a terminal, as a model card."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import mistune
import numpy as np
import pandas as pd
import pytest

from tracer_nb import Tracer, load
from tracer_nb.__main__ import main
from tracer_nb.errors import InvalidInput, NotFitted
from tracer_nb.records import Answer
from tracer_nb.records.moments import Moment
from tracer_nb.steps.route.saved import read_certificates
from tracer_nb.widgets.panel.sheet import sheet_values
from tracer_nb.words import model_card, saved_lines

from .certified import faults

LABELS = ("blue", "größe", "red | <script>alert(1)</script> `x` *b* _c_ [d](https://e.org) $5$")
SECRETS = ("s3cr3t", "abcdefgh")
PROMPT = "Which colour? ```\n# At https://me:" + SECRETS[0] + "@host/v1?api_key=" + SECRETS[1]
N = 900


def column():
    rng = np.random.default_rng(0)
    kind = rng.integers(3, size=N)
    X = np.c_[np.eye(3)[kind] * 2.8 + rng.normal(size=(N, 3)), rng.normal(size=(N, 3)) * 0.3]
    texts = [f"text {i}" for i in range(N)]
    truth = {t: LABELS[k] for t, k in zip(texts, kind, strict=True)}
    return pd.Series(texts, name="message"), X, truth


TEXTS, X, TRUTH = column()


def teach(text):
    return Answer(TRUTH[text], model="a-model")


def job(store, **options):
    given = {"target": 0.9, "confidence": 0.9, "features": X, "store": store, "seed": 2}
    quick = {"surrogate": "kernel-ridge", "gate": "margin", "pipeline": "single"}
    return Tracer(teach, LABELS, PROMPT, **{**given, **quick, **options})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("routers")


@pytest.fixture(scope="module")
def tracer(folder):
    """Hard rows first, some set aside for new rows."""
    tracer = job(folder / "labels.sqlite", new_rows=150)
    tracer.run(TEXTS, max_rows=N)
    return tracer


@pytest.fixture(scope="module")
def path(tracer, folder):
    tracer.save(folder / "colours.tracer")
    return folder / "colours.tracer"


def certificates(tracer):
    return (*tracer.router.certificates, *tracer.router.column_certificates)


def test_a_job_s_certificates(tracer):
    new, column = (c.to_dict() for c in certificates(tracer))
    assert faults(new) == faults(column) == []
    assert new["certified"]
    assert column["certified"]
    assert [new["promise"]["about"], column["promise"]["about"]] == ["new rows", "column"]
    origin = column["origin"]
    assert origin["column"] == "message"
    assert origin["rows"] == origin["texts"] == N
    assert origin["labels"] == list(LABELS)
    assert origin["seed"] == 2
    assert origin["features"] == "matrix"
    rested_on = new["counts"]["fitted"] + new["counts"]["tested"] + column["counts"]["tested"]
    assert origin["models"] == [{"name": "a-model", "answers": rested_on}]
    budget = column["error_budget"]
    assert budget["rounds"] == len(budget["tests"]) == tracer.rounds
    assert sum(test["error"] for test in budget["tests"]) <= 0.1 + 1e-9
    assert all(len(test["looks"]) != 1 for test in budget["tests"])


def test_the_same_job_again_has_the_same_id(tracer, folder):
    again = job(folder / "labels.sqlite", new_rows=150)
    again.run(TEXTS, max_rows=N)
    assert [c.to_dict()["id"] for c in certificates(again)] == [
        c.to_dict()["id"] for c in certificates(tracer)
    ]
    other = job(folder / "other.sqlite", labelling="random", seed=3)
    other.run(TEXTS, sample=400, max_rows=400, ask_teacher=False)
    assert not {c.to_dict()["id"] for c in certificates(other)} & {
        c.to_dict()["id"] for c in certificates(tracer)
    }


def test_what_is_saved_says_the_same(tracer, path):
    loaded = load(path, store=":memory:")
    assert loaded.certificate.to_dict() == tracer.router.certificate.to_dict()
    certificate, others = read_certificates(path)
    assert certificate.to_dict() == tracer.router.certificate.to_dict()
    assert [o.to_dict() for o in others] == [tracer.router.column_certificate.to_dict()]
    assert loaded.model_card() == model_card(certificate, others)


def test_the_words_are_the_same_everywhere(tracer, path):
    promise = tracer.router.column_certificate.to_dict()["promise"]
    sentence = promise["sentence"]
    report = tracer.report
    page = sheet_values(Moment(state="done", report=report))["overview"]
    assert page["head"] == promise["short"]
    assert page["meaning"][0].startswith(sentence)
    assert rendered(promise["short"]) in rendered(tracer.model_card())
    assert page["card"] == tracer.model_card()
    assert rendered(sentence) in rendered(tracer.model_card())
    loaded = load(path, store=":memory:")
    new = loaded.certificate.to_dict()["promise"]["sentence"]
    assert new in saved_lines(loaded.about, loaded.certificate)
    assert new != sentence


@pytest.mark.parametrize(
    "options",
    [
        {"labelling": "random", "target": [0.9, 0.8]},
        {"labelling": "random", "certificate": "per-class", "target": 0.7},
        {"labelling": "random", "certificate": "cross-fit"},
        {"labelling": "random", "target": 0.98},
        {"labelling": "random", "strategy": "fixed-threshold", "threshold": 0.0, "target": 0.97},
        {"pipeline": "accept-all", "target": 0.5},
        {"new_rows": 0, "max_rows": 60},
        {"new_rows": 150, "max_rows": 320, "target": 0.99},
    ],
    ids=str,
)
def test_other_jobs(folder, options):
    most = options.pop("max_rows", N)
    tracer = job(":memory:", **options)
    sample = 400 if tracer.labelling == "random" else None
    tracer.run(TEXTS, sample=sample, max_rows=most, ask_teacher=False)
    for certificate in certificates(tracer):
        assert faults(certificate.to_dict()) == []
    tracer.save(folder / "other.tracer")
    certificate, others = read_certificates(folder / "other.tracer")
    assert [c.to_dict() for c in (certificate, *others)] == [
        c.to_dict() for c in certificates(tracer)
    ]


def test_a_round_more():
    other = job(":memory:", labelling="random")
    other.run(TEXTS, sample=300, max_rows=N)
    before = other.router.certificate.to_dict()
    assert len(before["error_budget"]["tests"]) == 1
    update = other.update(max_rows=N)
    for certificate in certificates(other):
        said = certificate.to_dict()
        assert faults(said) == []
        assert said["error_budget"]["rounds"] == len(said["error_budget"]["tests"]) == other.rounds
    assert other.rounds == 2
    assert update.stopped is None


def rendered(markdown):
    """What is read on the page that Markdown makes."""
    html = mistune.create_markdown(plugins=["table"], escape=False)(markdown)
    text = re.sub(r"</?(h1|h2|p|table|thead|tbody|tr|th|td|ul|li|strong)\b[^>]*>", " ", html)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    return " ".join(text.replace("&amp;", "&").split())


def test_the_card_shows_texts_as_they_were_written(tracer):
    card = tracer.model_card()
    html = mistune.create_markdown(plugins=["table"], escape=False)(card)
    assert not re.search(r"<(script|a|em)\b", html)
    assert html.count("<code") == html.count("<pre>") == 1
    assert html.count("<table>") == 2
    assert f"Labels {', '.join(LABELS)[:40]}" in rendered(card)
    assert "alert(1)" in rendered(card)
    for part in ("message: 900 rows", "Seed 2", "a-model (", "matrix features", "tracer_nb"):
        assert part in rendered(card)
    limits = card.split("## What is not promised")[1]
    assert "not with the truth" in limits
    assert "about new rows it says nothing" in limits


def test_no_secret_is_in_it(tracer, path, capsys):
    assert main(["show", str(path), "--card"]) == 0
    shown = capsys.readouterr().out
    for text in (tracer.model_card(), shown, json.dumps(tracer.router.certificate.to_dict())):
        assert not any(secret in text for secret in SECRETS)
    assert "https://***@host/v1?***" in shown


def test_an_alarm_is_on_the_card(tracer):
    report = replace(tracer.report, note="Alarm after 9 audits: the promise is broken.")
    page = sheet_values(Moment(state="done", report=report))["overview"]
    assert "Alarm after 9 audits: the promise is broken." in page["card"]


def test_nothing_certified_has_no_card():
    with pytest.raises(NotFitted, match="nothing is calibrated yet"):
        job(":memory:").model_card()


# --- on the command line ---------------------------------------------------------------------


def test_show(path, capsys):
    assert main(["show", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    certificate, (column,) = read_certificates(path)
    assert lines[0] == certificate.to_dict()["promise"]["sentence"]
    assert f"Also: {column.to_dict()['promise']['sentence']}" in lines
    assert any(re.fullmatch(r"Certificate +[0-9a-f]{32}", line) for line in lines)


def test_show_as_json_and_as_a_card(path, capsys):
    assert main(["show", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert faults(said) == []
    assert [o["promise"]["about"] for o in (said, *said["others"])] == ["new rows", "column"]
    assert main(["show", str(path), "--card"]) == 0
    assert capsys.readouterr().out.rstrip() == load(path, store=":memory:").model_card().rstrip()


def test_what_cannot_be_shown_is_one_line(tmp_path, path, capsys):
    assert main(["show", str(tmp_path / "none.tracer")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: cannot open ")
    assert said.count("\n") == 1
    damaged = tmp_path / "damaged.tracer"
    damaged.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InvalidInput, match="copy the file again"):
        read_certificates(damaged)
    with pytest.raises(SystemExit):
        main(["show", str(path), "--json", "--card"])


def test_features_are_not_needed_to_look(folder, monkeypatch, capsys):
    tracer = Tracer(TRUTH, features="lsa", target=0.5, store=":memory:", labelling="random")
    tracer.run(TEXTS, sample=300, ask_teacher=False)
    tracer.save(folder / "lsa.tracer")

    def missing(*_):
        raise AssertionError("features were made")

    monkeypatch.setattr("tracer_nb.engine.saving.router_file.features_from_state", missing)
    assert main(["show", str(folder / "lsa.tracer"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["origin"]["features"] == "lsa"
