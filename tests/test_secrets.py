"""A key is seen by the server that it is meant for, and by nobody else."""

from __future__ import annotations

import copy
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from aiohttp import web
from faulty.echo import ECHOES, echoing, listen
from faulty.secrets import (
    KEY,
    assert_clean,
    assert_clean_folder,
    everything_below,
    logging_all,
    traces,
    verbose,
)
from faulty.world import short_pauses

import tracer_nb
from tracer_nb import Tracer, load
from tracer_nb.errors import InvalidInput, TeacherError
from tracer_nb.labelling import run_labels
from tracer_nb.standin import Faults, serve
from tracer_nb.store import LabelStore
from tracer_nb.teachers import ChatTeacher, FunctionTeacher, Price, make_teacher
from tracer_nb.teachers.server import Secret
from tracer_nb.widgets import Card
from tracer_nb.words import progress_line

ROOT = Path(tracer_nb.__file__).parents[1]
LABELS = ("login", "parcel", "refund")


@pytest.fixture(autouse=True)
def logs(caplog: pytest.LogCaptureFixture) -> Any:
    """Whatever a test does, no log may show the key."""
    with logging_all() as said:
        yield said
    assert_clean(said(), "a log")
    caplog.clear()


@pytest.fixture(params=["as an option", "in the environment"])
def given(request, monkeypatch) -> dict[str, Any]:
    """Options of a teacher that has the key, in both ways to give it."""
    if request.param == "as an option":
        return {"api_key": KEY}
    monkeypatch.setenv("TRACER_NB_API_KEY", KEY)
    return {}


def job(base_url: str, folder: Path, **options: Any) -> Tracer:
    return Tracer(
        "openai:m",
        LABELS,
        "Choose.",
        base_url=base_url,
        price="1,2",
        batch_price="0.5,1",
        store=folder / "labels.sqlite",
        surrogate="logistic",
        pipeline="single",
        gate="margin",
        **options,
    )


def error_of(work: Callable[[], Any]) -> BaseException:
    try:
        work()
    except Exception as error:  # noqa: BLE001 -- whatever it is
        return error
    raise AssertionError("nothing was raised")


def test_the_search_finds_what_it_looks_for(tmp_path):
    for trace in traces():
        with pytest.raises(AssertionError, match="the key shows in x"):
            assert_clean(f"before{trace}after", "x")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\0" + KEY.encode())
    with pytest.raises(AssertionError, match="the key shows in file"):
        assert_clean_folder(tmp_path)

    def fail(_key: str) -> None:
        raise RuntimeError

    error = error_of(lambda: fail(KEY))
    assert KEY in verbose(error, own="another")
    assert KEY not in verbose(error, own=__file__)
    assert KEY in [*everything_below({"a": [KEY]})]


# --- a job that goes well -------------------------------------------------------------


def test_a_whole_job_leaves_no_key_behind(world, tmp_path, given, capsys):
    seen: list[str] = []

    def watch(progress: Any) -> None:
        seen.extend(assert_clean_folder(tmp_path))  # also while the store is open
        assert_clean(f"{progress!r} {progress_line(progress)}", "progress")

    with serve(world.truth, api_key=KEY, faults=Faults(wrong_label=0.05)) as server:
        tracer = job(server.base_url, tmp_path, **given)
        plan = tracer.plan(world.texts, sample=150)
        routed = tracer.run(world.texts, sample=150, on_progress=watch)
    assert {"labels.sqlite", "labels.sqlite-wal", "labels.sqlite-shm"} <= set(seen)

    tracer.save(tmp_path / "intents.tracer")
    routed.to_csv(tmp_path / "routed.csv")
    tracer.save_report(tmp_path / "page.html")
    with LabelStore(tmp_path / "labels.sqlite") as store:
        assert_clean(repr(store), "a store")
    shown = [tracer.report, plan, tracer.labels, tracer.router, routed]
    (tmp_path / "records.pickle").write_bytes(pickle.dumps(shown))
    shown += [load(tmp_path / "intents.tracer"), tracer, tracer.teacher, tracer.teacher.identity]
    for value in shown:
        assert_clean(repr(value), f"a {type(value).__name__}")
    assert_clean(Card(tracer.report).html(), "the card")
    assert len(assert_clean_folder(tmp_path)) >= 5
    assert_clean(capsys.readouterr(), "the output")


