"""Pre-training of the tiny zoo, and the zoo that is shipped."""

import json
from importlib.resources import files

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightly", reason="pre-training needs the extra [pretrain]")

from pedrank.catalogue.catalogue import catalogue  # noqa: E402
from pedrank.checkpoints.network_file import load_network  # noqa: E402
from pedrank.pretrain.card import make_checkpoint  # noqa: E402
from pedrank.pretrain.clustering import PCL, spherical_kmeans  # noqa: E402
from pedrank.pretrain.knn_accuracy import knn_accuracy  # noqa: E402
from pedrank.pretrain.loop import as_input, encode, normalise, pretrain, random_network  # noqa: E402
from pedrank.pretrain.objective import rising_momentum  # noqa: E402
from pedrank.pretrain.objectives import OBJECTIVES  # noqa: E402
from pedrank.pretrain.random_views import _hue_rotation, crop_and_flip, random_views, recolour  # noqa: E402
from pedrank.pretrain.recipe import Recipe, recipe_of  # noqa: E402
from pedrank.store.artefacts import read_arrays, read_json, read_metadata, write_arrays  # noqa: E402
from pedrank.utils.errors import InputError  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # lightly's use of torch's older weight_norm

TINY = files("pedrank") / "checkpoints" / "tiny"
SHIPPED = [objective for objective in OBJECTIVES if objective != "supervised"]
LABELS = torch.arange(64) % 4


@pytest.fixture(scope="module")
def images():
    """64 smooth random pictures, uint8 (64, 32, 32, 3): noise of 4 x 4 pixels, enlarged."""
    noise = torch.rand(64, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(noise, 32, mode="bilinear")
    return (smooth * 255).byte().permute(0, 2, 3, 1).contiguous()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# Augmentation


def test_views_keep_shape_and_range_and_follow_the_generator(images):
    plain = as_input(images)
    view = random_views(plain, generator())
    assert view.shape == plain.shape
    assert view.min() >= 0 and view.max() <= 1
    assert torch.equal(view, random_views(plain, generator()))
    assert not torch.equal(view, random_views(plain, generator(1)))


def test_each_image_gets_its_own_crop_and_colours(images):
    same = as_input(images[:1].expand(16, -1, -1, -1))
    for augmentation in (crop_and_flip, recolour):
        views = augmentation(same, generator()).flatten(1)
        assert len(torch.unique(views.round(decimals=4), dim=0)) > 10


def test_crops_stay_inside_the_image_and_have_the_areas_asked_for():
    """A picture whose pixels are their own coordinates shows which rectangle a crop took."""
    line = (torch.arange(32) + 0.5) / 32
    ramp = torch.stack([line.expand(32, 32), line[:, None].expand(32, 32), torch.zeros(32, 32)]).expand(500, 3, 32, 32)
    crops = crop_and_flip(ramp, generator())
    across, down = crops[:, 0, 16, :], crops[:, 1, :, 16]
    # Between the centres of the first and last pixel lie 31/32 of the crop; borders are clamped to the outer centres.
    width = (across[:, 20] - across[:, 10]).abs() * 3.2
    height = (down[:, 20] - down[:, 10]) * 3.2
    area = width * height
    assert area.min() > 0.19 and area.max() < 1.01
    assert abs(float(area.mean()) - 0.6) < 0.05
    assert float((width / height).quantile(0.01)) > 0.74 and float((width / height).quantile(0.99)) < 1.34
    mirrored = float((across[:, -1] < across[:, 0]).float().mean())
    assert 0.4 < mirrored < 0.6


def test_colours_of_a_grey_image_stay_grey():
    grey = torch.full((200, 3, 4, 4), 0.5)
    view = recolour(grey, generator())
    torch.testing.assert_close(view[:, 0], view[:, 1], atol=1e-3, rtol=0)
    torch.testing.assert_close(view[:, 1], view[:, 2], atol=1e-3, rtol=0)


def test_a_fifth_of_the_views_is_grey_and_a_fifth_of_the_others_untouched(images):
    plain = as_input(images).repeat(20, 1, 1, 1)
    view = recolour(plain, generator())
    grey = ((view[:, 0] - view[:, 1]).abs().amax(dim=(1, 2)) < 1e-3).float().mean()
    untouched = ((view - plain).abs().amax(dim=(1, 2, 3)) < 1e-3).float().mean()
    assert abs(float(grey) - 0.2) < 0.05
    assert abs(float(untouched) - 0.2 * 0.8) < 0.05


def test_hue_of_a_full_turn_is_none():
    full = _hue_rotation(torch.tensor([0.0, 2 * torch.pi]))
    torch.testing.assert_close(full, torch.eye(3).expand(2, 3, 3), atol=1e-4, rtol=0)


# Objectives


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_two_steps_move_the_backbone_without_collapse(objective, images):
    torch.set_num_threads(1)
    losses = []
    network = pretrain(
        Recipe(objective, seed=3, epochs=2), images, LABELS, report=lambda epoch, loss: losses.append(loss)
    )
    again = pretrain(Recipe(objective, seed=3, epochs=2), images, LABELS)
    start = random_network(3).state_dict()
    assert len(losses) == 2 and np.isfinite(losses).all()
    assert not network.training
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), "the same seed gave other weights"
        if name.endswith("conv1.weight"):
            assert not torch.equal(weight, start[name]), f"no gradient reaches {name}"
    features = encode(network, images)
    assert torch.isfinite(features).all()
    assert (features.std(dim=0) > 0).float().mean() > 0.5


