"""MNIST: reading IDX files, the data set that gradx ships, and pictures to predict."""

from gradx.mnist.dataset import CLASSES, SHIPPED, Dataset, Shapes, Split, load
from gradx.mnist.errors import DatasetError, IdxError, ImageError, MnistError
from gradx.mnist.idx import read_idx
from gradx.mnist.images import read_first_images, read_images

__all__ = [
    "CLASSES",
    "SHIPPED",
    "Dataset",
    "DatasetError",
    "IdxError",
    "ImageError",
    "MnistError",
    "Shapes",
    "Split",
    "load",
    "read_first_images",
    "read_idx",
    "read_images",
]
