"""The one Jinja2 environment that turns the templates in pages/templates/ into HTML."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FOLDER = Path(__file__).parent / "pages" / "templates"


def render(name: str, **values: Any) -> Markup:
    """Fill in a template; plain text among the values is escaped.

    Args:
        name: A file of the templates' folder, such as "page.html.j2".
        values: Values of the template's variables. Only HTML of type Markup is not escaped.

    Returns:
        HTML, which other templates take as it is.

    Raises:
        jinja2.UndefinedError: The template needs a variable that is not given.

    >>> print(render("folded.html.j2", summary="a < b", content="1 & 2"))
    <details><summary>a &lt; b</summary><pre>1 &amp; 2</pre></details>
    """
    from markupsafe import Markup

    return Markup(_environment().get_template(name).render(values).strip("\n"))


@cache
def _environment() -> Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
