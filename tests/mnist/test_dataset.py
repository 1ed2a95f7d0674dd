"""The data set: the shipped one is the original, and files that do not fit are refused."""

import hashlib
import re

import numpy as np
import pytest

from gradx.mnist import SHIPPED, DatasetError, IdxError, Shapes, load
from tests.mnist.idx_files import (
    NAMES,
    bomb,
    idx_bytes,
    peak_memory,
    small_arrays,
    write_dataset,
)

ORIGINAL = {
    "train_images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train_labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "test_images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "test_labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

IMAGES, LABELS = NAMES["train_images"], NAMES["train_labels"]


def refused(directory, text):
    with pytest.raises(DatasetError, match=f"^{re.escape(text)}$"):
        load(directory)


def test_the_shipped_data_is_the_original():
    data = load()
    assert data.source == SHIPPED
    arrays = {
        "train_images": data.train.images,
        "train_labels": data.train.labels,
        "test_images": data.test.images,
        "test_labels": data.test.labels,
    }
    found = {key: hashlib.sha256(idx_bytes(items)).hexdigest() for key, items in arrays.items()}
    assert found == ORIGINAL


@pytest.mark.parametrize("compressed", [(), tuple(NAMES), ("train_images",)])
def test_a_directory_is_read_compressed_or_not(tmp_path, compressed):
    arrays = small_arrays()
    data = load(write_dataset(tmp_path, arrays, compressed))
    np.testing.assert_array_equal(data.train.images, arrays["train_images"])
    np.testing.assert_array_equal(data.test.labels, arrays["test_labels"])
    assert (len(data.train), len(data.test), data.source) == (200, 50, str(tmp_path))


def test_the_other_usual_names_are_known(tmp_path):
    write_dataset(tmp_path)
    for name in NAMES.values():
        (tmp_path / name).rename(tmp_path / name.replace("-idx", ".idx"))
    assert len(load(str(tmp_path)).train) == 200


def test_no_such_directory(tmp_path):
    missing = tmp_path / "none"
    refused(
        missing,
        f"{missing}: there is no such directory; name the directory that holds {IMAGES} and its "
        "three companions, or leave it out to train on the shipped MNIST",
    )


def test_a_file_is_no_directory(tmp_path):
    file = tmp_path / "file"
    file.touch()
    refused(
        file,
        f"{file}: is a file, not a directory; name the directory that holds {IMAGES} and its three "
        "companions, or leave it out to train on the shipped MNIST",
    )


def test_all_missing_files_are_named_at_once(tmp_path):
    write_dataset(tmp_path, train_labels=None, test_labels=None)
    refused(
        tmp_path,
        f"{tmp_path}: no {LABELS} and no {NAMES['test_labels']} here, with or without .gz; put the "
        "files there, or leave the directory out to train on the shipped MNIST",
    )


def test_a_damaged_file_is_named(tmp_path):
    write_dataset(tmp_path, test_images=b"")
    with pytest.raises(IdxError) as caught:
        load(tmp_path)
    expected = f"{tmp_path / NAMES['test_images']}: the file is empty; copy it again"
    assert str(caught.value) == expected


def test_a_directory_in_place_of_a_file(tmp_path):
    write_dataset(tmp_path, train_images=None)
    (tmp_path / IMAGES).mkdir()
    with pytest.raises(IdxError, match="is a directory, not an IDX file"):
        load(tmp_path)


def test_swapped_files(tmp_path):
    arrays = small_arrays()
    write_dataset(
        tmp_path,
        arrays,
        train_images=arrays["train_labels"],
        train_labels=arrays["train_images"],
    )
    refused(
        tmp_path,
        f"{tmp_path / IMAGES}: wrong dimensions: training images have 3 (magic number 0x00000803), "
        "here are 1, of lengths (200,); check that the files are not swapped",
    )


def test_items_that_are_not_bytes(tmp_path):
    write_dataset(tmp_path, train_labels=np.zeros(200, dtype=np.int16))
    refused(
        tmp_path,
        f"{tmp_path / LABELS}: training labels must be bytes (type code 0x08), here is int16; "
        "convert them",
    )


@pytest.mark.parametrize("shape", [(0, 6, 6), (200, 0, 6)])
def test_no_images(tmp_path, shape):
    write_dataset(tmp_path, train_images=np.zeros(shape, dtype=np.uint8))
    refused(
        tmp_path,
        f"{tmp_path / IMAGES}: holds no training images (shape {shape}); copy it again",
    )


def test_counts_that_do_not_match(tmp_path):
    write_dataset(tmp_path, train_labels=np.zeros(199, dtype=np.uint8))
    refused(
        tmp_path,
        f"{tmp_path / LABELS}: 199 labels do not match the 200 images of {tmp_path / IMAGES}; take "
        "both files from the same data set",
    )


def test_labels_out_of_range(tmp_path):
    labels = small_arrays()["train_labels"]
    labels[[7, 9]] = 10, 255
    write_dataset(tmp_path, train_labels=labels)
    refused(
        tmp_path,
        f"{tmp_path / LABELS}: label 10 of image 7 is out of range (and 1 more); labels are digits "
        "from 0 to 9",
    )


def test_test_images_of_another_size(tmp_path):
    write_dataset(tmp_path, test_images=np.zeros((50, 5, 7), dtype=np.uint8))
    refused(
        tmp_path,
        f"{tmp_path / NAMES['test_images']}: test images are 5 x 7, training images "
        f"({tmp_path / IMAGES}) are 6 x 6; both must be of one size",
    )


def test_the_shapes_can_be_refused_before_the_images_are_read(tmp_path):
    write_dataset(tmp_path)
    assert Shapes((200, 6, 6), (50, 6, 6), "here").pixels == 36

    def check(shapes):
        assert shapes == Shapes((200, 6, 6), (50, 6, 6), str(tmp_path))
        raise KeyError("not wanted")

    with pytest.raises(KeyError, match="not wanted"):
        load(tmp_path, check)


@pytest.mark.parametrize(
    ("header", "text"),
    [
        # 3,000 images of 1,000 x 1,000 for 200 labels; 200 for 200, but of another size.
        ("0000080300000bb8000003e8000003e8", "200 labels do not match the 3,000 images of"),
        ("00000803000000c8000003e8000003e8", "test images are 6 x 6, training images"),
        ("0000080100000bb8", "training images have 3"),
        ("00000e03000000c80000000600000006", "training images must be bytes"),
    ],
)
def test_shapes_that_do_not_fit_are_not_unpacked(tmp_path, header, text):
    write_dataset(tmp_path, train_images=bomb(header, megabytes=30))
    with peak_memory() as peak, pytest.raises(DatasetError, match=text):
        load(tmp_path)
    assert peak() < 2_000_000
