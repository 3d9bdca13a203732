"""LEAD: the contract, liblinear's SVM, the explicit tangent kernel, and its behaviour on known data."""

import sys

import numpy as np
import pytest
from golden import clusters
from scipy import special
from sklearn.svm import LinearSVC

from pedrank import score
from pedrank.metrics import get_metric
from pedrank.observation.observation import observe
from pedrank.testing import check_metric
from pedrank.utils.errors import InputError

lead = get_metric("lead").function
module = sys.modules["pedrank.metrics.lead"]


@pytest.mark.parametrize("mode", ["cross_fitted", "as_described"])
def test_the_contract(mode):
    check_metric(lead, mode=mode, seeds=1)


def test_tangent_lengths_are_the_diagonal_of_torchs_explicit_kernel():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    rows = torch.tensor(random.normal(size=(9, 6)))
    hidden, output = (torch.tensor(random.normal(size=shape), requires_grad=True) for shape in ((20, 6), (4, 20)))
    tangents = []
    for row in rows:
        outputs = output @ torch.relu(hidden @ row)
        gradients = torch.autograd.grad(outputs.sum(), [hidden, output])
        tangents.append(torch.cat([gradient.ravel() for gradient in gradients]))
    kernel = (torch.stack(tangents) @ torch.stack(tangents).T).numpy()
    found = module.tangent_lengths(rows.numpy(), hidden.detach().numpy(), output.detach().numpy())
    np.testing.assert_allclose(found, np.diag(kernel), rtol=1e-10)
    assert found.mean() == pytest.approx(np.linalg.eigvalsh(kernel).mean(), rel=1e-10)


def test_the_svm_is_liblinears():
    features, labels = clusters(80, 6, 3, apart=0.5)
    rows = features / 3.0
    signs = 2 * np.eye(3)[labels] - 1
    expected = LinearSVC(C=module.STRENGTH, dual=False, tol=1e-10, max_iter=100_000).fit(rows, labels)
    np.testing.assert_allclose(
        module._outputs(rows, signs, rows), expected.decision_function(rows), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("mode", ["as_described", "cross_fitted"])
def test_the_score_is_its_formula(mode):
    features, labels = clusters(90, 5, 3, apart=0.5)
    rows = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    rows /= np.sqrt((rows**2).sum(axis=1).mean())
    fold = module.stratified_folds(observe(features, labels), 5, 0) if mode == "cross_fitted" else np.zeros(90)
    probability = np.empty((90, 3))
    for number in np.unique(fold):
        seen = fold != number if mode == "cross_fitted" else fold == number
        svm = LinearSVC(dual=False, tol=1e-10, max_iter=100_000).fit(rows[seen], labels[seen])
        probability[fold == number] = special.softmax(svm.decision_function(rows[fold == number]), axis=1)
    lengths = np.array([module.tangent_lengths(rows, *module._head(5, 3, seed)) for seed in range(3)]).mean(axis=0)
    rates = np.array([lengths[labels == label].mean() for label in range(3)])  # no class has more than 64 samples
    kept = np.exp(-0.7 * rates / 3)[labels][:, None]
    final = (1 - kept) * np.eye(3)[labels] + kept * probability
    expected = np.log(final[np.arange(90), labels]).mean()
    assert score("lead", features, labels, mode=mode, eta=0.7) == pytest.approx(expected, rel=1e-4)


def test_lambda_has_the_scale_that_the_docstring_states():
    features, labels = clusters(400, 30, 4)
    rows = features - features.mean(axis=0)
    rows /= np.sqrt((rows**2).sum(axis=1).mean())
    rates = module._rates(observe(features, labels), rows, seeds=3, seed=0)
    lengths = np.array([(rows[labels == label] ** 2).sum(axis=1).mean() for label in range(4)])
    np.testing.assert_allclose(rates, 1.5 * 4 * lengths, rtol=0.25)


def test_noise_with_few_samples_beats_signal_only_in_sample():
    random, labels = np.random.default_rng(0), np.arange(120) % 4
    noise, signal = random.normal(size=(120, 600)), random.normal(size=(120, 20)) + 2 * np.eye(4, 20)[labels]
    values = {mode: [score("lead", rows, labels, mode=mode) for rows in (noise, signal)] for mode in module.MODES}
    assert values["cross_fitted"][0] < values["cross_fitted"][1]
    assert values["as_described"][0] > values["as_described"][1]


def test_random_labels_score_below_true_ones_and_scale_does_not_matter():
    features, labels = clusters(200, 8, 4)
    shuffled = np.random.default_rng(0).permutation(labels)
    value = score("lead", features, labels)
    assert score("lead", features, shuffled) < value < 0
    assert score("lead", 100 * features.astype(np.float64) + 5, labels) == pytest.approx(value, rel=1e-5)
    far = score("lead", *clusters(200, 8, 4, apart=30.0))
    assert value < far < 0


def test_more_time_brings_the_logits_nearer_to_the_labels():
    features, labels = clusters(100, 8, 4)
    values = [score("lead", features, labels, eta=eta) for eta in (0.1, 1.0, 5.0)]
    assert values == sorted(values)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "paper"}, "lead: unknown mode 'paper'; choose from cross_fitted, as_described"),
        ({"eta": 0}, "lead: eta is 0; choose a number greater than 0"),
        ({"seeds": 0}, "lead: seeds is 0; choose at least 1"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(InputError, match=message):
        score("lead", *clusters(40, 4, 3), **options)
