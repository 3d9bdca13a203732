"""Features that a user has computed, and reference statistics of a dataset's own features."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from pedrank.observation.statistics import STD_FLOOR, ClassStatistics, ReferenceStatistics
from pedrank.report.sentences.reference_caveats import reference_caveats
from pedrank.store.artefacts import read_arrays
from pedrank.user_data.feature_files import features_entry, file_of, read_features
from pedrank.utils.errors import InputError

Z = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32)
Y = np.array([4, 7, 9] * 4)


def test_three_kinds_of_files_say_the_same(tmp_path):
    np.savez(tmp_path / "a.npz", features=Z.astype(np.float64), labels=Y.astype("U3"))
    np.save(tmp_path / "Vit_S16.npy", Z)
    np.save(tmp_path / "labels.npy", Y)
    save_file({"features": Z, "labels": Y}, tmp_path / "c.safetensors")
    card, entries = features_entry(tmp_path)
    assert entries == {name: {"zoo": "features"} for name in ("vit-s16", "a", "c")} and card["features"] == str(
        tmp_path
    )
    for name in entries:
        features, labels = read_features(file_of(tmp_path, name))
        np.testing.assert_array_equal(features, Z)
        assert labels.tolist() == [0, 1, 2] * 4 and (features.dtype, labels.dtype) == (np.float32, np.int64)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"features": Z}, "no array 'labels'"),
        ({"features": Z, "labels": Y[:5]}, "12 rows but 5 labels"),
        ({"features": Z, "labels": Y * 0}, "only one class"),
        ({"features": Z, "labels": Y + 0.5}, "labels must be a vector of integers or texts"),
        ({"features": Z, "labels": np.array([None, "a"] * 6)}, "cannot be read"),
        ({"features": np.where(np.eye(12, 5) > 0, np.nan, Z), "labels": Y}, "row 0 of the features is not finite"),
        ({"features": Z[0], "labels": Y}, r"must have shape \(number of samples"),
    ],
)
def test_wrong_files_are_one_line(tmp_path, arrays, message):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=message) as error:
        read_features(tmp_path / "x.npz")
    assert "x.npz" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name, content", [("x.npz", b"PK\x03\x04cut"), ("x.npz", b""), ("x.npy", b"\x93NUMPY")])
def test_broken_files_are_one_line(tmp_path, name, content):
    np.save(tmp_path / "labels.npy", Y)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: cannot be read"):
        read_features(tmp_path / name)


def test_a_folder_without_two_files_ranks_nothing(tmp_path):
    np.savez(tmp_path / "only.npz", features=Z, labels=Y)
    with pytest.raises(InputError, match="the number of feature files .* is 1;"):
        features_entry(tmp_path)
    with pytest.raises(InputError, match="not a folder; give a folder with one feature file"):
        features_entry(tmp_path / "none")
    np.savez(tmp_path / "ONLY.npz", features=Z, labels=Y)
    with pytest.raises(InputError, match="has the same name, 'only'"):
        features_entry(tmp_path)
    np.save(tmp_path / "bare.npy", Z)
    with pytest.raises(InputError, match="labels.npy: no such file; put the labels of .npy features"):
        read_features(tmp_path / "bare.npy")


def test_statistics_of_classes_are_those_of_all_samples():
    features = np.concatenate([Z * [1, 1, 1, 1, 0], Z[:5] + 40]).astype(np.float32)
    labels = np.concatenate([np.arange(12) % 3, np.full(5, 3)])
    found = ReferenceStatistics.from_classes(ClassStatistics.from_features(features, labels))
    np.testing.assert_allclose(found.mean, features.astype(float).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.std, np.maximum(features.astype(float).std(axis=0), STD_FLOOR), rtol=1e-9)


@pytest.mark.parametrize(
    "source, said",
    [
        ("imagenet-val", []),
        ("shipped", []),
        ("self", ["own feature statistics"]),
        ("sample", ["sample images"]),
    ],
)
def test_the_report_says_what_stands_in_for_imagenet(source, said):
    found = reference_caveats({"reference": {"source": source}})
    assert len(found) == len(said) and all(part in sentence for part, sentence in zip(said, found, strict=True))


def test_the_scripts_write_what_the_workflow_reads(tmp_path):
    import subprocess
    import sys

    from pedrank.utils.paths import ROOT

    np.savez(tmp_path / "x.npz", features=Z, labels=Y)
    out, statistics, reference = (tmp_path / f"{name}.safetensors" for name in ("z", "s", "r"))

    def run(script, *arguments):
        command = [sys.executable, ROOT / "scripts" / script, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)

    run("features_given.py", "--given", tmp_path / "x.npz", "--out", out, "--statistics", statistics)
    said = run("reference_given.py", "--classes", statistics, "--dataset", "mine", "--out", reference).stderr
    assert "mine itself" in said
    np.testing.assert_array_equal(read_arrays(out)["features"], Z)
    np.testing.assert_allclose(read_arrays(reference)["mean"], Z.mean(axis=0), rtol=1e-5, atol=1e-7)
