"""Each metric against an independent computation: a library where one has it, its plain formula where none does."""

import numpy as np
import pytest
from golden import clusters
from scipy import optimize, special, stats

from pedrank import ReferenceStatistics, refine, score
from pedrank.metrics import _mixture, _near, get_metric, parc
from pedrank.metrics._k_means import k_means
from pedrank.metrics._logme_plain import plain_logme
from pedrank.metrics.logme import evidence_terms, interpolate, separate_terms
from pedrank.metrics.ncti import combine
from pedrank.observation.observation import observe
from pedrank.observation.spectrum import leading_axes, spectrum
from pedrank.testing import check_metric
from pedrank.utils.errors import InputError


@pytest.mark.parametrize("shape", [(300, 6, 4), (120, 50, 10), (60, 100, 3)])
def test_logme_is_the_evidence_at_its_fixed_point(shape):
    features, labels = clusters(*shape)
    x = features.astype(np.float64)
    n, d = x.shape
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    evidences = []
    for label in range(shape[2]):
        y = (labels == label).astype(float)
        weights, t = (u.T @ y) ** 2, 1.0
        for _ in range(11):
            gamma = (s**2 / (s**2 + t)).sum()
            m2 = (s**2 * weights / (s**2 + t) ** 2).sum()
            r2 = (weights * (t / (s**2 + t)) ** 2).sum() + max(y.sum() - weights.sum(), 0)
            alpha, beta = gamma / (m2 + 1e-5), (n - gamma) / (r2 + 1e-5)
            before, t = t, alpha / beta
            if abs(t - before) / before <= 1e-3:
                break
        evidence = d / 2 * np.log(alpha) + n / 2 * np.log(beta) - 0.5 * np.log(alpha + beta * s**2).sum()
        evidences.append((evidence - beta / 2 * r2 - alpha / 2 * m2 - n / 2 * np.log(2 * np.pi)) / n)
    assert score("logme", features, labels) == pytest.approx(np.mean(evidences), rel=1e-8)


@pytest.mark.parametrize("shape", [(300, 6, 4), (200, 30, 7), (60, 100, 3), (40, 200, 6), (1000, 64, 20)])
def test_logme_is_the_plain_version(shape):
    features, labels = clusters(*shape)
    assert score("logme", features, labels) == pytest.approx(plain_logme(features, labels), rel=1e-9)
    reference = ReferenceStatistics.from_features(features / 3)
    refinement = refine(features, labels, reference, lam=0.9)
    moved = features + refinement.displacement[labels]  # float64, as an observation moves them
    assert np.abs(refinement.displacement).max() > 0.01
    refined = score("logme", features, labels, refinement=refinement)
    assert refined == pytest.approx(plain_logme(moved, labels), rel=1e-9)


def test_logme_is_the_plain_version_with_dead_features():
    features, labels = clusters(60, 100, 3)
    features = features * (np.arange(100) >= 50)
    assert score("logme", features, labels) == pytest.approx(plain_logme(features, labels), rel=1e-9)


def direct_evidence(x, labels):
    """LogME's evidence (You et al. 2021, Eq. 2) with alpha and beta of the fixed point, by slogdet over all D."""
    x = x.astype(np.float64)
    n, d = x.shape
    evidences = []
    for label in np.unique(labels):
        y, alpha, beta, t = (labels == label).astype(float), 1.0, 1.0, 1.0
        for _ in range(11):
            precision = alpha * np.eye(d) + beta * x.T @ x
            m = beta * np.linalg.solve(precision, x.T @ y)
            gamma = d - alpha * np.trace(np.linalg.inv(precision))
            alpha, beta = gamma / (m @ m + 1e-5), (n - gamma) / (((y - x @ m) ** 2).sum() + 1e-5)
            before, t = t, alpha / beta
            if abs(t - before) / before <= 1e-3:
                break
        log_det = np.linalg.slogdet(alpha * np.eye(d) + beta * x.T @ x)[1]
        evidence = d / 2 * np.log(alpha) + n / 2 * np.log(beta) - n / 2 * np.log(2 * np.pi) - log_det / 2
        evidences.append(evidence - beta / 2 * ((y - x @ m) ** 2).sum() - alpha / 2 * m @ m)
    return np.mean(evidences) / n


