"""Help in place and the page of all options: made from the parser, in the same words."""

import inspect
import re

import pytest

from tests.docs.reference import PAGE
from tests.magics.test_panel import OF_STEPS
from tracer_nb.magics.complete import VALUES
from tracer_nb.magics.magic import TracerMagics
from tracer_nb.magics.reference import page
from tracer_nb.magics.settings import GROUPS
from tracer_nb.magics.verbs import ALWAYS, HEEDED_BY, STEPS, VERBS, heeds, options_of
from tracer_nb.teachers import ChatTeacher
from tracer_nb.tracer import Tracer

PARSER = TracerMagics.tracer.parser
OPTIONS = options_of(PARSER)


def test_the_committed_page_is_what_the_parser_says():
    assert PAGE.read_text(encoding="utf-8") == page(PARSER), "run: task reference"


def test_the_page_has_every_step_and_every_option():
    text = PAGE.read_text(encoding="utf-8")
    for verb in VERBS:
        assert f"`%tracer {verb}" in text
    for action in (a for actions in OPTIONS.values() for a in actions):
        assert re.search(rf"^\| `{action.option_strings[0]}[ `]", text, re.MULTILINE)


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_has_help_that_can_be_read(option):
    for action in OPTIONS[option]:
        assert action.help[0].isupper() or action.help.split(",")[0] in VALUES_AND_SCHEMES
        assert action.help.endswith((".", "…"))
        assert "%" not in action.help  # argparse would want it doubled, and a panel shows it


VALUES_AND_SCHEMES = {value for values in VALUES.values() for value in values} | {
    "openai:MODEL",
}


@pytest.mark.parametrize("flag", VALUES)
def test_help_names_the_values_that_completion_offers(flag):
    (action,) = (a for actions in OPTIONS.values() for a in actions if flag in a.option_strings)
    if flag == "--surrogate":
        assert "a name from the zoo" in action.help  # eight names, in the README
        return
    for value in VALUES[flag]:
        assert value.split(":")[0] in action.help


def defaults():
    for made in (Tracer, ChatTeacher, Tracer.label, Tracer.audit):
        for name, parameter in inspect.signature(made).parameters.items():
            plain = isinstance(parameter.default, (int, float, str)) and parameter.default != ""
            if name in OPTIONS and plain and not isinstance(parameter.default, bool):
                yield pytest.param(name, parameter.default, id=f"{made.__name__}-{name}")


@pytest.mark.parametrize(("name", "default"), list(defaults()))
def test_help_says_the_default_that_holds(name, default):
    written = f"{default:g}" if isinstance(default, float) else str(default)
    assert f"({written}" in OPTIONS[name][0].help


@pytest.mark.parametrize(
    "name", sorted({n for names in GROUPS.values() for n in names} - {"prompt"})
)
def test_the_docstring_of_tracer_has_the_same_values(name):
    (action, *_), documented = OPTIONS[name], inspect.getdoc(Tracer)
    for value in VALUES.get(action.option_strings[0], ()):
        if name in inspect.signature(Tracer).parameters and value != "auto":
            assert value.split(":")[0] in documented


def test_options_of_steps_are_told_apart_from_settings():
    """An option that only some steps heed is in the table that refuses it elsewhere."""
    settings_apart = {"ask_key", "batch_price"}  # of the teacher, and not in the panel
    # remembered by the panel
    shown = {"output", "ask", "sample"}
    assert OF_STEPS - set(ALWAYS) - settings_apart | shown == set(HEEDED_BY)
    assert {verb for verbs in HEEDED_BY.values() for verb in verbs} <= set(VERBS)
    assert {n for step in STEPS.values() for n in step.only or ()} <= set(OPTIONS)


# --- what a step does not heed ----------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("fit --of random", "--of goes with review, not with fit"),
        ("plan df.text --teacher teach --rows 5", "--rows goes with review, reask, not with plan"),
        ("label df.text --no-blind", "--no-blind goes with review, not with label"),
        ("fit --no-ask", "--no-ask goes with run, plan, route, panel, update, not with fit"),
        ("fit --output x", "--output goes with run, plan, route, panel, update, not with fit"),
        ("audit --sample 20", "--sample goes with run, plan, label, fit, calibrate, route, status"),
        ("reask --sample 20", "--sample goes with run, plan, label, fit, calibrate, route, status"),
        ("run df.text --at 0.95", "--at goes with route, not with run"),
        ("review --rate 0.1", "--rate goes with audit, not with review"),
        ("route --deferred", "--deferred goes with submit, not with route"),
        ("plan df.text --columns a=b", "--columns goes with scan, not with plan"),
        (
            "save r.tracer --dry-run",
            "--dry-run goes with run, plan, label, submit, reask, not with save",
        ),
        ("scan x.jsonl --teacher teach", "--teacher goes with run, plan, label, fit, calibrate"),
        ("labels --target 0.9", "--target goes with run, plan, label, fit, calibrate, route"),
    ],
)
def test_an_option_that_a_step_does_not_heed_is_refused(shell, line, says):
    assert shell.complaint(f"%tracer {line}").startswith(says)


def test_a_cell_is_a_run(shell):
    said = shell.complaint("%%tracer df.text --teacher teach --of random\nChoose.")
    assert said == "--of goes with review, not with run"


@pytest.mark.parametrize("verb", VERBS)
def test_every_step_heeds_its_name_and_help(verb):
    assert heeds(verb, "name")
    assert heeds(verb, "help")


# --- help -----------------------------------------------------------------------------------


def test_help_of_all_steps_and_of_one(shell):
    out = shell.run("%tracer --help")
    for verb, step in STEPS.items():
        assert f"%tracer {verb}" in out
        assert step.does[1:] in out
    out = shell.run("%tracer review --help")
    assert "--no-blind" in out
    assert "--of VALUE" in out
    assert "--teacher" not in out
    assert "no step 'reviw'; did you mean 'review'?" in shell.complaint("%tracer reviw --help")


def test_help_asks_nothing_and_needs_no_job(shell):
    assert "--dry-run" in shell.run("%tracer label --help")
    assert shell.complaint("%tracer status").startswith("no job yet")


def test_the_panel_has_the_words_of_the_help(shell):
    shell.run("%tracer plan df.text --teacher teach --labels intents --features X --sample 100")
    form = shell.ip.find_line_magic("tracer").__self__.jobs["main"].session.form
    for option in form.options:
        if option.name != "prompt":
            assert option.hint == " ".join(action.help for action in OPTIONS[option.name])
