"""The report's captions: valid reStructuredText for every study and every source of ground truth."""

import re

import jinja2
import pytest
import yaml
from docutils.core import publish_parts

from pedrank.utils.paths import ROOT

CAPTIONS = sorted((ROOT / "report").glob("*.rst"))
PAPER = yaml.safe_load((ROOT / "config.yaml").read_text())
QUICKSTART = PAPER | yaml.safe_load((ROOT / "studies/quickstart.yaml").read_text())
OWN = QUICKSTART | {"ground_truth": {"source": "file", "file": "mine.csv"}}


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of docutils, about the argument below
@pytest.mark.parametrize("config", [PAPER, QUICKSTART, OWN], ids=["paper", "quickstart", "own"])
@pytest.mark.parametrize("caption", CAPTIONS, ids=[path.stem for path in CAPTIONS])
def test_caption(caption, config, tmp_path, monkeypatch):
    table = tmp_path / "results" / config["study"] / "tables" / "table1.html"
    table.parent.mkdir(parents=True)
    table.write_text("<main>the table itself</main>")
    monkeypatch.chdir(tmp_path)
    # As Snakemake renders it, but that a wrong name and a warning are errors here.
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    source = environment.from_string(caption.read_text()).render(snakemake={"config": config})
    strict = {"halt_level": 2, "report_level": 2}
    body = publish_parts(source, writer_name="html", settings_overrides=strict)["html_body"]
    assert "{" not in re.sub(r"<style>.*?</style>", "", body)
    if caption.stem == "workflow":
        assert "<main>the table itself</main>" in body