@pytest.mark.parametrize(
    "shape", [(300, 6, 4), (200, 30, 7), (60, 100, 3), (40, 200, 6), (60, 50, 30), (24, 600, 3), (90, 40, 45)]
)
@pytest.mark.parametrize("dead", [0, 0.5])
def test_logme_of_the_paper_is_the_evidence_over_all_directions(shape, dead):
    features, labels = clusters(*shape)
    features = features * (np.arange(shape[1]) >= dead * shape[1])
    assert score("logme", features, labels, mode="paper") == pytest.approx(direct_evidence(features, labels), rel=1e-8)
    assert plain_logme(features, labels, mode="paper") == pytest.approx(direct_evidence(features, labels), rel=1e-8)


def test_the_modes_of_logme_differ_only_where_directions_are_missing():
    features, labels = clusters(200, 30, 7)
    assert score("logme", features, labels, mode="paper") == score("logme", features, labels)
    wide, labels = clusters(40, 200, 6)
    assert score("logme", wide, labels, mode="paper") < score("logme", wide, labels) - 1


def test_noise_does_not_beat_information_in_the_evidence():
    """240 samples: pure noise in 2,048 dimensions, and 128 informative features (classified without error)."""
    random = np.random.default_rng(0)
    labels = np.arange(240) % 6
    noise = np.abs(random.normal(size=(240, 2048))) * 0.4
    centres = random.normal(size=(6, 128))
    informative = np.abs(centres[labels] + random.normal(size=(240, 128)) * 0.7) * 0.4
    of_noise, of_informative = (score("logme", each, labels, mode="paper") for each in (noise, informative))
    assert of_noise < 0 < of_informative
    with pytest.warns(UserWarning, match="give 240 of 2048 directions; the released formula is then too high"):
        assert score("logme", noise, labels) > 20


@pytest.mark.parametrize("shape", [(400, 20, 100), (80, 30, 40), (900, 600, 200)])
def test_logme_of_many_classes(shape):
    features, labels = clusters(*shape)
    few = interpolate(
        lambda t: evidence_terms(observation.within_spectrum().values, *observation.grams()(t), observation.counts, t)
    )
    observation = observe(features, labels)
    t = np.geomspace(0.1, 10, shape[2])
    np.testing.assert_allclose(separate_terms(observation)(t), few(t), rtol=1e-6, atol=1e-7)


