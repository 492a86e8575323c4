"""Defaults that last in a kernel: checked by the table, heeded where a line says nothing."""

import inspect
import logging

import pytest
from traitlets.config import Config

from tracer_nb.magics import TracerMagics
from tracer_nb.settings import BY_NAME, KERNEL
from tracer_nb.standin import serve

JOB = "df.text --labels intents --features X --surrogate logistic --sample 150 --labelling random"
NAMES = ("teacher", "base_url", "price", "store")


@pytest.fixture
def defaults(shell):
    magics = shell.ip.find_line_magic("tracer").__self__
    # Other shells of the module are gone, their magics are not.
    shell.ip.configurables = [
        c for c in shell.ip.configurables if c is magics or not isinstance(c, TracerMagics)
    ]
    yield magics
    shell.ip.config.pop("TracerMagics", None)


def refused(shell, caplog, line):
    """What is said to a default that cannot be, which changes nothing."""
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        ran = shell.try_run(f"%config TracerMagics.{line}")
    said = [record.getMessage() for record in caplog.records]
    assert ran.error is None
    assert len(said) == 1
    assert "\n" not in said[0]
    return said[0]


def job_of(shell, name="main"):
    return shell.ip.find_line_magic("tracer").__self__.jobs[name]


def test_the_traits_are_those_of_the_table():
    traits = TracerMagics.class_own_traits(config=True) or TracerMagics.class_traits(config=True)
    assert set(traits) == {setting.name for setting in KERNEL} == set(NAMES)
    for name, trait in traits.items():
        assert trait.setting is BY_NAME[name]
        assert trait.help == BY_NAME[name].hint


@pytest.mark.usefixtures("defaults")
def test_a_job_takes_them_and_says_so(shell, world, tmp_path):
    with serve(world.truth) as standin:
        shell.run('%config TracerMagics.teacher = "openai:m"')
        shell.run(f'%config TracerMagics.base_url = "{standin.base_url}"')
        shell.run('%config TracerMagics.price = "1,2"')
        shell.run('%config TracerMagics.store = "kept labels.sqlite"')
        assert shell.ip.run_line_magic("config", "TracerMagics.teacher") == "openai:m"
        used = f"--teacher openai:m --price 1,2 --base-url {standin.base_url} --store 'kept"
        said = shell.run(f"%tracer plan {JOB}")
        assert said.startswith("Defaults of this kernel used: ")
        for part in used.replace("'", '"').split(" --"):
            assert part.removeprefix("--") in said
        assert "Cost unknown" not in said
        assert standin.requests == 0
        assert "Defaults of this kernel used" in shell.run(f"%tracer label {JOB}")
        assert standin.requests == 150
    assert (tmp_path / "kept labels.sqlite").exists()
    assert "150 answers" in shell.run("%tracer store list").replace("\n", " ")
    assert "--store" in job_of(shell).session.form.line


def test_the_same_line_again_is_the_same_job(shell, defaults):
    defaults.teacher = "teach"
    shell.run(f"%tracer label {JOB}")
    before = job_of(shell).tracer
    shell.run(f"%tracer label {JOB}")
    assert job_of(shell).tracer is before
    shell.run(f"%tracer label {JOB} --teacher teach")
    assert job_of(shell).tracer is before


def test_an_own_option_of_the_line_wins(shell, world, defaults, tmp_path):
    defaults.teacher, defaults.store = "openai:never", "never.sqlite"
    said = shell.run(f"%tracer label {JOB} --teacher teach --store own.sqlite")
    assert "Defaults" not in said
    assert len(world.asked) == 150
    assert (tmp_path / "own.sqlite").exists()
    assert not (tmp_path / "never.sqlite").exists()


def test_a_function_is_given_no_address_and_no_price(shell, world, defaults):
    defaults.base_url, defaults.price = "http://127.0.0.1:9/v1", "1,2"
    assert "Defaults" not in shell.run(f"%tracer label {JOB} --teacher teach")
    assert len(world.asked) == 150


def test_a_name_in_a_variable_goes_to_the_server_that_is_the_default(shell, defaults):
    defaults.base_url = "http://127.0.0.1:9/v1"
    shell["model"] = "openai:m"
    shell.run(f"%tracer plan {JOB} --teacher model --max-rows 200")
    assert job_of(shell).tracer.teacher.server == "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("own", "priced"),
    [
        ("", True),
        ("--teacher openai:m", True),
        ("--teacher openai:other", False),
        ("--base-url http://127.0.0.1:8/v1", False),
    ],
)
def test_the_price_of_one_model_is_not_that_of_another(shell, defaults, own, priced):
    """A free local model's price must not lift the cap of a dear one."""
    defaults.teacher, defaults.price = "openai:m", "0,0"
    defaults.base_url = "http://127.0.0.1:9/v1"
    said = shell.run(f"%tracer plan {JOB} {own} --max-rows 200")
    assert ("Cost unknown" in said) is not priced


