import pytest

from tracer_nb import errors
from tracer_nb.errors import InvalidInput, MissingExtra, TracerError


def test_every_error_is_a_tracer_error_and_keeps_the_builtin_true():
    for name in errors.__all__:
        assert issubclass(getattr(errors, name), TracerError)
    for name in ("InvalidInput", "NotFitted", "NotEnoughData"):
        assert issubclass(getattr(errors, name), ValueError)
    assert issubclass(MissingExtra, ImportError)
    for name in ("TeacherError", "StoreError"):
        assert not issubclass(getattr(errors, name), (ValueError, ImportError))


def test_all_names_every_exception_of_the_module():
    here = {
        n
        for n, v in vars(errors).items()
        if isinstance(v, type) and v.__module__ == errors.__name__
    }
    assert here == set(errors.__all__)


@pytest.mark.parametrize(
    ("name", "available", "message"),
    [
        (
            "txet",
            ["text", "label"],
            "no column 'txet'; did you mean 'text'? There are: text, label",
        ),
        ("zzz", ["text", "label"], "no column 'zzz'; there are: text, label"),
        ("text", [], "no column 'text'; there are: none"),
        ("0", [0, 1], "no column '0'; did you mean '0'? There are: 0, 1"),
    ],
)
def test_an_unknown_name_comes_with_the_known_ones(name, available, message):
    assert str(InvalidInput.unknown_name("column", name, available)) == message


def test_many_known_names_are_cut():
    message = str(InvalidInput.unknown_name("column", "zzz", [f"c{i}" for i in range(100)]))
    assert message.endswith("c11, …")
    assert "c12" not in message


def test_a_missing_extra_says_the_install_line():
    error = MissingExtra.for_package("fastembed", "embeddings", "features")
    assert str(error).endswith("pip install fastembed")
