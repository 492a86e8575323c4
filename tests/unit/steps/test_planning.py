import math

import numpy as np
import pytest
from scipy.stats import hypergeom

from tracer_nb import Tracer
from tracer_nb.engine.bounds import fewest_handled
from tracer_nb.errors import InvalidInput, NotEnoughData
from tracer_nb.records import Answer, Caps, RejectOption, Superseded
from tracer_nb.steps.column.frames import read_texts
from tracer_nb.steps.label.asker import Past
from tracer_nb.steps.label.fewest import fewest_labels
from tracer_nb.steps.label.plan import check_job, check_sample, make_plan
from tracer_nb.store.experience import Experience
from tracer_nb.teachers import FunctionTeacher, Price, ReplayTeacher, make_teacher
from tracer_nb.words import money, plan_lines

LABELS = ("a", "b")
COLUMN = read_texts([*(f"text {i}" for i in range(300)), None, "text 0"])


def plan(teacher, sampled=("text 0", "text 1"), stored=None, past=None, **job):
    caps = Caps(**{name: job.pop(name) for name in Caps.__slots__ if name in job})
    job = {"n_sample": 200, "target": 0.92, "confidence": 0.95, "caps": caps, **job}
    job = {"reject": RejectOption(), "guard": 0.002, **job}
    job.setdefault("fewest", fewest_labels(job["target"], job["confidence"], 301))
    return make_plan(teacher, COLUMN, sampled, stored or {}, past or Past(), **job)


def chat(**options):
    return make_teacher("openai:m", LABELS, "Choose.", base_url="http://localhost:1/v1", **options)


def test_fewest_labels_leave_enough_rows_to_test():
    # 0.92^n <= 0.05 from n = 36 on; 36 rows are 30 % of 120.
    assert fewest_handled(0.92, 0.95) == 36 == math.ceil(math.log(0.05) / math.log(0.92))
    assert fewest_labels(0.92, 0.95) == 120
    assert fewest_labels(0.99, 0.95) > fewest_labels(0.95, 0.95) > fewest_labels(0.95, 0.9)


@pytest.mark.parametrize(
    "sample", [0, -1, 2.5, math.nan, math.inf, True, "many", None, [5], np.float64(0.5)]
)
def test_a_sample_is_a_positive_whole_number(sample):
    with pytest.raises(InvalidInput, match="sample must be a positive whole number of rows, got"):
        check_sample(sample)


@pytest.mark.parametrize("sample", [200, 200.0, np.int64(200), np.float32(200)])
def test_a_sample_of_any_numeric_type(sample):
    drawn = check_sample(sample)
    assert (drawn, type(drawn)) == (200, int)


def test_a_sample_is_at_most_all_rows_with_text():
    assert check_job(COLUMN, LABELS, 200, fewest=0) == 200
    assert check_job(COLUMN, LABELS, 10_000, fewest=0) == 301


def test_more_labels_than_rows_with_text():
    labels = [f"label {i}" for i in range(302)]
    check_job(COLUMN, labels[:301], 200, fewest=0)
    with pytest.raises(InvalidInput, match="302 labels but only 301 rows with text"):
        check_job(COLUMN, labels, 200, fewest=0)


def test_a_target_that_the_rows_cannot_support():
    with pytest.raises(NotEnoughData, match=r"100 labelled rows .* sample at least 120, or lower"):
        check_job(COLUMN, LABELS, 100, fewest=120)
    with pytest.raises(
        NotEnoughData, match=r"301 labelled rows .* ask the teacher about every row"
    ):
        check_job(COLUMN, LABELS, 2000, fewest=302)
    assert check_job(COLUMN, LABELS, 120, fewest=120) == 120


def test_a_known_column_needs_fewer_labels():
    """The first sample whose test passes when every calibration row agrees, not one less."""
    for n_rows in (150, 301, 5000):
        fewest = fewest_labels(0.92, 0.95, n_rows)

        def p(n, n_rows=n_rows):
            n_fit = n * 7 // 10
            rest = n_rows - n_fit
            return hypergeom.cdf(0, rest, math.floor(0.08 * rest + 1e-9) + 1, n - n_fit)

        assert p(fewest) <= 0.05 < p(fewest - 1)
    assert fewest_labels(0.92, 0.95, 150) < fewest_labels(0.92, 0.95, 5000) <= 120
    # Of few rows nearly all must be seen; of none at all, no number of labels is enough.
    assert fewest_labels(0.999, 0.95, 100) == 99
    assert fewest_labels(0.92, 0.95, 1) == fewest_labels(0.92, 0.95)


def test_a_plan_counts_texts_and_what_is_stored():
    p = plan(chat(), sampled=["text 0", "text 1", "text 2"], stored={"text 1": Answer("a")})
    assert (p.n_rows, p.n_texts, p.n_unique, p.n_sample) == (302, 301, 300, 200)
    assert (p.n_ask, p.n_stored) == (2, 1)
    assert (p.teacher, p.fewest_labels, p.target, p.confidence) == ("m", 105, 0.92, 0.95)


