"""Bundle adjustment, from ADBench: cameras and points found from where cameras see the points.

The source of the problem stands in ``evaluation_model.py``. The Jacobian of one observation is
that of a record: how the error moves with each part of the camera, the point and the weight. For a
camera that is not turned and does not distort it is known. Gauss and Newton's steps find points and
cameras without noise to the last digits.
"""

from dataclasses import dataclass

import numpy as np
from evaluation_model import projected, reprojection_error

import gradx as gx

rng = np.random.default_rng(0)
PINHOLE = np.array([0, 0, 0, 0, 0, 0, 700.0, 320.0, 240.0, 0, 0])


@dataclass
class Observation:
    camera: np.ndarray  # (11,)
    point: np.ndarray  # (3,)
    weight: float


def error(o, seen):
    return reprojection_error(o.camera, o.point, o.weight, seen)


# --- One observation ------------------------------------------------------------------------------

x, y, z = point = np.array([0.3, -0.2, 2.0])
place, weight = gx.jacobian(lambda o: error(o, np.zeros(2)))(Observation(PINHOLE, point, 0.5))
flat = 350.0 * np.array([[1 / z, 0, -x / z**2], [0, 1 / z, -y / z**2]])  # half of 700: the weight
assert np.allclose(place.point, flat, rtol=1e-12)
assert np.allclose(place.camera[:, 3:6], -flat, rtol=1e-12)  # a step of the camera, the other way
assert np.allclose(place.camera[:, :3], flat @ np.cross(np.eye(3), point).T, rtol=1e-12)
assert np.allclose(place.camera[:, 7:9], 0.5 * np.eye(2), rtol=1e-12)
assert (weight.weight, np.any(weight.camera)) == (-1.0, False)
turned = Observation(PINHOLE + 0.1 * rng.normal(size=11), point, 0.5)
gx.check_grads(lambda o: error(o, np.array([300.0, 200.0])), turned, modes=("rev",), order=1)

# --- All of them ----------------------------------------------------------------------------------


def camera_at(turn, center):
    return np.concatenate([turn, center, PINHOLE[6:]])


points = rng.uniform(-1, 1, (8, 3)) + np.array([0, 0, 6])
cameras = [camera_at(0.05 * rng.normal(size=3), 0.5 * rng.normal(size=3)) for _ in range(3)]
seen = [projected(camera, p) for camera in cameras for p in points]


def errors(scene):
    """Of the points as all cameras see them; the first two cameras stand, and fix the scale."""
    turns, found = scene
    all_cameras = [*cameras[:2], np.concatenate([turns, PINHOLE[6:]])]
    views = [(c, p) for c in all_cameras for p in found]
    return np.concatenate([projected(*view) - s for view, s in zip(views, seen, strict=True)])


scene = cameras[2][:6] + 0.02 * rng.normal(size=6), points + 0.05 * rng.normal(size=points.shape)
vector, unravel = gx.ravel(scene)
for step in range(1, 7):
    off = errors(unravel(vector))
    jacobian = gx.jacobian(lambda v: errors(unravel(v)))(vector)
    vector = vector - np.linalg.lstsq(jacobian, off, rcond=None)[0]
    print(f"step {step}  error {np.sqrt(np.mean(off**2)):.2e} pixels")
turns, found = unravel(vector)
assert np.allclose(found, points, atol=1e-8) and np.allclose(turns, cameras[2][:6], atol=1e-8)
