"""The reject option as users type it, in a real shell."""

import numpy as np
import pytest

from tracer_nb.records import Answer

JOB = "df.text --teacher doubt --labelling random --labels intents --features X --surrogate logistic --sample 150"

# In letters that no customer uses, so that no feature is above 0.
ALIEN = ("北京", "東京", "서울", "ถนน")


@pytest.fixture
def doubting(shell, world):
    """A teacher that is unsure of every fifth text; and rows unlike all others in ``away``."""
    unsure = set(world.texts[::5])

    def doubt(text):
        label, p = world.teach(text), 0.5 if text in unsure else 0.9
        return Answer(label, probabilities={label: p, "other": 1 - p}, cost=0.01)

    shell["X"] = np.c_[world.X, np.zeros(600)]
    shell["doubt"] = doubt
    return shell


def test_rows_come_out_abstained_and_are_counted_apart(doubting):
    out = doubting.run(f"%tracer run {JOB} --abstain-unsure 0.6 --output routed")
    routed = doubting["routed"]
    n = int((routed["label_source"] == "abstained").sum())
    assert n > 20
    assert routed["label"].isna().sum() == n
    assert f" {n} abstained." in out
    assert f"{n} of whose label doubt itself was unsure, asked about all the same." in out


def test_a_plan_says_so_first(doubting, world):
    out = doubting.run(f"%tracer plan {JOB} --abstain-unsure 0.6 --abstain-unlike")
    assert "Deferred rows that are unlike every labelled one come out abstained" in out
    assert "Answers to which doubt itself gives a probability below 0.6 come out abstained" in out
    assert world.asked == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--abstain-unlike --no-guard", "abstain_unlike goes by the guard, which is off"),
        ("--abstain-unsure 60", "abstain_unsure must be a probability above 0"),
        ("--guard 2", "guard must be True, False or a share of rows up to 0.5, got 2.0"),
    ],
)
def test_what_cannot_be_is_one_line(doubting, world, options, says):
    assert says in doubting.complaint(f"%tracer run {JOB} {options}")
    assert world.asked == []


def test_a_teacher_without_probabilities_is_found_out_and_the_next_line_goes_on(shell, world):
    line = "df.text --teacher teach --labelling random --labels intents --features X --surrogate logistic --sample 150"
    complaint = shell.complaint(f"%tracer run {line} --abstain-unsure 0.6")
    assert "teach gave none with 20 answers; leave abstain_unsure out" in complaint
    assert len(world.asked) == 20
    shell.run(f"%tracer run {line} --output routed")
    assert len(world.asked) == len(set(world.asked))
    assert "abstained" not in shell["routed"]["label_source"].tolist()


def test_a_loaded_router_abstains_and_says_so(doubting):
    messages = "from tracer_nb.datasets import load\nmessages = load('support').head(700)"
    doubting.run(messages)
    doubting.run("recorded = dict(zip(messages.text, messages.label))")
    doubting.run(
        "%tracer run messages.text --teacher recorded --labelling random --target 0.5 --confidence 0.9 --sample 400 "
        "--surrogate kernel-ridge --abstain-unlike"
    )
    doubting.run("%tracer save intents.tracer")
    out = doubting.run("%tracer load intents.tracer")
    assert "It abstains from rows unlike every labelled one." in out
    doubting["new"] = [*ALIEN, *doubting["messages"]["text"].head(20)]
    out = doubting.run("%tracer route new --output more")
    assert out.startswith("Of 24 rows: ")
    n = int((doubting["more"]["label_source"] == "abstained").sum())
    assert n == (doubting["more"]["label_source"][:4] == "abstained").sum() > 0
    assert f"{n} abstained" in out
    complaint = doubting.complaint("%tracer route new --abstain-unlike")
    assert "a loaded router was made with its own settings" in complaint
