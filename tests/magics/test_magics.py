"""Cells as users type them, in a real shell."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from IPython.core.completer import provisionalcompleter

import tracer_nb
from tracer_nb.standin import serve
from tracer_nb.teachers import SCHEMES, ReplayTeacher, register_scheme
from tracer_nb.widgets import card

# A function as teacher, and settings that fit in a fraction of a second.
TEACH = "--teacher teach --labelling random --labels intents"
FAST = "--features X --surrogate logistic --sample 150"


@pytest.fixture(autouse=True)
def _no_drawing(monkeypatch):
    """Half a second a card; the tests of the card draw."""
    monkeypatch.setattr(card, "to_svg", lambda chart: f"<svg>{len(chart.to_dict())}</svg>")


# --- the whole job --------------------------------------------------------------------


def test_one_cell_does_the_whole_job(shell, world):
    out = shell.run(f"%%tracer df.text {TEACH} {FAST} --output routed\nChoose the intent.")
    bill, *lines = out.splitlines()
    assert bill.startswith("Saved 75 % of the calls, labels counted in: 150 of 600 texts asked")
    assert lines[0].startswith("The surrogate can answer ")
    assert "With 95 % confidence, on at least 92 % of these" in lines[0]
    assert lines[1].startswith("Of 600 rows: ")
    assert "unknown cost" in lines[2]
    assert lines[3].startswith("logistic on matrix features, fitted on 105 labelled rows")
    routed = shell["routed"]
    assert list(routed.columns) == [
        "text",
        "n",
        "label",
        "label_source",
        "label_score",
        "label_reason",
    ]
    assert routed["label"].tolist() == list(world.truth.values())
    assert list(shell["df"].columns) == ["text", "n"]
    assert len(world.asked) == len(set(world.asked)) < 200


def test_the_cell_may_be_run_again_at_no_cost(shell, world):
    cell = f"%%tracer df.text {TEACH} {FAST} --output routed\nChoose."
    shell.run(cell)
    asked = len(world.asked)
    first = shell["routed"]
    shell.run(cell)
    assert len(world.asked) == asked
    pd.testing.assert_frame_equal(shell["routed"], first)


def test_with_the_stand_in_it_is_called_one(shell):
    shell.run("from tracer_nb.datasets import load\nmessages = load('support').head(600)")
    out = shell.run(
        "%%tracer messages.text --teacher standin:support --labelling random --labels messages.label "
        "--surrogate logistic --sample 200 --target 0.5 --max-cost 1 --output routed\n"
        "You read messages to a shop. Choose the intent."
    )
    assert "the stand-in" in out
    assert "no model was asked, nothing was paid" in out
    assert set(shell["routed"]["label"].dropna()) <= set(shell["messages"]["label"])
    assert Path(".tracer_nb/labels.sqlite").exists()


def test_a_dry_run_asks_nothing(shell, world):
    out = shell.run(f"%%tracer df.text {TEACH} {FAST} --output routed --dry-run\nChoose.")
    assert out.splitlines()[0] == "600 rows, 600 distinct texts."
    assert "Ask teach about 150 texts for a random sample of 150 rows." in out
    assert out.splitlines()[-1] == "Nothing was asked or paid."
    assert world.asked == []
    assert "routed" not in shell


def test_nothing_certified_says_so_and_asks_no_more(shell, world):
    shell["X"] = np.ones((600, 3))
    out = shell.run(f"%%tracer df.text {TEACH} {FAST} --output routed\nChoose.")
    assert out.startswith("Nothing is certified, so nothing is saved: 150 of 600 texts asked about")
    assert "\nNothing could be certified: " in out
    assert "450 × deferred: nothing was certified; teacher not asked" in out
    assert len(world.asked) == 150
    shell.run("%tracer route --ask --output routed")
    assert len(world.asked) == 600
    assert shell["routed"]["label"].notna().all()


# --- steps ----------------------------------------------------------------------------


def test_each_step_alone_with_settings_remembered(shell, world):
    out = shell.run(f"%tracer plan df.text {TEACH} {FAST}")
    assert "At least 114 labelled rows are needed to certify 92 % at 95 % confidence." in out
    assert world.asked == []
    assert shell.run("%tracer label").startswith("150 rows labelled.")
    assert len(world.asked) == 150
    out = shell.run("%tracer fit")
    assert out.split()[:3] == ["surrogate", "features", "gate"]
    assert "✓  logistic" in out
    assert "calibration rows were not touched" in out
    assert "\nThe surrogate can answer " in shell.run("%tracer calibrate")
    out = shell.run("%tracer route --output routed --no-ask")
    assert "Of 600 rows: " in out
    assert len(world.asked) == 150
    assert shell.run("%tracer panel") == out
    assert list(shell["routed"].columns[:2]) == ["text", "n"]


def test_a_changed_setting_starts_anew_and_asks_nothing_twice(shell, world):
    shell.run(f"%tracer label df.text {TEACH} {FAST}")
    assert "--target would begin another job" in shell.complaint("%tracer fit --target 0.9")
    shell.run("%tracer label --target 0.9")
    assert len(world.asked) == 150
    assert "at least 90 % of" in shell.run("%tracer fit\n%tracer calibrate")


def test_a_stop_while_something_is_fitted_is_one_line(shell, monkeypatch):
    shell.run(f"%tracer label df.text {TEACH} {FAST}")

    def stopped(_, **_how):
        raise KeyboardInterrupt

    monkeypatch.setattr("tracer_nb.tracer.Tracer.fit", stopped)
    ran = shell.try_run("%tracer fit")
    assert type(ran.error).__name__ == "Stopped"  # so that the cells below are not run
    said = "Stopped: what is stored is kept, and the same line begins this step again."
    assert ran.text.splitlines() == [said]


def test_a_setting_given_again_changes_nothing(shell, world):
    settings = f"{TEACH} {FAST} --target 0.92 --store here.sqlite"
    shell.run(f"%tracer label df.text {settings}")
    shell.run(f"%tracer fit df.text {settings}")
    shell.run(f"%tracer calibrate df['text'] {settings}")
    assert len(world.asked) == 150


def test_price_and_labels_given_again_change_nothing(shell, world):
    Path("intents.txt").write_text("login\nparcel\n\nrefund\n")
    with serve(world.truth) as standin:
        settings = (
            f"--teacher openai:m --labelling random --base-url {standin.base_url} --price 1,2 "
            f"--labels intents.txt {FAST} --max-cost 3"
        )
        shell.run(f"%tracer label df.text {settings}")
        assert standin.requests == 150
        shell.run(f"%tracer fit {settings}")
        shell.run(f"%tracer calibrate {settings}")


def test_the_cap_is_remembered_and_is_for_the_whole_job(shell, hard_world):
    shell["df"], shell["X"] = hard_world.frame, hard_world.X
    teacher = tracer_nb.teachers.FunctionTeacher(hard_world.teach, hard_world.labels, cost=0.01)
    shell["teacher"] = teacher
    out = shell.run(
        "%tracer plan df.text --teacher teacher --labelling random --features X --sample 300 --target 0.9 --max-cost 3.1"
    )
    assert "Hard cap: $3.10, deferred rows included." in out
    for step in ("label", "fit", "calibrate", "route"):
        out = shell.run(f"%tracer {step}")
    assert len(hard_world.asked) == 310
    assert "; not asked: cost cap of $0.10 reached" in out
    shell.run("%tracer route --max-cost inf")
    assert len(hard_world.asked) == len(set(hard_world.asked)) > 310


def test_caps_on_rows_and_tokens_are_remembered_and_are_for_the_whole_job(shell, hard_world):
    shell["df"], shell["X"] = hard_world.frame, hard_world.X
    with serve(hard_world.truth) as standin:
        out = shell.run(
            f"%tracer plan df.text --teacher openai:m --labelling random --base-url {standin.base_url} "
            "--labels intents --features X --sample 300 --target 0.9 --max-rows 310"
        )
        assert "Cost unknown: no price for m; give price as IN,OUT" in out
        assert "Hard cap: 310 texts asked, deferred rows included." in out
        shell.run("%tracer plan --max-tokens 9000000")
        for step in ("label", "fit", "calibrate"):
            shell.run(f"%tracer {step}")
        assert standin.requests == 300
        assert "Hard cap: 9,000,000 tokens, 310 texts asked" in shell.run("%tracer plan")
        assert "; not asked: row cap of 10 reached" in shell.run("%tracer route")
        assert standin.requests == 310
        shell.run("%tracer route --max-rows inf")
        assert standin.requests > 310
        assert "Hard cap: 9,000,000 tokens, deferred rows included." in shell.run("%tracer plan")


def test_an_unknown_price_needs_a_cap_before_anything_is_asked(shell, world):
    with serve(world.truth) as standin:
        server = f"--base-url {standin.base_url} --labels intents {FAST} --store s.sqlite"
        out = shell.run(f"%tracer plan df.text --teacher openai:m --labelling random {server}")
        assert "Nothing will be asked without a bound: give price as IN,OUT" in out
        assert shell.complaint("%tracer label") == (
            "the price of m is unknown, so nothing bounds what this costs; give price as IN,OUT in "
            "dollars per million tokens (0,0 for a server of your own), max_tokens or max_rows"
        )
        assert standin.requests == 0
        shell.run("%tracer label --max-rows 150")
        assert standin.requests == 150
        # What is stored already needs no cap.
        again = shell.run(f"%tracer label df.text --teacher openai:m --labelling random {server}")
        assert again.startswith("150 rows labelled.")


def test_a_line_that_could_not_be_done_sets_nothing(shell):
    shell.run(f"%tracer plan df.text {TEACH} {FAST}")
    for wrong in (
        *("--sample 0", "--max-cost -1", "--max-cost 3", "--max-tokens 3", "--max-rows 1.5"),
        *("--target 92", "--seed -1"),
    ):
        shell.complaint(f"%tracer plan {wrong}")
        shell.complaint(f"%tracer label {wrong}")
    assert shell.run("%tracer label").startswith("150 rows labelled.")


def test_a_function_needs_no_words_and_the_whole_job_no_cell(shell, world):
    out = shell.run(f"%tracer run df.text {TEACH} {FAST} --output routed")
    assert "With 95 % confidence" in out
    assert shell["routed"]["label"].tolist() == [world.truth[t] for t in world.texts]


def test_settings_last_until_a_line_names_a_teacher(shell, world):
    with serve(world.truth) as standin:
        server = f"--base-url {standin.base_url} --concurrency 2 --labels intents {FAST}"
        shell.run(
            f"%tracer plan df.text --teacher openai:m --labelling random {server} --price 1,2 --target 0.8"
        )
        shell.run("%tracer label")
        assert standin.requests == 150
        assert "80 %" in shell.run("%tracer plan")
        # Nothing of the job before lingers: no price, no target, no labels.
        shell.run(
            f"%tracer label df.text --teacher openai:other --labelling random {server} --max-rows 200"
        )
        out = shell.run("%tracer plan")
        assert "Cost unknown: no price for other" in out
        assert "80 %" not in out
    assert "labels are missing" in shell.complaint(
        "%tracer label df.text --teacher teach --labelling random"
    )


def test_jobs_are_kept_apart_by_name(shell, world):
    shell["half"] = world.frame.iloc[:300]
    shell.run(f"%tracer label df.text {TEACH} {FAST}")
    assert "no teacher is named" in shell.complaint("%tracer plan df.text --name other")
    assert "no job 'other'; there are: main" in shell.complaint("%tracer fit --name other")
    shell.run(f"%tracer label half.text {TEACH} --sample 150 --name other")
    shell.run("%tracer fit")
    assert "matrix features" in shell.run("%tracer calibrate")


def test_other_rows_are_routed_and_the_job_stays_about_the_labelled_ones(shell, world):
    shell["home"], shell["others"] = world.frame.iloc[:400], world.frame.iloc[400:]
    shell.run(
        f"%%tracer home.text {TEACH} --surrogate logistic --sample 150 --output routed\nChoose."
    )
    out = shell.run("%tracer route others.text --output more")
    assert out.startswith("The surrogate answers ")
    assert "of rows like the labelled ones" in out
    assert "Of 200 rows: " in out
    more = shell["more"]
    assert more.index.equals(shell["others"].index)
    assert more["label"].tolist() == list(world.truth.values())[400:]
    assert "Of 400 rows: " in shell.run("%tracer route --output routed")
    assert len(shell["routed"]) == 400
    assert shell.run("%tracer plan").startswith("400 rows")
    said = shell.complaint("%tracer fit others.text")
    assert said == (
        "fit goes on with the labelled column, which is not others.text; first write "
        "%tracer label others.text"
    )


def test_a_frame_that_was_sorted_in_between_gets_its_own_labels(shell, world):
    shell.run(
        f"%%tracer df.text {TEACH} --surrogate logistic --sample 150 --output routed\nChoose."
    )
    df = shell["df"]
    df[:] = df.sort_values("text").to_numpy()  # the very object that was labelled
    shell.run("%tracer route --output routed")
    routed = shell["routed"]
    assert routed["text"].tolist() == sorted(world.texts)
    assert routed["label"].tolist() == [world.truth[text] for text in routed["text"]]


def test_the_stop_button_ends_the_cell_in_words_and_the_cell_goes_on_when_run_again(
    shell, world, interrupting
):
    shell["teach"] = interrupting(world, at=80).teach
    cell = f"%%tracer df.text {TEACH} {FAST} --concurrency 1 --output routed\nChoose."
    out = shell.run(cell)
    assert "Stopped: interrupted. Every stored answer is kept; run again to go on." in out
    assert "routed" not in shell
    assert "Stopped: interrupted" in shell.run("%tracer panel")
    assert "79 answers reused" in shell.run(cell)
    assert shell["routed"]["label"].tolist() == list(world.truth.values())
    assert len(world.asked) == len(set(world.asked)) + 1  # the one that hung


# --- what may be written --------------------------------------------------------------


@pytest.mark.parametrize(
    "column", ["df.text", 'df["text"]', "df['text']", "box['df'].text", "texts"]
)
def test_ways_to_name_a_column(shell, column):
    shell["box"] = {"df": shell["df"]}
    shell["texts"] = shell["df"]["text"].tolist()
    assert shell.run(f"%tracer plan {column} {TEACH}").startswith("600 rows, 600 distinct texts.")


def test_a_polars_frame_stays_one(shell, world):
    shell["df"] = pl.from_pandas(world.frame)
    shell.run(f'%%tracer df["text"] {TEACH} {FAST} --output routed\nChoose.')
    assert isinstance(shell["routed"], pl.DataFrame)
    assert shell["routed"]["label"].to_list() == list(world.truth.values())
    assert shell["df"].columns == ["text", "n"]


@pytest.mark.parametrize(
    "name", ["my text", "two  blanks", "a 'quoted' one", "ä-ö/ü", "size", "--labels"]
)
def test_odd_column_names(shell, world, name):
    shell["df"] = world.frame.rename(columns={"text": name})
    quoted = f'"{name}"' if "'" in name else f"'{name}'"
    assert shell.run(f"%tracer plan df[{quoted}] {TEACH}").startswith("600 rows")
    assert "no column 'zzz'; there are: " in shell.complaint(f"%tracer plan df['zzz'] {TEACH}")


@pytest.mark.parametrize(
    "labels", ["login,parcel,refund", '"login, parcel , refund"', "df.kind", "kinds"]
)
def test_ways_to_give_labels(shell, world, labels):
    shell["df"]["kind"] = list(world.truth.values())
    shell["kinds"] = set(world.labels)
    shell.run(f"%tracer label df.text --teacher teach --labelling random --labels {labels} {FAST}")
    assert len(world.asked) == 150


def test_labels_of_a_file(shell, world):
    Path("a,b.txt").write_text("\ufefflogin\nparcel\n \nrefund\n", encoding="utf-8")
    shell.run(f"%tracer label df.text --teacher teach --labelling random --labels a,b.txt {FAST}")
    assert len(world.asked) == 150


def test_recorded_labels_beside_the_texts(shell, world):
    shell["df"] = pd.DataFrame(
        {"text": [*world.texts, None, " "], "said": [*world.truth.values(), "login", None]},
        index=[3] * 602,
    )
    shell["X"] = np.vstack([world.X, world.X[:2]])
    settings = f"--teacher df.said --labelling random {FAST}"
    out = shell.run(f"%%tracer df.text {settings} --output routed\nChoose.")
    assert "by recorded labels, 2 without a label" in out
    assert shell["routed"]["label"].tolist()[:600] == list(world.truth.values())
    shell.run(f"%tracer label {settings}")
    shell.run(f"%tracer fit {settings}")  # the same labels: the same job


@pytest.mark.parametrize("kind", ["dict", "list", "polars", "numpy"])
def test_recorded_labels_of_every_kind(shell, world, kind):
    said = list(world.truth.values())
    shell["said"] = {
        "dict": world.truth,
        "list": said,
        "polars": pl.Series(said),
        "numpy": np.array(said),
    }[kind]
    assert shell.run(f"%tracer label df.text --teacher said --labelling random {FAST}").startswith(
        "150 rows"
    )


def test_changed_records_are_seen(shell, world):
    shell["said"] = dict(world.truth)
    shell.run(f"%tracer label df.text --teacher said --labelling random {FAST}")
    shell["said"].update(dict.fromkeys(world.texts, "login"))
    shell.run("%tracer label --teacher said --labelling random --labels intents")
    assert "the one label 'login'" in shell.complaint("%tracer fit")


PROMPT = """Choose {intent} for {df}, $df and $HOME; 100 % of "them".
%s %(name)s 'single' \\n {{}} !ls ?help

