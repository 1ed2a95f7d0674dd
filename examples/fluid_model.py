"""Smoke in a stirred fluid, as people write it: arrays that are filled and updated in place."""

import numpy as np


def project(vx, vy, sweeps=8):
    """Take out of a flow what would compress the fluid: Jacobi's sweeps for the pressure."""
    n = vx.shape[0]
    source = np.zeros((n, n))
    pressure = np.zeros((n, n))
    source[1:-1, 1:-1] = 0.5 * (vx[2:, 1:-1] - vx[:-2, 1:-1] + vy[1:-1, 2:] - vy[1:-1, :-2])
    for _ in range(sweeps):
        new = np.zeros((n, n))
        new[1:-1, 1:-1] = pressure[2:, 1:-1] + pressure[:-2, 1:-1] + pressure[1:-1, 2:]
        new[1:-1, 1:-1] += pressure[1:-1, :-2]
        new[1:-1, 1:-1] -= source[1:-1, 1:-1]
        new *= 0.25
        new[0], new[-1], new[:, 0], new[:, -1] = new[1], new[-2], new[:, 1], new[:, -2]
        pressure = new
    vx[1:-1] -= 0.5 * (pressure[2:] - pressure[:-2])
    vy[:, 1:-1] -= 0.5 * (pressure[:, 2:] - pressure[:, :-2])
    vx[0] = vx[-1] = 0.0
    vy[:, 0] = vy[:, -1] = 0.0


def advect(field, vx, vy):
    """Follow the flow backwards from each cell, and take the field there, between four cells."""
    n = field.shape[0]
    i, j = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    x, y = np.clip(i - vx, 0.0, n - 1.001), np.clip(j - vy, 0.0, n - 1.001)
    left, below = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - left, y - below
    out = np.empty_like(field)
    out[:] = (1 - fx) * ((1 - fy) * field[left, below] + fy * field[left, below + 1])
    out += fx * ((1 - fy) * field[left + 1, below] + fy * field[left + 1, below + 1])
    return out


def stir(vx, vy, smoke, steps):
    """The smoke after some steps of the flow, which carries itself along too."""
    vx, vy = vx.copy(), vy.copy()
    project(vx, vy)
    for _ in range(steps):
        vx, vy = advect(vx, vx, vy), advect(vy, vx, vy)
        project(vx, vy)
        smoke = advect(smoke, vx, vy)
    return smoke
