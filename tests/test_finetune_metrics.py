"""Accuracies: by hand, against scikit-learn, and by the VOC development kit's own words."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, precision_recall_curve

from pedrank.catalogue.catalogue import catalogue
from pedrank.finetune.accuracy import (
    ACCURACIES,
    accuracy,
    average_precision,
    chance,
    check_accuracy,
    counted,
    curve_average_precision,
    mean_average_precision,
)
from pedrank.utils.errors import InputError


@pytest.fixture
def unbalanced():
    """Outputs (200, 6) and classes of which the fourth never occurs."""
    random = np.random.default_rng(0)
    targets = random.choice([0, 1, 2, 4, 5], 200, p=[0.6, 0.2, 0.1, 0.05, 0.05])
    outputs = random.normal(size=(200, 6))
    outputs[np.arange(200), targets] += 1
    return outputs, targets


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_accuracies_of_one_label_are_scikit_learns(unbalanced):
    outputs, targets = unbalanced
    predicted = outputs.argmax(axis=1)
    assert ACCURACIES["top-1"](outputs, targets) == pytest.approx(100 * accuracy_score(targets, predicted))
    balanced = 100 * balanced_accuracy_score(targets, predicted)
    assert ACCURACIES["mean per-class"](outputs, targets) == pytest.approx(balanced)
    assert ACCURACIES["mean per-class"](outputs, targets) != ACCURACIES["top-1"](outputs, targets)


def test_average_precision_by_hand():
    """Ranked: present, absent, present, present, absent. Recall 1/3, 1/3, 2/3, 1, 1; precision 1, 1/2, 2/3, 3/4, 3/5.

    The best precision at a recall of 0, .1, .2, .3 or more is 1; at .4 to 1 it is 3/4.
    """
    scores, present = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([1, 0, 1, 1, 0])
    assert average_precision(scores, present) == pytest.approx((4 * 1 + 7 * 3 / 4) / 11)
    order = np.array([3, 0, 4, 2, 1])
    assert average_precision(scores[order], present[order]) == pytest.approx((4 * 1 + 7 * 3 / 4) / 11)


def test_images_that_are_left_out_do_not_count():
    scores, present = np.array([0.9, 0.85, 0.8, 0.7, 0.6, 0.5]), np.array([1, -1, 0, 1, 1, 0])
    assert average_precision(scores, present) == pytest.approx((4 * 1 + 7 * 3 / 4) / 11)


def test_a_recall_of_three_tenths_reaches_the_fourth_point():
    """0.1 * 3 is more than 0.3 in floating point; ten images present, three of them ahead of all others."""
    scores = -np.arange(20.0)
    present = np.array([1] * 3 + [0] * 10 + [1] * 7)
    assert average_precision(scores, present) == pytest.approx((4 * 1 + 7 * 10 / 20) / 11)


def voc_kit(scores: np.ndarray, present: np.ndarray) -> float:
    """The kit's text: for t = 0:0.1:1, p = max(precision(recall >= t)), or 0 where there is none; ap = ap + p / 11."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    true_positives = false_positives = 0
    recalls, precisions = [], []
    for i in order:
        if present[i] == -1:
            continue
        true_positives += present[i] == 1
        false_positives += present[i] == 0
        recalls.append(true_positives / (present == 1).sum())
        precisions.append(true_positives / (true_positives + false_positives))
    total = 0.0
    for tenth in range(11):
        reached = [p for r, p in zip(recalls, precisions, strict=True) if r >= tenth / 10 - 1e-9]
        total += max(reached, default=0) / 11
    return total


def test_mean_average_precision_is_the_kits():
    random = np.random.default_rng(1)
    outputs, targets = random.normal(size=(60, 5)), random.integers(-1, 2, (60, 5)).astype(np.int8)
    targets[:, 2] = np.minimum(targets[:, 2], 0)  # a class that never occurs is left out
    by_kit = [voc_kit(outputs[:, c], targets[:, c]) for c in (0, 1, 3, 4)]
    assert ACCURACIES["11-point mAP"](outputs, targets) == pytest.approx(100 * np.mean(by_kit))


# Images of VOC 2007's test list that show each class, and difficult objects: 619 in all, as in the real lists; how they
# divide among the classes is made up.
VOC_PRESENT = [204, 239, 282, 172, 212, 174, 721, 322, 417, 127, 190, 418, 274, 222, 2007, 224, 97, 223, 259, 229]
VOC_DIFFICULT = [1, 11, 7, 4, 28, 9, 53, 3, 148, 10, 38, 11, 5, 9, 90, 58, 10, 80, 2, 42]
VOC_IMAGES = 4952


