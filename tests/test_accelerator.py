"""Metrics by torch: the same numbers as NumPy's. CUDA is tried where there is one; "cpu:0" is torch's CPU device."""

import warnings

import numpy as np
import pytest
import torch
from golden import clusters
from sklearn.mixture import GaussianMixture
from torch.utils._python_dispatch import TorchDispatchMode

from pedrank import ReferenceStatistics, refine, score
from pedrank.accelerator import gaussians, torch_device
from pedrank.accelerator.class_sums import scatter_within, sums_and_squares
from pedrank.accelerator.clusters import clustered
from pedrank.accelerator.device_rows import upload
from pedrank.accelerator.eigen import diagonal_form, first_axes
from pedrank.accelerator.gaussians import fitted
from pedrank.accelerator.neighbours import nearest_rows
from pedrank.metrics import evaluate, metric_names
from pedrank.metrics._k_means import k_means
from pedrank.observation.observation import observe
from pedrank.observation.spectrum import leading_axes
from pedrank.observation.statistics import ClassStatistics, class_sums, within_scatter
from pedrank.utils.errors import InputError

DEVICES = ["cpu:0", *(["cuda"] if torch.cuda.is_available() else [])]
COSTLY = ["nleep", "parc", "sfda", "lda", "gbc", "logme", "knn", "h_score"]  # the metrics that use the device

pytestmark = pytest.mark.filterwarnings("ignore:labels. .* single sample", "ignore:logme")


@pytest.fixture(params=DEVICES)
def device(request):
    return request.param


def _single():
    """Features of which two classes have a single sample."""
    features, labels = clusters(200, 20, 4)
    labels = labels.copy()
    labels[:2] = 4, 5
    return features, labels


def _as(dtype, scale=1, shift=0):
    features, labels = clusters(200, 20, 4)
    return lambda: ((features * scale + shift).astype(dtype), labels)


