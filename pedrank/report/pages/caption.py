"""The captions in report/*.rst, which Snakemake's report shows too, as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def caption(path: Path, config: Mapping[str, Any]) -> str:
    """A caption for the study `config` describes; rendered as Snakemake does, but a wrong name is an error."""
    import jinja2
    from docutils.core import publish_parts

    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    source = environment.from_string(path.read_text()).render(snakemake={"config": config})
    return publish_parts(source, writer="html", settings_overrides={"halt_level": 2, "report_level": 2})["body"]
