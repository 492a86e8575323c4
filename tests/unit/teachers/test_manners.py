"""Every manner of a server: no label lost that can be read, and no less booked than billed.

``python tests/bench/faults.py`` prints the same runs, with more texts, as a table.
"""

from __future__ import annotations

import math

import pytest
from faulty.manners import CAP, Mannered, survive, survive_manner
from faulty.world import make_table, teacher_at

from tracer_nb.standin import serve
from tracer_nb.standin.manners import MANNERS, Manner

N = 24
# What a person must read somewhere, in a run that ends or in the reasons of rows.
WORDS = {
    "reasoning-prose": "empty",
    "thoughts-endless": "max_answer_tokens",
    "denied": "not one of the labels: 'not ",
    **dict.fromkeys(
        ("error-text", "error-detail", "error-message", "error-flat", "error-list", "error-plain",
         "error-html", "error-escapes", "error-long"),
        "the text is too long, on purpose",
    ),
    "error-empty": "400",
    "moderated": "The input was flagged, on purpose",
    "filtered": "The prompt triggered the filter, on purpose",
    **dict.fromkeys(("key-400", "key-list", "key-text", "key-403"), "API key"),
    "no-money": "top it up",
    **dict.fromkeys(("wait-an-hour", "wait-until"), "until"),
    **dict.fromkeys((f"redirect-{s}" for s in (301, 302, 303, 307, 308)), "127.0.0.1"),
}  # fmt: skip
# With log-probabilities only these give a distribution.
SPELLED = {"logprobs-thoughts"}

# Of each group some, and all of them in the long form.
_SOME = ("total-only", "usage-absurd", "dear-answer", "nested", "talk", "finish-error-null",
         "grammar-500", "generation-refused-again", "moderated", "key-list", "redirect-302",
         "streams", "body-packed", "logprobs-thoughts")  # fmt: skip
SHORT = [pytest.param(name, marks=() if name in _SOME else pytest.mark.long) for name in MANNERS]


def check_books(manner: Manner, result: Mannered, most: float) -> None:
    """Never less than the server's bill, and no more than is known; ``most`` for one reply."""
    assert math.isfinite(result.paid)
    assert result.paid >= result.billed - 1e-9
    if manner.books == "exact":
        assert result.paid == pytest.approx(result.billed, abs=1e-9)
    elif manner.books == "estimated":
        assert result.paid <= 1.5 * result.billed
        assert not result.counted
    else:
        assert result.paid <= result.requests * most
    assert result.paid <= CAP


@pytest.mark.parametrize("name", MANNERS)
def test_every_manner_ends_as_the_table_says(name, tmp_path):
    manner = MANNERS[name]
    chances = name.startswith("logprobs-")
    result = survive_manner(name, tmp_path / "labels.sqlite", N, logprobs=chances)
    assert sum(result.met.values()) > 0
    assert result.n_labelled == result.n_expected
    assert result.wrong == {}
    assert result.strayed == 0
    assert all("\n" not in line and line.isprintable() for line in result.said)
    assert all(len(line) < 600 for line in result.said)
    said = "\n".join(result.said)
    assert WORDS.get(name, "") in said
    if manner.ends == "stops":
        assert len(result.said) == 1
        assert result.requests <= 2 * N  # it does not go on for long
        if not name.startswith("key-"):
            assert "API key" not in said
    if manner.ends == "some":
        assert "key" not in said
    if chances:
        assert result.n_distributions == (N if name in SPELLED else 0)
    teacher = teacher_at("http://127.0.0.1:9/v1")
    check_books(manner, result, teacher.cost_bound("x" * 40))


@pytest.mark.parametrize("name", MANNERS)
def test_a_cap_is_never_passed(name, tmp_path):
    """By the books, and by the server's bill, but for what one reply may take beyond its bound."""
    with serve(make_table(N), manners=name) as server:
        teacher = teacher_at(server.base_url)
        cap = 5 * teacher.cost_bound("x" * 40)
        result = survive(
            MANNERS[name],
            server,
            make_table(N),
            tmp_path / "labels.sqlite",
            max_cost=cap,
            concurrency=1,
        )
    dear = name.startswith("dear-")
    assert result.paid <= (2 if dear else 1) * cap
    assert result.billed <= (2 if dear else 1) * cap


@pytest.mark.parametrize("name", SHORT)
def test_what_was_paid_is_stored_and_asked_once(name, tmp_path):
    """A second run asks only about rows that have no paid answer."""
    path = tmp_path / "labels.sqlite"
    first = survive_manner(name, path, N)
    again = survive_manner(name, path, N)
    table = make_table(N)
    assert {t: a for t, a in again.stored.items() if t in first.stored} == first.stored
    assert sum(a.label is not None for a in first.stored.values()) == first.n_labelled
    if MANNERS[name].ends == "labels":
        assert (again.requests, len(first.stored)) == (0, len(table))


@pytest.mark.parametrize("options", [{"votes": 3}, {"logprobs": True}])
@pytest.mark.parametrize("name", SHORT)
def test_manners_with_other_options(name, options, tmp_path):
    result = survive_manner(name, tmp_path / "labels.sqlite", 6, **options)
    assert result.wrong == {}
    assert result.strayed == 0
    assert result.paid >= result.billed - 1e-9
    assert all("\n" not in line for line in result.said)


@pytest.mark.parametrize("name", [n for n, m in MANNERS.items() if m.ends == "labels"])
def test_a_server_that_changes_its_manner_in_mid_run(name, tmp_path):
    """Polite at first, then in its manner, then polite again."""
    table = make_table(36)
    with serve(table, manners=("polite", name), turn=12) as server:
        result = survive(MANNERS[name], server, table, tmp_path / "labels.sqlite", max_retries=6)
    assert result.wrong == {}
    assert result.paid >= result.billed - 1e-9
    if name not in LATE:
        assert result.n_labelled == len(table)


# A form that has worked is not left for the refusals of some requests.
LATE = {name for name in MANNERS if name.startswith(("schema-", "grammar-"))} - {"schema-ignored"}
LATE |= {"plain-only", "strict-fields", "arguments-twice", "arguments-object"}


def test_two_servers_with_one_model_name_are_told_apart(tmp_path):
    """What one server refuses is still asked of the other."""
    table = make_table(N)
    with (
        serve(table, manners="grammar-400") as plain,
        serve(table) as polite,
    ):
        first = survive(
            MANNERS["grammar-400"], plain, table, tmp_path / "a.sqlite", server_name=None
        )
        second = survive(
            MANNERS["grammar-400"], polite, table, tmp_path / "b.sqlite", server_name=None
        )
    assert first.n_labelled == second.n_labelled == N
    assert {a.mode for a in first.stored.values()}.isdisjoint({"json-schema"})
    assert {a.mode for a in second.stored.values()} == {"json-schema"}
