"""Records in plain sentences: the same words in cards, status lines, plans and scripts."""

from __future__ import annotations

from tracer_nb.words.batches import (
    batch_sentence,
    collected_lines,
    submit_plan_lines,
    submitted_lines,
    waiting_sentence,
)
from tracer_nb.words.certificates import (
    certificate_sentence,
    choices_sentence,
    curve_sentence,
    evidence_sentence,
    promise_sentence,
    saved_lines,
    scan_lines,
)
from tracer_nb.words.differences import difference_lines, difference_tables
from tracer_nb.words.figures import (
    aligned,
    beginning,
    count,
    duration,
    level,
    limits,
    moment,
    money,
    percent,
    rounded_down,
    speed,
)
from tracer_nb.words.gains import gain_rows
from tracer_nb.words.gaps import (
    budget_lines,
    gap_lines,
    gap_tables,
    lost_sentences,
    pair_lines,
    slice_rows,
    suspect_rows,
)
from tracer_nb.words.labelling import (
    comparison_lines,
    label_lines,
    missing_sentence,
    progress_line,
    spent_sentence,
    stopped_sentence,
    written_lines,
)
from tracer_nb.words.panels import pair_rows, selection_sentence, target_rows, target_sentence
from tracer_nb.words.plans import models_sentence, plan_lines, superseded_sentence
from tracer_nb.words.reasks import reask_lines, reask_plan_lines
from tracer_nb.words.reports import (
    abstained_sentence,
    money_sentence,
    outcome_sentences,
    report_facts,
    report_lines,
    rows_sentence,
    sample_sentence,
)
from tracer_nb.words.reviews import revealed_sentence, review_line, review_lines
from tracer_nb.words.updates import update_lines, update_rows, update_sentence
from tracer_nb.words.watches import alarm_sentence, watch_lines

__all__ = [
    "abstained_sentence",
    "alarm_sentence",
    "aligned",
    "batch_sentence",
    "beginning",
    "budget_lines",
    "certificate_sentence",
    "choices_sentence",
    "collected_lines",
    "comparison_lines",
    "count",
    "curve_sentence",
    "difference_lines",
    "difference_tables",
    "duration",
    "evidence_sentence",
    "gain_rows",
    "gap_lines",
    "gap_tables",
    "label_lines",
    "level",
    "limits",
    "lost_sentences",
    "missing_sentence",
    "models_sentence",
    "moment",
    "money",
    "money_sentence",
    "outcome_sentences",
    "pair_lines",
    "pair_rows",
    "percent",
    "plan_lines",
    "progress_line",
    "promise_sentence",
    "reask_lines",
    "reask_plan_lines",
    "report_facts",
    "report_lines",
    "revealed_sentence",
    "review_line",
    "review_lines",
    "rounded_down",
    "rows_sentence",
    "sample_sentence",
    "saved_lines",
    "scan_lines",
    "selection_sentence",
    "slice_rows",
    "speed",
    "spent_sentence",
    "stopped_sentence",
    "submit_plan_lines",
    "submitted_lines",
    "superseded_sentence",
    "suspect_rows",
    "target_rows",
    "target_sentence",
    "update_lines",
    "update_rows",
    "update_sentence",
    "waiting_sentence",
    "watch_lines",
    "written_lines",
]