def test_what_the_magics_show_and_write(shell, world, monkeypatch):
    monkeypatch.setenv("TRACER_NB_API_KEY", KEY)
    with serve(world.truth, api_key=KEY) as server:
        said = shell.run(
            f"%%tracer df.text --teacher openai:m --base-url {server.base_url} --labels intents "
            "--price 1,2 --features X --sample 150 --surrogate logistic --output routed\nChoose."
        )
    for line in (
        "panel",
        "save intents.tracer",
        "store list",
        "store export a.csv",
        "store export a.parquet",
    ):
        said += shell.run(f"%tracer {line}")
    said += repr(shell.ip.find_line_magic("tracer").__self__.jobs)
    assert_clean(said, "the output")
    names = assert_clean_folder(Path.cwd())
    assert {"a.csv", "a.parquet", "intents.tracer", "labels.sqlite"} <= set(names)


def test_a_batch_leaves_no_key_behind(world, tmp_path, given, capsys):
    with serve(world.truth, api_key=KEY) as server:
        tracer = job(server.base_url, tmp_path, **given)
        shown = [tracer.submit(world.texts, sample=150)]
        assert_clean_folder(tmp_path)
        shown += [tracer.batches(), tracer.collect(), tracer.label(world.texts, sample=150)]
        assert set(server.asked().values()) == {1}
    for value in [*shown, *everything_below(tracer)]:
        if not isinstance(value, Secret):
            assert_clean(repr(value), f"a {type(value).__name__}")
    assert "labels.sqlite" in assert_clean_folder(tmp_path)
    assert_clean(capsys.readouterr(), "the output")


def test_the_loggers_do_say_something(world, tmp_path, given, logs):
    with serve(world.truth, api_key=KEY) as server:
        job(server.base_url, tmp_path, **given).label(world.texts, sample=150)
    assert {"openai._base_client", "httpx2"} <= {line.split(":")[0] for line in logs().split("\n")}


def test_nothing_that_a_job_refers_to_shows_the_key(world, tmp_path):
    with serve(world.truth, api_key=KEY) as server:
        tracer = job(server.base_url, tmp_path, api_key=KEY)
        tracer.label(world.texts, sample=150)
    reached = everything_below(tracer)
    assert any(isinstance(value, Secret) for value in reached)
    for value in reached:
        if not isinstance(value, Secret):
            assert_clean(repr(value), f"a {type(value).__name__}")


def test_an_open_client_is_not_kept_after_a_run(world, tmp_path, given):
    with serve(world.truth, api_key=KEY) as server:
        tracer = job(server.base_url, tmp_path, **given)
        tracer.label(world.texts, sample=150)
    kinds = {type(value).__module__.partition(".")[0] for value in everything_below(tracer)}
    assert kinds.isdisjoint({"openai", "httpx2", "aiohttp"})


@pytest.mark.parametrize("copied", [pickle.dumps, copy.deepcopy])
def test_a_teacher_with_a_key_is_not_copied(copied):
    teacher = ChatTeacher("m", LABELS, "", base_url="http://x/v1", api_key=KEY)
    with pytest.raises(TypeError, match="a key is not pickled") as caught:
        copied(teacher)
    assert_clean(verbose(caught.value, __file__), "a traceback")


# --- tracebacks -----------------------------------------------------------------------


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a bug in the middle")


