"""Memory that metrics promise: never less than the measured peak, at most twice as much, also of mapped features."""

import json
import subprocess
import sys

import numpy as np
import pytest

from pedrank.cli import main
from pedrank.metrics import bytes_needed, metric_names, score
from pedrank.store.artefacts import read_arrays, write_arrays
from pedrank.user_data.feature_files import read_features, usable
from pedrank.utils.errors import InputError
from pedrank.utils.memory import ShortMemoryError
from pedrank.utils.paths import ROOT

# Sizes N, D, C at which the terms of the promise are larger than its constants; options that need more.
WIDE, LONG, MANY = (2000, 800, 20), (20_000, 256, 20), (4000, 64, 500)
CASES = [
    *((name, size, {}) for name in ("h_score", "lda", "logme", "rankme", "sfda", "transrate") for size in (WIDE, MANY)),
    *((name, size, {}) for name in ("energy", "feature_norm", "gbc", "leep", "nce", "ncm") for size in (LONG, MANY)),
    ("ncti", WIDE, {}),
    ("ncti", LONG, {"part": "collapse"}),
    ("itm", LONG, {"steps": 5}),
    ("itm", MANY, {"steps": 5, "mode": "as_described"}),
    ("knn", (12_000, 512, 20), {}),
    ("knn", (12_000, 256, 20), {"k": 5, "distance": "cosine"}),
    ("lead", (1500, 800, 5), {"seeds": 1, "mode": "as_described"}),
    ("lead", (6000, 256, 5), {"seeds": 1}),
    ("linear_probe", (4000, 600, 10), {"folds": 2}),
    ("linear_probe", (1000, 800, 10), {"folds": 2}),
    ("linear_probe", MANY, {"folds": 2}),
    ("logme", (300, 800, 20), {}),
    ("nleep", (8000, 256, 10), {"seeds": 1}),
    ("pactran", (15_000, 512, 10), {}),
    ("parc", (6000, 64, 2), {}),
    ("parc", (6000, 64, 300), {}),
    ("parc", (1000, 1200, 20), {}),
    ("transrate", (8000, 512, 2), {}),
]


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess:
    program = f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r})\n{program}"
    return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, cwd=ROOT)


@pytest.fixture(scope="module")
def peaks():
    """Measured peaks of all cases in MB: in one other process, one after the other."""
    program = "import json, memory; cases = json.loads(sys.argv[1])\n"
    # L-BFGS keeps its last ten steps, so more steps take time but no memory.
    program += "from pedrank.metrics import lead, pactran; lead._STEPS = pactran.MAX_STEPS = 12\n"
    program += "print(json.dumps([memory.peak_of(name, size, **options) for name, size, options in cases]))"
    done = _run(program, json.dumps(CASES))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_metric_is_measured():
    assert {name for name, *_ in CASES} == {name for name in metric_names() if not name.startswith("_")}


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{name}-{size[1]}-{size[2]}" for name, size, _ in CASES])
def test_the_promise_covers_the_peak_and_is_at_most_twice_as_much(peaks, number):
    name, size, options = CASES[number]
    promised = bytes_needed(name, *size) / 1e6
    assert peaks[number] <= promised
    assert promised <= max(200, 2 * peaks[number])


# Metrics that copy all features, as float32 or float64, or their projection; the others read a block at a time.
COPYING = {"itm", "knn", "lead", "nleep", "pactran"}
MAPPED = (24_000, 512, 40)  # 49 MB


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    """A file of features."""
    n, d, c = MAPPED
    labels = np.arange(n) % c
    features = np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)
    features[:, :c] += 3 * np.eye(c, dtype=np.float32)[labels]
    path = tmp_path_factory.mktemp("mapped") / "features.safetensors"
    write_arrays(path, {"features": features, "labels": labels}, {})
    return path


# A limit of private memory that is the promise: mapped pages of the file do not count. Whole stacks of threads do,
# though they are hardly used: 8 MiB each.
LIMITED = """
import resource, warnings
from pathlib import Path
import numpy as np
import memory, one
from pedrank.metrics import bytes_needed, lead, pactran, score
from pedrank.store.artefacts import read_arrays
from pedrank.utils.parallel import thread_count
warnings.simplefilter("ignore")
lead._STEPS = pactran.MAX_STEPS = 2
name, path, more = sys.argv[1:]
arrays = read_arrays(path, "features", "labels")
features, labels = arrays["features"], np.asarray(arrays["labels"])
c = int(labels.max()) + 1
options = {"lead": {"seeds": 1, "mode": "as_described"}, "nleep": {"seeds": 1}, "linear_probe": {"folds": 2}}
options = options.get(name, {})
few = np.arange(200) % 2
score(name, np.array(features[:200]), few, **options, **memory.options_of(name, few, 2))
options |= memory.options_of(name, labels, c)
limit = one.held("VmData") + bytes_needed(name, *features.shape, c) + thread_count() * 2**23 + int(more)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
print(score(name, features, labels, **options))
"""