def test_logme_interpolates_its_terms_to_seven_digits():
    rng = np.random.default_rng(0)
    counts = rng.integers(5, 50, size=8)
    values, sums = np.exp(rng.uniform(-9, 6, size=60)), rng.normal(size=(60, 8)) * np.sqrt(counts)

    def terms(t):
        return evidence_terms(
            values, *(sums.T @ (sums / (values[:, None] + t) ** power) for power in (1, 2)), counts, t
        )

    t = np.exp(rng.uniform(-8, 8, size=8))
    exact = np.array([terms(one)[:, k] for k, one in enumerate(t)]).T
    found = interpolate(terms)(t)
    np.testing.assert_allclose(found, exact, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("rank", [30, 80])
def test_large_and_small_spectra_are_the_same(monkeypatch, rank):
    rows = np.random.default_rng(0).normal(size=(rank, 60))
    matrix, b = rows.T @ rows, rows[:4].T
    small = spectrum(matrix)
    monkeypatch.setattr("pedrank.observation.spectrum.LARGE", 1)
    large = spectrum(matrix)
    np.testing.assert_allclose(large.values, small.values, atol=1e-11 * small.values[-1])
    for found in (small, large):
        solved = found.rotate(b).T @ found.solve(found.rotate(b), 0.5)
        np.testing.assert_allclose(solved, b.T @ np.linalg.solve(matrix + 0.5 * np.eye(60), b), rtol=1e-9, atol=1e-12)
        each = found.solve(found.rotate(b), np.array([0.5, 1.0, 2.0, 4.0]))
        np.testing.assert_allclose(each[:, 2], found.solve(found.rotate(b), 2.0)[:, 2], rtol=1e-12)


def test_logme_of_many_features(monkeypatch):
    features, labels = clusters(150, 30, 4)
    value = score("logme", features, labels)
    monkeypatch.setattr("pedrank.observation.spectrum.LARGE", 1)
    assert score("logme", features, labels) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("large", [1, 512])
@pytest.mark.parametrize("share", [0.5, 0.8, 0.999])
def test_the_leading_axes_are_those_of_a_principal_component_analysis(large, share, monkeypatch):
    from sklearn.decomposition import PCA

    monkeypatch.setattr("pedrank.observation.spectrum.LARGE", large)
    x = np.random.default_rng(0).normal(size=(200, 30)) * np.linspace(3, 0.1, 30)
    expected = PCA(share, svd_solver="full").fit(x).components_
    axes = leading_axes(np.cov(x.T), share)
    assert axes.shape == expected.T.shape
    np.testing.assert_allclose(np.abs(expected @ axes), np.eye(len(expected)), atol=1e-10)


def _clusters(x, k, seed=0):
    return next(k_means(x, k, [seed]))


def _dense(shares, n):
    responsibilities = np.zeros((n, len(shares.ends) - 1))
    responsibilities[shares.rows, shares.components] = shares.values
    return responsibilities


@pytest.mark.parametrize("shape", [(600, 5, 4), (600, 20, 4), (400, 30, 12), (200, 60, 40)])
def test_the_mixture_is_scikit_learns_from_the_same_start(shape):
    from sklearn.mixture import GaussianMixture

    x = clusters(*shape)[0] * np.linspace(2, 0.5, shape[1])
    k = shape[2]
    start = _mixture.of_clusters(_clusters(x, k), k)

    class FromStart(GaussianMixture):
        def _initialize_parameters(self, x, *args, **kwargs):
            self._initialize(x, _dense(start, len(x)))

    expected = FromStart(k, max_iter=100).fit(x).predict_proba(x)
    np.testing.assert_allclose(_dense(_mixture.fit(x, start), len(x)), expected, atol=1e-6)
    assert any(c.thin for c in _mixture.maximise(x, start)) == (shape[1] > 20)


@pytest.mark.parametrize("scale", [1e-3, 0.03, 1.0, 30.0])
@pytest.mark.parametrize(("n", "d", "k"), [(300, 20, 4), (300, 40, 12), (900, 24, 9)])
def test_a_skipped_component_has_no_share(n, d, k, scale):
    x = scale * clusters(n, d, k, apart=0.3)[0].astype(np.float64)
    start = _mixture.of_clusters(_clusters(x, k), k)
    components = _mixture.maximise(x, start)
    logs = np.empty((n, k))
    for number in range(k):
        rows = x[start.rows[start.ends[number] : start.ends[number + 1]]]
        covariance = np.cov(rows.T, bias=True) + _mixture.REGULARISATION * np.eye(d)
        deviations = x - rows.mean(axis=0)
        distances = np.einsum("nd,dn->n", deviations, np.linalg.solve(covariance, deviations.T))
        log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
        logs[:, number] = np.log(len(rows) / n) - 0.5 * (distances + log_det)
    near = np.zeros((n, k), dtype=bool)
    rows, ends = _near.near(x, components, logs.max(axis=1), {})
    near[rows, np.repeat(np.arange(k), np.diff(ends))] = True
    assert (logs - logs.max(axis=1, keepdims=True))[~near].max(initial=-np.inf) < -75
    log_likelihood, shares = _mixture.expect(x, components, np.zeros(n, dtype=int), {})  # from a poor guess
    np.testing.assert_allclose(_dense(shares, n), special.softmax(logs, axis=1), atol=1e-6)
    assert log_likelihood == pytest.approx(special.logsumexp(logs, axis=1).mean(), rel=1e-6)


def test_most_pairs_of_row_and_component_are_skipped():
    x = clusters(600, 200, 12)[0].astype(np.float64)
    start = _mixture.of_clusters(_clusters(x, 12), 12)
    rows, _ = _near.near(x, _mixture.maximise(x, start), np.zeros(600), {})
    assert len(rows) < 2 * 600  # of 12 * 600


@pytest.mark.parametrize("scale", [1e-2, 1.0, 1e6, 1e15, 1e30])
@pytest.mark.parametrize("decay", [1.0, 1e-4])
def test_carried_lengths_are_lower_bounds_of_the_distances(scale, decay):
    n, d, k = 900, 20, 6  # no component is thin
    x = scale * np.geomspace(1, decay, d) * clusters(n, d, k, apart=0.4)[0].astype(np.float64)
    shares = _mixture.of_clusters(_clusters(x, k), k)
    lengths, known = {}, None
    for step in range(4):
        components = _mixture.maximise(x, shares)
        assert not any(component.thin for component in components)
        exact = np.array([np.linalg.norm((x - one.mean) @ one.whitening.T, axis=1) for one in components])
        if step:
            _near.carry(lengths, known, components)
            least = np.array([lengths[number] for number in range(k)])
            assert np.all(least <= exact)
            if scale <= 1e15:
                assert np.median(least[least > 0] / exact[least > 0]) > 0.5  # else it would exclude nothing
        shares = _mixture.expect(x, components, shares.largest, lengths)[1]
        least = np.array([lengths[number] for number in range(k)])
        assert np.all(least <= exact)
        assert (least > 0).any() == (scale <= 1e15)  # above, squares overflow in float32
        known = components


def test_overlapping_components_are_computed_again_only_where_they_changed(monkeypatch):
    x = clusters(3000, 30, 6, apart=2.0)[0].astype(np.float64)
    start = _mixture.of_clusters(_clusters(x, 24), 24)
    pairs, exact = [], _mixture._log_densities
    monkeypatch.setattr(_mixture, "_log_densities", lambda *given: pairs.append(len(given[2])) or exact(*given))
    found, most = _mixture.fit(x, start), max(pairs)
    assert len(pairs) >= 10  # two for each step
    monkeypatch.setattr(_mixture, "near", lambda x, *_: (np.tile(np.arange(len(x)), 24), len(x) * np.arange(25)))
    everything = _mixture.fit(x, start)
    np.testing.assert_allclose(_dense(found, 3000), _dense(everything, 3000), atol=1e-9)
    shared = np.count_nonzero(_dense(everything, 3000) > 1e-30)
    assert most < 1.3 * shared < 0.5 * 24 * 3000


def test_an_assignment_that_stays_ends_the_fit(monkeypatch):
    x = clusters(200, 60, 40)[0].astype(np.float64)
    calls = []
    expect = _mixture.expect
    monkeypatch.setattr(_mixture, "expect", lambda *given: calls.append(0) or expect(*given))
    start = _mixture.of_clusters(_clusters(x, 40), 40)
    assert np.array_equal(_mixture.fit(x, start).rows, start.rows)
    assert len(calls) == 1


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e5])
@pytest.mark.parametrize(("n", "d", "k"), [(500, 8, 20), (400, 60, 30), (900, 2, 20)])
def test_k_means_is_lloyds_algorithm_in_double_precision(n, d, k, scale):
    x = clusters(n, d, 5)[0].astype(np.float64)
    x[: n // 2] = np.rint(x[: n // 2]) + 1e-9 * np.random.default_rng(0).normal(size=(n // 2, d))  # near ties
    x = scale * (x - x.mean(axis=0))
    rng = np.random.default_rng(3)
    chosen = [int(rng.integers(n))]
    nearest = np.full(n, np.inf)
    while len(chosen) < k:
        nearest = np.minimum(nearest, np.square(x - x[chosen[-1]]).sum(axis=1))
        cumulative = nearest.cumsum()
        chosen.append(int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")))
    centres = x[chosen]
    for _ in range(300):
        found = np.square(x[:, None] - centres).sum(axis=2).argmin(axis=1)
        assert len(np.unique(found)) == k
        moved = np.array([x[found == label].mean(axis=0) for label in range(k)])
        shift, centres = np.square(moved - centres).sum(), moved
        if shift <= 1e-4 * x.var(axis=0).mean():
            break
    expected = np.square(x[:, None] - centres).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(_clusters(x, k, seed=3), expected)


@pytest.mark.parametrize("power", [-200, -66, 66, 110])
def test_k_means_of_very_large_or_small_numbers(power):
    x = clusters(300, 30, 3)[0].astype(np.float64)
    np.testing.assert_array_equal(_clusters(x * 2.0**power, 6), _clusters(x, 6))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e10, 1e20, 1e30])
