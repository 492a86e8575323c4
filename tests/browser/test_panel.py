"""The panel in a real notebook: what the page shows, and what the kernel says to it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.jupyter import Notebook

from .conftest import open_page, slow

pytestmark = pytest.mark.browser

STANDIN = "--target 0.8"


def line(name, *, sample=300, latency=0.01, concurrency=8, more=""):
    return (
        f"df.text --teacher {slow(latency, concurrency)} {STANDIN} --labelling random --name {name} --store {name}.sqlite --output {name} --no-ask "
        f"--sample {sample} {more}"
    )


def job(notebook, name, attribute):
    """What the kernel has for a job."""
    jobs = "get_ipython().find_line_magic('tracer').__self__.jobs"
    return notebook.value(f"(lambda job: job.{attribute})({jobs}[{name!r}])")


def moment(notebook, name):
    """State, run and number of texts asked."""
    m = "session.moment"
    return [
        job(notebook, name, f"{m}.state"),
        job(notebook, name, f"{m}.run"),
        job(notebook, name, f"{m}.report.spending.asked"),
    ]


def chart(panel, name):
    return panel.get_by_role("img", name=name, exact=True).locator("svg.marks")


FRONTIER = "Agreement with the teacher against coverage"


def state(panel, what):
    expect(panel.locator(f".tracer-state[data-state={what}]")).to_be_visible(timeout=60_000)


def test_a_run_shows_live_and_stays(lab, shot):
    cell = lab.begin(f"%tracer run {line('one', latency=0.2)}")
    panel = cell.locator(".tracer-panel")
    state(panel, "running")
    expect(panel.locator(".tracer-line")).to_contain_text("a second", timeout=60_000)
    shot(panel, "running")
    state(panel, "done")
    expect(panel.locator(".tracer-promise")).to_contain_text("With 95 % confidence")
    expect(chart(panel, FRONTIER)).to_be_visible()
    # The same as plain HTML is there, and hidden as long as the panel lives.
    expect(cell.locator("[data-tracer-static] .tracer-card")).to_be_hidden()
    shot(panel, "done")
    card = panel.locator("details").filter(has_text="Model card")
    expect(card.locator("pre")).to_be_hidden()
    card.locator("summary").click()
    expect(card.locator("pre")).to_contain_text("# Model card: surrogate for the stand-in")
    expect(card.locator("pre")).to_contain_text("What is not promised")
    shot(panel, "card")
    assert moment(lab, "one") == ["done", 1, 300]
    assert lab.value("len(one)") == lab.value("len(df)")
    assert lab.page.problems == []


def test_the_target_is_moved_and_the_threshold_too(lab, shot):
    panel = lab.run("%tracer panel --name one").locator(".tracer-panel")
    target = panel.get_by_label("Target", exact=True)
    words = panel.locator(".tracer-control [role=status]").first
    expect(words).to_contain_text("Certified at 80 %")
    target.focus()
    for _ in range(5):
        lab.page.keyboard.press("ArrowRight")
    expect(words).to_contain_text("Estimate at 85 %, not certified")
    expect(chart(panel, FRONTIER)).to_contain_text("looked at: 85 %")
    expect(chart(panel, FRONTIER)).to_contain_text("target 80 %")
    expect(chart(panel, FRONTIER)).to_contain_text("certified at 80 %")
    expect(panel.get_by_role("button", name="Use this target")).to_be_visible()
    panel.get_by_label("Threshold by hand").focus()
    lab.page.keyboard.press("End")
    expect(panel.locator(".tracer-control")).to_contain_text("By hand, not certified")
    expect(chart(panel, FRONTIER)).to_contain_text("not certified")
    shot(panel, "target")
    panel.get_by_role("button", name="Use this target").click()
    expect(panel.locator(".tracer-promise")).to_have_text("Nothing is labelled yet.")
    assert job(lab, "one", "tracer.target") == 0.85
    panel.get_by_role("button", name="Start").click()
    state(panel, "done")
    expect(panel.locator(".tracer-meaning")).to_contain_text("2 certificates were made on rows")
    # Every answer was stored: none was paid again.
    assert moment(lab, "one")[2] == 0


def test_a_click_on_a_gap_shows_its_rows(lab, shot):
    panel = lab.run("%tracer panel --name one").locator(".tracer-panel")
    panel.get_by_role("tab", name="Gaps").click()
    shot(panel, "gaps")
    unfold(panel)
    confusion = job(lab, "one", "session.moment.findings.confusion.counts.tolist()")
    labels = job(lab, "one", "session.moment.findings.confusion.labels")
    i, j = next(
        (i, j) for i, row in enumerate(confusion) for j, n in enumerate(row) if n and i != j
    )
    click_cell(panel, labels[i], labels[j])
    rows = panel.get_by_role("region", name="Rows")
    title = rows.get_by_role("heading")
    n = confusion[i][j]
    expect(title).to_contain_text(f"{n} row")
    expect(title).to_contain_text(f"teacher says {labels[i]}, surrogate says {labels[j]}")
    expect(rows.get_by_role("listitem")).to_have_count(n)
    shot(panel, "rows")
    first = rows.get_by_role("listitem").first
    first.get_by_label("Right label of row").fill(labels[j])
    first.get_by_role("button", name="Relabel").click()
    expect(first).to_contain_text(f"Kept as a review: {labels[j]}")
    text = first.locator(".tracer-text").text_content()
    assert [text, labels[j]] in job(lab, "one", "tracer.reviews")
    press = first.get_by_role("button", name="Send to review")
    press.click()
    expect(first).to_contain_text("1 row waits in the review")
    # It takes place above the rows; keys go to it, and back to the button when it is closed.
    review = rows.get_by_role("group", name="Review of labels")
    expect(review).to_be_focused()
    expect(review).to_be_in_viewport()
    expect(review.locator(".tracer-line")).to_contain_text("of 1")
    shot(panel, "rows_review")
    lab.page.keyboard.press("q")
    expect(review).to_have_count(0)
    expect(press).to_be_focused()
    rows.get_by_label("Text holds").fill("refund")
    expect(title).to_contain_text("with “refund”")


def unfold(panel):
    """Open all parts of the gaps."""
    parts = panel.locator("details.tracer-part")
    expect(parts.first).to_be_attached()
    parts.evaluate_all("(all) => all.forEach((part) => { part.open = true; })")


def click_cell(panel, teacher, surrogate):
    # The number stands on top of its cell.
    chart(panel, "The teacher's labels against the surrogate's").locator(
        f"text[aria-label*='teacher: {teacher}; surrogate: {surrogate};']"
    ).click()


# A chart has the width of its place, and its words are inside of it.
DRAWN_IN_PLACE = """(chart) => {
  const place = chart.getBoundingClientRect();
  const picture = chart.querySelector('svg').getBoundingClientRect();
  return Math.abs(picture.width - place.width) < 2 &&
    [...chart.querySelectorAll('text')].every(
      (text) => text.getBoundingClientRect().right <= place.right + 1);
}"""


def test_a_click_on_a_slice_shows_its_rows(lab, shot):
    # Of one product the answers have nothing to do with the text.
    lab.run(
        "odd = df.assign(product=['printer' if i % 4 else 'phone' for i in range(len(df))])\n"
        "names = [l if i % 4 else intents[i // 4 * 5 % 14] for i, l in enumerate(odd.label)]\n"
        "sliced = dict(zip(odd.text, names))"
    )
    panel = lab.run(
        "%tracer run odd.text --teacher sliced --labelling random --target 0.6 --sample 800 --name sliced"
    ).locator(".tracer-panel")
    state(panel, "done")
    panel.get_by_role("tab", name="Gaps").click()
    # Nobody has looked for them before.
    expect(panel.locator(".tracer-finding").first).to_be_visible(timeout=60_000)
    unfold(panel)
    slices = chart(panel, "Agreement in groups of rows against elsewhere")
    expect(slices).to_contain_text("column: product = phone", timeout=60_000)
    expect(chart(panel, "Rows that the surrogate answers, and why not the others")).to_contain_text(
        "lost to ranking"
    )
    shot(panel, "slices")
    lab.page.set_viewport_size({"width": 800, "height": 2600})
    lost = panel.get_by_role("img", name="Rows that the surrogate answers, and why not the others")
    lab.page.wait_for_function(DRAWN_IN_PLACE, arg=lost.element_handle())
    panel.screenshot(path=shot.path("slices_narrow"))
    lab.page.set_viewport_size({"width": 1100, "height": 1000})
    lab.page.wait_for_function(DRAWN_IN_PLACE, arg=lost.element_handle())
    slices.locator("path[aria-label*='product = phone'][aria-roledescription='point']").click()
    rows = panel.get_by_role("region", name="Rows")
    expect(rows.get_by_role("heading")).to_contain_text("column: product = phone")
    expect(rows.get_by_role("listitem")).to_have_count(20)
    # A suspect is shown among the rows, and sent to review from its table.
    table = panel.get_by_role("table").filter(has_text="surrogate says")
    line = table.get_by_role("row").nth(1)
    number = line.get_by_role("cell").first.text_content()
    line.get_by_role("button", name="Show").click()
    expect(rows.get_by_role("heading")).to_contain_text(f"row {number}")
    line.get_by_role("button", name="review").click()
    expect(rows.get_by_role("group", name="Review of labels")).to_be_focused()
    shot(panel, "slice_rows")
    assert lab.page.problems == []


def test_a_review_takes_place_in_the_panel(lab, shot):
    at = lab.add("%tracer panel --name one")
    lab.ran(at)
    panel = lab.cell(at).locator(".tracer-panel")
    before = len(job(lab, "one", "tracer.reviews"))
    panel.get_by_role("button", name="Review, ").click()
    review = panel.get_by_role("group", name="Review of labels")
    expect(review).to_be_focused()
    expect(review).to_be_in_viewport()
    line = review.locator(".tracer-line")
    # Keys answer, as below a cell of its own.
    n = int(line.text_content().split()[0])
    lab.page.keyboard.press("2")
    expect(line).to_contain_text(f"{n + 1} of 50")
    expect(review).to_be_focused()
    lab.page.keyboard.press("s")
    expect(line).to_contain_text(f"{n + 2} of 50")
    shot(panel, "review")
    assert len(job(lab, "one", "tracer.reviews")) == before + 1
    close = panel.get_by_role("button", name="Close the review")
    close.click()
    expect(review).to_have_count(0)
    again = panel.get_by_role("button", name=f"Review, {48 - n} rows wait")
    again.click()
    expect(line).to_contain_text(f"{n + 2} of 50")
    lab.page.keyboard.press("q")
    expect(review).to_have_count(0)
    expect(again).to_be_focused()
    assert lab.page.problems == []
    lab.do("notebook:delete-cell", at)  # fewer panels for a reloaded page to draw


def test_an_audit_shows_in_the_panel(lab, shot):
    panel = lab.run(f"%tracer run {line('audited', sample=400)}").locator(".tracer-panel")
    state(panel, "done")
    panel.get_by_role("tab", name="Audit").click()
    expect(panel).to_contain_text("No text is audited yet")
    magic = panel.locator(".tracer-magic").text_content()
    assert magic == "%tracer audit --rate 0.05 --max-rows 200 --name audited"
    shot(panel, "audit_before")
    lab.run(magic)
    audits = chart(panel, "Agreement on audited texts over the number of audits")
    expect(audits).to_contain_text("audits agree")
    expect(panel).to_contain_text("Calm: ")
    shot(panel, "audit")
    # The same at a press, with its price; what was audited is not audited again.
    panel.get_by_role("button", name="Audit about").click()
    state(panel, "done")
    panel.get_by_role("tab", name="Overview").click()
    panel.get_by_role("button", name="Rows as CSV").click()
    expect(panel.locator(".tracer-steps")).to_contain_text("are in routed.csv")
    panel.get_by_role("button", name="Save the router").click()
    expect(panel.locator(".tracer-steps")).to_contain_text("are in router.tracer")
    assert (lab.server.folder / "router.tracer").exists()
    with lab.page.expect_download() as saved:
        panel.get_by_role("button", name=f"Save as SVG: {FRONTIER}").click()
    assert saved.value.suggested_filename.endswith(".svg")
    # What the audits said is learned at a press, too.
    update = panel.get_by_role("button", name="Update with")
    update.scroll_into_view_if_needed()
    shot(panel, "update_before")
    update.click()
    expect(panel.locator(".tracer-steps")).to_contain_text("fresh row", timeout=60_000)
    state(panel, "done")
    shot(panel, "update")
    assert lab.page.problems == []


def test_the_map_is_drawn_when_its_tab_is_opened(lab, shot):
    panel = lab.run("%tracer panel --name one").locator(".tracer-panel")
    panel.get_by_role("tab", name="Map").click()
    canvas = panel.get_by_role("img", name="Texts of the column as points").locator("canvas")
    expect(canvas).to_be_visible(timeout=180_000)  # seconds on a quiet machine
    expect(panel.locator(".tracer-legend")).to_contain_text("disagree")
    shot(panel, "map")
    panel.get_by_label("Colour", exact=True).select_option("label")
    canvas.hover()
    box = canvas.bounding_box()
    mouse, left, top = lab.page.mouse, box["x"], box["y"]
    rows = panel.get_by_role("region", name="Rows")
    # Around everything.
    corners = [(2, 2), (box["width"] - 2, 2), (box["width"] - 2, 456), (2, 456)]
    mouse.move(left + 2, top + 2)
    mouse.down()
    for x, y in corners:
        mouse.move(left + x, top + y, steps=3)
    mouse.up()
    expect(rows.get_by_role("heading")).to_contain_text("inside the line on the map")
    expect(rows.get_by_role("listitem")).to_have_count(20)
    # A text in the crowd: at rest it says itself, a click shows its row. The page has moved to the rows.
    canvas.hover()  # waits until it stands still
    box = canvas.bounding_box()
    left, top = box["x"], box["y"]
    tip = panel.locator(".tracer-tip")
    for x in range(int(box["width"] * 0.15), int(box["width"] * 0.9), 3):
        mouse.move(left + x, top + 230)
        # The page hears of a move with its next picture: what stands there until then is of the last.
        lab.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        if tip.is_visible():
            break
    expect(tip).to_contain_text("teacher:")
    mouse.down()
    mouse.up()
    expect(rows.get_by_role("listitem")).to_have_count(1)
    shot(panel, "map_by_label")


def test_tabs_are_reached_by_keys_and_settings_say_their_line(lab, shot):
    panel = lab.run("%tracer panel --name one").locator(".tracer-panel")
    before = job(lab, "one", "tracer.target")
    panel.get_by_role("tab", name="Overview").focus()
    lab.page.keyboard.press("End")
    expect(panel.get_by_role("tab", name="Settings")).to_be_focused()
    line = panel.locator(".tracer-code:not(.tracer-card-text)")
    expect(line).to_contain_text("%tracer run df.text --teacher standin")
    field = panel.get_by_label("--target", exact=True)
    field.fill("0.75")
    expect(line).to_contain_text("--target 0.75")
    # A draft changes nothing.
    assert job(lab, "one", "tracer.target") == before
    field.fill("seven")
    panel.get_by_role("button", name="Apply").click()
    problem = panel.locator(".tracer-settings [role=alert]")
    expect(problem).to_contain_text("must be a fraction")
    lab.page.wait_for_timeout(600)  # longer than the page waits before it sends a draft
    expect(problem).to_contain_text("must be a fraction")
    shot(panel, "settings")
    field.fill("0.75")
    panel.get_by_role("button", name="Apply").click()
    expect(panel.get_by_role("button", name="Apply")).to_be_disabled()
    assert job(lab, "one", "tracer.target") == 0.75
    assert "--target 0.75" in job(lab, "one", "session.form.line")


def test_stop_ends_a_running_cell_and_resume_goes_on(lab, shot):
    cell = lab.begin(f"%tracer run {line('two', latency=0.3)}")
    panel = cell.locator(".tracer-panel")
    expect(panel.locator(".tracer-line")).to_contain_text("a second", timeout=60_000)
    expect(panel.get_by_role("button", name="Pause")).to_be_hidden()
    panel.get_by_role("button", name="Stop").click()
    state(panel, "stopped")
    shot(panel, "stopped")
    before, run, answered = moment(lab, "two")
    assert (before, run) == ("stopped", 1)
    assert 0 < answered < 300
    panel.get_by_role("button", name="Resume").click()
    state(panel, "running")
    # The kernel is free meanwhile, and says the same.
    assert lab.value("1 + 1") == 2
    panel.get_by_role("button", name="Pause").click()
    state(panel, "paused")
    paused, run, more = moment(lab, "two")
    assert (paused, run) == ("paused", 2)
    assert answered <= more < 300
    shot(panel, "paused")
    panel.get_by_role("button", name="Resume").click()
    state(panel, "done")
    # No text was asked twice.
    assert moment(lab, "two") == ["done", 3, 300]


def test_a_fresh_kernel_says_that_it_loads_until_the_panel_is_there(server, browser):
    begin = "%load_ext tracer_nb\nfrom tracer_nb import datasets\ndf = datasets.load('support')"
    server.write("fresh.ipynb", [f"{begin}\nintents = sorted(set(df.label))"])
    page = open_page(browser)
    fresh = Notebook(page, server, "fresh.ipynb", "lab")
    fresh.ran(0)
    more = "--target 0.8 --labelling random --sample 300 --no-ask --store fresh.sqlite"
    cell = fresh.begin(f"%tracer run df.text --teacher standin:support --labels intents {more}")
    expect(cell).to_contain_text("Loading tracer_nb, once in each kernel…")
    state(cell.locator(".tracer-panel"), "done")
    expect(cell).not_to_contain_text("Loading tracer_nb")
    assert page.problems == []
    page.close()


def test_a_reloaded_page_shows_the_same(lab, shot):
    cell = lab.run(f"%tracer panel {line('three', latency=0.3)}")
    panel = cell.locator(".tracer-panel")
    state(panel, "idle")
    expect(panel.locator(".tracer-promise")).to_have_text("Nothing is labelled yet.")
    shot(panel, "empty")
    panel.get_by_role("button", name="Start").click()
    expect(panel.locator(".tracer-line")).to_contain_text("a second")
    lab.do("docmanager:save")
    expect(lab.page.locator(".jp-mod-dirty")).to_have_count(0)
    lab.open()
    panel = lab.page.locator(".tracer-panel").last
    state(panel, "running")
    state(panel, "done")
    expect(chart(panel, FRONTIER)).to_be_visible()
    assert moment(lab, "three") == ["done", 1, 300]


def test_two_panels_show_the_same_and_one_may_go(lab):
    first = lab.run(f"%tracer panel {line('four', latency=0.3)}").locator(".tracer-panel")
    at = lab.add("%tracer panel --name four")
    lab.ran(at)
    second = lab.cell(at).locator(".tracer-panel")
    panels = lab.page.locator(".tracer-panel").count()
    second.get_by_role("button", name="Start").click()
    state(first, "running")
    expect(first.locator(".tracer-line")).to_contain_text("a second")
    expect(second.locator(".tracer-line")).to_contain_text("a second")
    lab.do("notebook:delete-cell", at)
    expect(lab.page.locator(".tracer-panel")).to_have_count(panels - 1)
    first.get_by_role("button", name="Stop").click()
    state(first, "stopped")
    assert moment(lab, "four")[0] == "stopped"


def test_a_deleted_cell_stops_its_run(lab):
    cell = lab.begin(f"%tracer run {line('five', latency=0.5, concurrency=2)}")
    expect(cell.locator(".tracer-line")).to_contain_text("a second", timeout=60_000)
    lab.do("notebook:delete-cell")
    # The kernel answers once the cell has ended, long before all rows are asked.
    stopped, _, answered = moment(lab, "five")
    assert stopped == "stopped"
    assert 0 < answered < 100


NASTY = "<script>window.hacked = 1</script><b>bold</b>"


def test_nasty_names_show_as_text(lab, shot):
    lab.run(
        f"nasty = {NASTY!r}\n"
        "bad = df.head(600).assign(label=df.label.head(600).str[:3])\n"
        "bad['text'] = bad.text + nasty\n"
        "bad.loc[bad.label == 'ref', 'label'] = nasty\n"
        "bad = bad.rename(columns={'text': nasty})\n"
        "recorded = dict(zip(bad[nasty], bad.label))"
    )
    panel = lab.run(
        f'%tracer run bad["{NASTY}"] --teacher recorded --labelling random --target 0.5 --sample 400 --name bad'
    ).locator(".tracer-panel")
    state(panel, "done")
    panel.get_by_role("tab", name="Gaps").click()
    unfold(panel)
    expect(chart(panel, "Agreement with the teacher for each label")).to_contain_text("<script>")
    rows = panel.get_by_role("region", name="Rows")
    rows.get_by_label("Teacher says").fill(NASTY)
    expect(rows.get_by_role("heading")).to_contain_text(f"teacher says {NASTY}")
    expect(rows.get_by_role("listitem").first).to_contain_text(NASTY)
    shot(panel, "nasty")
    panel.get_by_role("tab", name="Settings").click()
    expect(panel.locator(".tracer-code:not(.tracer-card-text)")).to_contain_text(NASTY)
    assert lab.page.evaluate("() => window.hacked") is None
    assert lab.page.locator(".tracer-panel b", has_text=re.compile("^bold$")).count() == 0


def test_a_restarted_kernel_is_told(lab, shot):
    panel = lab.run(f"%tracer panel {line('six')}").locator(".tracer-panel")
    state(panel, "idle")
    lab.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    expect(panel.locator(".tracer-message")).to_contain_text("run %tracer panel again")
    shot(panel, "gone")
