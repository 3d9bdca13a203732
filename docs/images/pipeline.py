"""Draw docs/images/pipeline.png, the rules of the quickstart, and list their edges in pipeline.txt beside it.

    python docs/images/pipeline.py

The graph of the rules comes from Snakemake, as if nothing had been made. The list has every edge. The picture leaves
out an edge if a longer way leads to the same rule, and the rule `all`, which reads all results.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Curve

matplotlib.use("Agg")

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EDGES = HERE / "pipeline.txt"
PICTURE = HERE / "pipeline.png"

Edge = tuple[str, str]

STAGES = {  # title and colour of each file of rules/, in the order of the pipeline
    "study": ("configuration", "#DDCC77"),
    "data": ("images", "#56B4E9"),
    "checkpoints": ("checkpoints", "#CC79A7"),
    "features": ("features", "#009E73"),
    "finetune": ("fine-tuning", "#D55E00"),
    "ground_truth": ("ground truth", "#882255"),
    "ped": ("PED", "#E69F00"),
    "score": ("scores", "#0072B2"),
    "ablation": ("ablation", "#999933"),
    "evaluate": ("evaluation, tables", "#777777"),
    "report": ("figures, report", "#000000"),
}
LEFT_OUT = ("all",)


def rule_edges(root: Path = ROOT) -> list[Edge]:
    """Pairs (rule, rule that reads its outputs) of the quickstart's rules in the repository `root`, sorted."""
    command = [str(Path(sys.executable).with_name("snakemake")), "--snakefile", str(root / "Snakefile")]
    command += ["--rulegraph", "--forceall", "--workflow-profile", str(root / "profiles/quickstart")]
    with tempfile.TemporaryDirectory() as folder:  # without results, which would hide rules that have nothing to do
        for part in ("studies", "schemas"):
            (Path(folder) / part).symlink_to(root / part)
        environment = os.environ | {"PYTHONPATH": str(root)}
        run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8")
    if run.returncode != 0:
        raise RuntimeError(f"snakemake --rulegraph failed:\n{run.stdout}{run.stderr}")
    names = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)"', run.stdout, re.MULTILINE))
    return sorted((names[one], names[other]) for one, other in re.findall(r"(\d+) -> (\d+)", run.stdout))


def as_text(edges: Iterable[Edge]) -> str:
    """The content of pipeline.txt: one line "rule -> rule" for each edge."""
    return "".join(f"{one} -> {other}\n" for one, other in edges)


def shown_edges(edges: Iterable[Edge]) -> list[Edge]:
    """The edges of the picture: without the rule `all`, and without edges that a longer way makes superfluous."""
    kept = {edge for edge in edges if not set(edge) & set(LEFT_OUT)}
    after = {one: {other for start, other in kept if start == one} for one, _ in kept}

    def reached(rule: str) -> set[str]:
        direct = after.get(rule, set())
        return direct.union(*(reached(each) for each in direct))

    return sorted((one, other) for one, other in kept if not any(other in reached(each) for each in after[one]))


def stages(root: Path = ROOT) -> dict[str, str]:
    """By rule, the file of rules/ that defines it."""
    defined = re.compile(r"^\s*(?:rule|use rule \w+ as) (\w+)(?::| with:)", re.MULTILINE)
    return {
        rule: path.stem
        for path in sorted((root / "rules").glob("*.smk"))
        if path.stem != "ranking"  # another kind of study, with a rule `page` too
        for rule in defined.findall(path.read_text(encoding="utf-8"))
    }


# --- Layout: layers by depth (Sugiyama, Tagawa and Toda 1981) ---------------------------------------------------------
# An edge that spans several layers passes through a placeholder in each of them: ("rule", "other rule", layer).

Node = str | tuple[str, str, int]


def layers(edges: Iterable[Edge]) -> list[list[Node]]:
    """Rules and placeholders from the top layer to the lowest, each rule as low as its readers allow."""
    edges = list(edges)
    height = _heights(edges)
    found: list[list[Node]] = [[] for _ in range(max(height.values()) + 1)]
    for rule in sorted(height):
        found[height[rule]].append(rule)
    for one, other in edges:
        for between in range(height[other] + 1, height[one]):
            found[between].append((one, other, between))
    return found[::-1]


def _heights(edges: list[Edge]) -> dict[str, int]:
    """By rule, the longest way down to a rule that nobody reads."""
    after: dict[str, set[str]] = {rule: set() for edge in edges for rule in edge}
    for one, other in edges:
        after[one].add(other)

    def height(rule: str) -> int:
        return max((height(each) + 1 for each in after[rule]), default=0)

    return {rule: height(rule) for rule in after}


def ways(edges: Iterable[Edge]) -> dict[Edge, list[Node]]:
    """By edge, the rule, the placeholders and the other rule."""
    edges = list(edges)
    height = _heights(edges)
    return {
        (one, other): [one, *((one, other, at) for at in range(height[one] - 1, height[other], -1)), other]
        for one, other in edges
    }