BUGS = [
    "openai.AsyncOpenAI.__init__",
    "openai.DefaultAioHttpClient.__init__",
    "openai._base_client.BaseClient._build_request",
    "openai._base_client.BaseClient._build_headers",
    "aiohttp.ClientSession._request",
    "aiohttp.TCPConnector.connect",
    "tracer_nb.teachers.chat.teacher.find_key",
    "tracer_nb.teachers.chat.teacher.converse",
    "tracer_nb.teachers.chat.endpoint.read_reply",
    "tracer_nb.store.labels.LabelStore.put_many",
    "tracer_nb.draws.fitted.fit_surrogate",
    "tracer_nb.tracer.report",
]


@pytest.mark.parametrize("where", BUGS)
def test_a_bug_in_the_middle_shows_no_key_in_any_variable(world, tmp_path, where, given):
    import openai  # noqa: F401 -- before something of it is replaced

    def work() -> None:
        tracer = job(server.base_url, tmp_path, **given)
        tracer.run(world.texts, sample=150)
        _ = tracer.report

    with serve(world.truth, api_key=KEY) as server, mock.patch(where, broken):
        error = error_of(work)
    shown = verbose(error, __file__)
    assert "a bug in the middle" in shown
    assert f"{ROOT}/tracer_nb" in shown
    assert_clean(shown, "a traceback")


BUGS_OF_BATCHES = [
    "openai.AsyncOpenAI.__init__",
    "openai._base_client.BaseClient._build_headers",
    "aiohttp.ClientSession._request",
    "openai.resources.files.AsyncFiles.create",
    "openai.resources.batches.AsyncBatches.create",
    "openai.resources.batches.AsyncBatches.retrieve",
    "openai.resources.files.AsyncFiles.content",
    "tracer_nb.labelling.book.BatchBook.finish",
]


