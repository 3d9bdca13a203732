"""The captions in report/*.rst, which Snakemake's report shows too, as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup


def caption(path: Path, config: Mapping[str, Any]) -> Markup:
    """Render a caption as Snakemake does, except that an unknown name in it is an error.

    Args:
        path: The caption in reStructuredText, a Jinja2 template.
        config: The study's configuration, `snakemake.config` in the template.

    Returns:
        HTML.

    Raises:
        jinja2.UndefinedError: The caption names a setting that the configuration does not have.
        docutils.utils.SystemMessage: The caption is not valid reStructuredText.
    """
    import jinja2
    from docutils.core import publish_parts
    from markupsafe import Markup

    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    source = environment.from_string(path.read_text(encoding="utf-8")).render(snakemake={"config": config})
    settings = {
        "halt_level": 2,
        "report_level": 2,
        "_disable_config": True,
    }  # no docutils.conf of the working directory
    return Markup(publish_parts(source, writer="html", settings_overrides=settings)["body"])
