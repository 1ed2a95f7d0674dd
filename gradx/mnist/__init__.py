"""MNIST: reading IDX files, the data set that gradx ships, and pictures to predict."""

from gradx.mnist.dataset import CLASSES, SHIPPED, Dataset, Split, load
from gradx.mnist.errors import DatasetError, IdxError, ImageError, MnistError
from gradx.mnist.idx import read_idx
from gradx.mnist.images import read_images
from gradx.mnist.npy import read_npy

__all__ = [
    "CLASSES",
    "SHIPPED",
    "Dataset",
    "DatasetError",
    "IdxError",
    "ImageError",
    "MnistError",
    "Split",
    "load",
    "read_idx",
    "read_images",
    "read_npy",
]
