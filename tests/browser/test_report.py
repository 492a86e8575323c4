"""The report, opened from disk with no network at all."""

import pytest
from playwright.sync_api import expect

from tracer_nb import Tracer, datasets

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    messages = datasets.load("support")
    tracer = Tracer(
        dict(zip(messages["text"], messages["label"], strict=True)),
        target=0.8,
        store=":memory:",
        labelling="random",
    )
    tracer.run(messages["text"], sample=600, ask_teacher=False)
    tracer.audit(0.2)
    path = tmp_path_factory.mktemp("report") / "report.html"
    tracer.save_report(path, title="Intents <script>alert(1)</script>")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_interactive_and_asks_nobody(browser, report, scheme, shot):
    context = browser.new_context(offline=True, color_scheme=scheme)
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(report.as_uri())
    expect(page.get_by_role("heading", level=1)).to_have_text("Intents <script>alert(1)</script>")
    expect(page.locator(".tracer-leading")).to_contain_text("of the calls saved, labels counted in")
    for name in (
        "Where the calls go: parts of the column's texts",
        "Agreement with the teacher against coverage",
        "Coverage against the target",
        "Agreement with the teacher for each label",
        "The teacher's labels against the surrogate's",
        "Rows that the surrogate answers, and why not the others",
        "Agreement on audited texts over the number of audits",
        "How often each label occurs",
    ):
        expect(page.get_by_role("img", name=name).locator("svg.marks")).to_be_visible()
    expect(page.locator(".tracer-promise")).to_contain_text("With 95 % confidence")
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("heading", name="labelled wrongly")).to_be_visible()
    assert page.get_by_role("table").count() >= 1
    page.get_by_label("Target", exact=True).focus()
    page.keyboard.press("End")
    expect(page.locator(".tracer-control")).to_contain_text("at 99 %")
    bar = page.get_by_role("img", name="How often each label occurs")
    bar.locator("path[aria-roledescription='bar']").first.hover()
    expect(page.locator("#vg-tooltip-element")).to_contain_text("label by")
    page.get_by_text("Model card (Markdown)").click()
    expect(page.locator(".tracer-card-text")).to_contain_text("# Model card: surrogate for")
    page.screenshot(path=shot.path(f"report_{scheme}"), full_page=True)
    assert [url for url in asked if not url.startswith("file:")] == []
    assert said == []
    context.close()
