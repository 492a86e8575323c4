"""A key is seen by the server that it is meant for, and by nobody else.

The key of these tests has a shape that no list of shapes knows, so that it is hidden because
it is the key and not because it looks like one. What is searched is searched for its halves,
too, and for ways to write it.
"""

from __future__ import annotations

import base64
import copy
import gc
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
from aiohttp import web

from tracer_nb import Tracer, load
from tracer_nb.errors import InvalidInput, TeacherError, TracerError
from tracer_nb.standin import serve
from tracer_nb.teachers import ChatTeacher, LabelStore, Price, make_teacher, run_labels
from tracer_nb.teachers.ledger import answer_sets, export_answers
from tracer_nb.teachers.server import Secret
from tracer_nb.widgets import Card, page

KEY = "wombat" + "/Qx81+" * 4 + "tail"
LOGGERS = ("", "openai", "httpx", "httpx2", "httpcore", "httpcore2", "aiohttp", "asyncio")
FAST = {"features": "lsa", "surrogate": "logistic", "pipeline": "single", "gate": "margin"}
LABELS = ("login", "parcel", "refund")


def traces(key: str = KEY) -> set[str]:
    """Ways in which a key, or half of it, may show."""
    half = len(key) // 2
    plain = {key, key[:half], key[half:]}
    written = {base64.b64encode(key.encode()).decode().rstrip("=")}
    written |= {base64.b64encode(f":{key}".encode()).decode().rstrip("=")}
    return plain | written | {quote(key, safe=""), json.dumps(key)[1:-1], key[::-1]}


def assert_clean(shown: Any, what: str, key: str = KEY) -> None:
    data = shown if isinstance(shown, bytes) else str(shown).encode("utf-8", "replace")
    for trace in traces(key):
        assert trace.encode() not in data, f"the key shows in {what}"


def assert_clean_folder(folder: Path, key: str = KEY) -> list[str]:
    """Look into every file; their names."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        assert_clean(path.read_bytes(), path.name, key)
        assert_clean(path.name, "the name of a file", key)
    return [path.name for path in files]


def verbose(error: BaseException) -> str:
    """A traceback with the variables of every frame, as verbose tools print it."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(shown.format(chain=True))


def test_the_search_finds_what_it_looks_for(tmp_path):
    for trace in traces():
        with pytest.raises(AssertionError, match="the key shows in x"):
            assert_clean(f"before{trace}after", "x")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\0" + KEY.encode())
    with pytest.raises(AssertionError, match="the key shows in file"):
        assert_clean_folder(tmp_path)

    def broken(key: str) -> None:
        raise RuntimeError

    try:
        broken(KEY)
    except RuntimeError as error:
        assert KEY in verbose(error)


@pytest.fixture
def key(monkeypatch) -> Iterator[Callable[[], str]]:
    """The key is in the environment; its value comes from a call, not from a variable."""
    monkeypatch.setenv("TRACER_NB_API_KEY", KEY)
    yield lambda: KEY


@pytest.fixture
def logs() -> Iterator[Callable[[], str]]:
    """What all loggers said, at the level at which they say most."""
    said: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(f"{record.name}: {record.getMessage()} {record.__dict__!r}")

    handler = Keep(logging.DEBUG)
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger().addHandler(handler)
    yield lambda: "\n".join(said)
    logging.getLogger().removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def job(base_url: str, store: Path, **options: Any) -> Tracer:
    return Tracer(
        "openai:m",
        LABELS,
        "Choose.",
        base_url=base_url,
        price="1,2",
        store=store,
        **FAST,
        **options,
    )


# --- a job that goes well -------------------------------------------------------------