@pytest.mark.parametrize("where", BUGS_OF_BATCHES)
def test_a_bug_in_the_middle_of_a_batch_shows_no_key_in_any_variable(world, tmp_path, where):
    import openai  # noqa: F401 -- before something of it is replaced

    def work() -> None:
        tracer = job(server.base_url, tmp_path, api_key=KEY)
        tracer.submit(world.texts, sample=150)
        tracer.collect()

    with serve(world.truth, api_key=KEY) as server, mock.patch(where, broken):
        error = error_of(work)
    shown = verbose(error, __file__)
    assert "a bug in the middle" in shown
    assert_clean(shown, "a traceback")
    assert_clean_folder(tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "http://host:port/v1"},
        {"base_url": "http://api.openai.com/v1"},
        {"base_url": "http://x/v1", "timeout": -1},
        {"base_url": "http://x/v1", "tiemout": 1},
        {"base_url": "http://x/v1", "target": 2},
    ],
)
@pytest.mark.parametrize("made", ["Tracer", "make_teacher", "ChatTeacher", "load"])
def test_a_mistake_in_the_options_shows_no_key_in_any_variable(world, tmp_path, options, made):
    maker: Callable[..., Any] = {
        "Tracer": lambda **o: Tracer("openai:m", LABELS, **o),
        "make_teacher": lambda **o: make_teacher("openai:m", LABELS, **o),
        "ChatTeacher": lambda **o: ChatTeacher("m", LABELS, "", **o),
        "load": lambda **o: load(tmp_path / "x.tracer", teacher="openai:m", **o),
    }[made]
    if made == "load":
        saved = Tracer(world.teach, LABELS, store=":memory:", features=world.X)
        saved.run(world.texts, sample=150)
        saved.save(tmp_path / "x.tracer")
    error = error_of(lambda: maker(api_key=KEY, **options))
    assert_clean(verbose(error, __file__), "a traceback")


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "TRACER_NB_API_KEY", "OTHER_API_KEY"])
def test_no_variable_of_a_traceback_is_the_whole_environment(monkeypatch, variable):
    monkeypatch.setenv(variable, KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway.example/v1?x=1")
    errors = [error_of(lambda: ChatTeacher("m", LABELS, ""))]
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    if variable == "OPENAI_API_KEY":
        monkeypatch.setenv(variable, f"{KEY}ключ")
    errors.append(error_of(lambda: run_labels(ChatTeacher("m", LABELS, ""), ["x"])))
    for error in errors:
        assert isinstance(error, (InvalidInput, TeacherError))
        assert_clean(verbose(error, __file__), "a traceback")


@pytest.mark.parametrize("mode", ["Verbose", "Context", "Minimal"])
def test_a_bug_in_a_cell_shows_no_key(shell, world, monkeypatch, mode):
    monkeypatch.setenv("TRACER_NB_API_KEY", KEY)
    cell = (
        "%%tracer df.text --teacher openai:m --base-url {} --labels intents --price 1,2 "
        "--features X --sample 150 --surrogate logistic\nChoose."
    )
    shell.run(f"%xmode {mode}")
    try:
        with serve(world.truth, api_key=KEY) as server:
            for where in (
                "aiohttp.ClientSession._request",
                "tracer_nb.draws.fitted.fit_surrogate",
            ):
                with mock.patch(where, broken):
                    ran = shell.try_run(cell.format(server.base_url))
                assert "a bug in the middle" in ran.text
                assert_clean(ran.text, f"a traceback of mode {mode}")
            assert "certif" in shell.run(cell.format(server.base_url))
    finally:
        shell.run("%xmode Context")


# --- servers and proxies that tell ----------------------------------------------------


@pytest.mark.parametrize("how", ECHOES)
def test_a_server_that_repeats_the_key(world, tmp_path, how):
    with echoing(how) as address, short_pauses():
        tracer = job(address, tmp_path, max_retries=1, api_key=KEY)
        try:
            tracer.label(world.texts, sample=150)
            shown = f"{tracer.labels!r} {tracer.report!r} {Card(tracer.report).html()}"
        except tracer_nb.errors.TracerError as error:
            shown = verbose(error, __file__)
    assert_clean(shown, "what is shown")
    assert_clean(repr(tracer._state.setup.asker.answers), "the answers")
    assert_clean_folder(tmp_path)


@pytest.mark.parametrize("how", ECHOES)
def test_a_server_of_batches_that_repeats_the_key(world, tmp_path, how):
    with echoing(how) as address:
        tracer = job(address, tmp_path, api_key=KEY)
        error = error_of(lambda: tracer.submit(world.texts, sample=150))
    assert isinstance(error, TeacherError)
    assert_clean(verbose(error, __file__), "a traceback")
    assert_clean_folder(tmp_path)


def test_a_wrong_key_that_the_stand_in_repeats_is_one_line_without_it(shell, world, monkeypatch):
    monkeypatch.setenv("TRACER_NB_API_KEY", KEY)
    with serve(world.truth, api_key="right") as server:
        said = shell.complaint(
            f"%tracer label df.text --teacher openai:m --base-url {server.base_url} "
            "--labels intents --price 1,2 --features X"
        )
    assert "refused the API key" in said
    assert "***" in said
    assert_clean(said, "the complaint")


def test_a_redirect_takes_no_key_to_another_host():
    heard: list[str] = []

    async def listener(request: web.Request) -> web.StreamResponse:
        heard.append(str(dict(request.headers)))
        return web.json_response({})

    with listen(listener) as other:

        async def redirect(_request: web.Request) -> web.StreamResponse:
            # The same machine by another name: another origin.
            raise web.HTTPTemporaryRedirect(other.replace("127.0.0.1", "localhost"))

        with listen(redirect) as address, short_pauses():
            teacher = ChatTeacher(
                "m", LABELS, "", base_url=address, price=Price(1, 2), max_retries=1, api_key=KEY
            )
            with pytest.raises(TeacherError, match="was not followed") as caught:
                run_labels(teacher, ["x"])
    assert heard == []
    assert_clean(verbose(caught.value, __file__), "a traceback")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK's, of aiohttp
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("how", ["a 401", "a 500", "no JSON", "nobody"])
def test_a_proxy_with_a_password(monkeypatch, scheme, how):
    async def say(request: web.Request) -> web.StreamResponse:
        return ECHOES[how](request.headers.get("Proxy-Authorization", ""))

    with listen(say) as address, short_pauses():
        port = 9 if how == "nobody" else address.split(":")[2].removesuffix("/v1")
        for variable in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(variable, f"http://me:{KEY.replace('/', '_')}@127.0.0.1:{port}")
        teacher = ChatTeacher(
            "m", LABELS, "", base_url=f"{scheme}://gateway.invalid/v1", price=Price(1, 2)
        )
        try:
            shown = repr(run_labels(teacher, ["x"]))
        except TeacherError as error:
            shown = verbose(error, __file__)
    assert_clean(shown, "what is shown", KEY.replace("/", "_"))


def test_an_address_with_a_key_in_it_is_refused_before_anything_is_sent(shell):
    for url in (f"http://127.0.0.1:9/v1?key={KEY}", f"http://me:{KEY}@127.0.0.1:9/v1"):
        said = shell.complaint(
            f"%tracer plan df.text --teacher openai:m --labels intents --base-url {url}"
        )
        assert said.startswith("base_url must ")
        assert_clean(said, "the complaint")


def test_a_function_that_tells_its_own_key(monkeypatch):
    monkeypatch.setenv("SOME_PROVIDERS_API_KEY", KEY)

    def call(text: str) -> str:
        raise OSError(f"401 for https://api.example/v1?q={text}&api_key=hunter22, not {KEY}")

    run = run_labels(FunctionTeacher(call, LABELS), ["x"])
    assert "401 for https://api.example" in run.answers["x"].reason
    assert "hunter22" not in run.answers["x"].reason
    assert_clean(repr(run), "a reason")


# --- repository -----------------------------------------------------------------------

SHAPES = re.compile(
    r"sk-(?:proj-|ant-)?[A-Za-z0-9_]{24,}|AIza[0-9A-Za-z_-]{35}|gsk_[0-9A-Za-z]{40,}"
    r"|hf_[A-Za-z]{30,}|xai-[0-9A-Za-z]{40,}|gh[pousr]_[0-9A-Za-z]{36}|AKIA[0-9A-Z]{16}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|eyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}"
    r"|://[^/\s:@{}]+:(?!hunter2|pass@|\{)[^/\s@{}]{6,}@"
)


def test_the_repository_holds_no_key():
    made = {"x": "sk-proj-" + "a1B2" * 8, "y": "AKIA" + "ABCD" * 4, "z": "://a:" + "b1c2d3e4@"}
    assert all(SHAPES.search(text) for text in made.values())
    found = []
    for folder in ("tracer_nb", "tests", "notebooks", "binder", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            ours = path.is_file() and "node_modules" not in path.parts
            if ours and path.suffix not in (".pyc", ".npz", ".png"):
                text = path.read_text("utf-8", "replace")
                found += [f"{path}: {match[0]}" for match in SHAPES.finditer(text)]
    assert found == []


def test_a_script_that_dies_of_a_bug_prints_no_key(tmp_path):
    """The interpreter's own traceback, of a real process, with asyncio's debug mode."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    with serve({"x": "login"}, api_key=KEY) as server:
        ran = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "ignore", str(script), server.base_url],
            env={**os.environ, "TRACER_NB_API_KEY": KEY, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert "a bug in the middle" in ran.stderr
    assert "Traceback" in ran.stderr
    assert_clean(ran.stdout + ran.stderr, "the output of a script")


SCRIPT = """
import logging, sys
import aiohttp
from tracer_nb.labelling import run_labels
from tracer_nb.teachers import ChatTeacher, Price

logging.basicConfig(level=logging.DEBUG)

def broken(*_, **__):
    raise RuntimeError("a bug in the middle")

aiohttp.ClientSession._request = broken
teacher = ChatTeacher("m", ["login", "refund"], "", base_url=sys.argv[1], price=Price(1, 2))
run_labels(teacher, ["x"])
"""
