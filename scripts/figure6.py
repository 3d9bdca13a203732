"""Figure 6: t-SNE of one dataset's features under one checkpoint, before and after a refinement."""

import argparse
from pathlib import Path

import numpy as np

from pedrank.refinements.refinement_file import load_refinement
from pedrank.report import text
from pedrank.report.figures.figure6 import choose_rows, draw_figure6, embed
from pedrank.report.figures.style import save
from pedrank.runtime.command import run
from pedrank.store.artefacts import described, read_arrays, write_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, type=Path, help="for the names of the classes")
    parser.add_argument("--features", required=True, type=Path)
    parser.add_argument("--displacement", required=True, type=Path)
    parser.add_argument("--title", default="", help="such as the checkpoint and the dataset")
    parser.add_argument("--refinement", required=True, help="its name, for the title")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", required=True, type=Path)
    parser.add_argument("--pdf", required=True, type=Path)
    parser.add_argument("--png", required=True, type=Path)
    arguments = parser.parse_args()
    arrays = read_arrays(arguments.features, "features", "labels")
    rows = choose_rows(arrays["labels"], arguments.seed)
    before, labels = arrays["features"][rows], np.asarray(arrays["labels"])[rows]
    after = load_refinement(arguments.displacement).apply(before, labels)
    embedding = embed(before, after, labels, arguments.seed)
    write_csv(arguments.csv, embedding)
    names = described(arguments.images, "class_names")["class_names"]
    figure = draw_figure6(embedding, names, text.refinement(arguments.refinement), arguments.title)
    save(figure, arguments.pdf, arguments.png)


run(main)
