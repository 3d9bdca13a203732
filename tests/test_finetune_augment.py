"""Random crops: Pillow's pixels, torchvision's draws."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import RandomResizedCrop

from pedrank.finetune.crops import crop_and_flip, random_boxes, random_flips


@pytest.mark.parametrize("box", [(0, 0, 40, 40), (3, 11, 25, 17), (10, 0, 30, 40), (39, 39, 1, 1)])
@pytest.mark.parametrize("size", [16, 24, 56])
def test_a_crop_is_pillows(box, size):
    # Pillow rounds and clips between rows and columns: grey enough to be never clipped, the rounding stays.
    image = np.random.default_rng(0).integers(90, 165, (40, 40, 3), np.uint8)
    top, left, height, width = box
    cut = Image.fromarray(image[top : top + height, left : left + width])
    expected = np.asarray(cut.resize((size, size), Image.Resampling.BICUBIC)).astype(float)
    one = torch.from_numpy(image)[None]
    straight, mirrored = (
        crop_and_flip(one, torch.tensor([box]), torch.tensor([flip]), size)[0].numpy() for flip in (False, True)
    )
    assert np.abs(straight - expected).max() <= 1.5
    np.testing.assert_allclose(mirrored, straight[:, ::-1], atol=1e-3)


def test_boxes_lie_inside_and_are_distributed_as_torchvisions():
    generator = torch.Generator().manual_seed(0)
    boxes = random_boxes(4000, 100, generator).numpy()
    top, left, height, width = boxes.T
    assert boxes.min() >= 0 and height.min() >= 1 and width.min() >= 1
    assert (top + height).max() <= 100 and (left + width).max() <= 100
    torch.manual_seed(0)
    image = torch.zeros(3, 100, 100)
    theirs = np.array([RandomResizedCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(4000)])
    np.testing.assert_allclose(boxes.mean(axis=0), theirs.mean(axis=0), atol=1.5)
    np.testing.assert_allclose(boxes.std(axis=0), theirs.std(axis=0), atol=1.2)


def test_half_of_the_images_are_mirrored():
    assert random_flips(4000, torch.Generator().manual_seed(0)).float().mean().item() == pytest.approx(0.5, abs=0.03)
