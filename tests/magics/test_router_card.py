"""What ``%tracer load`` shows: the promise, and the model card folded under it."""

import re
from unittest.mock import patch

from tracer_nb.magics.show import RouterCard
from tracer_nb.words import card_facts, limit_lines, stated

JOB = "df.text --teacher teach --labels intents --features X --surrogate logistic"


def test_the_card_is_folded_in_a_page_and_whole_in_a_terminal(make_certificate):
    certificate, other = make_certificate(), make_certificate(target=0.95)
    card = RouterCard(["Router for <b> & co."], certificate, [other])
    bundle = card._repr_mimebundle_()
    said, folded = bundle["text/html"].split("<details>")
    assert "Router for &lt;b&gt; &amp; co." in said
    assert "<details open" not in bundle["text/html"]
    assert folded.startswith("<summary>Model card</summary>")
    text = bundle["text/plain"]
    assert text.splitlines()[0] == "Router for <b> & co."
    for name, value in card_facts(certificate):
        assert f">{name}<" in folded
        assert value in text
    for line in [*limit_lines(certificate), f"Also: {stated(other)}"]:
        assert line in text.splitlines()
    assert len(text.splitlines()) < 30


def test_its_colours_are_those_of_the_page(make_certificate):
    """On a light and on a dark page: no colour of text or background of its own."""
    html = RouterCard(["Router."], make_certificate())._repr_mimebundle_()["text/html"]
    assert "background" not in html
    assert re.findall(r"[^-]color:([^;}\s]+)", html) == ["var(--jp-ui-font-color1,inherit)"]


def test_a_loaded_router_shows_its_card(shell):
    shell.run(f"%tracer run {JOB} --sample 150 --labelling random --no-ask")
    shell.run("%tracer save r.tracer")
    with patch("tracer_nb.magics.handlers.files.display") as shown:
        shell.run("%tracer load r.tracer --name kept")
        shell.run("%tracer panel --name kept")
    loaded, panel = (call.args[0] for call in shown.call_args_list)
    assert isinstance(loaded, RouterCard)
    assert repr(loaded).startswith("Router for teach, 3 labels")
    facts = dict(loaded.tables[0][2])
    assert facts["Certificate"] in repr(loaded)
    assert repr(panel) == repr(loaded)
