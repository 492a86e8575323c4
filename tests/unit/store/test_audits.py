"""Audits on disk: in order, once a text, each watch for itself, and never without a commit."""

import sqlite3

import pytest

from tracer_nb.errors import StoreError
from tracer_nb.records import Audit
from tracer_nb.store import AuditStore, LabelStore

FIRST, SECOND = Audit("b", "refund", "refund"), Audit("a", "refund", None)


def plain(store, watch="one"):
    return [(a.text, a.surrogate, a.teacher) for a in store.audits(watch).values()]


@pytest.fixture(params=["file", "memory"])
def store(request, tmp_path):
    return AuditStore(":memory:" if request.param == "memory" else tmp_path / "labels.sqlite")


def test_audits_come_back_in_the_order_in_which_they_were_made(store):
    store.put("one", [FIRST])
    store.put("one", [SECOND])
    assert plain(store) == [("b", "refund", "refund"), ("a", "refund", None)]
    assert [a.disagrees for a in store.audits("one").values()] == [False, True]
    assert all(a.audited_at for a in store.audits("one").values())


def test_a_text_counts_once_in_a_watch(store):
    store.put("one", [FIRST])
    store.put("one", [Audit("b", "refund", "parcel"), SECOND])
    assert plain(store) == [("b", "refund", "refund"), ("a", "refund", None)]


def test_each_watch_has_its_own(store):
    store.put("one", [FIRST])
    store.put("two", [FIRST, SECOND])
    assert (len(plain(store)), len(plain(store, "two")), plain(store, "three")) == (1, 2, [])


def test_another_object_on_the_same_file_finds_them(tmp_path):
    AuditStore(tmp_path / "s.sqlite").put("one", [FIRST, SECOND])
    assert len(plain(AuditStore(tmp_path / "s.sqlite"))) == 2


def test_looking_makes_no_file(tmp_path):
    assert plain(AuditStore(tmp_path / "s.sqlite")) == []
    assert not list(tmp_path.iterdir())


def test_a_locked_file_is_told_in_one_line_and_keeps_what_it_had(tmp_path):
    path = tmp_path / "s.sqlite"
    AuditStore(path).put("one", [FIRST])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another process is writing"):
        AuditStore(path, opened=lambda: LabelStore(path, timeout=0)).put("one", [SECOND])
    other.close()
    assert len(plain(AuditStore(path))) == 1