@pytest.mark.parametrize("objective", ["simclr", "barlow-twins", "byol", "deepcluster", "supervised"])
def test_loss_falls_on_images_seen_often(objective, images):
    losses = []
    pretrain(Recipe(objective, epochs=15), images, LABELS, report=lambda epoch, loss: losses.append(loss))
    assert np.mean(losses[-3:]) < np.mean(losses[:3])


def test_seeds_differ(images):
    one, other = (pretrain(Recipe("simclr", seed=seed, epochs=1), images, LABELS).conv1.weight for seed in (0, 1))
    assert not torch.equal(one, other)


def test_unknown_objective_is_refused_by_name(images):
    with pytest.raises(InputError, match="unknown objective 'mae'; choose from simclr"):
        pretrain(Recipe("mae", epochs=1), images, LABELS)


def test_the_supervised_objective_learns_the_labels(images):
    """Smooth pictures are one class, the same with noise the other; labels at random are not learnt as fast."""
    noise = torch.randint(-60, 60, images.shape, generator=generator())
    noisy = (torch.arange(64) % 2).view(-1, 1, 1, 1)
    pictures = (images + noisy * noise).clamp(0, 255).to(torch.uint8)
    final = {}
    for name, labels in {"right": noisy.flatten(), "random": torch.arange(64) // 2 % 2}.items():
        losses = []
        pretrain(Recipe("supervised", epochs=30), pictures, labels, lambda epoch, loss, seen=losses: seen.append(loss))
        final[name] = losses[-1]
    assert final["right"] < 0.5 * final["random"]


def test_an_untrained_network_keeps_its_random_weights_at_any_width_and_depth(images):
    network = pretrain(Recipe("none", "tiny-resnet-6x2", seed=5), images, LABELS)
    expected = random_network(5, "tiny-resnet-6x2").state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in network.state_dict().items())
    assert encode(network, images).shape == (64, 24)


def test_encode_puts_the_mode_back_and_leaves_batch_statistics_alone(images):
    network = random_network(0).train()
    before = network.bn1.running_mean.clone()
    encode(network, images)
    assert network.training and torch.equal(network.bn1.running_mean, before)


def test_normalised_training_colours_are_centred():
    colour = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    torch.testing.assert_close(normalise(colour), torch.zeros(1, 3, 2, 2))


def test_momentum_rises_from_its_start_to_one():
    assert rising_momentum(0.9, 0.0) == pytest.approx(0.9)
    assert rising_momentum(0.9, 0.5) == pytest.approx(0.95)
    assert rising_momentum(0.9, 1.0) == pytest.approx(1.0)


def test_spherical_kmeans_finds_separate_directions():
    directions = torch.eye(4).repeat_interleave(10, dim=0)
    centroids, assignments = spherical_kmeans(directions, 4, seed=0)
    torch.testing.assert_close(centroids[assignments], directions)


def test_concentration_is_small_for_tight_clusters(images):
    method = PCL(random_network(0), len(images))
    centroids = torch.eye(2)
    spread = torch.tensor([0.01] * 10 + [0.5] * 10)
    assignments = torch.arange(2).repeat_interleave(10)
    embeddings = centroids[assignments] + spread[:, None] * torch.eye(2)[1 - assignments]
    tight, wide = method._concentrations(embeddings, centroids, assignments)
    assert 0 < tight < wide


# Nearest neighbours