def test_nleep_of_very_large_features(scale):
    features, labels = clusters(300, 30, 3, apart=0.5)
    expected, found = (
        score("nleep", factor * features.astype(np.float64), labels, components_per_class=1) for factor in (1e5, scale)
    )
    assert 0.4 < expected < 0.99
    assert found == pytest.approx(expected, rel=1e-9)


def test_k_means_is_about_as_tight_as_scikit_learns():
    from sklearn.cluster import KMeans

    x, _ = clusters(500, 8, 20, apart=2.0)

    def inertia(labels):
        return sum(((x[labels == k] - x[labels == k].mean(axis=0)) ** 2).sum() for k in range(20))

    ours = [inertia(labels) for labels in k_means(x, 20, range(5))]
    theirs = [KMeans(20, n_init=1, random_state=seed).fit(x).inertia_ for seed in range(5)]
    assert np.mean(ours) < 1.1 * np.mean(theirs)


def test_k_means_fills_every_cluster_it_can():
    x = np.repeat(np.arange(6.0)[:, None], 10, axis=0)
    assert len(np.unique(_clusters(x, 6, seed=3))) == 6
    assert _clusters(np.zeros((5, 2)), 3).shape == (5,)


def test_nleep_of_pure_components():
    features, labels = clusters(200, 5, 3, apart=50.0)
    assert score("nleep", features, labels) == pytest.approx(1.0)
    assert score("nleep", features, labels, mode="paper") == pytest.approx(0.0, abs=1e-9)


