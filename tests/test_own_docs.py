"""docs/own-data.md: its catalogues follow the schemas, and its study can be read."""

import re

import pytest
import yaml

from pedrank import metric_names
from pedrank.catalogue import catalogue
from pedrank.study.config import check_names, check_schema
from pedrank.user_data.checkpoint_names import checkpoint_entry
from pedrank.utils.paths import ROOT

TEXT = (ROOT / "docs/own-data.md").read_text()
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)]
ENTRIES = re.findall(r"^\| [^|]+ \| `(\{.*?\})` \|", TEXT, re.MULTILINE)
WORDS = re.findall(r"^\| [^|]+ \| [^|]+ \| `([^`|]+)` \|$", TEXT, re.MULTILINE)


@pytest.fixture
def own(tmp_path, monkeypatch):
    def write(content):
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
        monkeypatch.setenv("PEDRANK_CATALOGUE", str(tmp_path / "mine.yaml"))
        catalogue._catalogue.cache_clear()
        catalogue.check_catalogues(ROOT / "schemas")

    yield write
    catalogue._catalogue.cache_clear()


def test_the_example_is_a_study(own):
    mine, study = BLOCKS[:2]
    own(mine)
    config = {}
    for layer in ("config.yaml", "studies/example.yaml"):
        config |= yaml.safe_load((ROOT / layer).read_text())
    config |= study
    config["ablation"] = yaml.safe_load((ROOT / "config.yaml").read_text())["ablation"] | study["ablation"]
    check_schema(config, ROOT / "schemas/config.schema.yaml")
    check_names(config | {"metric_options": {}}, metric_names())


def test_its_other_catalogues_follow_the_schemas(own):
    own(BLOCKS[2])
    assert len(ENTRIES) == 8
    own({"checkpoints": {f"c{number}": {"zoo": "own"} | yaml.safe_load(text) for number, text in enumerate(ENTRIES)}})


def test_its_words_are_understood(tmp_path, monkeypatch):
    """Those that name files or packages that are not here say so; none is unknown."""
    monkeypatch.chdir(tmp_path)
    assert len(WORDS) == 9
    for word in WORDS:
        try:
            checkpoint_entry(word)
        except ValueError as error:
            assert re.search("no such (Python )?file|needs timm", str(error)), (word, error)


def test_each_row_about_tables_is_shown_by_a_test():
    rows = re.findall(r"\| (accepted|skipped|refused) \| .* \| `(test_\w+)` \|$", TEXT, re.MULTILINE)
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    assert len(rows) >= 26 and all(f"def {name}(" in tests for _, name in rows)