def test_knn_accuracy_against_a_vote_by_hand():
    random = generator()
    bank, queries = torch.randn(40, 5, generator=random), torch.randn(15, 5, generator=random)
    bank_labels, labels = torch.arange(40) % 3, torch.arange(15) % 3
    right = 0
    for query, label in zip(queries.numpy(), labels.numpy(), strict=True):
        cosine = bank.numpy() @ query / np.linalg.norm(bank.numpy(), axis=1) / np.linalg.norm(query)
        nearest = np.argsort(-cosine)[:7]
        votes = np.bincount(bank_labels.numpy()[nearest], np.exp(cosine[nearest] / 0.07), minlength=3)
        right += votes.argmax() == label
    assert knn_accuracy(bank, bank_labels, queries, labels, k=7) == pytest.approx(right / 15)


# Checkpoints

CARD_FIELDS = {
    "objective", "paper", "architecture", "normalisation", "recipe", "seed", "images", "epochs", "device", "threads",
    "seconds", "data", "knn_accuracy", "knn_accuracy_random", "versions",
}  # fmt: skip


@pytest.fixture
def data(images, tmp_path):
    arrays = {
        "images": images.numpy(),
        "labels": np.arange(64) % 4,
        "split": np.repeat(np.array([0, 2], np.uint8), [40, 24]),
    }
    write_arrays(tmp_path / "images.safetensors", arrays, {"source": "made", "licence": "none"})
    return tmp_path / "images.safetensors"


def test_make_checkpoint_writes_weights_card_and_reference_statistics(data, tmp_path):
    paths = [tmp_path / name for name in ("w.safetensors", "card.json", "r.safetensors")]
    make_checkpoint(Recipe("simclr", epochs=1, images=32), data, torch.device("cpu"), *paths)
    network, normalisation = load_network(paths[0])
    card = read_json(paths[1])
    assert set(card) == CARD_FIELDS
    assert card["normalisation"] == normalisation and card["images"] == 32
    test_images = torch.from_numpy(read_arrays(data)["images"][40:].copy())
    features = encode(network, test_images).double().numpy()
    reference = read_arrays(paths[2])
    np.testing.assert_allclose(reference["mean"], features.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(reference["std"], features.std(axis=0), rtol=1e-6)
    assert read_metadata(paths[2]) == {"n": 24, "images": "CIFAR-10 test"}


def test_the_card_of_an_untrained_network_names_no_paper_and_no_epochs(data, tmp_path):
    paths = [tmp_path / name for name in ("w.safetensors", "card.json", "r.safetensors")]
    make_checkpoint(Recipe("none", "tiny-resnet-6", images=32), data, torch.device("cpu"), *paths)
    card = read_json(paths[1])
    assert (card["paper"], card["recipe"], card["epochs"]) == ("", {}, 0)
    assert card["knn_accuracy"] == card["knn_accuracy_random"]
    network, _ = load_network(paths[0])
    assert network.feature_dim == 24


def test_more_images_than_there_are_is_refused(data, tmp_path):
    with pytest.raises(InputError, match="41 training images are wanted, but there are 40"):
        make_checkpoint(
            Recipe("simclr", epochs=1, images=41), data, torch.device("cpu"), *[tmp_path / name for name in "abc"]
        )


@pytest.mark.parametrize("objective", SHIPPED)
def test_the_shipped_checkpoint_is_clearly_better_than_a_random_network(objective):
    network, normalisation = load_network(TINY / f"{objective}-tiny.safetensors")
    card = json.loads((TINY / f"{objective}-tiny.json").read_text())
    reference = read_arrays(TINY / f"{objective}-tiny.reference.safetensors", "mean", "std")
    assert set(card) == CARD_FIELDS and card["objective"] == objective
    recipe = recipe_of(catalogue("checkpoints")[f"{objective}-tiny"])
    assert all(card[name] == value for name, value in vars(recipe).items())
    assert card["normalisation"] == normalisation
    assert card["knn_accuracy"] >= card["knn_accuracy_random"] + 5
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())
    assert reference["mean"].shape == reference["std"].shape == (network.feature_dim,)
    assert (reference["std"] > 0).all() and (reference["mean"] >= 0).all()  # the features end in a ReLU
    assert read_metadata(TINY / f"{objective}-tiny.reference.safetensors") == {"n": 10_000, "images": "CIFAR-10 test"}


def test_shipped_checkpoints_differ():
    weights = {o: read_arrays(TINY / f"{o}-tiny.safetensors")["conv1.weight"].tobytes() for o in SHIPPED}
    accuracies = [json.loads((TINY / f"{o}-tiny.json").read_text())["knn_accuracy"] for o in SHIPPED]
    assert len(set(weights.values())) == len(SHIPPED)
    assert max(accuracies) - min(accuracies) > 2
