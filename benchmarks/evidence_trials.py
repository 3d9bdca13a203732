"""Fine-tune the evidence study's networks at the learning rates that their search did not choose.

    python benchmarks/evidence_trials.py

A race lends the learning rate of one checkpoint to others; these runs show what that costs. It reads the finished study
(studies/evidence.yaml) in results/evidence, and adds the runs to pedrank/evidence/evidence-seeds.csv with the stage
"trial". Finished runs are kept in results/evidence-trials. It takes about an hour of one core.
"""

import argparse
from pathlib import Path

import pandas as pd

from pedrank.catalogue.catalogue import catalogue, use_settings
from pedrank.catalogue.crop import crop_name
from pedrank.finetune.all_runs import run_seed
from pedrank.finetune.protocol import point_name, protocol
from pedrank.finetune.run import pair, point
from pedrank.formats.yaml_file import read_yaml
from pedrank.ranking.shipped_hubs import EVIDENCE
from pedrank.runtime.command import run
from pedrank.runtime.device import prepare_device
from pedrank.store.artefacts import read_csv, read_json, write_csv
from pedrank.store.timing import timing_file
from pedrank.utils.paths import ROOT

COLUMNS = ["dataset", "checkpoint", "stage", "learning_rate", "seed", "accuracy", "seconds"]
RESULTS = Path("results")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    study = read_yaml(ROOT / "studies/evidence.yaml")
    use_settings({"catalogue": str(ROOT / study["catalogue"])}, ROOT / "schemas")
    plan, device = protocol(study["finetune"]), prepare_device(1, 0)
    rows = []
    for dataset in study["datasets"]:
        metric = catalogue("datasets")[dataset]["metric"]
        for name in study["checkpoints"]:
            crop = crop_name(catalogue("checkpoints")[name], study["image_size"])
            images = RESULTS / f"data/{dataset}/images-{crop}.safetensors"
            known = pair(images, RESULTS / f"checkpoints/{name}.safetensors", metric, device=device)
            tested = read_json(RESULTS / f"evidence/finetune/{dataset}/{name}/test-seed{plan.seeds[0]}.json")
            for at in plan.points:
                if at == point(tested):
                    continue
                for seed in plan.seeds:
                    out = RESULTS / f"evidence-trials/{dataset}/{name}/{point_name(at)}-seed{seed}.json"
                    out.parent.mkdir(parents=True, exist_ok=True)
                    record = run_seed(known, out, plan.training, at, seed)
                    seconds = round(read_json(timing_file(out))["seconds"], 3)
                    rows.append((dataset, name, "trial", at[0], seed, record["accuracy"], seconds))
    table = EVIDENCE / "evidence-seeds.csv"
    before = read_csv(table)
    write_csv(table, pd.concat([before[before["stage"] != "trial"], pd.DataFrame(rows, columns=COLUMNS)]))


if __name__ == "__main__":
    run(main)