def test_a_job_that_began_keeps_its_teacher_and_says_so(shell, defaults):
    defaults.teacher = "teach"
    shell.run(f"%tracer label {JOB}")
    shell.run('%config TracerMagics.teacher = "openai:dear"')
    said = shell.run("%tracer plan --max-rows 200")
    assert "The default is openai:dear now, and this job goes on with what it began with" in said
    assert job_of(shell).tracer.teacher.name == "teach"
    shell.run(f"%tracer plan {JOB} --max-rows 200 --name new")
    assert job_of(shell, "new").tracer.teacher.name == "dear"


def test_no_teacher_is_named_for_a_saved_router(shell, defaults):
    defaults.teacher, defaults.store = "teach", "kept.sqlite"
    shell.run(f"%tracer run {JOB} --no-ask\n%tracer save r.tracer\n%tracer load r.tracer --name a")
    assert job_of(shell, "a").loaded.teacher is None
    assert "--name alone" in shell.complaint("%tracer review a.csv --rows 3")


def test_an_empty_default_is_none(shell, defaults):
    defaults.teacher = "teach"
    shell.run("%config TracerMagics.teacher = None")
    assert "no teacher is named" in shell.complaint(f"%tracer plan {JOB}")


def test_a_panel_without_a_job_begins_none(shell, defaults):
    defaults.teacher = "teach"
    assert shell.complaint("%tracer panel").startswith("no job yet")


def test_help_says_them(shell, defaults):
    assert "Defaults of this kernel: none" in bundle(shell, "%tracer help")
    defaults.teacher = "openai:m"
    assert "Defaults of this kernel: --teacher openai:m (%config" in bundle(shell, "%tracer --help")
    assert "--no-blind" in bundle(shell, "%tracer help review")


def bundle(shell, line):
    """The text that a notebook keeps of what a line shows."""
    from unittest.mock import patch

    with patch("tracer_nb.magics.reference.display") as shown:
        shell.run(line)
    return shown.call_args.args[0]._repr_mimebundle_()["text/plain"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("price = 'cheap'", "--price must be IN,OUT in dollars per million tokens, got 'cheap'"),
        ("price = '1'", "--price must be IN,OUT"),
        ("price = '1,nan'", "--price must be IN,OUT"),
        ("base_url = 'localhost:11434'", "base_url must be an address such as"),
        ("teacher = 3", "TracerMagics.teacher must be text"),
        ("teacher = print", "the name of a variable too stands in quotes; got builtin"),
        (
            "teacher = '--help'",
            "TracerMagics.teacher: --teacher needs a value behind it: --teacher VALUE",
        ),
        ("store = 'a\\nb'", "must be one line of text"),
        ("baseurl = 'openai:m'", "no default 'baseurl'; did you mean 'base_url'?"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(shell, defaults, caplog, line, says):
    before = defaults.set_defaults()
    assert says in refused(shell, caplog, line)
    assert defaults.set_defaults() == before


KEY = "sk-proj-0123456789abcdefghij"


@pytest.mark.parametrize(
    "line",
    [
        f"api_key = '{KEY}'",
        f"ask_key = '{KEY}'",
        f"teacher = '{KEY}'",
        f"teacher = '{KEY[3:]}'",
        f"price = '{KEY}'",
        f"store = '{KEY}'",
        f"base_url = 'https://me:{KEY}@host/v1'",
        f"base_url = 'https://host/v1?api_key={KEY[3:]}'",
        f"base_url = 'https://host/v1?k={KEY[3:]}'",
    ],
)
def test_a_key_is_no_default_and_is_never_shown(shell, defaults, caplog, line):
    said = refused(shell, caplog, line)
    assert "key" in said
    assert KEY[3:] not in said
    assert KEY[3:] not in repr(defaults.config) + repr(defaults.set_defaults())
    assert KEY[3:] not in shell.run("%config TracerMagics\n%tracer help")


def test_the_configuration_file_of_a_profile_sets_them_too(bare_shell, monkeypatch):
    monkeypatch.setattr(bare_shell.ip, "config", Config(TracerMagics={"teacher": "openai:m"}))
    assert TracerMagics(bare_shell.ip).set_defaults() == {"teacher": "openai:m"}
    bare_shell.ip.config = Config(TracerMagics={"api_key": KEY})
    assert "a key is no default" in bare_shell.complaint("%load_ext tracer_nb")


@pytest.mark.usefixtures("defaults")
def test_the_help_of_config_has_the_words_of_the_table(shell):
    assert inspect.cleandoc(BY_NAME["price"].hint)[:30] in shell.run("%config TracerMagics")