@pytest.mark.parametrize("given", ["as an option", "in the environment"])
def test_a_whole_job_leaves_no_key_behind(world, tmp_path, given, key, logs, capsys, monkeypatch):
    options = {}
    if given == "as an option":
        monkeypatch.delenv("TRACER_NB_API_KEY")
        options = {"api_key": key()}
    store = tmp_path / "labels.sqlite"
    seen: list[str] = []

    def watch(progress: Any) -> None:
        seen.append(repr(progress))
        seen.extend(assert_clean_folder(tmp_path))  # also while the store is open

    with serve(world.truth, api_key=key()) as server:
        tracer = job(server.base_url, store, **options)
        plan = tracer.plan(world.texts, sample=150)
        routed = tracer.run(world.texts, sample=150, on_progress=watch)
    assert routed["label"].notna().all()
    assert {"labels.sqlite", "labels.sqlite-wal", "labels.sqlite-shm"} <= set(seen)
    assert_clean("\n".join(seen), "progress")

    tracer.save(tmp_path / "intents.tracer")
    routed.to_csv(tmp_path / "routed.csv")
    (tmp_path / "page.html").write_text(page(tracer.report))
    with LabelStore(store) as opened:
        export_answers(opened, tmp_path / "answers.csv")
        export_answers(opened, tmp_path / "answers.parquet")
        sets = answer_sets(opened)
        assert_clean(repr(opened), "repr of the store")
    shown = [tracer.report, plan, tracer.labels, routed, sets, load(tmp_path / "intents.tracer")]
    (tmp_path / "records.pickle").write_bytes(pickle.dumps(shown[:5]))
    shown += [tracer, tracer.teacher, tracer.teacher.identity, Card(tracer.report).html()]
    for value in shown:
        assert_clean(repr(value), type(value).__name__)
    assert len(assert_clean_folder(tmp_path)) >= 7
    assert "openai" in logs()
    assert_clean(logs(), "a log")
    assert_clean(capsys.readouterr(), "the output")


def test_nothing_that_a_job_refers_to_shows_the_key(world, tmp_path, key):
    """Everything that can be reached from a job, as ``vars`` and ``repr`` show it."""
    with serve(world.truth, api_key=key()) as server:
        tracer = job(server.base_url, tmp_path / "labels.sqlite", api_key=key())
        tracer.label(world.texts, sample=150)
    reached = everything_below(tracer)
    assert any(isinstance(value, Secret) for value in reached)
    for value in reached:
        if not isinstance(value, Secret):
            assert_clean(repr(value), f"a {type(value).__name__}")


def everything_below(start: Any) -> list[Any]:
    """Objects of this package, and plain values in them, without the inside of a Secret."""
    found: dict[int, Any] = {}
    left = [start]
    while left:
        value = left.pop()
        if id(value) in found:
            continue
        found[id(value)] = value
        if isinstance(value, (dict, list, tuple, set, frozenset)):
            left += gc.get_referents(value)
        elif type(value).__module__.startswith("tracer_nb") and not isinstance(value, Secret):
            slots = [getattr(value, name, None) for name in getattr(type(value), "__slots__", ())]
            left += [*slots, *getattr(value, "__dict__", {}).values()]
    return list(found.values())


def test_a_teacher_with_a_key_is_not_pickled_and_one_without_is(key):
    for copied in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="a key is not pickled") as caught:
            copied(ChatTeacher("m", LABELS, "", base_url="http://x/v1", api_key=key()))
        assert_clean(verbose(caught.value), "the error")
    teacher = ChatTeacher("m", LABELS, "", base_url="http://x/v1")
    assert_clean(pickle.dumps(teacher.identity), "a pickle")


# --- tracebacks -----------------------------------------------------------------------


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a bug in the middle")


BUGS = {
    "making the client": "openai.AsyncOpenAI.__init__",
    "making its transport": "openai.DefaultAioHttpClient.__init__",
    "building a request": "openai._base_client.BaseClient._build_request",
    "building its headers": "openai._base_client.BaseClient._build_headers",
    "sending": "aiohttp.ClientSession._request",
    "connecting": "aiohttp.TCPConnector.connect",
    "reading the reply": "tracer_nb.teachers.endpoint.read_reply",
    "the conversation": "tracer_nb.teachers.chat.converse",
    "the key": "tracer_nb.teachers.chat.find_key",
    "storing": "tracer_nb.teachers.store.LabelStore.put_many",
    "counting": "tracer_nb.teachers.tally.Tally.asked",
    "fitting": "tracer_nb.tracer.fit_surrogate",
    "the report": "tracer_nb.tracer.make_report",
}


def fails(work: Callable[[], Any]) -> BaseException:
    try:
        work()
    except Exception as error:  # noqa: BLE001 -- any
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("where", BUGS)
@pytest.mark.parametrize("given", ["as an option", "in the environment"])
def test_a_traceback_with_all_variables(world, tmp_path, monkeypatch, where, given, key, logs):
    options = {}
    if given == "as an option":
        monkeypatch.delenv("TRACER_NB_API_KEY")
        options = {"api_key": Secret(key())}  # of this test's frames, which are shown, too
    with serve(world.truth, api_key=key()) as server:
        import openai  # noqa: F401 -- before something of it is replaced

        monkeypatch.setattr(BUGS[where], broken)
        error = fails(
            lambda: job(server.base_url, tmp_path / "s.sqlite", **options).run(
                world.texts, sample=150
            )
        )
    shown = verbose(error)
    assert "a bug in the middle" in shown
    assert_clean(shown, "a traceback")
    assert_clean(logs(), "a log")
