"""The report: one page that needs no other file, readable from 400 pixels up."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from pedrank.report.tables.html import STYLE, fragment
from pedrank.report.tables.table import Table
from pedrank.report.text import TAU

_STYLE = (
    STYLE
    + """
body { margin: 0; }
.pedrank main { max-width: 76rem; margin: 0 auto; padding: 0 1rem 3rem; }
.pedrank nav { border-bottom: 1px solid #ccc; background: #fff; }
.pedrank nav p { max-width: 76rem; margin: 0 auto; padding: .4rem 1rem; }
.pedrank nav a { margin-right: .9rem; white-space: nowrap; display: inline-block; }
.pedrank a { color: #005a8c; }
.pedrank h1 { font-size: 1.6rem; }
.pedrank h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; }
.pedrank p, .pedrank li { max-width: 46rem; overflow-wrap: anywhere; }
.pedrank ul.plain { font-size: 1em; padding-left: 1.1rem; }
.pedrank ul.plain li { margin: .5rem 0; }
.pedrank figure { margin: 1.4rem 0; }
.pedrank figure img { width: 100%; height: auto; display: block; }
.pedrank figcaption { font-size: .9em; }
.pedrank sub { line-height: 0; }
@media (max-width: 600px) { .pedrank figure img { width: min(var(--wide), 40rem); max-width: none; } }
.pedrank details pre { overflow-x: auto; background: #f6f6f6; padding: .6rem; font-size: .8rem; }
.pedrank label { display: inline-block; margin: .3rem 0 .6rem; }
.pedrank section:has(.switch:not(:checked)) tr.refined { display: none; }
.pedrank .files td, .pedrank .files th { text-align: left; font-size: .8rem; white-space: normal;
  overflow-wrap: anywhere; }
.pedrank .files th:first-child { max-width: none; position: static; }
@media print { .pedrank nav, .pedrank label { display: none; } .pedrank .scroll { overflow: visible; } }
"""
)

_INCHES = 96 * 1.35  # pixels of the page for an inch of the printed figure


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, its heading and its HTML."""

    anchor: str
    heading: str
    body: str


def page(title: str, lead: str, sections: Iterable[Section]) -> str:
    """The whole page; `title` is plain text, `lead` HTML."""
    sections = list(sections)
    links = "".join(f'<a href="#{each.anchor}">{escape(each.heading)}</a> ' for each in sections)
    parts = "\n".join(
        f'<section id="{each.anchor}">\n<h2>{escape(each.heading)}</h2>\n{each.body}\n</section>' for each in sections
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body class="pedrank">
<nav><p>{links}</p></nav>
<main>
<h1>{escape(title)}</h1>
{lead}
{parts}
</main>
</body>
</html>
"""


def paragraph(sentence: str) -> str:
    return f"<p>{prose(sentence)}</p>"


def bullets(items: Iterable[str]) -> str:
    """A list of sentences in HTML."""
    return '<ul class="plain">' + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def prose(sentence: str) -> str:
    """Plain text as HTML, with the index of tau_w set as one."""
    return escape(sentence).replace(f"{TAU}_w", f"{TAU}<sub>w</sub>")


def table_section(table: Table, caption: str = "") -> str:
    """A table below its caption in HTML, with a switch for the rows of refined features where there are any."""
    switch = (
        '<label><input type="checkbox" class="switch" checked> show the rows with PED</label>'
        if any(row.refined for row in table.rows)
        else ""
    )
    return f"{caption or paragraph(table.title)}\n{switch}\n{fragment(table)}"


def figure_section(png: Path, caption: str, alternative: str) -> str:
    """An image inside the page, no larger than it is printed, times a third; `caption` is HTML."""
    content = png.read_bytes()
    width, height = struct.unpack(">II", content[16:24])  # the header of a PNG
    wide = round(width / 300 * _INCHES)
    encoded = base64.b64encode(content).decode()
    size = f'width="{width}" height="{height}"'
    image = f'<img src="data:image/png;base64,{encoded}" {size} alt="{escape(alternative)}">'
    return (
        f'<figure style="--wide: {wide}px; max-width: {wide}px"><div class="scroll">{image}</div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Two columns of plain text: a name and what it is."""
    body = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows)
    return f'<div class="scroll"><table class="files"><tbody>{body}</tbody></table></div>'


def folded(summary: str, content: str) -> str:
    """Preformatted text that opens on a click."""
    return f"<details><summary>{escape(summary)}</summary><pre>{escape(content)}</pre></details>"
