"""A Kalman filter as people write it: a class that changes its own attributes. Plain NumPy."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Noise:
    push: float  # m/s^2, how hard the wind pushes
    blur: float  # m, how well a position is measured


class Kalman:
    """The state is position and velocity in two dimensions."""

    def __init__(self, noise, dt, position):
        eye, none = np.eye(2), np.zeros((2, 2))
        self.motion = np.block([[eye, dt * eye], [none, eye]])
        self.watch = np.hstack([eye, none])
        push = np.vstack([dt**2 / 2 * eye, dt * eye])
        self.push = noise.push**2 * (push @ push.T)
        self.blur = noise.blur**2 * eye
        self.state = np.concatenate([position, np.zeros(2)])
        self.spread = np.diag([100.0, 100.0, 25.0, 25.0])

    def predict(self):
        self.state = self.motion @ self.state
        self.spread = self.motion @ self.spread @ self.motion.T + self.push

    def update(self, seen):
        """Take in a measured position, and say how surprising it was."""
        off = seen - self.watch @ self.state
        expected = self.watch @ self.spread @ self.watch.T + self.blur
        gain = np.linalg.solve(expected, self.watch @ self.spread).T
        self.state = self.state + gain @ off
        self.spread = self.spread - gain @ self.watch @ self.spread
        log_det = np.linalg.slogdet(2 * np.pi * expected)[1]
        return 0.5 * (off @ np.linalg.solve(expected, off) + log_det)


def follow(noise, seen, dt=0.5):
    """The estimated positions, and the mean surprise."""
    kalman = Kalman(noise, dt, seen[0])
    places, surprise = [], 0.0
    for position in seen[1:]:
        kalman.predict()
        surprise = surprise + kalman.update(position)
        places.append(kalman.state[:2])
    return np.stack(places), surprise / len(places)


def fly(noise, steps, rng, dt=0.5):
    """A balloon in the wind: its true and its measured positions."""
    place, velocity, places = np.zeros(2), np.array([4.0, 1.0]), []
    for _ in range(steps):
        wind = noise.push * rng.normal(size=2)
        place = place + velocity * dt + wind * dt**2 / 2
        velocity = velocity + wind * dt
        places.append(place)
    true = np.array(places)
    return true, true + noise.blur * rng.normal(size=true.shape)
