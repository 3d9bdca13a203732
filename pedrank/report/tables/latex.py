"""A printed table as LaTeX, for `\\input` in a document that loads booktabs and graphicx."""

from __future__ import annotations

from itertools import zip_longest

from pedrank.report.tables.table import Row, Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "<": "$<$",
    ">": "$>$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\N{MINUS SIGN}": "$-$",
    "\N{EN DASH}": "--",
    "\N{GREEK SMALL LETTER LAMDA}": r"$\lambda$",
    "\N{GREEK SMALL LETTER TAU}": r"$\tau$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{DAGGER}": r"$^{\dagger}$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}

# A table wider than the page, or higher than leaves room for its notes, is shrunk.
_FIT = [
    r"\ifdim\wd0>\textwidth\sbox0{\resizebox{\textwidth}{!}{\usebox0}}\fi",
    r"\ifdim\dimexpr\ht0+\dp0\relax>.78\textheight\sbox0{\resizebox*{!}{.78\textheight}{\usebox0}}\fi",
    r"\usebox0\par\smallskip",
]


def latex(table: Table) -> str:
    """Set a table over the width of two columns, with its notes below; each line of small print has its own line.

    >>> import pandas as pd
    >>> from pedrank.report.tables.table import Cell, Row, Table
    >>> rows = (Row("a_b", (Cell("50%", 50, bold=True),)),)
    >>> source = latex(Table("Table 1", "Scores", (("Method", ()), ("mnist", ())), rows, (), pd.DataFrame()))
    >>> print(source.splitlines()[8])
    a\\_b & \\textbf{50\\%} \\\\
    """
    columns = len(table.head)
    lines = [
        r"% needs \usepackage{booktabs,graphicx}",
        r"\begin{table*}",
        rf"\caption{{{_escape(table.title)}.}}\vspace{{4pt}}",
        r"\centering\scriptsize\setlength{\tabcolsep}{3pt}\renewcommand{\arraystretch}{0.78}",
        rf"\sbox0{{\begin{{tabular}}{{l{'c' * (columns - 1)}}}",
        r"\toprule",
        _line([_escape(name) for name, _ in table.head]),
    ]
    lines += _small_lines([small for _, small in table.head])
    for row in table.rows:
        lines.append(r"\midrule" if row.starts else r"\addlinespace[2pt]")
        lines += _row(row)
    notes = rf"\parbox{{\textwidth}}{{{_escape(' '.join(table.notes))}}}"
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}}", *_FIT, notes, r"\end{table*}", ""])


def _row(row: Row) -> list[str]:
    values = []
    for cell in row.cells:
        text = _escape(cell.text)
        values.append((rf"\textbf{{{text}}}" if cell.bold else text) + (f"$^{{{cell.mark}}}$" if cell.mark else ""))
    label = _escape(row.label)
    first = _line([rf"\textit{{{label}}}" if row.aside else label, *values])
    return [first, *_small_lines([(), *(cell.small for cell in row.cells)])]


def _small_lines(columns: list[tuple[str, ...]]) -> list[str]:
    """The small print of all columns, line by line."""
    return [_line([_tiny(text) for text in line]) for line in zip_longest(*columns, fillvalue="")]


def _line(texts: list[str]) -> str:
    return f"{' & '.join(texts)} \\\\"


def _tiny(text: str) -> str:
    return rf"{{\tiny {_escape(text)}}}" if text else ""


def _escape(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text)