CASES = {
    "float32": lambda: clusters(300, 24, 5),
    "float16": _as(np.float16),
    "large float64": _as(np.float64, 1000),
    "integers": _as(np.int32, 100),
    "uint16": _as(np.uint16, 100, 1000),
    "byte order": _as(">f4"),
    "N < D": lambda: clusters(60, 90, 4),
    "C = 2": lambda: clusters(120, 10, 2),
    "C = 60": lambda: clusters(400, 30, 60),
    "C > D": lambda: clusters(150, 6, 30),
    "single": _single,
    "wide components": lambda: clusters(400, 12, 3),  # more rows than dimensions in each of NLEEP's components
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", COSTLY)
def test_scores_are_numpys(name, case, device, monkeypatch):
    features, labels = CASES[case]()
    refinement = refine(features, labels, ReferenceStatistics.from_features(features))
    for block in (torch_device.BLOCK, 3000):  # one block, and several
        monkeypatch.setattr(torch_device, "BLOCK", block)
        for moved in (None, refinement):
            expected, found = (evaluate(name, observe(features, labels, moved, where)) for where in ("cpu", device))
            assert found.score == pytest.approx(expected.score, rel=1e-8), (block, moved is None)
            assert found.rank_score == pytest.approx(expected.rank_score, rel=1e-6), (block, moved is None)


OPTIONS = [
    ("knn", {"k": 5}),
    ("knn", {"distance": "cosine"}),
    ("knn", {"k": 20, "distance": "cosine"}),
    ("nleep", {"mode": "paper", "seeds": 1, "seed": 7}),
    ("nleep", {"components_per_class": 1, "variance": 0.99}),
    ("parc", {"label_distance": "as_released", "dims": 5}),
    ("parc", {"dims": 3, "seed": 1}),
    ("gbc", {"variant": "spherical"}),
    ("sfda", {"leave_out": "sample"}),
    ("logme", {"mode": "paper"}),
    ("h_score", {"debiased": True}),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_options_mean_the_same(name, options, device):
    features, labels = clusters(240, 16, 4)
    # In floating point, the released label distance depends on the last bit.
    close = 1e-2 if options.get("label_distance") else 1e-8
    expected = score(name, features, labels, **options)
    assert score(name, features, labels, device=device, **options) == pytest.approx(expected, rel=close)


@pytest.mark.parametrize("name", sorted({*metric_names()} - {*COSTLY, "leep", "nce", "itm", "lead"}))
def test_metrics_without_a_form_for_the_device_run_on_the_cpu(name, device):
    features, labels = clusters(120, 12, 3)
    assert score(name, features, labels, device=device) == pytest.approx(score(name, features, labels), rel=1e-8)


@pytest.mark.parametrize("name", ["sfda", "lda", "h_score"])
@pytest.mark.parametrize("value", [0.1, np.nan])
def test_the_same_messages(name, value, device):
    features, labels = np.full((40, 6), value, np.float32), np.arange(40) % 4
    messages = []
    for where in ("cpu", device):
        with pytest.raises(InputError) as error:
            score(name, features, labels, device=where)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("name", ["nleep", "gbc", "knn", "logme"])
def test_constant_features_that_have_a_score(name, device):
    features, labels = np.full((40, 6), 0.1, np.float32), np.arange(40) % 4
    assert score(name, features, labels, device=device) == pytest.approx(score(name, features, labels), rel=1e-8)


def test_statistics_scatter_and_spectrum_are_numpys(device, monkeypatch):
    monkeypatch.setattr(torch_device, "BLOCK", 200)  # several blocks
    features, labels = clusters(3000, 20, 6)
    rows, origins = upload(features, labels, device), np.random.default_rng(1).normal(size=(6, 20))
    for start in (np.zeros_like(origins), origins):
        for found, expected in zip(sums_and_squares(rows, start), class_sums(features, labels, start), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-10)
    means = ClassStatistics.from_features(features, labels).means
    expected = within_scatter(features, labels, means)
    np.testing.assert_allclose(scatter_within(rows, means), expected, rtol=1e-9, atol=1e-9 * expected.max())
    b = np.random.default_rng(0).normal(size=(20, 3))
    _, rotate, solve = diagonal_form(expected, device)
    exact = b.T @ np.linalg.solve(expected + 0.5 * np.eye(20), b)
    np.testing.assert_allclose(rotate(b).T @ solve(rotate(b), 0.5), exact, rtol=1e-9)
    for share in (0.1, 0.5, 0.999):
        mine, numpys = (
            first_axes(torch.from_numpy(expected).to(device), share).cpu().numpy(),
            leading_axes(expected, share),
        )
        np.testing.assert_allclose(mine @ mine.T, numpys @ numpys.T, atol=1e-9)


def test_statistics_far_from_zero_keep_their_digits(device):
    features, labels = clusters(200, 5, 3)
    far = features.astype(np.float64) + 1e6
    found, expected = (observe(far, labels, device=where).variances for where in (device, "cpu"))
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_clusters_are_numpys_also_where_rows_are_equally_near(device):
    grid = np.array([[a, b] for a in range(-4, 5) for b in range(-4, 5)], dtype=np.float64)
    for x, k in ((grid, 7), (np.repeat(grid[:20], 3, axis=0), 12), (clusters(500, 8, 4)[0].astype(np.float64), 40)):
        x = x - x.mean(axis=0)
        mine = clustered(torch.from_numpy(x).to(device), k, range(3))
        for found, expected in zip(mine, k_means(x, k, range(3)), strict=True):
            np.testing.assert_array_equal(found.cpu().numpy(), expected)


@pytest.mark.parametrize("columns", [1, 8192])
def test_the_mixture_is_scikit_learns_from_the_same_start(columns, device, monkeypatch):
    """Components with fewer rows than dimensions, and with more, together in groups and one by one."""
    monkeypatch.setattr(gaussians, "_COLUMNS", columns)
    rng, k = np.random.default_rng(0), 5
    start = np.repeat(np.arange(k), (4, 5, 90, 6, 120))
    x = rng.normal(size=(len(start), 8)) + 2 * rng.normal(size=(k, 8))[start]

    class Started(GaussianMixture):
        def _initialize_parameters(self, X, random_state, xp=None):
            self._initialize(X, np.eye(k)[start])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wants more steps
        theirs = Started(k, covariance_type="full", tol=1e-3, max_iter=100, reg_covar=1e-6).fit(x)
    shares = fitted(torch.from_numpy(x).to(device), torch.from_numpy(start).to(device), k)
    mine = np.zeros((len(x), k))
    components = np.repeat(np.arange(k), np.diff(shares.ends))
    mine[shares.rows.cpu().numpy(), components] = shares.values.cpu().numpy()
    np.testing.assert_allclose(mine, theirs.predict_proba(x), atol=1e-9)
    np.testing.assert_array_equal(shares.largest.cpu().numpy(), mine.argmax(axis=1))


def test_neighbours_are_those_of_all_distances(device, monkeypatch):
    monkeypatch.setattr(torch_device, "BLOCK", 900)  # blocks of rows and of columns
    features, labels = clusters(80, 12, 3)
    exact = np.square(features[:, None].astype(np.float64) - features).sum(axis=2)
    np.fill_diagonal(exact, np.inf)
    found = nearest_rows(upload(features, labels, device), features.mean(axis=0), 4, "euclidean")
    np.testing.assert_array_equal(found, exact.argsort(axis=1)[:, :4])


def test_features_are_copied_once_for_all_metrics_and_refinements(device, monkeypatch):
    copied = []
    real = torch.empty

    def empty(*args, **kwargs):
        copied.append(args[0])
        return real(*args, **kwargs)

    monkeypatch.setattr(torch, "empty", empty)
    features, labels = clusters(200, 10, 3)
    raw = observe(features, labels, device=device)
    moved = raw.refined(refine(features, labels, ReferenceStatistics.from_features(features)))
    assert copied.count((200, 10)) == 1
    for observation in (raw, moved):
        for name in COSTLY:
            evaluate(name, observation)
    assert raw.on_device().stored is moved.on_device().stored
    assert (raw.on_device().displacement is None) and (moved.on_device().displacement is not None)


def test_features_too_large_for_the_device_stay_on_the_cpu(device, monkeypatch):
    features, labels = clusters(200, 10, 3)
    expected = {name: score(name, features, labels) for name in COSTLY}
    monkeypatch.setattr(torch_device, "free_bytes", lambda where: features.nbytes)
    monkeypatch.setattr(torch_device, "BLOCK", 500)
    observation = observe(features, labels, device=device)
    assert isinstance(observation.on_device().stored, np.ndarray)
    for name, value in expected.items():
        assert evaluate(name, observation).score == pytest.approx(value, rel=1e-8)


class Largest(TorchDispatchMode):
    """Notes the numbers of the largest tensor that torch makes within the context, in float64."""

    numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for each in made if isinstance(made, tuple) else [made]:
            if isinstance(each, torch.Tensor):
                self.numbers = max(self.numbers, each.untyped_storage().nbytes() // 8)
        return made


@pytest.mark.parametrize("name", ["nleep", "sfda", "lda", "gbc", "knn", "logme", "h_score"])
def test_memory_is_that_of_the_features_and_a_block(name, device, monkeypatch):
    """NLEEP would need five million numbers for all deviations, and 0.15 million for all responsibilities."""
    monkeypatch.setattr(torch_device, "BLOCK", 20_000)
    features, labels = clusters(1500, 60, 20)
    with Largest() as largest:
        score(name, features, labels, device=device, **({"seeds": 1} if name == "nleep" else {}))
    projected = leading_axes(observe(features, labels).total_scatter(), 0.8).shape[1] if name == "nleep" else 0
    assert 20_000 / 2 < largest.numbers <= max(features.nbytes // 8, 1500 * projected, 20_000)


def test_a_full_device_is_one_line(device, monkeypatch):
    def full(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried")

    monkeypatch.setattr(torch.linalg, "eigh", full)
    with pytest.raises(InputError, match=r"nleep: the GPU's memory is full; .*device cpu\)$"):
        score("nleep", *clusters(60, 5, 3), device=device)


def test_a_device_that_is_not_there_is_refused_in_one_line():
    features, labels = clusters(50, 4, 2)
    for device in ("nowhere", *(["cuda"] if not torch.cuda.is_available() else [])):
        with pytest.raises(InputError, match=f"device '{device}': cannot compute in float64") as error:
            observe(features, labels, device=device)
        assert "\n" not in str(error.value)