def test_nleep_averages_over_seeds():
    features, labels = clusters(200, 5, 3)
    alone = [score("nleep", features, labels, seeds=1, seed=seed) for seed in (4, 5)]
    assert alone[0] != alone[1]
    assert score("nleep", features, labels, seeds=2, seed=4) == pytest.approx(np.mean(alone), rel=1e-12)


@pytest.mark.parametrize("shape", [(150, 40, 5), (80, 120, 4), (90, 20, 3)])
def test_parc_is_spearmans_correlation_of_all_pairs(shape):
    from sklearn.decomposition import PCA

    features, labels = clusters(*shape)
    dims = min(32, *features.shape)
    pca = PCA(dims, svd_solver="randomized", iterated_power=1, random_state=1919)
    components = pca.fit_transform(features.astype(np.float64))
    pairs = np.tril_indices(len(labels), -1)
    distances = (1 - np.corrcoef(components / components.std(axis=0)))[pairs]
    expected = 100 * stats.spearmanr(distances, (labels[:, None] != labels)[pairs]).statistic
    assert score("parc", features, labels) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_parc_counts_ties_and_looks_at_them_in_pieces(monkeypatch):
    values = np.sort(np.random.default_rng(0).integers(0, 30, size=1000)).astype(np.float32)
    sizes = np.unique(values, return_counts=True)[1].astype(float)
    monkeypatch.setattr(parc, "_SORTED", 7)
    assert parc._ties(values) == (sizes**3 - sizes).sum()


