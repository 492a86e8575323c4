"""Keys that are typed into a hidden prompt: asked for once, used, and never seen again."""

import getpass
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from IPython.core.error import StdinNotImplementedError

import tracer_nb
from tracer_nb import Tracer
from tracer_nb.errors import KeyRefused
from tracer_nb.standin import serve

KEY = "hunter2-hunter2-typed"
JOB = "df.text --labels intents --features X --surrogate logistic --sample 150"


class Prompt:
    """Stands for the frontend: gives what the user types, and notes what was asked."""

    def __init__(self, *typed):
        self.typed = list(typed)
        self.asked = []

    def __call__(self, prompt="", stream=None):
        del stream
        self.asked.append(prompt)
        said = self.typed.pop(0)
        if isinstance(said, BaseException):
            raise said
        return said


@pytest.fixture
def prompt(monkeypatch):
    def make(*typed):
        prompt = Prompt(*typed)
        monkeypatch.setattr(getpass, "getpass", prompt)
        return prompt

    return make


@pytest.fixture
def gateway(world):
    with serve(world.truth, api_key=KEY) as standin:
        yield standin


def line_for(standin, more="", step="label"):
    server = f"--teacher openai:m --labelling random --base-url {standin.base_url} --price 0,0"
    return f"%tracer {step} {JOB} {server} {more}"


def test_a_key_is_asked_for_once_and_wins_over_the_environment(shell, gateway, prompt, monkeypatch):
    monkeypatch.setenv("TRACER_NB_API_KEY", "of-another-gateway")
    typed = prompt(KEY)
    assert shell.run(line_for(gateway, "--ask-key")).startswith("150 rows")
    assert len(typed.asked) == 1
    assert gateway.base_url in typed.asked[0]
    # The same cell again, and a later line with another setting: the kernel remembers.
    assert shell.run(line_for(gateway, "--ask-key")).startswith("150 rows")
    assert shell.run("%tracer label --sample 160").startswith("160 rows")
    assert shell.run("%tracer label --sample 170 --seed 3").startswith("170 rows")
    assert len(typed.asked) == 1


def test_a_plan_needs_no_key_and_the_job_remembers_to_ask(shell, gateway, prompt):
    typed = prompt(KEY)
    shell.run(line_for(gateway, "--ask-key", step="plan"))
    shell.run(line_for(gateway, "--ask-key --dry-run"))
    assert typed.asked == []
    assert shell.run("%tracer label").startswith("150 rows")
    assert len(typed.asked) == 1


def test_a_typed_key_goes_to_the_server_that_it_was_typed_for(shell, world, gateway, prompt):
    typed = prompt(KEY)
    shell.run(line_for(gateway, "--ask-key"))
    with serve(world.truth, api_key="other") as other:
        # Not asked for again, because nobody said so, and not sent there either.
        said = shell.complaint(f"%tracer label --base-url {other.base_url}")
        assert f"{other.base_url} wants an API key" in said
    assert len(typed.asked) == 1


def test_a_job_that_did_not_ask_uses_the_environment(shell, gateway, prompt):
    prompt(KEY)
    shell.run(line_for(gateway, "--ask-key"))
    said = shell.complaint(line_for(gateway, "--name other --store other.sqlite"))
    assert "wants an API key" in said


def test_a_key_that_is_refused_is_asked_for_again(shell, gateway, prompt):
    typed = prompt("mistyped-mistyped", KEY)
    said = shell.complaint(line_for(gateway, "--ask-key"))
    assert said.endswith("type it again")
    assert "mistyped" not in said
    assert shell.run("%tracer label").startswith("150 rows")
    assert len(typed.asked) == 2


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "no key was typed"),
        ("  ", "no key was typed"),
        (KeyboardInterrupt(), "no key was typed"),
        ("sk-ключ", "holds characters no key has"),
        (StdinNotImplementedError("no stdin"), "needs a frontend with a hidden prompt"),
        (EOFError(), "needs a frontend with a hidden prompt"),
        # Without a terminal, getpass would show what is typed.
        (getpass.GetPassWarning("echoes"), "needs a frontend with a hidden prompt"),
    ],
)
def test_what_is_no_key_is_one_line(shell, gateway, prompt, typed, says):
    prompt(typed)
    said = shell.complaint(line_for(gateway, "--ask-key"))
    assert says in said
    assert "ключ" not in said
    assert gateway.requests == 0


@pytest.mark.parametrize(
    "teacher",
    [
        "--teacher teach --labelling random",
        "--teacher standin:support --labelling random",
        "--teacher recorded --labelling random",
    ],
)
def test_teachers_that_take_no_key(shell, world, prompt, teacher):
    shell["recorded"] = world.truth
    typed = prompt(KEY)
    said = shell.complaint(f"%tracer plan {JOB} {teacher} --ask-key")
    assert said.startswith("--ask-key is for a model behind a server")
    assert typed.asked == []


