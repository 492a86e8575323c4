"""The report is one file that loads nothing and runs nothing but its own script."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html import escape

from tests.charts import pictures
from tests.widgets.reader import NASTY
from tracer_nb.records import Suspect
from tracer_nb.records.moments import Findings
from tracer_nb.widgets import report_page
from tracer_nb.words import report_card


def parts(html):
    (values,) = re.findall(
        r'<script type="application/json" id="tracer-values">(.*?)</script>', html
    )
    (script,) = re.findall(r'<script type="module">(.*?)</script>', html, re.DOTALL)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    return json.loads(values), script, policy


def test_only_its_own_script_may_run(make_report):
    html = report_page(make_report(), Findings())
    _, script, policy = parts(html)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; script-src 'sha256-{digest}';")
    assert "unsafe-eval" not in policy
    assert html.count("<script") == 2


def test_values_are_those_of_the_panel(make_report):
    values, _, _ = parts(report_page(make_report(), Findings(), "Intents"))
    assert values["title"] == "Intents"
    assert "With 95 % confidence" in values["sheet"]["overview"]["head"]
    assert values["sheet"]["overview"]["card"] == report_card(make_report())
    assert "datasets" not in values["spec_frontier"]
    assert len(values["data_frontier"]["curve"]) > 50


def test_gaps_and_audits_are_in_it(make_report):
    found = pictures.found()
    suspect = Suspect(3, f"</script>{NASTY}", NASTY, "b", 0.9, 0.8)
    findings = Findings(gaps=replace(found, suspects=(suspect,)), watch=pictures.watch())
    html = report_page(make_report(), findings)
    values, _, _ = parts(html)
    assert html.count("</script>") == 2
    assert values["gaps"]["tables"]["suspects"]["rows"][0]["cells"][1] == f"</script>{NASTY}"
    assert values["data_slices"]["slices"]
    assert values["data_lost"]["parts"]
    assert values["data_watch"]["audits"]
    assert (values["audits"]["state"], values["audits"]["line"]) == ("holds", "")
    assert values["gaps"]["lost"][0].startswith("At the target of 90 %")


def test_texts_cannot_leave_their_place(make_report):
    report = make_report(teacher=NASTY, missing_reasons=((f"</script>{NASTY}\u2028", 3),))
    html = report_page(report, Findings(), title=NASTY)
    values, _, _ = parts(html)
    assert html.count("<script") == 2
    assert html.count("</script>") == 2
    assert NASTY in values["title"]
    assert f"</script>{NASTY}\u2028" in " ".join(values["sheet"]["overview"]["lines"])
    assert "<title>&lt;script&gt;" in html


def test_without_scripts_it_shows_the_card(make_report):
    still = re.findall(
        r"<noscript>(.*?)</noscript>", report_page(make_report(), Findings()), re.DOTALL
    )
    assert len(still) == 1
    assert "tracer-card" in still[0]
    assert "data:image/svg+xml" in still[0]
    assert escape(report_card(make_report())) in still[0]