def test_parc_of_many_rows_is_that_of_a_fair_share(monkeypatch):
    features, labels = clusters(2000, 20, 4)
    labels = np.where(labels == 3, 2, labels)  # of unequal sizes
    rows = parc._subsample(labels, 500, seed=0)
    np.testing.assert_allclose(np.bincount(labels[rows]) / 500, np.bincount(labels) / 2000, atol=0.005)
    assert len(set(rows)) == len(rows)
    whole = score("parc", features, labels)
    monkeypatch.setattr(parc, "LARGEST", 500)
    with pytest.warns(UserWarning, match="2000 samples would need 0 GB, so only 500 are scored"):
        assert score("parc", features, labels) == pytest.approx(whole, rel=0.2)


@pytest.mark.filterwarnings("ignore:.*single sample")
def test_parc_needs_two_of_a_class():
    with pytest.raises(InputError, match="no two samples have the same class"):
        score("parc", np.eye(5), np.arange(5))


@pytest.mark.parametrize("d", [1, 5, 16, 33, 70])
@pytest.mark.parametrize("variant", ["diagonal", "spherical"])
def test_gbc_is_a_sum_over_pairs(d, variant):
    features, labels = clusters(200, d, 5, apart=0.2)
    classes = [features[labels == label].astype(np.float64) for label in range(5)]
    means, variances = [rows.mean(0) for rows in classes], [np.maximum(rows.var(0), 1e-4) for rows in classes]
    if variant == "spherical":
        variances = [np.full(d, v.mean()) for v in variances]
    total = 0.0
    for i in range(5):
        for j in set(range(5)) - {i}:
            between = (variances[i] + variances[j]) / 2
            distance = ((means[i] - means[j]) ** 2 / between).sum() / 8
            distance += 0.5 * np.log(between / np.sqrt(variances[i] * variances[j])).sum()
            total += np.exp(-distance)
    assert score("gbc", features, labels, variant=variant) == pytest.approx(-total, rel=1e-9)


def test_lda_is_scikit_learns_with_that_shrinkage():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    from pedrank.metrics._fisher import adaptive_shrinkage

    features, labels = clusters(300, 8, 4)
    observation = observe(features, labels)
    shrinkage = adaptive_shrinkage(observation.within_scatter() / 300)
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(features.astype(np.float64), labels)
    expected = model.predict_proba(features)[np.arange(300), labels].mean()
    assert score("lda", features, labels) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("k", [1, 3, 6])
def test_knn_leaves_one_out(k):
    features, labels = clusters(1300, 6, 5)
    distances = np.linalg.norm(features[:, None] - features, axis=2)
    np.fill_diagonal(distances, np.inf)
    right = 0
    for row, label in zip(distances, labels, strict=True):
        nearest = labels[np.argsort(row)[:k]]
        votes = np.bincount(nearest)
        right += next(guess for guess in nearest if votes[guess] == votes.max()) == label
    assert score("knn", features, labels, k=k) == pytest.approx(right / 1300, abs=2e-3)
    with pytest.raises(InputError, match="k is 1300; choose from 1 to 1299"):
        score("knn", features, labels, k=1300)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("k", [1, 5, 20])
def test_knn_is_the_vote_of_scikit_learns_neighbours(distance, k):
    from sklearn.neighbors import NearestNeighbors

    features, labels = clusters(300, 6, 4, apart=0.5)
    features = features * np.geomspace(0.1, 10, 300)[:, None]  # of very different lengths
    search = NearestNeighbors(n_neighbors=k, metric=distance, algorithm="brute").fit(features)
    nearest = labels[search.kneighbors(return_distance=False)]  # without arguments a row is not its own neighbour
    votes = np.array([(nearest == label).sum(axis=1) for label in range(4)]).T
    first = [
        next(label for label in row if vote[label] == vote.max()) for row, vote in zip(nearest, votes, strict=True)
    ]
    assert score("knn", features, labels, k=k, distance=distance) == np.mean(first == labels)


