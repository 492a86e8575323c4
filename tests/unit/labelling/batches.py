"""What the tests of batches share: a table, a teacher on a stand-in, and a clock to put on."""

from dataclasses import fields
from datetime import datetime, timedelta, timezone

from tracer_nb.labelling import batch
from tracer_nb.labelling import collect as collecting
from tracer_nb.records import Caps
from tracer_nb.store import LabelStore
from tracer_nb.teachers import Price
from tracer_nb.teachers.chat.teacher import ChatTeacher

LABELS = ("delivery", "login", "refund")
TABLE = {f"question {i}": LABELS[i % 3] for i in range(30)}
TEXTS = list(TABLE)
PRICE = Price(0.5, 1.0)


def teacher_at(standin, **options):
    defaults = {"server_name": "stand-in", "price": Price(1.0, 2.0), "batch_price": PRICE}
    return ChatTeacher("m", LABELS, "Choose.", base_url=standin.base_url, **{**defaults, **options})


def submit(standin, path, texts=TEXTS, **options):
    """As a process would that has just started: nothing is remembered but the store."""
    caps = Caps(**{f.name: options.pop(f.name, None) for f in fields(Caps)})
    with LabelStore(path) as store:
        return batch.submit(teacher_at(standin, **options), texts, store, caps)


def collect(standin, path, **options):
    with LabelStore(path) as store:
        return batch.collect(teacher_at(standin, **options), store)


def cancel(standin, path, key, **options):
    with LabelStore(path) as store:
        return batch.cancel(teacher_at(standin, **options), store, key)


def status(standin, path, **options):
    with LabelStore(path) as store:
        return batch.status(teacher_at(standin, **options), store)


def stored(standin, path, texts=TEXTS, **options):
    """Answers on disk."""
    with LabelStore(path) as store:
        return store.get_many(teacher_at(standin, **options).identity, texts)


def waiting(standin, path, **options):
    """Texts that a batch holds, as a labelling run sees it."""
    with LabelStore(path) as store:
        return batch.under_way(store, teacher_at(standin, **options).identity, TEXTS)[0]


def labels_of(answers):
    return {text: answer.label for text, answer in answers.items()}


def put_clock_on(monkeypatch, seconds):
    """Let it be that much later for whoever wonders whether a request is on its way still."""
    later = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    monkeypatch.setattr(collecting, "utc_now", lambda: later.isoformat(timespec="seconds"))
