"""Every line of the settings table: one value too many, too few, and of the wrong kind."""

import pytest

from tracer_nb.magics.steps import STEPS, heeds
from tracer_nb.settings import SETTINGS

ON_LINE = [setting for setting in SETTINGS if setting.place == "line"]
FLAGS = [(s, flag) for s in ON_LINE for flag in s.flags if s.name != "help"]
VALUED = [(s, flag) for s, flag in FLAGS if flag.value is None]
BARE = [(s, flag) for s, flag in FLAGS if flag.value is not None]
# What is no number, no whole number, none of the values that there are; for a check of its own
# see each of them.
WRONG = {"number": ["much", "1,2"], "whole": ["many", "1.5"]}
WRONG_TEXT = ["''"]
WRONG_OF = {
    "sample": ["few", "1.5", "''"],
    "target": ["high", "0.9,", "''"],
    "output": ["1x", "df.x", "class", "''"],
    "columns": ["text", "=", "text=a,label", "''"],
}


def name_of(value):
    """A name that is the same in every process: a setting's or a flag's, or the value itself."""
    return str(getattr(value, "name", getattr(value, "flag", value)))


def line_of(setting, more):
    """A line of the first step that heeds the setting."""
    step = next(step for step in STEPS.values() if heeds(step, setting))
    return f"%tracer {step.name} {more}"


def wrong_values(setting):
    if setting.name in WRONG_OF:
        return WRONG_OF[setting.name]
    if setting.check is not None and setting.check.__name__ == "one_of":
        return ["nonsense", f"{setting.values[0]}x", *WRONG_TEXT]
    return WRONG.get(setting.kind, WRONG_TEXT)


@pytest.mark.parametrize(("setting", "flag"), VALUED, ids=name_of)
def test_a_value_too_few(shell, setting, flag):
    said = shell.complaint(line_of(setting, flag.flag))
    assert said == f"{flag.flag} needs a value behind it: {flag.flag} {flag.metavar}"


@pytest.mark.parametrize(("setting", "flag"), VALUED, ids=name_of)
def test_a_value_too_many(shell, setting, flag):
    value = {"number": "1", "whole": "1"}.get(setting.kind, "text=x")
    said = shell.complaint(line_of(setting, f"{flag.flag} {value} surplus"))
    assert said.startswith("'surplus' stands behind an option; write STEP and COLUMN before")


@pytest.mark.parametrize(("setting", "flag"), BARE, ids=name_of)
def test_a_value_where_none_stands(shell, setting, flag):
    said = shell.complaint(line_of(setting, f"{flag.flag} 1"))
    assert said.startswith(("'1' stands behind an option", "a key on a line"))
    said = shell.complaint(line_of(setting, f"{flag.flag}=1"))
    assert said.startswith((f"argument {flag.flag}: ignored explicit argument", "a key on a line"))


@pytest.mark.parametrize(
    ("setting", "flag", "value"),
    [(s, flag, value) for s, flag in VALUED for value in wrong_values(s)],
    ids=name_of,
)
def test_a_value_of_the_wrong_kind(shell, setting, flag, value):
    said = shell.complaint(line_of(setting, f"{flag.flag} {value}"))
    shown = value.strip("'")
    kind = {"number": "a number", "whole": "a whole number"}.get(setting.kind)
    if kind is not None:
        assert said.startswith(f"{flag.flag} must be {kind}")
        meant = {"1,2": "; write 1.2"}.get(shown, "")
        assert said.endswith(f", got {shown!r}{meant}")
    elif setting.check is not None and setting.check.__name__ == "one_of":
        assert said.startswith(f"no {setting.name} {shown!r}; ")
    else:
        assert said.startswith(flag.flag)


@pytest.mark.parametrize("setting", ON_LINE, ids=lambda s: s.name)
def test_a_step_that_does_not_heed_it_names_those_that_do(shell, setting):
    heeding = [step.name for step in STEPS.values() if heeds(step, setting)]
    for step in STEPS.values():
        for flag in setting.flags if step.name not in heeding else ():
            said = shell.complaint(f"%tracer {step.name} {flag.flag}")
            assert said.startswith(
                f"{flag.flag} goes with {', '.join(heeding)}, not with {step.name}"
            )


def test_a_value_in_quotes_is_checked_without_them(shell):
    assert "no certificate 'held out'" in shell.complaint(
        "%tracer plan df.text --certificate 'held out'"
    )
    shell.run("%tracer plan df.text --teacher teach --labels intents --certificate 'held-out'")
    shell.run("%tracer plan --sample '120' --name main")


def test_options_may_stand_first(shell):
    line = "--no-ask --labels intents plan df.text --teacher teach --sample 120"
    assert "120 rows" in shell.run(f"%tracer {line}")
    assert "'df.text' stands behind an option" in shell.complaint(
        "%tracer --no-ask plan --teacher teach df.text"
    )