def ordered(rows: list[list[Node]], links: list[tuple[Node, Node]], tries: int = 40) -> list[list[Node]]:
    """The rows, each in an order with few crossings: neighbours' means, from several seeded starts."""
    near: dict[Node, list[Node]] = {node: [] for row in rows for node in row}
    for one, other in links:
        near[one].append(other)
        near[other].append(one)
    random, best, fewest = np.random.default_rng(0), rows, float("inf")
    for _ in range(tries):
        now = [[row[index] for index in random.permutation(len(row))] for row in rows]
        for turn in range(24):
            for number in list(range(len(now)))[:: 1 if turn % 2 == 0 else -1]:
                beside = [now[other] for other in (number - 1, number + 1) if 0 <= other < len(now)]
                place = {node: (at + 0.5) / len(row) for row in beside for at, node in enumerate(row)}
                means = {
                    node: np.mean([place[each] for each in near[node] if each in place] or [0.5])
                    for node in now[number]
                }
                now[number] = sorted(now[number], key=means.__getitem__)
            found = crossings(now, links)
            if found < fewest:
                best, fewest = [list(row) for row in now], found
    return best


def crossings(rows: list[list[Node]], links: list[tuple[Node, Node]]) -> int:
    """How many pairs of links cross."""
    place = {node: (number, at) for number, row in enumerate(rows) for at, node in enumerate(row)}
    total = 0
    for number in range(len(rows) - 1):
        ends = [(place[one][1], place[other][1]) for one, other in links if place[one][0] == number]
        total += sum((a - c) * (b - d) < 0 for at, (a, b) in enumerate(ends) for c, d in ends[:at])
    return total


def across(rows: list[list[Node]], links: list[tuple[Node, Node]]) -> dict[Node, float]:
    """By node, its place from left to right: near its neighbours, and apart from those of its row."""
    near: dict[Node, list[Node]] = {node: [] for row in rows for node in row}
    for one, other in links:
        near[one].append(other)
        near[other].append(one)
    x = {node: at - (len(row) - 1) / 2 for row in rows for at, node in enumerate(row)}
    for turn in range(200):
        for row in rows[:: 1 if turn % 2 == 0 else -1]:
            wanted = np.array([np.mean([x[each] for each in near[node]]) for node in row])
            gaps = [(_room(one) + _room(other)) / 2 for one, other in zip(row, row[1:], strict=False)]
            start = np.concatenate([[0.0], np.cumsum(gaps)])
            x |= dict(zip(row, _rising(wanted - start) + start, strict=True))
    return x


def _room(node: Node) -> float:
    return 1.0 if isinstance(node, str) else 0.5


def _rising(values: np.ndarray) -> np.ndarray:
    """The nearest values that never fall (pool adjacent violators)."""
    pools: list[list[float]] = []  # sum and number
    for value in values:
        pools.append([float(value), 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, count = pools.pop()
            pools[-1] = [pools[-1][0] + total, pools[-1][1] + count]
    return np.concatenate([np.full(int(count), total / count) for total, count in pools])


# --- The picture ----------------------------------------------------------------------------------------------------


def draw(edges: Iterable[Edge], stage: Mapping[str, str]) -> Figure:
    """The figure of these edges, each rule in the colour of its stage, every arrow downward."""
    through = ways(edges)
    links = list(dict.fromkeys(pair for way in through.values() for pair in zip(way, way[1:], strict=False)))
    rows = ordered(layers(edges), links)
    x = across(rows, links)
    y = {node: -float(number) for number, row in enumerate(rows) for node in row}
    figure = Figure(figsize=(11, 8))
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.98))
    for (rule, _), way in through.items():
        points = [(x[node], y[node]) for node in way]
        points[0] = (points[0][0], points[0][1] - _half(way[0]))
        points[-1] = (points[-1][0], points[-1][1] + _half(way[-1]) + 0.04)
        path = [points[0]]
        for (a, b), (c, d) in zip(points, points[1:], strict=False):
            path += [(a, (b + d) / 2), (c, (b + d) / 2), (c, d)]
        codes = [Curve.MOVETO, *[Curve.CURVE4] * (len(path) - 1)]
        colour = STAGES[stage[rule]][1]
        axes.add_patch(PathPatch(Curve(path, codes), fill=False, edgecolor=colour, linewidth=1.3, alpha=0.75, zorder=1))
        head = [(points[-1][0] + dx, points[-1][1] + dy) for dx, dy in ((-0.05, 0.05), (0.05, 0.05), (0, -0.03))]
        axes.fill(*zip(*head, strict=True), color="#444444", linewidth=0, zorder=2)
    for node in x:
        if isinstance(node, str):
            colour = STAGES[stage[node]][1]
            box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": colour, "linewidth": 2}
            axes.text(x[node], y[node], _label(node), ha="center", va="center", fontsize=10, bbox=box, zorder=3)
    for colour_of, (title, colour) in STAGES.items():
        if colour_of in {stage[node] for node in x if isinstance(node, str)}:
            axes.plot([], [], color=colour, linewidth=4, label=f"{title}: rules/{colour_of}.smk")
    axes.legend(loc="upper left", fontsize=9, frameon=False)
    axes.set_xlim(min(x.values()) - 0.7, max(x.values()) + 0.7)
    axes.set_ylim(min(y.values()) - 0.4, 0.4)
    axes.axis("off")
    return figure


def _label(rule: str) -> str:
    """The name of a rule, long ones on two lines."""
    return rule.replace("_", "\n") if len(rule) > 10 else rule


def _half(node: Node) -> float:
    """Half the height of a rule's box."""
    return 0.25 if isinstance(node, str) and "\n" in _label(node) else 0.16


def main() -> None:
    edges = rule_edges()
    EDGES.write_text(as_text(edges), encoding="utf-8")
    draw(shown_edges(edges), stages()).savefig(PICTURE, dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()
