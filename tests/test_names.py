"""Names of datasets and checkpoints made of the names of files and folders."""

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedrank.user_data.feature_files import features_entry
from pedrank.user_data.slug import is_hashed, slug
from pedrank.utils.errors import InputError

NAME = re.compile("[a-z0-9][a-z0-9.-]*")  # of schemas/config.schema.yaml


@given(st.text())
def test_every_text_gets_a_name_that_stays_the_same(text):
    name = slug(text)
    assert NAME.fullmatch(name) and len(name) <= 80 and slug(name) == name


@pytest.mark.parametrize(
    "text, name",
    [
        ("vit_S16", "vit-s16"),
        ("epoch=12-step=3400", "epoch-12-step-3400"),
        ("-photos", "photos"),
        (".photos", "photos"),
        ("my photos (2)", "my-photos-2"),
        ('it\'s {a} "b" 100%\n', "it-s-a-b-100"),
        ("Café", "cafe"),
        ("Straße", "strasse"),
        ("photos – 2020", "photos-2020"),
    ],
)
def test_names_without_loss(text, name):
    assert slug(text) == name and not is_hashed(text)


@pytest.mark.parametrize("text", ["照片", "фото", "🐱", "猫.v2", "cat🐱", "---", "...", "", "x" * 300, "a\udcff"])
def test_names_with_a_hash(text):
    assert is_hashed(text) and re.fullmatch(".*-[0-9a-f]{8}", slug(text))


@pytest.mark.parametrize(
    "one, other", [("照片", "图片"), ("模型1", "型号1"), ("🐱", "🐶"), ("---", "..."), ("x" * 300, "x" * 301)]
)
def test_different_texts_keep_different_names(one, other):
    assert slug(one) != slug(other)


@pytest.mark.parametrize("text", ["Café", "ガ", "각", "фотой"])
def test_both_unicode_forms_give_one_name(text):
    """renpy/renpy#2327: a Mac lists decomposed names."""
    assert len({slug(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")}) == 1


def test_feature_files_with_other_letters(tmp_path):
    for name in ("模型1", "型号1", "-a", "b c"):
        np.savez(tmp_path / f"{name}.npz", features=np.zeros((2, 3)), labels=[0, 1])
    assert sorted(features_entry(tmp_path)[1]) == sorted(["a", "b-c", slug("模型1"), slug("型号1")])
    np.savez(tmp_path / "B_C.npz", features=np.zeros((2, 3)), labels=[0, 1])
    with pytest.raises(InputError, match="has the same name, 'b-c'; rename one of them"):
        features_entry(tmp_path)
