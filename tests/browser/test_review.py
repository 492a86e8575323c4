"""The review's page by itself, in a browser: keys, labels that are turned on and off, texts as text."""

import json

import pytest

from tracer_nb.widgets.panel.view import ReviewView

from .conftest import open_page

pytestmark = pytest.mark.browser

LABELS = [f"label {i}" for i in range(12)]
EVIL = "Teacher's explanation: <img src=x onerror='window.hit = 1'>"
ROW = {
    "step": 1,
    "message": "",
    "line": "0 of 3",
    "done": 0,
    "total": 3,
    "over": False,
    "undo": False,
    "last": EVIL,
    "text": "a text",
    "why": "Row 0.",
    "note": "",
    "explanation": EVIL,
    "chosen": ["label 1"],
    "shortlist": [{"label": label, "who": ""} for label in LABELS[:9]],
}
# As anywidget does it: a model that gives traits and takes messages.
SCRIPT = """
const state = {row: %s, labels: %s, several: %s, summary: "summary"};
window.sent = [];
const model = {get: (name) => state[name], send: (said) => window.sent.push(said), on() {}, off() {}};
window.page.render({model, el: document.body});
window.ready = true;
"""


@pytest.fixture
def review(browser):
    pages = []

    def show(*, several):
        page = open_page(browser)
        pages.append(page)
        page.set_content("<html><body></body></html>")
        script = str(ReviewView._esm).replace("export default", "window.page =")
        values = map(json.dumps, (ROW, LABELS, several))
        page.add_script_tag(type="module", content=script + SCRIPT % tuple(values))
        page.wait_for_function("window.ready")
        page.locator(".tracer-review").focus()
        return page

    yield show
    for page in pages:
        assert not page.problems
        page.close()


def turned_on(page):
    return page.locator(".tracer-all [aria-pressed=true]").all_inner_texts()


def test_labels_are_turned_on_and_off_and_answer_together(review):
    page = review(several=True)
    assert turned_on(page) == ["label 1"]
    page.keyboard.press("3")
    page.keyboard.press("2")
    page.keyboard.press("/")
    page.keyboard.type("label 11")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert turned_on(page) == ["label 2", "label 11"]
    assert page.evaluate("window.sent") == []
    assert "answer label 2; label 11" in page.locator(".tracer-foot").inner_text()
    page.keyboard.press("a")
    said = {"do": "answer", "label": ["label 2", "label 11"], "step": 1, "note": ""}
    assert page.evaluate("window.sent") == [said]


def test_one_label_answers_at_once(review):
    page = review(several=False)
    assert page.locator("[aria-pressed]").count() == 0
    page.keyboard.press("a")  # no key here
    page.keyboard.press("3")
    assert page.evaluate("window.sent.map((said) => said.label)") == ["label 2"]


def test_an_explanation_is_text(review):
    page = review(several=True)
    assert page.locator(".tracer-review").inner_text().count(EVIL) == 2
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hit") is None
