"""Simulated studies: any number of made-up checkpoints, datasets and metrics, for the real Snakefile to plan."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import yaml

from pedrank import metric_names
from pedrank.utils.paths import ROOT

PARTS = ["Snakefile", "config.yaml", "rules", "scripts", "schemas", "profiles", "report", "envs", "pedrank"]


def write(folder: Path, checkpoints: int, datasets: int, metrics: int, **changes: Any) -> Path:
    """Write a study of these numbers of checkpoints, datasets and metrics, with its catalogue and plugin, to `folder`.

    Everything else is as in the paper's study; `changes` replace keys of the configuration. Returns the path of the
    configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = {
        "checkpoints": [f"checkpoint-{number:04}" for number in range(checkpoints)],
        "datasets": [f"dataset-{number:03}" for number in range(datasets)],
    }
    built_in = ["logme", *(name for name in metric_names() if name not in ("logme", "knn", "rankme", "feature_norm"))]
    own = [f"simulated_{number}" for number in range(metrics - len(built_in))]
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")) | {"study": "simulated"} | names
    config |= {"metrics": [*built_in, *own][:metrics], "catalogue": str(folder / "catalogue.yaml")}
    if own:
        config["plugins"] = [str(folder / "metrics.py")]
        functions = (f"@metric()\ndef {name}(observation):\n    return 0.0\n" for name in own)
        (folder / "metrics.py").write_text(
            "\n\n".join(["from pedrank.metrics import metric", *functions]), encoding="utf-8"
        )
    config["ablation"]["datasets"] = config["figures"]["ranks"]["datasets"] = names["datasets"][:3]
    config["figures"]["tsne"] |= {"dataset": names["datasets"][0], "checkpoint": names["checkpoints"][0]}
    (folder / "catalogue.yaml").write_text(yaml.safe_dump(_catalogue(**names)), encoding="utf-8")
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(config | changes), encoding="utf-8")
    return path


def _catalogue(checkpoints: list[str], datasets: list[str]) -> dict[str, dict[str, Any]]:
    """Entries like the paper's: one file each, fetched from an address."""
    return {
        "checkpoints": {
            name: {
                "zoo": "ssl",
                "architecture": "resnet50",
                "padding": "torchvision",
                "normalisation": "imagenet",
                "files": {f"{name}.pth": {"urls": [f"https://example.org/{name}.pth"], "megabytes": 100}},
                "format": "torch",
                "prefix": "",
            }
            for name in checkpoints
        },
        "datasets": {
            name: {
                "title": name,
                "source": "simulated",
                "licence": "none",
                "classes": 100,
                "counts": {"train": 1000, "validation": 500, "test": 1000},
                "metric": "top-1",
                "reader": "dtd",
                "files": {f"{name}.tar.gz": {"urls": [f"https://example.org/{name}.tar.gz"], "megabytes": 100}},
            }
            for name in datasets
        },
    }


def stub(folder: Path) -> Path:
    """Copy the workflow to `folder` with `touch {output}` as every rule's command; return the path of its Snakefile."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    for rules in (folder / "rules").glob("*.smk"):
        text, found = re.subn(
            r"^( +)shell:\n(?:\1 +\S.*\n)+",
            r'\1shell:\n\1    "touch {output}"\n',
            rules.read_text(encoding="utf-8"),
            flags=re.M,
        )
        rules.write_text(text, encoding="utf-8")
    return folder / "Snakefile"
