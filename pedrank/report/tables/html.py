"""A printed table as HTML: a fragment for a page, or one page that needs no other file.

A click on a column's head sorts by it, highest value first; another click turns the order round; a click on
the first head brings the first order back.
"""

from __future__ import annotations

from html import escape

from pedrank.report.tables.table import Cell, Row, Table

STYLE = """
.pedrank { font: 15px/1.35 system-ui, sans-serif; color: #222; background: #fff; }
.pedrank h1 { font-size: 1.1rem; font-weight: bold; margin: .5rem 0; }
.pedrank .scroll { overflow-x: auto; }
.pedrank table { border-collapse: separate; border-spacing: 0; margin: 0; border-block: 2px solid #222;
  font-variant-numeric: tabular-nums; }
.pedrank th, .pedrank td { padding: .3rem .27rem; text-align: right; vertical-align: top; white-space: nowrap; }
.pedrank thead th { border-bottom: 1px solid #222; vertical-align: bottom; white-space: normal; }
.pedrank thead small { white-space: nowrap; }
.pedrank thead button { all: unset; cursor: pointer; font-weight: bold; }
.pedrank thead button:focus-visible { outline: 2px solid #0072b2; }
.pedrank [aria-sort=descending] button::after { content: " \\25BE"; }
.pedrank [aria-sort=ascending] button::after { content: " \\25B4"; }
.pedrank th:first-child { position: sticky; left: 0; background: #fff; text-align: left; font-weight: normal; }
.pedrank table:has(.mark:not(:empty)) .mark { display: inline-block; width: 1em; text-align: left; }
.pedrank tr { border: 0; }
.pedrank .starts > * { border-top: 1px solid #bbb; }
.pedrank .aside > * { color: #555; font-style: italic; }
.pedrank small { display: block; font-size: .72rem; color: #555; font-weight: normal; }
.pedrank ul { padding-left: 1.1rem; font-size: .85em; max-width: 46rem; list-style: disc; }
@media (max-width: 600px) {
  .pedrank table { font-size: 13px; }
  .pedrank th:first-child { white-space: normal; max-width: 7.5rem; text-wrap: balance; }
}
"""

# An attribute of the head and no <script>, which would not run, and would end the page, inside Snakemake's report.
_SORT = """
const head = event.target.closest('th'), column = head.cellIndex, body = this.parentNode.tBodies[0];
const rows = this.firstOrder ??= [...body.rows], up = head.getAttribute('aria-sort') === 'descending';
for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');
if (column) head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
const value = row => parseFloat(row.cells[column].dataset.value);
const order = (a, b) => isNaN(a) - isNaN(b) || (up ? a - b : b - a) || 0;
body.append(...(column ? rows.toSorted((a, b) => order(value(a), value(b))) : rows));
"""


def fragment(table: Table) -> str:
    """The table and its notes, for an element of class "pedrank"; columns scroll beside the labels, which stay."""
    head = "".join(
        f'<th scope="col"><button type="button">{escape(name)}</button>{_small(small)}</th>'
        for name, small in table.head
    )
    body = "\n".join(map(_row, table.rows))
    notes = "\n".join(f"<li>{escape(note)}</li>" for note in table.notes)
    return f"""<div class="scroll">
<table>
<thead onclick="{escape(_SORT)}"><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</div>
<ul>
{notes}
</ul>"""


def html(table: Table) -> str:
    """A page for any width."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(table.name)}. {escape(table.title)}</title>
<style>{STYLE}</style>
</head>
<body>
<main class="pedrank">
<h1>{escape(table.name)}. {escape(table.title)}</h1>
{fragment(table)}
</main>
</body>
</html>
"""


def _row(row: Row) -> str:
    classes = " ".join(name for name in ("starts", "aside", "refined") if getattr(row, name))
    cells = "".join(map(_cell, row.cells))
    return f'<tr class="{classes}"><th scope="row">{escape(row.label)}</th>{cells}</tr>'


def _cell(cell: Cell) -> str:
    value = "" if cell.value != cell.value else repr(float(cell.value))
    text = f"<b>{escape(cell.text)}</b>" if cell.bold else escape(cell.text)
    return f'<td data-value="{value}">{text}<span class="mark">{escape(cell.mark)}</span>{_small(cell.small)}</td>'


def _small(lines: tuple[str, ...]) -> str:
    return "".join(f"<small>{escape(line)}</small>" for line in lines)
