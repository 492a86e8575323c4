"""A report: one file with everything in it, opened from disk, that loads nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from typing import Any

from tracer_nb.records import Report
from tracer_nb.records.moments import Findings, Moment
from tracer_nb.widgets.card import Card
from tracer_nb.widgets.panel.bundle import draw, page_script, sources, style
from tracer_nb.widgets.panel.further import audit_values
from tracer_nb.widgets.panel.sheet import gap_values, sheet_values, target_values
from tracer_nb.words import colophon, report_card

__all__ = ["report_page"]

# Only our own script may run, and nothing may be loaded: what is in a text can do neither.
_POLICY = (
    "default-src 'none'; script-src '{script}'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
html {{ background: #fff; color: #1f1f1f; }}
@media (prefers-color-scheme: dark) {{ html {{ background: #161616; color: #e6e6e6; }} }}
body {{ margin: 24px auto; max-width: 900px; padding: 0 16px; }}
{style}
@media print {{ html {{ background: #fff; color: #1f1f1f; }} body {{ margin: 0; padding: 0; max-width: none; }} }}
</style></head>
<body>
<main id="tracer-report"></main>
<noscript>{still}</noscript>
<script type="application/json" id="tracer-values">{values}</script>
<script type="module">{script}</script>
</body></html>
"""


def report_page(report: Report, findings: Findings, title: str = "tracer_nb report") -> str:
    """A self-contained HTML page with interactive charts; about 1 MB.

    It needs no network and can reach none. Without scripts it shows the card.
    """
    still = Card(report, findings).html()
    if report.certificate is not None:
        still += f"<h2>Model card</h2><pre style='white-space:pre-wrap'>{escape(report_card(report))}</pre>"
    # In a script element, only its own end tag could end it.
    script = page_script().replace("</script", "<\\/script")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _PAGE.format(
        policy=_POLICY.format(script=f"sha256-{digest}"),
        title=escape(title),
        style=style(),
        still=still,
        values=_json(_values(report, findings, title)),
        script=script,
    )


def _values(report: Report, findings: Findings, title: str) -> dict[str, Any]:
    moment = Moment(report=report, findings=findings)
    values = {
        "title": title,
        "sheet": sheet_values(moment),
        "targets": target_values(findings.targets),
        "gaps": gap_values(moment),
        "audits": audit_values(moment, ""),
        "colophon": [] if report.certificate is None else colophon(report.certificate),
    }
    for name, source in sources(moment).items():
        values[f"spec_{name}"], values[f"data_{name}"] = draw(name, source)
    return values


def _json(values: Any) -> str:
    """JSON that a script element may hold, whatever is in its texts."""
    return json.dumps(values, allow_nan=False).replace("<", "\\u003c")