@pytest.mark.parametrize("rows", [64, 100, 1024])  # of a block; the last one may have a single row
@pytest.mark.parametrize("k", [1, 2, 5, 70, 300])
def test_the_nearest_rows_are_those_of_all_distances(k, rows, monkeypatch):
    from pedrank.metrics import knn

    monkeypatch.setattr(knn, "_ROWS", rows)
    x = np.random.default_rng(0).integers(-3, 4, size=(301, 4)).astype(np.float32)  # exact, with many equal distances
    distances = np.square(x[:, None] - x).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    expected = np.argsort(distances, axis=1, kind="stable")[:, :k]
    found = knn._nearest(x, k)
    np.testing.assert_array_equal(np.take_along_axis(distances, found, 1), np.take_along_axis(distances, expected, 1))
    if k == 1:
        np.testing.assert_array_equal(found, expected)  # of equally near rows, the first one


@pytest.mark.parametrize("power", [-100, 80])
@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_knn_of_very_large_or_small_numbers(power, distance):
    features, labels = clusters(300, 30, 4, apart=0.7)
    found = score("knn", features * 2.0**power, labels, distance=distance)
    assert found == score("knn", features, labels, distance=distance)


def test_knn_by_cosine_does_not_see_lengths():
    features, labels = clusters(120, 6, 4, apart=0.7)
    longer = features * np.random.default_rng(0).uniform(0.1, 10, size=(120, 1))
    assert score("knn", longer, labels, distance="cosine") == score("knn", features, labels, distance="cosine")
    assert score("knn", longer, labels) != score("knn", features, labels)
    zero = np.where(np.arange(120)[:, None] == 3, 0, features)
    assert 0 < score("knn", zero, labels, distance="cosine") <= 1
    with pytest.raises(InputError, match="knn: unknown distance 'angle'; choose euclidean or cosine"):
        score("knn", features, labels, distance="angle")


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("k", [1, 5, 20])
def test_knn_keeps_the_contract_and_noise_with_few_samples_gives_chance(k, distance):
    check_metric(get_metric("knn").function, k=k, distance=distance)
    random = np.random.default_rng(0)
    found = score("knn", random.normal(size=(300, 600)), np.arange(300) % 5, k=k, distance=distance)
    assert found == pytest.approx(1 / 5, abs=0.115)  # five standard errors of 300 samples


def test_ncm_leaves_one_out():
    features, labels = clusters(120, 6, 5, apart=0.5)
    right = 0
    for row in range(120):
        others = np.arange(120) != row
        means = [features[others & (labels == label)].mean(axis=0) for label in range(5)]
        right += np.linalg.norm(means - features[row], axis=1).argmin() == labels[row]
    assert score("ncm", features, labels) == pytest.approx(right / 120)


def test_h_score_shrinks_as_scikit_learn():
    from sklearn.covariance import LedoitWolf

    features, labels = clusters(60, 20, 4)
    fitted = LedoitWolf().fit(features.astype(np.float64))
    means = np.array([features[labels == label].mean(axis=0) for label in range(4)])[labels]
    expected = np.trace(np.linalg.inv(fitted.covariance_) @ ((1 - fitted.shrinkage_) * np.cov(means, rowvar=False)))
    assert score("h_score", features, labels) == pytest.approx(expected, rel=1e-6)


def test_transrate_is_a_difference_of_coding_rates():
    features, labels = clusters(90, 25, 4)
    z = features - features.astype(np.float64).mean(axis=0)

    def rate(rows):
        return 0.5 * np.linalg.slogdet(np.eye(25) + rows.T @ rows / (len(rows) * 1e-4))[1]

    expected = rate(z) - np.mean([rate(z[labels == label]) for label in range(4)])
    assert score("transrate", features, labels) == pytest.approx(expected, rel=1e-9)


