"""The frame of the file: its head with styles, Plotly's script once, the figures as data, and what may run.

A content security policy lets nothing run but the two scripts of the file, named by their hashes, and nothing be
fetched: a file that is opened from a mail needs no network and tells nobody.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from synthfin_core.document.markup import Markup, element
from synthfin_core.plots.style import CONFIG, VERDICT_INK

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

STYLE = (
    """
:root { color-scheme: light dark; --page: #ffffff; --ink: #1c2430; --soft: #5b6675; --line: #d9dee5; --tint: #f4f6f9;
  --link: #005a9e; }
@media (prefers-color-scheme: dark) { :root { --page: #12161c; --ink: #e6eaf0; --soft: #9aa5b3; --line: #2c343f;
  --tint: #1a2029; --link: #6cb6ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 24px 20px 64px; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 48px 0 12px; padding-top: 16px; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 24px 0 8px; overflow-wrap: anywhere; }
p { margin: 8px 0; max-width: 75ch; }
a { color: var(--link); }
ul { padding-left: 20px; } li { margin: 4px 0; max-width: 75ch; overflow-wrap: anywhere; }
.soft, .help { color: var(--soft); } .help { font-size: .82rem; line-height: 1.35; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 12px; }
.card { border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; background: var(--tint); min-width: 0; }
.card h3 { margin: 0 0 6px; } .card p { margin: 6px 0 0; font-size: .92rem; }
.badge { display: inline-block; padding: 1px 8px; border-radius: 10px; font-size: .78rem; font-weight: 600;
  white-space: nowrap; color: INK; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.groups { display: grid; grid-template-columns: auto 1fr; gap: 4px 12px; margin-top: 10px; font-size: .82rem;
  color: var(--soft); align-items: center; justify-items: start; }
dl { display: grid; grid-template-columns: minmax(90px, max-content) 1fr; gap: 4px 20px; margin: 8px 0; }
dt { color: var(--soft); } dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; margin: 8px 0; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 12px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { background: var(--tint); font-weight: 600; vertical-align: bottom; max-width: 160px;
  overflow-wrap: break-word; }
.scores tbody th { font-weight: 400; color: var(--soft); padding-left: 24px; }
.scores tbody th.score { font-weight: 600; color: var(--ink); padding: 12px 12px 6px; border-bottom: 0; }
.score div { position: sticky; left: 12px; max-width: min(85ch, 100vw - 64px); }
.score .help { display: block; font-weight: 400; margin-top: 2px; }
.scores td .badge { display: block; width: fit-content; margin-top: 3px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 20px; }
figure { margin: 0; min-width: 0; border: 1px solid var(--line); border-radius: 8px; padding: 12px; }
figcaption { font-size: .85rem; color: var(--soft); margin-top: 6px; }
.record dd { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .85rem; }
@media (max-width: 600px) { main { padding: 16px 12px 48px; } dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 8px; } th, td { padding: 5px 8px; } .scores tbody th { padding-left: 12px; } }
@media print { main { max-width: none; padding: 0; } .wide { overflow: visible; border: 0; } table { font-size: 8pt; }
  th, td { padding: 3px 5px; } tr, figure, .card { break-inside: avoid; }
  h2, h3 { break-after: avoid; } .figures { display: block; } figure { margin-bottom: 12px; border: 0; } }
"""
).replace("INK", VERDICT_INK)

# Figures are drawn one after the other, so that the text can be read meanwhile.
DRAW = """
(() => {
  const { figures, config } = JSON.parse(document.getElementById("figures").textContent);
  const waiting = Object.entries(figures);
  const next = () => {
    const [name, figure] = waiting.shift() || [];
    if (!figure) { document.body.dataset.drawn = "all"; return; }
    Plotly.newPlot(document.getElementById(name), figure.data, figure.layout, config).then(() => setTimeout(next));
  };
  next();
  const fit = () => document.querySelectorAll(".js-plotly-plot").forEach((each) => Plotly.Plots.resize(each));
  window.addEventListener("beforeprint", fit);
  window.addEventListener("afterprint", fit);
})();
"""


def page(title: str, content: Markup, figures: Mapping[str, Figure]) -> str:
    """The whole file.

    Parameters
    ----------
    title : str
    content : Markup
        What stands on the page, with an empty element for each figure.
    figures : dict of str to Figure
        By the id of its element.
    """
    from plotly.offline import get_plotlyjs

    scripts = [get_plotlyjs(), DRAW] if figures else []
    head = (
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        element("title", title),
        f"<style>{STYLE}</style>",
    )
    lines = "\n".join(head)
    data = f'<script type="application/json" id="figures">{_json(figures)}</script>' if figures else ""
    run = "".join(f"<script>{script}</script>" for script in scripts)
    body = f"<body>{element('main', content)}{data}{run}</body>"
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{lines}\n</head>\n{body}\n</html>\n'


def _policy(scripts: list[str]) -> str:
    """Nothing may be fetched and nothing run but `scripts`; Plotly sets styles and makes pictures for download."""
    hashes = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in hashes) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _json(figures: Mapping[str, Figure]) -> str:
    """The figures as JSON in which no text can end the script element that holds it."""
    drawn = ", ".join(f"{json.dumps(name)}: {figure.to_json()}" for name, figure in figures.items())
    whole = f'{{"figures": {{{drawn}}}, "config": {json.dumps(CONFIG)}}}'
    return whole.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