def test_a_plan_prices_the_texts_to_ask():
    teacher = chat(price=Price(1.0, 2.0))
    sampled = ["text 0", "text 1", "text 2"]
    p = plan(teacher, sampled, stored={"text 0": Answer("a")}, max_cost=4.0)
    prompt, completion, dollars = teacher.cost_estimate("text 1")
    assert (p.prompt_tokens, p.completion_tokens) == (2 * prompt, 2 * completion)
    assert p.cost == pytest.approx(2 * dollars)
    assert p.cost_all == pytest.approx(300 * dollars)
    assert p.cost_low < p.cost < p.cost_high
    assert p.max_cost == 4.0
    assert p.price_source == "$1 in, $2 out per million tokens (given)"


def test_nothing_to_ask_costs_nothing():
    teacher = chat(price=Price(1.0, 2.0))
    p = plan(teacher, ["text 0"], stored={"text 0": Answer("a")})
    assert (p.n_ask, p.prompt_tokens, p.cost, p.cost_low, p.cost_high) == (0, 0, 0, 0, 0)
    assert p.cost_all > 0


def test_an_unknown_price_stays_unknown():
    p = plan(chat())
    assert (p.cost, p.cost_low, p.cost_high, p.cost_all) == (None,) * 4
    assert p.price_source == "unknown"
    assert p.prompt_tokens > 0


def test_a_cap_without_a_price_is_refused_before_anything_is_asked():
    with pytest.raises(InvalidInput, match="that of m is unknown; give price as IN,OUT"):
        plan(chat(), max_cost=4.0)


def test_caps_are_told():
    p = plan(chat(), max_tokens=50_000, max_rows=300)
    assert (p.max_cost, p.max_tokens, p.max_rows) == (None, 50_000, 300)


def test_a_cap_on_tokens_needs_a_teacher_that_counts_them():
    with pytest.raises(InvalidInput, match="max_tokens needs a teacher that counts tokens, and t"):
        plan(FunctionTeacher(str, LABELS, name="t"), max_tokens=50_000)
    assert plan(FunctionTeacher(str, LABELS, cost=0), max_tokens=50_000).max_tokens == 50_000


def test_a_function_with_a_known_cost():
    p = plan(FunctionTeacher(str, LABELS, cost=0.01), max_cost=1.0)
    assert (p.cost, p.cost_all) == (pytest.approx(0.02), pytest.approx(3.0))
    free = plan(FunctionTeacher(str, LABELS, cost=0))
    assert (free.cost, free.price_source) == (0, "none needed")


def learned(**changes):
    """What twenty answers and more have told: 100 tokens and half of one per byte."""
    values = {
        "n_answers": 512,
        "size": 20.0,
        "size_variance": 25.0,
        "prompt": 110.0,
        "slope": 0.5,
        "prompt_variance": 16.0,
        "completion": 6.0,
        "completion_variance": 1.0,
    }
    return Past(Experience(**{**values, **changes}))


def test_stored_answers_tell_what_others_take():
    teacher = chat(price=Price(1.0, 2.0))
    sampled = [f"text {i}" for i in range(10)]  # 6 bytes each: 103 tokens
    p = plan(teacher, sampled, stored={"text 0": Answer("a")}, past=learned())
    assert (p.prompt_tokens, p.completion_tokens) == (9 * 103, 9 * 6)
    assert p.cost == pytest.approx((9 * 103 + 2 * 9 * 6) / 1e6)
    assert p.cost_all == pytest.approx(300 * p.cost / 9)
    assert p.token_source == "by the server's own count of 512 stored answers"
    # Two standard deviations of both sums, by hand.
    prompt = 9 * math.sqrt(16 * (1 / 512 + 1 / 9) + 16 * 14**2 / (512 * 25))
    completion = 9 * math.sqrt(1 / 512 + 1 / 9)
    assert p.cost_high - p.cost == pytest.approx(2 * (prompt + 2 * completion) / 1e6)
    assert p.cost - p.cost_low == pytest.approx(2 * (prompt + 2 * completion) / 1e6)


def test_the_spread_narrows_with_texts_and_never_goes_below_nothing():
    teacher = chat(price=Price(1.0, 2.0))
    wide, narrow = (
        plan(teacher, [f"text {i}" for i in range(n)], past=learned()) for n in (4, 400)
    )
    assert narrow.cost_high / narrow.cost < wide.cost_high / wide.cost
    wild = plan(teacher, ["text 0"], past=learned(prompt_variance=1e6))
    assert wild.cost_low >= 0


