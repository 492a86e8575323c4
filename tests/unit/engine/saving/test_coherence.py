"""Certificates that contradict their counts, the options, or the labels are refused."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest

from tracer_nb.engine import fit_router
from tracer_nb.engine.saving import (
    RouterFile,
    read_archive,
    read_router,
    write_archive,
    write_router,
)
from tracer_nb.errors import InvalidInput

from .conftest import about


@pytest.fixture
def altered(honest, tmp_path):
    """Read a file after a change of its content and arrays, with hashes made right."""

    def read(name, change):
        content, arrays = read_archive(next(path for path in honest if path.name == name))
        change(content, arrays)
        write_archive(tmp_path / "f", content, arrays)
        return read_router(tmp_path / "f")

    return read


def certificate(**values):
    """Change the first certificate for new rows."""
    return lambda content, _: content["router"]["certificates"][0].update(values)


def in_class(**values):
    return lambda content, _: content["router"]["certificates"][0]["classes"][0].update(values)


def column(**values):
    return lambda content, _: content["router"]["column_certificates"][0].update(values)


def option(**values):
    return lambda content, _: content["router"]["options"].update(values)


def router(**values):
    return lambda content, _: content["router"].update(values)


def array(name, values):
    return lambda _, arrays: arrays.__setitem__(f"router/{name}", np.asarray(values))


def test_honest_files_are_coherent(honest, tmp_path):
    certified = set()
    for path in honest:
        saved = read_router(path)
        write_router(tmp_path / "again", saved)
        assert (tmp_path / "again").read_bytes() == path.read_bytes()
        certified.add(saved.router.certificate.certified)
    assert certified == {True, False}


def test_wide_rows_of_a_column_are_kept_along_their_axes(tmp_path):
    """The file holds the axes and what the regression stands on, and none of the column."""
    rng = np.random.default_rng(3)
    codes = rng.integers(3, size=1100)
    wide = rng.normal(size=(3, 30))[codes] + 2.0 * rng.normal(size=(1100, 30))
    X = wide @ rng.normal(size=(30, 400))
    y = np.array(["a", "b", "c"])[codes]
    made = fit_router(X[:100], y[:100], column=X[100:], surrogate="kernel-ridge", target=0.6)
    assert made.fit.uses_column
    write_router(tmp_path / "f", RouterFile(made, None, about(["a", "b", "c"])))
    content, arrays = read_archive(tmp_path / "f")
    assert arrays["router/axes/dense"].shape == (400, 128)
    assert not any("view/" in name for name in arrays)
    loaded = read_router(tmp_path / "f").router
    one, two = (each.route(X[500:], column=True) for each in (made, loaded))
    assert one.handled.any()
    assert one.scores.tolist() == two.scores.tolist()
    assert one.handled.tolist() == two.handled.tolist()
    for shape in ((400, 127), (399, 128), (400,)):
        arrays["router/axes/dense"] = np.zeros(shape, dtype=np.float32)
        write_archive(tmp_path / "g", content, arrays)
        with pytest.raises(InvalidInput):
            read_router(tmp_path / "g")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("ridge", certificate(coverage=17)),
        ("ridge", certificate(coverage=0.999)),
        ("ridge", certificate(n_agree=10**6, n_handled=2)),
        ("ridge", certificate(n_agree=10**6)),
        ("ridge", certificate(n_handled=10**6)),
        ("ridge", certificate(n_agree=-1)),
        ("ridge", certificate(agreement=0.123)),
        ("ridge", certificate(agreement="nan")),
        ("ridge", certificate(agreement_lower=0.0)),
        ("ridge", certificate(agreement_lower=1.0)),
        ("ridge", certificate(threshold="inf")),
        ("ridge", certificate(threshold="nan")),
        ("ridge", certificate(threshold=-0.5)),
        ("ridge", certificate(threshold=0.0)),
        ("ridge", certificate(certified=False)),
        ("ridge", certificate(settings=[])),
        ("ridge", certificate(target=0.99)),
        ("ridge", certificate(target=1.0)),
        ("ridge", certificate(confidence=0.999)),
        ("ridge", certificate(confidence=0)),
        ("ridge", certificate(method="column")),
        ("ridge", certificate(method="held-out, updated")),
        ("ridge", certificate(strategy="cost-aware")),
        ("ridge", certificate(by_simulation=True)),
        ("ridge", certificate(n_targets=2)),
        ("ridge", certificate(n_tested=0)),
        ("ridge", certificate(earlier=0.95)),
        ("ridge", certificate(n_population=100, n_population_handled=50)),
        ("ridge", certificate(whole_output_lower=0.1)),
        ("ridge", certificate(note=5)),
        ("ridge", column(n_population=None)),
        ("ridge", column(n_population=1)),
        ("ridge", column(n_population_handled=10**6)),
        ("ridge", column(method="held-out")),
        ("ridge", option(target=[0.6, 0.9])),
        ("ridge", option(target=[0.99])),
        ("ridge", option(confidence=0.5)),
        ("ridge", option(certificate="per-class")),
        ("ridge", option(certificate="cross-fit")),
        ("ridge", option(threshold=0.3, strategy="fixed-threshold")),
        ("ridge", option(pipeline="accept-all")),
        ("ridge", router(classes=["login", "parcel"])),
        ("ridge", router(classes=["login", "parcel", "refund", "other"])),
        ("ridge", router(classes=["login", "parcel", "parcel"])),
        ("ridge", router(classes=["login", "parcel", "nobody's"])),
        ("ridge", router(classes=["login", "parcel", 3])),
        ("ridge", router(typical_cost=0)),
        ("ridge", router(n_features=[9])),
        ("ridge", router(n_features=[2**50])),
        ("sparse", router(n_features=[2**50])),
        ("sparse", router(n_features=[9])),
        ("ridge", array("frontier/coverage", [17.0])),
        ("ridge", array("strange", [1.0])),
        ("ridge", array("stage7/model/weights", [1.0])),
        ("classes", in_class(label="other")),
        ("classes", in_class(n_agree=10**6)),
        ("classes", in_class(n_calibration=10**6)),
        ("classes", in_class(threshold="inf")),
        ("classes", in_class(n_agree=1)),
        ("classes", certificate(classes=[])),
        ("classes", certificate(certified=False)),
        ("cross", certificate(certified=True)),
        ("cross", certificate(certified=True, threshold=0.1)),
        ("fixed", option(threshold=0.4)),
        ("learned", array("stage0/gate/mean", [np.nan] * 6)),
        ("learned", array("stage0/gate/scale", [0.0] * 6)),
        ("learned", array("stage0/gate/history", [np.inf] * 3)),
        ("learned", array("stage0/gate/history", [0.5])),
        ("ridge", router(pooled={"cut": 0.9, "weights": [[1.0, 1.0, 1.0]]})),
        ("ridge", router(pooled={"cut": 0.9, "weights": [[1.0, 1.0], [1.0, 1.0, 1.0]]})),
        ("ridge", router(pooled={"cut": 3.0, "weights": [[1.0, 1.0]]})),
    ],
    ids=range(71),
)
def test_contradictions_are_one_clear_line(altered, name, change):
    with pytest.raises(InvalidInput, match=r"again$") as error:
        altered(name, change)
    assert "\n" not in str(error.value)


def test_a_certificate_that_its_counts_do_not_carry(altered):
    """Coverage, agreement and bound fit the counts; what is certified does not follow from them."""

    def lie(content, _):
        found = content["router"]["certificates"][0]
        m = found["n_handled"]
        found.update(n_agree=m // 2, n_wrong=m - m // 2, agreement=m // 2 / m, agreement_lower=0.3)

    with pytest.raises(InvalidInput, match="contradicts itself: lower bound"):
        altered("ridge", lie)


def test_labels_that_would_take_far_more_memory_than_the_file(altered):
    """As an array each label takes as much room as the longest."""

    def change(content, _):
        content["router"]["classes"] = [f"{i}" for i in range(5000)] + ["x" * 1_000_000]
        content["about"]["labels"] = copy.copy(content["router"]["classes"])

    with pytest.raises(InvalidInput, match=re.escape("5,001 labels of up to 1,000,000 char")):
        altered("ridge", change)