def test_pactran_reaches_the_optimum_of_logistic_regression():
    features, labels = clusters(100, 5, 3)
    z = features - features.astype(np.float64).mean(axis=0)

    def loss(flat):
        theta = flat.reshape(6, 3)
        logs = special.log_softmax(z @ theta[:-1] + theta[-1], axis=1)
        return -logs[np.arange(100), labels].mean() + (theta[:-1] ** 2).sum() / 200

    found = optimize.minimize(loss, np.ones(18), method="BFGS", tol=1e-8)
    theta = found.x.reshape(6, 3)
    p = special.softmax(z @ theta[:-1] + theta[-1], axis=1)
    trace = sum(p[n, c] * (1 - p[n, c]) * (z[n] @ z[n] + 1) for n in range(100) for c in range(3)) + 15 / 100
    expected = found.fun + 15 / (2 * 100) * (100 / 5) * np.log(100 / 15 * trace)
    assert score("pactran", features, labels) == pytest.approx(-expected, rel=1e-4)


def test_ncti_is_scikit_learns_discriminant():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    features, labels = clusters(300, 20, 4)
    x = features * 0.15
    variance = np.sort(np.linalg.eigvalsh(np.cov(x.astype(np.float64), rowvar=False)))
    model = LinearDiscriminantAnalysis(solver="eigen", shrinkage=float(np.exp(-variance.sum())))
    projected = model.fit_transform(x.astype(np.float64), labels)
    probabilities = model.predict_proba(x)
    norms = [np.linalg.norm(probabilities[labels == label], "nuc") for label in range(4)]
    expected = {
        "seli": np.linalg.norm(projected - projected.mean(axis=0), "nuc"),
        "ncc": probabilities[np.arange(300), labels].mean(),
        "collapse": -np.log(sum(norms)),
    }
    for part, value in expected.items():
        assert score("ncti", x, labels, part=part) == pytest.approx(value, rel=1e-6), part


def test_ncti_combines_over_the_hub():
    total = combine([1.0, 3.0, 2.0], [0.5, 0.5, 0.5], [-1.0, -2.0, -3.0])
    np.testing.assert_allclose(total, [0 + 0 + 1, 1 + 0 + 0.5, 0.5 + 0 + 0])


def test_leep_and_nce_of_a_head():
    features, labels = clusters(200, 3, 4)
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(6), size=200)
    joint = np.array([probabilities[labels == label].sum(axis=0) for label in range(4)]) / 200
    conditional = joint / joint.sum(axis=0)
    expected = np.mean([np.log(conditional[label] @ row) for label, row in zip(labels, probabilities, strict=True)])
    assert score("leep", features, labels, probabilities=probabilities) == pytest.approx(expected)

    source = probabilities.argmax(axis=1)
    joint = np.histogram2d(labels, source, bins=(range(5), range(7)))[0] / 200
    joint_entropy, source_entropy = stats.entropy(joint.ravel()), stats.entropy(joint.sum(axis=0))
    assert score("nce", features, labels, source_labels=source) == pytest.approx(source_entropy - joint_entropy)
    # A head that knows the labels is perfect; LEEP of hard predictions is NCE (Nguyen et al. 2020, section 4.2).
    assert score("nce", features, labels, source_labels=labels) == pytest.approx(0)
    assert score("leep", features, labels, probabilities=np.eye(6)[source]) == pytest.approx(
        score("nce", features, labels, source_labels=source)
    )


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("leep", {}, "without a classifier, use nleep"),
        ("leep", {"probabilities": np.ones((5, 2)) / 2}, "have shape"),
        ("leep", {"probabilities": np.ones((200, 2))}, "sum to 1"),
        ("nce", {}, "`source_labels` are missing"),
        ("nce", {"source_labels": np.zeros(200)}, "integers"),
        ("gbc", {"variant": "full"}, "unknown variant 'full'"),
        ("parc", {"label_distance": "x"}, "unknown label_distance"),
        ("logme", {"mode": "x"}, "unknown mode"),
        ("nleep", {"mode": "x"}, "unknown mode"),
        ("ncti", {"part": "x"}, "unknown part"),
    ],
)
def test_bad_options_get_one_line(name, options, message):
    features, labels = clusters(200, 3, 4)
    with pytest.raises(InputError, match=message):
        score(name, features, labels, **options)