@pytest.mark.parametrize("name", metric_names())
def test_mapped_features_are_scored_within_the_promise(mapped, name):
    done = _run(LIMITED, name, str(mapped), "0")
    assert done.returncode == 0, done.stderr[-500:]
    assert np.isfinite(float(done.stdout))


def test_less_than_the_promise_is_not_enough(mapped):
    done = _run(LIMITED, "pactran", str(mapped), str(-(10**8)))
    assert "MemoryError" in done.stderr


@pytest.mark.parametrize("name", metric_names())
def test_a_metric_is_refused_with_the_figure_before_it_starts(mapped, name, monkeypatch):
    arrays = read_arrays(mapped, "features", "labels")
    needed = bytes_needed(name, *MAPPED)
    monkeypatch.setattr("pedrank.utils.memory.available_memory", lambda: needed - 1)
    with pytest.raises(InputError) as refused:
        score(name, arrays["features"], np.asarray(arrays["labels"]))
    size = f"{MAPPED[0]} samples x {MAPPED[1]} features, {MAPPED[2]} classes"
    assert str(refused.value).startswith(f"{name}: {size} need {needed / 1e9:.1f} GB, but ")


@pytest.mark.parametrize(
    "name, options",
    [
        ("h_score", {"debiased": True}),
        ("leep", {"probabilities": np.full((60, 1000), 1e-3)}),
        ("ncti", {"part": "ncc"}),
        ("parc", {"label_distance": "as_released"}),
        ("sfda", {"leave_out": "sample"}),
    ],
)
def test_options_that_need_more_are_refused_and_not_dropped(name, options, monkeypatch):
    labels = np.arange(60) % 3
    features = np.random.default_rng(0).normal(size=(60, 800)) if name != "parc" else np.eye(60, 40)
    found = []

    def available():
        found.append(None)
        return bytes_needed(name, *features.shape, 3) if len(found) == 1 else 10**5  # no less than it needs by itself

    monkeypatch.setattr("pedrank.utils.memory.available_memory", available)
    with pytest.raises(ShortMemoryError, match=f"{name}: 60 samples x .* need .* GB, but .* GB are free"):
        score(name, features, labels, **options)
    assert len(found) == 2


def test_only_some_metrics_copy_the_features():
    n, d, c = 10**7, 256, 10
    copying = {name for name in metric_names() if bytes_needed(name, n, d, c) > 4 * n * d}
    assert copying == COPYING


@pytest.mark.parametrize("suffix", ["safetensors", "npy"])
def test_files_of_features_are_mapped(suffix, tmp_path):
    features, labels = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32), np.arange(30) % 3
    path = tmp_path / f"features.{suffix}"
    if suffix == "npy":
        np.save(path, features)
        np.save(tmp_path / "labels.npy", labels)
    else:
        write_arrays(path, {"features": features, "labels": labels}, {})
    found, found_labels = read_features(path)
    assert isinstance(found.base, np.memmap) and not found.flags.writeable
    np.testing.assert_array_equal(found, features)
    np.testing.assert_array_equal(found_labels, labels)


@pytest.mark.parametrize(
    "command, message",
    [
        (
            ["score", "FILE", "--metric", "lead"],
            "lead: 24000 samples x 512 features, 40 classes need 0.3 GB, but 0.0 GB",
        ),
        (
            ["refine", "FILE", "--refine", "0.6", "--out", "o.npz"],
            "the refined features need 0.0 GB, but 0.0 GB",
        ),
    ],
)
def test_commands_refuse_in_one_line(command, message, mapped, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pedrank.utils.memory.available_memory", lambda: 10**6)
    assert main([str(mapped) if word == "FILE" else word for word in command]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert str(mapped) in error and message in error
    assert not list(tmp_path.glob("o.npz"))


def test_features_of_another_type_are_not_copied_into_memory_that_is_short(monkeypatch):
    monkeypatch.setattr("pedrank.utils.memory.available_memory", lambda: 400)
    with pytest.raises(ShortMemoryError, match="features of type float64, copied as float32, need 0.0 GB"):
        usable(np.ones((60, 2)), np.arange(60) % 3)
    usable(np.ones((60, 2), np.float32), np.arange(60) % 3)