@pytest.mark.parametrize(
    "words",
    [
        f"--api-key {KEY}",
        f"--api-key={KEY}",
        f"--api_key {KEY}",
        f"--key {KEY}",
        f"--openai-api-key {KEY}",
        f"--ask-key={KEY}",
        f"--ask-key {KEY}",
        f"--password {KEY}",
    ],
)
def test_a_key_on_a_line_is_refused_and_not_repeated(shell, gateway, prompt, words):
    typed = prompt()
    said = shell.complaint(line_for(gateway, words))
    assert said.startswith("a key on a line is saved in the notebook")
    assert "--ask-key" in said
    assert KEY not in said
    said = shell.complaint(f"%%tracer {JOB} --teacher openai:m --labelling random {words}\nChoose.")
    assert KEY not in said
    assert typed.asked == []
    assert gateway.requests == 0


def test_what_looks_like_a_key_is_taken_out_of_every_complaint(shell):
    said = shell.complaint(
        "%tracer plan df.text --teacher sk-proj-0123456789abcdef --labelling random"
    )
    assert "sk-proj" not in said


def test_a_column_may_stand_behind_the_option(shell, gateway, prompt):
    shell["a_column_of_the_year_2024"] = shell["df"].text
    typed = prompt(KEY)
    shell.run(
        f"%%tracer --ask-key a_column_of_the_year_2024 {JOB.removeprefix('df.text')} "
        f"--teacher openai:m --labelling random --base-url {gateway.base_url} --price 0,0\nChoose."
    )
    assert len(typed.asked) == 1


def test_a_loaded_router_asks_too(shell, gateway, prompt):
    prompt(KEY)
    shell.run(line_for(gateway, "--ask-key"))
    shell.run("%tracer fit")
    shell.run("%tracer calibrate")
    shell.run("%tracer save a.tracer")
    shell.run(f"%tracer load a.tracer --teacher openai:m --base-url {gateway.base_url} --ask-key")
    job = shell.ip.magics_manager.registry["TracerMagics"].jobs["main"]
    assert job.loaded.teacher.server == gateway.base_url
    assert job.keyed == gateway.base_url
    assert tracer_nb.load("a.tracer").teacher is None


# --- no trace -------------------------------------------------------------------------


def _written(folder):
    """Everything below a folder, as bytes."""
    return b"".join(path.read_bytes() for path in Path(folder).rglob("*") if path.is_file())


def test_a_typed_key_leaves_no_trace(shell, gateway, prompt, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    prompt(KEY)
    shown = shell.run(line_for(gateway, "--ask-key"))
    shown += shell.run("%tracer fit") + shell.run("%tracer calibrate") + shell.run("%tracer panel")
    shell.run("%tracer save a.tracer")
    shell.run("%tracer store export all.csv")
    magics = shell.ip.magics_manager.registry["TracerMagics"]
    job = magics.jobs["main"]
    for seen in (shown, job, vars(job), job.settings, vars(magics), vars(job.tracer)):
        assert KEY not in f"{seen!r}"
    assert KEY not in f"{vars(job.tracer.teacher)} {job.tracer.teacher.identity} {caplog.text}"
    assert KEY.encode() not in _written(tmp_path)
    (store,) = Path(tmp_path).rglob("*.sqlite")
    with closing(sqlite3.connect(store)) as file:
        assert KEY not in "".join(file.iterdump())


def test_a_key_given_to_the_tracer_leaves_no_trace(world, gateway, tmp_path, shell):
    tracer = Tracer(
        "openai:m",
        labels=list(world.labels),
        prompt="Choose.",
        base_url=gateway.base_url,
        price="0,0",
        api_key=KEY,
        features=world.X,
        store=tmp_path / "labels.sqlite",
        labelling="random",
    )
    assert tracer.label(world.frame["text"], sample=150).stopped is None
    tracer.fit()
    tracer.calibrate()
    tracer.save(tmp_path / "a.tracer")
    for seen in (tracer, vars(tracer), vars(tracer.teacher), tracer.report):
        assert KEY not in f"{seen!r}"
    assert KEY.encode() not in _written(tmp_path)
    # A verbose traceback shows the variables of every frame.
    shell["secret_of_mine"] = KEY
    shell["url"] = gateway.base_url
    shell.run("%xmode Verbose")
    try:
        ran = shell.try_run(
            "import tracer_nb\n"
            "tracer_nb.Tracer('openai:m', intents, base_url=url, api_key=secret_of_mine, target=2)"
        )
    finally:
        shell.run("%xmode Context")
    assert "target" in ran.text
    assert KEY not in ran.text.replace(f"secret_of_mine = {KEY!r}", "")


def test_a_refused_key_is_an_error_of_its_own(world, gateway):
    tracer = Tracer(
        "openai:m",
        labels=list(world.labels),
        base_url=gateway.base_url,
        price="0,0",
        api_key="wrong-wrong",
        store=":memory:",
        labelling="random",
    )
    with pytest.raises(KeyRefused, match="check api_key") as caught:
        tracer.label(world.frame["text"], sample=150)
    assert "wrong-wrong" not in str(caught.value)
