"""Convolution: the gradient of a convolutional network on a batch, and NumPy by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

import gradx as gx
from benchmarks.workload import Setting, Way, Workload

SIDE = 5
Arrays = tuple[np.ndarray, ...]


def columns(images: Any) -> Any:
    """Windows of (c, h, w, n) as columns: (c * 25, h', w', n), flat from the second axis on."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (SIDE, SIDE), axis=(1, 2))
    return windows.transpose(0, 4, 5, 1, 2, 3).reshape(images.shape[0] * SIDE * SIDE, -1)


def squares(images: Any) -> Any:
    """Each square of four neighbours of (c, h, w, n) along the axes 2 and 4."""
    c, h, w, n = images.shape
    return images.reshape(c, h // 2, 2, w // 2, 2, n)


def loss(net: Arrays, images: np.ndarray, targets: np.ndarray) -> Any:
    """Two convolutions with pooling and one dense layer: the mean of the cross-entropy."""
    first, second, last = net
    side, n = images.shape[1] - SIDE + 1, images.shape[-1]
    x = squares((first @ columns(images)).reshape(-1, side, side, n)).max(axis=(2, 4))
    x, side = np.maximum(x, 0), side // 2 - SIDE + 1
    x = squares((second @ columns(x)).reshape(-1, side, side, n)).max(axis=(2, 4))
    z = last @ np.maximum(x, 0).reshape(-1, n)
    return np.mean(np.logaddexp.reduce(z, axis=0) - np.sum(z * targets, axis=0))


def hand_gradient(net: Arrays, images: np.ndarray, targets: np.ndarray) -> Arrays:
    """The gradient as anyone would write it; the largest of four takes the cotangent whole."""
    first, second, last = net
    side, n = images.shape[1] - SIDE + 1, images.shape[-1]
    columns1 = columns(images)
    squares1 = squares((first @ columns1).reshape(-1, side, side, n))
    largest1 = squares1.max(axis=(2, 4), keepdims=True)
    x1 = np.maximum(largest1[:, :, 0, :, 0], 0)
    side = side // 2 - SIDE + 1
    columns2 = columns(x1)
    squares2 = squares((second @ columns2).reshape(-1, side, side, n))
    largest2 = squares2.max(axis=(2, 4), keepdims=True)
    x2 = np.maximum(largest2[:, :, 0, :, 0], 0)
    flat = x2.reshape(-1, n)
    expz = np.exp(last @ flat)
    d = (expz / expz.sum(axis=0) - targets) / n
    g2 = (last.T @ d).reshape(largest2.shape) * (largest2 > 0) * (squares2 == largest2)
    g2 = g2.reshape(len(second), -1)
    windows = (second.T @ g2).reshape(len(first), SIDE, SIDE, side, side, n)
    g1 = np.zeros_like(x1)
    for i in range(SIDE):
        for j in range(SIDE):
            g1[:, i : i + side, j : j + side] += windows[:, i, j]
    g1 = g1.reshape(largest1.shape) * (largest1 > 0) * (squares1 == largest1)
    return g1.reshape(len(first), -1) @ columns1.T, g2 @ columns2.T, d @ flat.T


def gradient(setting: Setting) -> Workload:
    """The gradient on a batch of images: sliding windows, pooling, rectified units."""
    rng, n = np.random.default_rng(0), 4 if setting.smoke else 100
    images = rng.uniform(0, 1, (1, 28, 28, n)).astype(setting.dtype)
    targets = np.eye(10, dtype=setting.dtype)[:, rng.integers(0, 10, n)]
    shapes = ((8, 25), (16, 200), (10, 256))
    net = tuple(rng.normal(0, 0.1, shape).astype(setting.dtype) for shape in shapes)
    return Workload(
        "convolution",
        {
            "numpy": Way(lambda: hand_gradient(net, images, targets)),
            "gradx": Way(lambda: gx.grad(loss)(net, images, targets)),
        },
    )