%matplotlib inline
    --target 0.5 `x` #no comment"""


def test_the_cells_text_is_the_prompt_untouched(shell, world):
    seen = []

    def echo(name, labels, prompt):
        seen.append((name, prompt))
        return ReplayTeacher(world.truth, labels=labels)

    register_scheme("echo", echo)
    try:
        shell.run(
            f"%%tracer df.text --teacher echo:it --labelling random --labels intents {FAST} --dry-run\n{PROMPT}\n"
        )
        assert seen == [("it", PROMPT)]
        # It is remembered, and an empty one does not replace it.
        shell.run("%tracer plan --target 0.9")
        shell.run("%%tracer plan --target 0.8\n\n")
        assert seen == [("it", PROMPT)] * 3
    finally:
        del SCHEMES["echo"]


def test_variables_are_not_expanded_on_the_line(shell):
    assert "no column 'x'" in shell.complaint(
        "x = 'text'\n%tracer plan df.x --teacher teach --labelling random"
    )
    assert "cannot read 'df.{x}'" in shell.complaint(
        "%tracer plan df.{x} --teacher teach --labelling random"
    )
    assert "cannot read 'df.$x'" in shell.complaint(
        "%tracer plan df.$x --teacher teach --labelling random"
    )


def test_help_shows_every_option(shell):
    out = shell.run("%tracer?")
    for option in ("--teacher", "--labels", "--max-cost", "--output", "--dry-run", "--no-ask"):
        assert option in out