def test_nothing_to_ask_costs_nothing_with_experience_either():
    p = plan(chat(price=Price(1.0, 2.0)), ["text 0"], {"text 0": Answer("a")}, learned())
    assert (p.prompt_tokens, p.completion_tokens, p.cost, p.cost_low, p.cost_high) == (0,) * 5
    assert p.cost_all > 0


def test_another_prompt_tells_of_the_answers_alone():
    teacher = chat(price=Price(1.0, 2.0))
    p = plan(teacher, past=learned(same_prompt=False))
    prompt, _, _ = teacher.cost_estimate("text 0")
    assert (p.prompt_tokens, p.completion_tokens) == (2 * prompt, 12)
    assert p.cost == pytest.approx((2 * prompt + 2 * 12) / 1e6)
    assert (p.cost_low, p.cost_high) == pytest.approx((p.cost * 4 / 5, p.cost * 4 / 3))
    assert p.token_source == (
        "prompts estimated at 4 characters a token, spread 3 to 5; answers by the server's count "
        "of 512 stored ones to another prompt"
    )


def test_learned_tokens_at_an_unknown_price_cost_nobody_knows_what():
    p = plan(chat(), past=learned())
    assert (p.cost, p.cost_low, p.cost_high, p.cost_all) == (None,) * 4
    assert p.prompt_tokens == 206


def test_a_teacher_with_a_way_of_charging_of_its_own_is_asked_for_it():
    p = plan(FunctionTeacher(str, LABELS, cost=0.01), past=learned())
    assert p.cost == p.cost_low == p.cost_high == pytest.approx(0.02)


def test_the_time_is_that_of_the_last_run():
    assert plan(chat()).seconds is None
    p = plan(chat(), past=Past(Experience(rate=4.0)))
    assert (p.seconds, p.time_source) == (0.5, "as in the last run")


def test_the_time_of_a_stand_in_is_no_promise():
    class Simulated(FunctionTeacher):
        simulated = True

    p = plan(Simulated(str, LABELS, cost=0.01), past=Past(Experience(rate=4.0)))
    assert p.time_source == "as in the last run, with a stand-in: a model takes its own time"


def test_a_plan_tells_of_answers_that_do_not_apply():
    old = Superseded(3, ("prompt",))
    assert plan(chat(), past=Past(superseded=old)).superseded == old


def test_texts_in_a_batch_are_not_asked_about_again():
    teacher = chat(price=Price(1.0, 2.0))
    whole = plan(teacher)
    p = plan(teacher, past=Past(waiting=frozenset({"text 1"})))
    assert (whole.n_ask, p.n_ask, p.n_waiting) == (2, 1, 1)
    assert p.cost == pytest.approx(whole.cost / 2)
    assert "; 1 text in a batch already, see %tracer batch collect." in plan_lines(p)[1]
    assert "in a batch" not in "".join(plan_lines(whole))


def test_a_plan_tells_what_a_batch_would_cost():
    p = plan(chat(price=Price(100.0, 200.0), batch_price=Price(50.0, 100.0)))
    assert p.batch_cost == pytest.approx(p.cost / 2)
    assert f", in a batch about {money(p.batch_cost)};" in "".join(plan_lines(p))
    assert plan(chat(price=Price(1.0, 2.0))).batch_cost is None


def test_a_large_job_is_priced_from_a_part_of_it():
    asked = []

    class Counted(FunctionTeacher):
        def cost_estimate(self, text):
            asked.append(text)
            return 10, 1, 0.01

    texts = [f"text {i}" for i in range(20_000)]
    p = plan(Counted(str, LABELS, cost=0.01), texts)
    assert len(asked) == 5000
    assert p.cost == pytest.approx(200.0)
    assert p.prompt_tokens == 200_000


def test_one_row_is_one_row(world):
    with pytest.raises(InvalidInput, match="3 labels but only 1 row with text"):
        Tracer(world.teach, world.labels, store=":memory:").plan(["parcel"])
    with pytest.raises(NotEnoughData, match=r"^1 labelled row cannot certify"):
        Tracer(world.teach, world.labels, store=":memory:", labelling="random").run(
            world.texts, sample=1
        )
    with pytest.raises(NotEnoughData, match=r"^sample 1: nothing can be fitted on so few rows"):
        Tracer(world.teach, world.labels, store=":memory:").run(world.texts, sample=1)
    assert not world.asked


@pytest.mark.parametrize(
    ("teacher", "says"),
    [
        (FunctionTeacher(str, LABELS, cost=0.0), "Time unknown until the first answers."),
        (chat(price=Price(0.0, 0.0)), "Time unknown until the first answers."),
        (ReplayTeacher({"text 0": "a", "text 1": "b"}), None),
    ],
)
def test_the_time_is_a_cost_of_what_costs_no_dollars(teacher, says):
    lines = plan_lines(plan(teacher))
    assert says in lines if says else not any(line.startswith("Time") for line in lines)
