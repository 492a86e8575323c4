"""What a person with a model on their own machine goes through, with a real one.

    python -m pytest -n 0 -m real_model tests/real_model

The model is small: it is often wrong, and a certificate is not to be expected of it.
``TRACER_NB_REAL_MODEL`` names the address of a server that runs already, to be asked instead.
"""

from __future__ import annotations

import os
import threading
from collections import Counter

import pytest

from real_model.served import NoModel, cleaned, fetched, running
from tracer_nb import Tracer
from tracer_nb.datasets import load
from tracer_nb.labelling import run_labels
from tracer_nb.store import LabelStore
from tracer_nb.teachers import ChatTeacher, Price

pytestmark = pytest.mark.real_model

LABELS = ("late_delivery", "refund_request", "damaged_item", "login_problem", "discount_code")
PROMPT = "You read messages that customers send to an online shop. Choose the intent."
FORMS = ("json-schema", "tool", "codes", "text")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Of a server with a real model; a reason to skip where there can be none."""
    given = os.environ.get("TRACER_NB_REAL_MODEL")
    if given:
        yield given
        return
    folder = tmp_path_factory.mktemp("model")
    try:
        with running(*fetched(folder)) as url:
            yield url
    except NoModel as reason:
        pytest.skip(f"no real model here: {reason}")
    finally:
        cleaned(folder)


@pytest.fixture(scope="module")
def messages():
    table = load("support")
    return table[table["label"].isin(LABELS)].drop_duplicates("text").reset_index(drop=True)


def teacher(address, **options):
    return ChatTeacher("any", LABELS, PROMPT, base_url=address, price=Price(0, 0), **options)


def test_first_contact_is_clean(address, messages):
    texts = messages["text"].head(10)
    run = run_labels(teacher(address), texts)
    assert run.stopped is None
    assert set(run.answers) == set(texts)
    assert {a.mode for a in run.answers.values()} == {"json-schema"}
    assert all(a.label in LABELS and a.counted for a in run.answers.values())
    assert run.spending.prompt_tokens > 10 * run.spending.completion_tokens > 0
    truth = dict(zip(messages["text"], messages["label"], strict=True))
    # It understands more than nothing.
    assert sum(a.label == truth[text] for text, a in run.answers.items()) >= 4


@pytest.mark.parametrize("form", FORMS)
def test_every_form_ends_in_a_label_or_a_reason(form, address, messages):
    run = run_labels(teacher(address, answers=form), messages["text"].head(6))
    assert run.stopped is None
    assert len(run.answers) == 6
    for answer in run.answers.values():
        assert (answer.label in LABELS) != bool(answer.reason)
        assert answer.completion_tokens > 0
    if form == "json-schema":
        assert all(a.label for a in run.answers.values())


def test_log_probabilities_spell_the_answer(address, messages):
    run = run_labels(teacher(address, logprobs=True), messages["text"].head(6))
    given = [a for a in run.answers.values() if a.probabilities]
    assert given
    for answer in given:
        assert set(answer.probabilities) <= set(LABELS)
        assert 0 < sum(answer.probabilities.values()) <= 1 + 1e-6
        assert answer.probabilities[answer.label] > 0
    # Not of all: this server tells what the model would have said before the grammar forbade it.
    likeliest = [a.probabilities[a.label] == max(a.probabilities.values()) for a in given]
    assert sum(likeliest) > len(given) / 2


def test_it_explains_before_it_chooses(address, messages):
    """The server keeps the order of the schema, and words in the prompt bound the length."""
    run = run_labels(teacher(address, reasons=True), messages["text"].head(6))
    answers = list(run.answers.values())
    assert len(answers) == 6
    assert all((answer.label in LABELS) != bool(answer.reason) for answer in answers)
    explained = [answer for answer in answers if answer.label and answer.explanation]
    assert len(explained) >= 4
    assert all(len(answer.explanation) <= 500 for answer in explained)


def test_stop_and_go_on(address, messages, tmp_path):
    texts = list(messages["text"].head(40))
    stop = threading.Event()

    def seen(progress):
        if progress.done >= 5:
            stop.set()

    with LabelStore(tmp_path / "labels.sqlite") as store:
        first = run_labels(teacher(address), texts, store=store, on_progress=seen, stop=stop)
        kept = [t for t, a in first.answers.items() if a.keep]
        assert 5 <= len(kept) < len(texts)
        second = run_labels(teacher(address), texts, store=store)
    assert second.spending.reused == len(kept)
    assert len(second.answers) == len(texts)
    # One slot: nobody gave up on an answer that was under way.
    reasons = Counter(a.reason for a in second.answers.values() if a.label is None)
    assert not reasons


def test_a_column_is_routed(address, messages, tmp_path):
    """300 rows, 150 of them labelled; that nothing is certified is a result, too."""
    column = messages["text"].head(300)
    tracer = Tracer(
        teacher="openai:any",
        base_url=address,
        price=Price(0, 0),
        labels=LABELS,
        prompt=PROMPT,
        target=0.7,
        store=tmp_path / "labels.sqlite",
        labelling="random",
    )
    tracer.label(column, sample=150)
    tracer.fit()
    certificate = tracer.calibrate()
    routed = tracer.route(ask_teacher=True)
    assert len(routed) == len(column) == 300
    assert routed["label"].isin(LABELS).mean() > 0.9
    sources = Counter(routed["label_source"])
    assert set(sources) <= {"surrogate", "teacher", "none"}
    assert (sources["surrogate"] > 0) <= certificate.certified
    assert tracer.report.certificate is not None