# --- mistakes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "say what to do: %tracer run|plan|label|fit|calibrate|route|panel|report|save|load|store|review|batch|"),
        ("lable df.text", "no step 'lable'; did you mean 'label'? There are: run, plan, label"),
        ("df.text", "no step 'df.text'; if it is a column, %tracer run df.text does the whole job"),
        ("df['text'] --dry-run", "and so does a cell that begins with %%tracer df['text']"),
        # Words that were steps of their own are steps no more.
        ("status", "no step 'status'; there are: run, plan"),
        ("submit df.text", "no step 'submit'; there are: run, plan"),
        ("collect", "no step 'collect'; there are: run"),
        ("batches", "no step 'batches'; did you mean 'batch'? There are: run"),
        ("labels", "no step 'labels'; did you mean 'label'? There are: run"),
        ("compare a b", "no step 'compare'; "),
        ("cancel abc", "no step 'cancel'; "),
        ("batch", "say what of it to do: %tracer batch submit|collect|list|cancel"),
        ("batch colect", "no word behind batch 'colect'; did you mean 'collect'? There are: submit"),
        ("store", "say what of it to do: %tracer store list|compare|export"),
        ("store export", "name a .csv or .parquet file to write: %tracer store export answers.csv"),
        ("panel", "no job yet; start with %tracer plan df.text"),
        ("plan", "no teacher is named; add --teacher"),
        ("plan df.text", "no teacher is named; add --teacher"),
        ("plan --teacher teach --labels intents", "no column is named; write for example"),
        ("plan df.text --teacher teach", "labels are missing"),
        # the column
        ("plan df.txet", "no column 'txet'; did you mean 'text'? There are: text, n"),
        ("plan dff.text", "no variable 'dff'; did you mean 'df'? There are: df, X, teach, intents, Y"),
        ("plan df", "df is a dataframe, not a column; write df['text']"),
        ("plan df['text", "cannot read \"df['text\"; write df.text or df['text']"),
        ("plan df.text.", "cannot read 'df.text.'"),
        ("plan df text", "cannot read 'df text'"),
        ("plan df.text.str.lower()", "cannot read 'df.text.str.lower()'; write a variable"),
        ("plan df[0]", "cannot read 'df[0]'; between the brackets write one column name in quotes"),
        ("plan df[['text']]", "between the brackets write one column name in quotes"),
        ("plan df.loc[:,'text']", "between the brackets write one column name in quotes"),
        ("plan intents.text", "'intents.text': list has no 'text'; check the name"),
        ("plan 5", "cannot read '5'; write a variable"),
        (f"plan df.n {TEACH}", "row 0 holds 0 (int), not text; convert the column first"),
        (f"plan teach {TEACH}", "expected a column of texts, got method"),
        (f"plan {'(' * 300}", "cannot read"),
        # options
        ("plan df.text --teachr teach", "no option '--teachr'; did you mean '--teacher'?"),
        ("plan df.text -x", "no option '-x'; there are: --teacher"),
        ("plan df.text --target", "--target needs a value behind it: --target SHARE"),
        ("plan df.text --target high", "--target must be a fraction such as 0.92, or several: 0.92,0.95; got 'high'"),
        ("plan df.text --sample 1.5", "--sample must be a number of rows, got '1.5'"),
        ("plan df.text --sample auto", "--sample must be a number of rows, got 'auto'"),
        (f"plan df.text {TEACH} --target 92", "target must be in (0, 1), got 92; for 92 % write 0.92"),
        (f"plan df.text {TEACH} --target 0", "target must be in (0, 1), got 0"),
        (f"plan df.text {TEACH} --confidence nan", "confidence must be in (0, 1), got nan"),
        (f"plan df.text {TEACH} --sample 0", "sample must be a positive whole number of rows, got 0"),
        (f"plan df.text {TEACH} --seed -1", "seed must be a whole number from 0"),
        (f"plan df.text {TEACH} --surrogate svm", "no surrogate 'svm'; there are: auto"),
        (f"plan df.text {TEACH} --strategy hope", "no strategy 'hope'; there are: adaptive-threshold"),
        (f"plan df.text {TEACH} --features tfidf", "no variable 'tfidf'"),
        (f"plan df.text {TEACH} --features lsa:5", "features must be 'auto', 'wordllama', 'lsa', 'fastembed:NAME"),
        (f"plan df.text {TEACH} --features intents", "or a matrix with one row per row"),
        (f"plan df.text {TEACH} --max-cost -1", "max_cost must be dollars, 0 or more, got -1"),
        (f"plan df.text {TEACH} --max-cost 4", "max_cost needs a price, and that of teach is unknown"),
        (f"plan df.text {TEACH} --max-rows 1.5", "max_rows must be a whole number, 0 or more, got 1.5"),
        (f"plan df.text {TEACH} --max-tokens 9", "max_tokens needs a teacher that counts tokens, and teach"),
        (f"plan df.text {TEACH} --tokens-per-minute 9", "no option of this teacher 'tokens_per_minute'"),
        ("plan df.text --teacher standin:support --labels a,b --requests-per-minute 0", "requests_per_minute must be above 0, got 0"),
        (f"plan df.text {TEACH} --base-url http://x", "no option of this teacher 'base_url'"),
        (f"plan df.text {TEACH} --output 1x", "--output '1x' is not a variable name"),
        (f"plan df.text {TEACH} --output class", "--output 'class' is not a variable name"),
        (f"plan df.text {TEACH} --output df.x", "--output 'df.x' is not a variable name"),
        # labels
        ("plan df.text --teacher teach --labels no.txt", "--labels 'no.txt' is no file, no variable"),
        ("plan df.text --teacher teach --labels intents.txt", "is no file, and 'intents.txt': list has"),
        ("plan df.text --teacher teach --labels df.lbl", "is no file, and no column 'lbl'"),
        ("plan df.text --teacher teach --labels refund", "is no file, no variable and no list"),
        ("plan df.text --teacher teach --labels a,A", "labels 'a' and 'A' are the same"),
        ("plan df.text --teacher teach --labels a,", "labels must be at least two, got ['a']"),
        ("plan df.text --teacher teach --labels df.n", "labels must be text, got 0 (int)"),
        ("plan df.text --teacher teach --labels teach", "labels must be a list of names"),
        (f"plan df.text --teacher teach --labelling random --labels {'x' * 5000}", "is no file, no variable and no list"),
        ("plan df.text --teacher teach --labels ~nobody/x", "is no file, no variable and no list"),
        # the teacher
        ("plan df.text --teacher gpt-5-mini", "for a model of that name write openai:gpt-5-mini"),
        ("plan df.text --teacher openai", "for a model of that name write openai:MODEL"),
        ("plan df.text --teacher claude:x --labels a,b", "no kind of teacher 'claude'; there are: anyllm, openai"),
        ("plan df.text --teacher openai: --labels a,b", "teacher must be SCHEME:NAME, got 'openai:'"),
        ("plan df.text --teacher standin:x --labels a,b", "'x'"),
        ("plan df.text --teacher intents", "--teacher intents does not stand beside the texts"),
        ("plan df.text --teacher df.n", "recorded labels must be text, got 0 (int)"),
        ("plan --teacher intents", "--teacher intents is a column of labels; name the column"),
        ("plan df.text --teacher openai:m --labels a,b --price x", "price must be IN,OUT"),
        ("plan df.text --teacher openai:m --labels a,b --base-url ftp://x", "base_url must be an address"),
        # before paying
        (f"run df.text {TEACH} --sample 113", "113 labelled rows cannot certify this target"),
        (f"run df.text {TEACH} --target 0.999 --sample 200", "200 labelled rows cannot certify this target: at least 591"),
        (f"run intents {TEACH} --sample 3", "3 labelled rows cannot certify this target: at least"),
        (f"label df.text {TEACH} --features Y", "the features matrix has 5 rows, the column 600"),
        # out of order
        (f"fit {TEACH}", "nothing is labelled yet; call label(column) first"),
        (f"calibrate {TEACH}", "nothing is labelled yet; call label(column) first"),
        (f"route {TEACH}", "nothing is calibrated yet; call fit() and calibrate() first"),
        (f"route df.text {TEACH}", "nothing is calibrated yet"),
        (f"fit df.text {TEACH}", "first write %tracer label df.text"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_says_what_to_do(shell, world, line, says):
    shell["Y"] = np.ones((5, 3))
    assert says in shell.complaint(f"%tracer {line}")
    # The same in a cell, where the column may come without a step.
    if line.startswith("plan "):
        assert says in shell.complaint(f"%%tracer {line.removeprefix('plan ')} --dry-run\nChoose.")
    assert world.asked == []


@pytest.mark.parametrize(
    "line",
    [
        *("panel --teacher teach --labelling random",),
        *(
            "panel --target 0.85",
            "batch list --surrogate logistic,mlp-1",
            "batch collect --confidence 0.9",
        ),
        *("batch cancel 123 --target 0.85",),
    ],
)
def test_a_step_that_shows_puts_no_finished_job_away(shell, world, line):
    shell.run(f"%tracer run df.text {TEACH} {FAST} --no-ask")
    card, asked = shell.run("%tracer panel"), len(world.asked)
    assert "would begin another job" in shell.complaint(f"%tracer {line}")
    assert shell.run("%tracer panel") == card
    assert shell.run("%tracer route --no-ask") == card
    assert len(world.asked) == asked


@pytest.mark.parametrize("line", ["plan --seed 3", "run --confidence 0.9 --dry-run"])
def test_another_job_is_planned_beside_the_one_that_is_done(shell, world, line):
    shell.run(f"%tracer run df.text {TEACH} {FAST} --no-ask")
    card, asked = shell.run("%tracer panel"), len(world.asked)
    out = shell.run(f"%tracer {line}")
    assert out.startswith("600 rows, 600 distinct texts.")
    assert "A plan of another job: the one that is done stays as it is." in out
    assert shell.run("%tracer panel") == card
    assert shell.run("%tracer route --no-ask") == card
    assert len(world.asked) == asked


def test_an_unreachable_server(shell):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    said = shell.complaint(
        f"%%tracer df.text --teacher openai:m --labelling random --base-url http://127.0.0.1:{port}/v1 "
        f"--labels intents --max-rows 300 {FAST}\nChoose."
    )
    assert said.startswith(f"cannot reach http://127.0.0.1:{port}/v1 ")


def test_a_wrong_key_and_no_key(shell, world, monkeypatch):
    monkeypatch.setenv("TRACER_NB_API_KEY", "wrong-key-123")
    with serve(world.truth, api_key="right") as standin:
        said = shell.complaint(
            f"%tracer label df.text --teacher openai:m --labelling random --base-url {standin.base_url} "
            f"--labels intents --price 0,0 {FAST}"
        )
        assert "refused the API key" in said
        assert "wrong-key-123" not in said
        monkeypatch.setenv("TRACER_NB_API_KEY", "right")
        assert shell.run("%tracer label").startswith("150 rows")
    monkeypatch.delenv("TRACER_NB_API_KEY")
    said = shell.complaint(
        f"%tracer label df.text --teacher openai:gpt-5-mini --labelling random --name b --labels intents {FAST}"
    )
    assert said == (
        "no API key for OpenAI: set OPENAI_API_KEY, add --ask-key to type one, or name another "
        "server with base_url"
    )


def test_a_teacher_that_knows_no_label(shell):
    shell.run("def say(text): return 'hm'")
    said = shell.complaint(
        f"%%tracer df.text --teacher say --labelling random --labels intents {FAST}\nChoose."
    )
    assert re.search(r"no label for any of \d+ sampled rows", said)
    assert "answer is not one of the labels: 'hm'" in said


def test_a_bug_of_ours_keeps_its_traceback(shell, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("ours to fix")

    monkeypatch.setattr("tracer_nb.steps.certify.fit_surrogate", broken)
    for cell in (f"%%tracer df.text {TEACH} {FAST}\nChoose.", "%tracer fit"):
        ran = shell.try_run(cell)
        assert type(ran.error) is RuntimeError
        assert "Traceback" in ran.text
        assert "RuntimeError: ours to fix" in ran.text


def test_a_mistake_in_the_users_own_function_keeps_its_traceback(shell):
    shell.run("def features(texts): return 1 / 0")
    ran = shell.try_run(f"%%tracer df.text {TEACH} --features features --sample 150\nChoose.")
    assert type(ran.error) is ZeroDivisionError
    assert "def features" in ran.text


# --- completion -----------------------------------------------------------------------


OFFERS = {
    "%tracer ": {"plan", "label", "fit", "calibrate", "route", "panel", "batch", "store", "df"},
    "%tracer ca": {"calibrate"},
    "%tracer batch ": {"submit", "collect", "list", "cancel"},
    "%tracer store ex": {"export"},
    "%tracer plan ": {"df", "wide"},
    "%tracer plan d": {"df"},
    "%tracer plan df.": {"df.text", "df.n"},
    "%tracer plan df.te": {"df.text"},
    "%tracer plan wide.te": {"wide.text"},
    '%tracer plan df["te': {"text"},
    "%%tracer df.te": {"df.text"},
    "%%tracer w": {"wide"},
    "%%tracer df.text --max": {"--max-cost"},
    "%tracer plan df.text --la": {"--labels"},
    "%tracer plan df.text --surrogate ": {"auto", "kernel-ridge", "logistic"},
    "%tracer plan df.text --features l": {"lsa"},
    "%tracer plan df.text --teacher st": {
        "standin:support",
        "standin:banking77",
    },
    "%tracer plan df.text --teacher standin:s": {"support"},
    "%tracer plan df.text --teacher sa": {"say"},
    "%tracer plan nothing.": set(),
}


def test_completion_of_steps_options_frames_and_columns(shell):
    shell.run("def say(text): return text")
    shell["wide"] = pl.DataFrame({"text": ["a"], "other": ["b"]})
    completer = shell.ip.Completer
    completer.use_jedi = False  # it adds its own guesses, and a second to each
    for line, offers in OFFERS.items():
        with provisionalcompleter():
            matches = {c.text for c in completer.completions(line, len(line))}
        assert offers <= matches, line
        # Nothing that cannot stand there.
        assert not {"X", "intents", "In", "_"} & matches, line


def test_completion_in_the_first_line_of_a_cell(shell):
    cell = "%%tracer df.te\nChoose the df."
    with provisionalcompleter():
        found = {c.text for c in shell.ip.Completer.completions(cell, cell.index("\n"))}
    assert "df.text" in found


# --- loading --------------------------------------------------------------------------

LOADED = """
import sys
from IPython.core.interactiveshell import InteractiveShell
ip = InteractiveShell.instance()
ip.run_line_magic("load_ext", "tracer_nb")
heavy = {"sklearn", "altair", "openai", "pandas", "polars", "scipy", "ipywidgets", "xgboost"}
print(sorted(heavy & set(sys.modules)))
"""


def test_loading_the_extension_imports_nothing_heavy(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", LOADED],
        env={
            "PATH": "",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(Path(tracer_nb.__file__).parents[1]),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split("\n")[-2] == "[]"


def test_loading_again_keeps_working(shell):
    shell.run("%reload_ext tracer_nb")
    assert shell.run(f"%tracer plan df.text {TEACH}").startswith("600 rows")


def test_a_job_that_is_not_there_is_told_from_those_that_are(shell):
    assert "no job yet" in shell.complaint("%tracer panel --name neverheard")
    shell.run(f"%tracer plan df.text {TEACH}")
    for step in ("panel", "fit", "save a.tracer"):
        said = shell.complaint(f"%tracer {step} --name neverheard")
        assert said.endswith("no job 'neverheard'; there are: main")


# --- choices of the engine, and files -----------------------------------------------------------


def test_a_router_is_saved_loaded_and_used(shell, world, tmp_path):
    shell.run(f"%%tracer df.text {TEACH} {FAST} --output routed --no-ask\nChoose.")
    path = tmp_path / "intents.tracer"
    assert f"Saved to {path}" in shell.run(f"%tracer save {path}")
    asked = len(world.asked)
    out = shell.run(f"%tracer load '{path}' --name other")
    assert out.startswith("Router for teach, 3 labels, saved ")
    assert "With 95 % confidence, on at least 92 % of the rows that it answers" in out
    assert shell.run("%tracer panel --name other") == out
    # The job was fitted on a matrix of its own, which a file does not hold.
    complaint = shell.complaint("%tracer route df.text --name other --output again")
    assert "fitted on features of your own" in complaint
    assert len(world.asked) == asked


def test_a_loaded_router_routes_a_column(shell, tmp_path):
    shell.run("from tracer_nb.datasets import load\nmessages = load('support').head(700)")
    shell.run("recorded = dict(zip(messages.text, messages.label))")
    shell.run(
        "%tracer run messages.text --teacher recorded --labelling random --target 0.5 --confidence 0.9 --sample 400 "
        "--surrogate kernel-ridge --output routed"
    )
    path = tmp_path / "intents.tracer"
    shell.run(f"%tracer save {path}")
    shell.run("new = load('support').iloc[3000:3100]")
    shell.run(f"%tracer load {path}")
    out = shell.run("%tracer route new.text --output more")
    assert out.startswith("Of 100 rows: ")
    assert list(shell["more"].columns[:2]) == ["text", "label"] or "label_source" in shell["more"]
    assert (shell["more"]["label_source"] == "surrogate").any()


def test_a_loaded_router_keeps_the_caps_of_its_line(shell, tmp_path):
    # Labels that no text shows: nothing is certified, so every row is deferred.
    shell["chance"] = [f"order {i}" for i in range(300)]
    shell["asked"] = []
    shell.run(
        "from zlib import crc32\n"
        "def say(text):\n    asked.append(text)\n    return intents[crc32(text.encode()) % 3]"
    )
    shell.run(
        f"%tracer run chance --teacher say --labelling random --labels intents {FAST} --features lsa --no-ask"
    )
    path = tmp_path / "chance.tracer"
    shell.run(f"%tracer save {path}")
    shell["asked"].clear()
    shell["more"] = [f"parcel {i}" for i in range(20)]
    shell.run(f"%tracer load {path} --teacher say")
    shell.run("%tracer route more --ask --max-rows 3")
    assert len(shell["asked"]) == 3
    assert "max_tokens needs a teacher" in shell.complaint(
        "%tracer route more --ask --max-tokens 9"
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--target 0.8,0.9", "All targets hold together: at 80 % the surrogate answers "),
        ("--certificate cross-fit", "cross-fit: verified by simulation, not proved."),
        ("--certificate per-class --target 0.7", "The same holds for each of the 3 labels"),
        ("--strategy fixed-threshold --threshold 0.5", "(column certificate, your threshold)"),
        ("--surrogate logistic", "logistic on matrix features"),
        ("--surrogate kernel-ridge,logistic", "on matrix features"),
    ],
)
def test_choices_of_the_engine(shell, options, says):
    sample = "" if "--sample" in options else "--sample 300"
    out = shell.run(f"%%tracer df.text {TEACH} --features X {sample} {options} --no-ask\nChoose.")
    assert says in out


def test_a_classifier_of_the_notebook_s_own(shell):
    shell.run("from sklearn.neighbors import KNeighborsClassifier\nmine = KNeighborsClassifier(5)")
    out = shell.run(
        f"%%tracer df.text {TEACH} --features X --sample 300 --surrogate mine --no-ask\nChoose."
    )
    assert "KNeighborsClassifier on matrix features" in out


def test_one_of_several_targets_is_chosen_afterwards(shell):
    shell.run(
        f"%%tracer df.text {TEACH} --features X --sample 300 --target 0.8,0.9 --no-ask\nChoose."
    )
    out = shell.run("%tracer route --at 0.9 --no-ask --output routed")
    assert "on at least 90 % of these" in out
    assert "was not certified; there are: 0.8, 0.9" in shell.complaint("%tracer route --at 0.85")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("%tracer save", "name a file: %tracer save intents.tracer"),
        ("%tracer save x.tracer", "nothing to save yet"),
        ("%tracer load nowhere.tracer", "nowhere.tracer"),
    ],
)
def test_files_that_are_not_there(shell, line, says):
    assert says in shell.complaint(line)


def test_stored_answers_are_listed_compared_and_written(shell, tmp_path):
    assert "set  teacher" in shell.run("%tracer store list")
    shell.run(f"%tracer label df.text {TEACH} {FAST}")
    shell.run("def other(text): return 'login'")
    shell.run(
        "%tracer label df.text --teacher other --labelling random --labels intents --name two --sample 130"
    )
    out = shell.run("%tracer store list")
    assert "teach " in out
    assert "other " in out
    assert "2 sets, 280 answers, unknown cost, in " in out
    keys = [line.split()[0] for line in out.splitlines()[1:3]]
    out = shell.run(f"%tracer store list {keys[0]}")
    assert out.startswith("began ")
    assert "1 run, unknown cost." in out
    out = shell.run(f"%tracer store compare {' '.join(keys)}")
    assert " agree on " in out.splitlines()[0]
    assert " of 130 texts that both labelled" in out.splitlines()[0]
    assert "95 % interval " in out.splitlines()[0]
    assert "Cost of these texts" not in out  # nobody knows what a function costs
    assert "Most frequent differences: " in out
    path = tmp_path / "answers.csv"
    assert shell.run(f"%tracer store export {path}").startswith("280 answers written to ")
    assert len(path.read_text().splitlines()) == 281
    assert "name two sets" in shell.complaint("%tracer store compare one")
    assert "no set of answers 'nope'" in shell.complaint(f"%tracer store compare nope {keys[0]}")
    assert ".csv or .parquet" in shell.complaint("%tracer store export answers.txt")


def test_a_file_of_labels_may_say_what_they_mean(shell, tmp_path):
    path = tmp_path / "intents.txt"
    path.write_text("login\tcannot sign in\nparcel\nrefund\twants money back\n")
    shell.run(f"%tracer label df.text --teacher teach --labelling random --labels {path} {FAST}")
    shell.run("meanings = dict.fromkeys(['login', 'parcel', 'refund'], 'what it means')")
    assert "150 answers stored already" in shell.run(
        f"%tracer plan df.text --teacher teach --labelling random --labels meanings {FAST} --name other"
    )
