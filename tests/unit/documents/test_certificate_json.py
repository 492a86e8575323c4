"""Certificates as JSON: an independent validator accepts each kind, and no mutant of any."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer_nb.records import Certificate, ClassCertificate, Origin, Spent
from tracer_nb.words import (
    certificate_document,
    certificate_id,
    certificate_schema,
    certificate_sentence,
    model_card,
    short_promise,
    short_stated,
    stated,
)

from .certified import every_certificate, faults, routers

ORIGIN = Origin(
    teacher="openai:m",
    labels=("a", "b"),
    models=(("m-1", 700), ("m-2", 300)),
    prompt="Choose.",
    prompt_sha256="0a" * 32,
    column="text",
    columns=("title",),
    n_rows=3000,
    n_texts=2900,
    data_sha256="0b" * 32,
    features="lsa",
    surrogate="kernel-ridge",
    assumption="If so, ",
    exact=False,
    tests=(Spent(1, 300, 0.04, ((150, 0.01), (300, 0.03))), Spent(2, 200, 0.01)),
    versions={"tracer_nb": "1", "python": "3"},
    made="2026-01-01T00:00:00+00:00",
)

COUNTS = {
    "n_calibration": 100,
    "n_handled": 90,
    "n_agree": 88,
    "agreement_low": 0.9,
    "agreement_high": 0.99,
}


@pytest.fixture(scope="module")
def certificates():
    return dict(every_certificate(routers()))


@pytest.fixture
def signed(make_certificate):
    """A certificate with everything in it."""
    part = ClassCertificate("a", 0.5, certified=True, **COUNTS)
    none = replace(part, label="b", threshold=math.inf, certified=False, needed_rows=40)
    return make_certificate(
        classes=(part, none), n_rounds=2, earlier=0.01, origin=ORIGIN, method="column, per class"
    )


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(certificate_schema())
    assert certificate_schema()["$id"] == certificate_schema()["properties"]["schema"]["const"]


def test_every_kind_validates(certificates):
    for name, certificate in certificates.items():
        assert faults(certificate.to_dict()) == [], name
    # Or this shows little.
    assert {c.certified for c in certificates.values()} == {True, False}
    assert {c.method for c in certificates.values()} == {
        *("held-out", "column", "held-out, per class", "column, per class"),
        *("held-out, cross-fit", "column, cross-fit"),
    }
    assert {len(c.classes) for c in certificates.values()} == {0, 3}
    assert any(math.isnan(c.threshold) for c in certificates.values())
    assert any(math.isnan(c.agreement) for c in certificates.values())


def test_several_certificates_are_one_document(certificates, signed):
    first, *others = certificates.values()
    document = certificate_document(first, [*others, signed])
    assert faults(document) == []
    assert [other["id"] for other in document["others"]] == [
        certificate_id(c) for c in (*others, signed)
    ]
    assert len({c["id"] for c in document["others"]}) == len(document["others"])


def test_what_is_in_it(signed):
    said = signed.to_dict()
    assert faults(said) == []
    assert said["promise"] == {
        "kind": "selective_agreement",
        "counted": "rows whose label is the one that the teacher gives",
        "among": "rows that the surrogate answers, of rows that it was not fitted on",
        "about": "column",
        "label": None,
        "short": short_stated(signed),
        "sentence": stated(signed),
        "tested": signed.n_counted,
        "broken_by": signed.n_wrong,
        "delivered": None,
    }
    assert said["error_budget"] == {
        "own": 0.05,
        "others": 0.01,
        "confidence_of_all": 0.94,
        "rounds": 2,
        "targets": 1,
        "tests": [
            {
                "round": 1,
                "rows": 300,
                "error": 0.04,
                "looks": [{"rows": 150, "error": 0.01}, {"rows": 300, "error": 0.03}],
            },
            {"round": 2, "rows": 200, "error": 0.01, "looks": []},
        ],
    }
    assert [part["promise"]["label"] for part in said["classes"]] == ["a", "b"]
    assert said["classes"][1]["threshold"] is None
    assert said["origin"]["prompt_sha256"] == "0a" * 32
    assert "Choose." not in json.dumps(said)
    assert said["date"] == ORIGIN.made


def test_no_prompt_and_no_name_are_none(signed):
    bare = replace(ORIGIN, prompt="", prompt_sha256="", column="", columns=())
    said = replace(signed, origin=bare).to_dict()
    assert faults(said) == []
    assert said["origin"]["prompt_sha256"] is None
    assert said["origin"]["column"] is None
    assert replace(signed, origin=None).to_dict()["origin"] is None


# --- mutants ---------------------------------------------------------------------------------


def places(value, path=()):
    """Paths of all objects, lists and leaves; what ``versions`` holds is free."""
    yield path
    if isinstance(value, dict) and path[-1:] != ("versions",):
        for key, part in value.items():
            yield from places(part, (*path, key))
    if isinstance(value, list):
        for i, part in enumerate(value):
            yield from places(part, (*path, i))


def changed(document, path, change):
    mutant = copy.deepcopy(document)
    *way, last = path
    found = mutant
    for step in way:
        found = found[step]
    change(found, last)
    return mutant


def put(value):
    def change(found, last):
        found[last] = value

    return change


def drop(found, last):
    del found[last]


@pytest.fixture
def documents(signed, certificates):
    names = (
        "held-out, held-out, 0.9",
        "not certified, column, 0.9",
        "several targets, held-out, 0.8",
    )
    some = [certificates[name].to_dict() for name in names]
    return [signed.to_dict(), *some, certificate_document(signed, [certificates[names[0]]])]


def test_no_field_may_be_missing_or_new(documents):
    n = 0
    for document in documents:
        for path in places(document):
            at = document
            for step in path:
                at = at[step]
            if isinstance(at, dict) and path[-1:] != ("versions",):
                for key in at:
                    mutant = changed(document, (*path, key), drop)
                    assert faults(mutant), (*path, key)
                    n += 1
                assert faults(changed(document, (*path, "new"), put(1))), path
    assert n > 300


def test_no_field_may_be_of_another_type(documents):
    for document in documents:
        for path in places(document):
            if path:
                for wrong in ({"x": 1}, [[]], math.nan, math.inf, -math.inf):
                    assert faults(changed(document, path, put(wrong))), (path, wrong)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "urn:tracer-nb:certificate:2"),
        (("id",), "x" * 32),
        (("promise", "kind"), "whole_output"),
        (("promise", "about"), "everything"),
        (("promise", "short"), ""),
        (("promise", "sentence"), ""),
        (("promise", "about"), "new rows"),
        (("method",), "held-out"),
        (("method",), "column, by guess"),
        (("target",), 1.0),
        (("target",), "0.9"),
        (("target",), True),
        (("confidence",), 0),
        (("counts", "tested"), -1),
        (("counts", "tested"), 1.5),
        (("counts", "handled"), 0),
        (("counts", "column"), None),
        (("measured", "coverage"), 1.01),
        (("measured", "agreement"), "nan"),
        (("thresholds", "handled_from"), -0.1),
        (("thresholds", "handled_from"), "inf"),
        (("error_budget", "own"), 0),
        (("error_budget", "rounds"), 0),
        (("certified",), False),
        (("certified",), "yes"),
        (("refused",), {"note": "", "needed_rows": None}),
        (("date",), "yesterday"),
        (("origin", "seed"), -1),
        (("origin", "data_sha256"), "0b"),
        (("origin", "labels"), "a, b"),
    ],
    ids=str,
)
def test_a_wrong_value(signed, path, value):
    assert faults(changed(signed.to_dict(), path, put(value)))


# --- the same words, and the same name -----------------------------------------------------


def test_the_sentence_is_the_one_of_card_and_report(signed, make_report):
    sentence = signed.to_dict()["promise"]["sentence"]
    assert certificate_sentence(make_report(certificate=signed)).startswith(sentence)
    # Of several rounds both say the same confidence.
    short = signed.to_dict()["promise"]["short"]
    assert short == short_promise(make_report(certificate=signed))
    sure = short[: short.index(" confidence")].rpartition("ith ")[2]
    assert f"ith {sure} confidence, on at least" in sentence
    one = replace(signed, origin=replace(ORIGIN, models=(("m-1", 700),)))
    assert "the one that m-1 (openai:m) gives" in one.to_dict()["promise"]["sentence"]
    new = replace(one, n_population=None, n_population_handled=None, method="held-out, per class")
    said = new.to_dict()["promise"]["sentence"]
    assert said.startswith("If so, the surrogate answers 76 % of rows like the labelled ones.")
    assert said.endswith("so for new rows this is close, not exact.")


def canonical_id(document):
    """As the schema describes it, written anew."""

    def lasting(value):
        if isinstance(value, dict):
            passing = ("date", "versions", "models", "note", "short", "sentence")
            return {k: lasting(v) for k, v in value.items() if k not in passing}
        if isinstance(value, list):
            return [lasting(v) for v in value]
        return format(value, ".9g") if type(value) is float else value

    body = {k: v for k, v in document.items() if k not in ("schema", "id", "others")}
    text = json.dumps(lasting(body), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def test_the_id_is_what_the_schema_says(signed, certificates):
    for certificate in (signed, *certificates.values()):
        document = json.loads(json.dumps(certificate.to_dict()))
        assert canonical_id(document) == document["id"]


def test_the_id_is_of_the_evidence(signed):
    same = [
        replace(signed, origin=replace(ORIGIN, made="2027-01-01T00:00:00+00:00", versions={})),
        replace(signed, origin=replace(ORIGIN, models=())),
        replace(signed, agreement=signed.agreement * (1 + 1e-13)),
    ]
    assert {certificate_id(c) for c in same} == {certificate_id(signed)}
    other = [
        replace(signed, n_agree=227),
        replace(signed, target=0.921),
        replace(signed, origin=replace(ORIGIN, data_sha256="0c" * 32)),
        replace(signed, origin=replace(ORIGIN, prompt_sha256="0c" * 32)),
        replace(signed, origin=replace(ORIGIN, teacher="openai:n")),
        replace(signed, origin=replace(ORIGIN, labels=("a", "c"))),
        replace(signed, origin=None),
    ]
    assert len({certificate_id(c) for c in (signed, *other)}) == len(other) + 1


@given(
    st.lists(st.text(), min_size=1, max_size=5),
    st.text(),
    st.one_of(st.text(), st.integers(), st.booleans(), st.floats()),
)
def test_whatever_is_in_labels_and_prompts(labels, prompt, label):
    part = ClassCertificate(label, 0.5, certified=True, **COUNTS)
    sha256 = "0a" * 32 if prompt else ""
    origin = replace(
        ORIGIN, labels=tuple(labels), prompt=prompt, prompt_sha256=sha256, column=labels[0]
    )
    c = Certificate(
        *("held-out, per class", 0.9, 0.9, math.nan, True, 0.5, 1.0, 0.9, 90, 9, 9, 9),
        classes=(part,),
        origin=origin,
    )
    assert faults(c.to_dict()) == []
    assert model_card(c).encode("utf-8")


def test_very_many_labels(signed):
    labels = tuple(f"label {i}" for i in range(20_000))
    many = replace(
        signed,
        classes=tuple(
            replace(signed.classes[i % 2], label=label) for i, label in enumerate(labels)
        ),
        origin=replace(ORIGIN, labels=labels),
    )
    said = many.to_dict()
    assert len(said["classes"]) == len(said["origin"]["labels"]) == 20_000
    # The validator takes long over so many.
    assert faults({**said, "classes": said["classes"][:50]}) == []
    assert len(model_card(many)) < 20_000