def voc_like(strength, ties=False):
    """Outputs and targets like VOC's test images, 619 difficult pairs among them; strength makes outputs better."""
    random = np.random.default_rng(5)
    targets = np.zeros((VOC_IMAGES, 20), np.int8)
    for label, (present, difficult) in enumerate(zip(VOC_PRESENT, VOC_DIFFICULT, strict=True)):
        rows = random.permutation(VOC_IMAGES)
        targets[rows[:present], label] = 1
        targets[rows[present : present + difficult], label] = -1
    outputs = random.normal(size=targets.shape) + strength * (targets == 1) + strength / 2 * (targets == -1)
    return (outputs.round(1) if ties else outputs).astype(np.float32), targets


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("strength", [0.3, 2, 4])
def test_the_released_rule_is_scikit_learns_curve_with_difficult_objects_absent(strength, ties):
    outputs, targets = voc_like(strength, ties)
    assert (targets == -1).sum() == sum(VOC_DIFFICULT) == 619
    expected = 0.0
    for label in range(20):
        precision, recall, _ = precision_recall_curve(targets[:, label] == 1, outputs[:, label])
        for point in np.linspace(0, 1, 11):
            reached = precision[recall >= point]
            expected += 100 * (max(reached) if len(reached) else 0) / 11 / 20
    found = accuracy("11-point mAP", outputs, counted(targets, "absent"), "curve")
    assert found == pytest.approx(expected, rel=1e-12)
    kit = accuracy("11-point mAP", outputs, counted(targets, "left_out"), "kit")
    assert kit == ACCURACIES["11-point mAP"](outputs, targets)
    assert found > kit + 4 if strength < 1 else 0.01 < abs(found - kit) < 2


def test_the_curves_average_precision_by_hand():
    """Ties are one point; the term of recall 0 is 1; 3 of 10 does not reach the point that is 0.3 in floating point."""
    # Scores 3, 3, 2, 1 of present, absent, present, absent: recall 1/2 and 1 with precision 1/2 and 2/3
    scores, present = np.array([3.0, 3.0, 2.0, 1.0]), np.array([0, 1, 1, 0])
    assert curve_average_precision(scores, present) == pytest.approx((1 + 10 * 2 / 3) / 11)
    assert curve_average_precision(scores, present) == curve_average_precision(scores[::-1], present[::-1])
    assert curve_average_precision(np.array([9.0, 8.0]), np.array([-1, 1])) == 1
    present = np.array([1] * 3 + [0] * 10 + [1] * 7)
    assert curve_average_precision(-np.arange(20.0), present) == pytest.approx((3 * 1 + 8 * 10 / 20) / 11)


def test_difficult_objects_are_left_out_or_absent():
    targets = np.array([[1, -1], [0, 1]], np.int8)
    assert counted(targets, "left_out") is targets
    assert counted(targets, "absent").tolist() == [[1, 0], [0, 1]] and counted(targets, "absent").dtype == np.int8
    assert counted(np.arange(3), "absent").tolist() == [0, 1, 2]


def test_a_perfect_ranking_is_100_and_no_order_of_classes_matters():
    targets = np.eye(4, dtype=np.int8)[np.arange(40) % 4]
    assert mean_average_precision(targets + 0.0, targets) == pytest.approx(100)
    outputs = np.random.default_rng(2).normal(size=(40, 4))
    assert mean_average_precision(outputs[:, ::-1], targets[:, ::-1]) == pytest.approx(
        mean_average_precision(outputs, targets)
    )


def test_chance():
    assert chance(np.array([0, 0, 1]), 4) == 25
    assert chance(np.array([[1, 0], [0, 0], [1, 1], [-1, 0]], np.int8), 2) == pytest.approx(100 * (2 / 3 + 1 / 4) / 2)


@pytest.mark.parametrize("metric, targets", [("top-1", np.eye(3)), ("11-point mAP", np.arange(3))])
def test_an_accuracy_that_does_not_fit_the_labels_is_refused(metric, targets):
    with pytest.raises(InputError, match="does not fit a dataset with"):
        check_accuracy(metric, targets)


def test_every_card_names_an_accuracy():
    for name, card in catalogue("datasets").items():
        assert card["metric"] in {*ACCURACIES, "none"}, name
    with pytest.raises(InputError, match="unknown accuracy 'f1'"):
        check_accuracy("f1", np.arange(3))
