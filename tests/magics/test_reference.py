"""Help in place and the page of all options: made from the tables, in the same words."""

import inspect
import re

import pytest

from tests.docs.reference import PAGE
from tracer_nb.magics.handlers import HANDLERS
from tracer_nb.magics.reference import page
from tracer_nb.magics.steps import STEPS, heeds, settings_of
from tracer_nb.settings import BY_NAME, FORM, SETTINGS
from tracer_nb.standin.teacher import StandInTeacher
from tracer_nb.teachers import ChatTeacher, PanelTeacher
from tracer_nb.tracer import Tracer

ON_LINE = [setting for setting in SETTINGS if setting.place == "line"]


def test_the_committed_page_is_what_the_tables_say():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: task reference"


def test_the_page_has_every_step_and_every_option():
    text = PAGE.read_text(encoding="utf-8")
    for step in STEPS:
        assert f"`%tracer {step}" in text
    for flag in (flag for setting in ON_LINE for flag in setting.flags):
        assert re.search(rf"^\| `{flag.flag}[ `]", text, re.MULTILINE)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
def test_a_setting_has_help_that_can_be_read(setting):
    for flag in setting.flags:
        assert flag.help[0].isupper() or flag.help.split(",")[0] in VALUES_AND_SCHEMES
        assert flag.help.endswith((".", "…"))
        assert "{" not in flag.help
        assert "%" not in flag.help  # argparse would want it doubled, and a panel shows it


VALUES_AND_SCHEMES = {value for setting in SETTINGS for value in setting.values} | {"openai:MODEL"}


@pytest.mark.parametrize("setting", [s for s in SETTINGS if s.values], ids=lambda s: s.name)
def test_help_names_the_values_that_completion_offers(setting):
    if setting.name == "surrogate":
        assert "a name from the zoo" in setting.hint  # they are in the guide
        return
    for value in setting.values:
        assert value.split(":")[0] in setting.hint


def arguments():
    """Keywords of Tracer, its steps and its teachers that are settings, with their defaults."""
    takers = (Tracer, ChatTeacher, StandInTeacher, Tracer.label, Tracer.audit, Tracer.review)
    for taker in takers:
        for name, parameter in inspect.signature(taker).parameters.items():
            known = name in BY_NAME and BY_NAME[name].of != "always"
            # An audit draws by the seed of the job where it is given none.
            if known and (name, parameter.default) != ("seed", None):
                yield pytest.param(name, parameter.default, id=f"{taker.__name__}-{name}")


@pytest.mark.parametrize(("name", "default"), list(arguments()))
def test_the_table_has_the_defaults_of_the_signatures(name, default):
    # "" and () are nothing given; rows of review are said beside those of reask.
    if default not in ("", (), inspect.Parameter.empty) and name != "rows":
        assert BY_NAME[name].default == default


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
def test_help_says_the_default_that_holds(setting):
    if isinstance(setting.default, (int, float, str)) and not isinstance(setting.default, bool):
        written = (
            f"{setting.default:g}" if isinstance(setting.default, float) else str(setting.default)
        )
        assert f"({written}" in setting.hint


def test_every_keyword_of_tracer_is_in_the_table_and_the_other_way_round():
    keywords = set(inspect.signature(Tracer).parameters) - {"options"}
    of_job = {s.name for s in SETTINGS if s.of == "job"} - {"examples"}  # goes to the teacher
    assert keywords == of_job


def test_what_the_table_hands_to_a_teacher_is_what_teachers_take():
    """No option of a line is dead, and none that a teacher takes as it stands is missing."""
    known = {s.name for s in SETTINGS if s.of == "teacher"}
    taken = set()
    for teacher in (ChatTeacher, StandInTeacher, PanelTeacher):
        taken |= set(inspect.signature(teacher).parameters) & set(BY_NAME)
    assert known == taken - {"labels", "prompt", "examples", "name"}


@pytest.mark.parametrize("setting", FORM, ids=lambda s: s.name)
def test_the_docstring_of_tracer_has_the_same_values(setting):
    documented = inspect.getdoc(Tracer)
    for value in setting.values:
        if setting.name in inspect.signature(Tracer).parameters and value != "auto":
            assert value.split(":")[0] in documented


def test_the_table_of_settings_names_steps_that_there_are():
    assert {name for s in SETTINGS for name in (*s.steps, *s.also)} <= set(STEPS)
    assert set(HANDLERS) == set(STEPS)
    for setting in ON_LINE:
        assert any(heeds(step, setting) for step in STEPS.values()), setting.name


# --- what a step does not heed ----------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("fit --of random", "--of goes with review, not with fit"),
        ("plan df.text --teacher teach --rows 5", "--rows goes with review, reask, not with plan"),
        ("label df.text --no-blind", "--no-blind goes with review, not with label"),
        ("fit --no-ask", "--no-ask goes with run, plan, route, panel, update, not with fit"),
        ("fit --output x", "--output goes with run, plan, route, panel, update, not with fit"),
        ("audit --sample 20", "--sample goes with run, plan, label, fit, calibrate, route, panel"),
        ("reask --sample 20", "--sample goes with run, plan, label, fit, calibrate, route, panel"),
        ("run df.text --at 0.95", "--at goes with route, not with run"),
        ("review --rate 0.1", "--rate goes with audit, not with review"),
        ("route --deferred", "--deferred goes with batch submit, not with route"),
        ("plan df.text --columns a=b", "--columns goes with scan, not with plan"),
        (
            "save r.tracer --dry-run",
            "--dry-run goes with run, plan, label, batch submit, reask, update, not with save",
        ),
        ("scan x.jsonl --teacher teach", "--teacher goes with run, plan, label, fit, calibrate"),
        ("store list --target 0.9", "--target goes with run, plan, label, fit, calibrate, route"),
    ],
)
def test_an_option_that_a_step_does_not_heed_is_refused(shell, line, says):
    assert shell.complaint(f"%tracer {line}").startswith(says)


def test_a_cell_is_a_run(shell):
    said = shell.complaint("%%tracer df.text --teacher teach --of random\nChoose.")
    assert said == "--of goes with review, not with run"


@pytest.mark.parametrize("step", STEPS.values(), ids=lambda s: s.name)
def test_every_step_heeds_its_name_and_help(step):
    assert {"name", "help"} <= {setting.name for setting in settings_of(step)}


# --- help -----------------------------------------------------------------------------------


def test_help_of_all_steps_and_of_one(shell):
    out = shell.run("%tracer --help")
    for step in STEPS.values():
        assert step.usage in out
        assert step.does[1:] in out
    out = shell.run("%tracer review --help")
    assert "--no-blind" in out
    assert "--of VALUE" in out
    assert "--teacher" not in out
    out = shell.run("%tracer batch --help")
    assert "%tracer batch submit [COLUMN]" in out
    assert "%tracer batch cancel BATCH" in out
    assert "%tracer plan" not in out
    out = shell.run("%tracer batch cancel --help")
    assert "batch submit" not in out
    assert "no step 'reviw'; did you mean 'review'?" in shell.complaint("%tracer reviw --help")


def test_help_asks_nothing_and_needs_no_job(shell):
    assert "--dry-run" in shell.run("%tracer label --help")
    assert shell.complaint("%tracer panel").startswith("no job yet")


def test_the_panel_has_the_words_of_the_help(shell):
    shell.run("%tracer plan df.text --teacher teach --labels intents --features X --sample 100")
    form = shell.ip.find_line_magic("tracer").__self__.jobs["main"].session.form
    for option in form.options:
        assert option.hint == BY_NAME[option.name].hint
