"""ITM: the contract, torch's gradients and AdamW, the leak of validation labels, and its behaviour on known data."""

import numpy as np
import pytest
from golden import clusters

from pedrank import score
from pedrank.metrics import get_metric
from pedrank.testing import check_metric
from pedrank.utils.errors import InputError

itm = get_metric("itm").function
module = __import__("sys").modules["pedrank.metrics.itm"]  # the folder has a function of the module's name


@pytest.mark.parametrize("mode", ["clean", "as_described"])
def test_the_contract(mode):
    check_metric(itm, mode=mode, steps=60)


def test_gradients_and_steps_are_those_of_torch():
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    features = random.normal(size=(12, 7)).astype(np.float32)
    one_hot = np.eye(4, dtype=np.float32)[np.arange(12) % 4]
    ours = [random.normal(size=shape).astype(np.float32) for shape in ((4, 7), (4, 4))]
    theirs = [torch.nn.Parameter(torch.tensor(weight.copy())) for weight in ours]
    optimiser = torch.optim.AdamW(theirs, lr=module.RATE, weight_decay=module.DECAY)
    averages = [(np.zeros_like(weight), np.zeros_like(weight)) for weight in ours]
    x, y = torch.tensor(features), torch.tensor(one_hot)
    for step in range(1, 21):
        theta = torch.nn.functional.normalize(x @ theirs[0].T, dim=1)
        kernel = module.STEP_SIZE / len(x) * (theta @ theta.T).detach()
        moved = (torch.eye(len(x)) - kernel) @ (theta - y) + y
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(moved @ theirs[1].T, y.argmax(dim=1)).backward()
        gradients = module._gradients(ours, features, one_hot)
        for gradient, parameter in zip(gradients, theirs, strict=True):
            np.testing.assert_allclose(gradient, parameter.grad.numpy(), rtol=1e-3, atol=1e-6)
        optimiser.step()
        for weight, average, gradient in zip(ours, averages, gradients, strict=True):
            module._adamw(weight, average, gradient, module.RATE, step)
        for weight, parameter in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(weight, parameter.detach().numpy(), atol=1e-4)


def test_random_labels_give_chance_unless_the_logits_contain_them(monkeypatch):
    """In a batch of one, which can be the last of the validation samples, half of the logits is the label itself."""
    monkeypatch.setattr(module, "BATCH", 1)
    features, labels = np.random.default_rng(0).normal(size=(300, 20)), np.arange(300) % 5
    assert score("itm", features, labels, mode="clean") == pytest.approx(1 / 5, abs=0.15)
    assert score("itm", features, labels, mode="as_described") > 0.6


def test_random_labels_give_chance_at_the_usual_size_of_a_batch():
    found = [
        score("itm", np.random.default_rng(seed).normal(size=(300, 20)), np.arange(300) % 4, steps=200, seed=seed)
        for seed in range(4)
    ]
    assert np.mean(found) == pytest.approx(1 / 4, abs=0.12)


def test_only_the_clean_form_ignores_validation_labels(monkeypatch):
    features, labels = clusters(60, 8, 3, apart=0.3)
    weights = [np.random.default_rng(0).normal(size=shape).astype(np.float32) for shape in ((3, 8), (3, 3))]
    one_hot = np.eye(3, dtype=np.float32)[labels]
    clean = [
        [module._accuracy(weights, features, one_hot, features[[i]], np.array([label])) for label in range(3)]
        for i in range(60)
    ]
    np.testing.assert_array_equal(np.sum(clean, axis=1), 1)  # the guess is the same whatever the label
    alone = [
        sum(module._accuracy_with_labels(weights, features[[i]], np.array([label]), 3) for label in range(3))
        for i in range(60)
    ]
    assert set(alone) != {1.0}


def test_noise_with_few_samples_does_not_beat_signal_and_scale_does_not_matter():
    random, labels = np.random.default_rng(0), np.arange(120) % 4
    noise, signal = random.normal(size=(120, 400)), random.normal(size=(120, 30)) + 4 * np.eye(4, 30)[labels]
    assert score("itm", noise, labels) < 0.55 < 0.9 < score("itm", signal, labels)
    assert score("itm", 50 * signal + 3, labels) == pytest.approx(score("itm", signal, labels), abs=0.05)


def test_wrong_options():
    features, labels = clusters(40, 4, 3)
    with pytest.raises(InputError, match="itm: unknown mode 'paper'; choose from clean, as_described"):
        score("itm", features, labels, mode="paper")
    with pytest.raises(InputError, match="itm: steps is 3; choose at least 5"):
        score("itm", features, labels, steps=3)
