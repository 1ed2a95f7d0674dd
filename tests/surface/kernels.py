"""Programs in the style of public NumPy kernels: loops, buffers, writes into slices.

Each is a function of arrays as its users write it; nothing in them is gradx's. `KERNELS` has each
with its arguments, of which those of floats are differentiated.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["KERNELS"]


def heat(u, steps=4, k=0.1):
    """Explicit steps of the heat equation on a plate with fixed edges."""
    u = u.copy()
    for _ in range(steps):
        u[1:-1, 1:-1] += k * (
            u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
        )
    return u


def jacobi(a, b, steps=6):
    """Jacobi's iteration for a system of equations."""
    x, new = np.zeros_like(b), np.zeros_like(b)
    for _ in range(steps):
        for i in range(len(b)):
            s = 0.0
            for j in range(len(b)):
                if j != i:
                    s += a[i, j] * x[j]
            new[i] = (b[i] - s) / a[i, i]
        x[:] = new
    return x


def seidel(u, steps=3):
    """Sweeps of the method of Gauss and Seidel over a plate."""
    n, m = u.shape
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                u[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
    return u


def advection(q, c, steps=3):
    """Advection with van Leer's flux limiter."""
    for _ in range(steps):
        d = np.diff(q)
        r = np.zeros_like(q)
        r[1:-1] = d[:-1] / (d[1:] + 1e-3)
        phi = (r + np.abs(r)) / (1 + np.abs(r))
        flux = np.zeros_like(q)
        flux[:-1] = c * q[:-1] + 0.5 * c * (1 - c) * phi[:-1] * d
        q[1:-1] -= flux[1:-1] - flux[:-2]
    return q


def fdtd(ex, ey, hz, steps=3):
    """Finite differences in time of the two-dimensional equations of Maxwell."""
    for t in range(steps):
        ey[0, :] = np.sin(0.3 * t)
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
    return ex, ey, hz


def lu(a):
    """The decomposition of a matrix in two triangles, in place."""
    for i in range(a.shape[0]):
        for j in range(i):
            a[i, j] -= a[i, :j] @ a[:j, j]
            a[i, j] /= a[j, j]
        for j in range(i, a.shape[0]):
            a[i, j] -= a[i, :i] @ a[:i, j]
    return a


def cholesky(a):
    """Cholesky's decomposition, in place."""
    a[0, 0] = np.sqrt(a[0, 0])
    for i in range(1, a.shape[0]):
        for j in range(i):
            a[i, j] -= np.dot(a[i, :j], a[j, :j])
            a[i, j] /= a[j, j]
        a[i, i] -= np.dot(a[i, :i], a[i, :i])
        a[i, i] = np.sqrt(a[i, i])
    return np.tril(a)


def gram_schmidt(a):
    """The modified method of Gram and Schmidt."""
    q, r = np.zeros_like(a), np.zeros_like(a)
    for k in range(a.shape[1]):
        norm = np.dot(a[:, k], a[:, k])
        r[k, k] = np.sqrt(norm)
        q[:, k] = a[:, k] / r[k, k]
        for j in range(k + 1, a.shape[1]):
            r[k, j] = np.dot(q[:, k], a[:, j])
            a[:, j] -= q[:, k] * r[k, j]
    return q, r


def durbin(r):
    """Durbin's algorithm for the equations of Yule and Walker."""
    y = np.empty_like(r)
    alpha, beta = -r[0], 1.0
    y[0] = -r[0]
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return y


def triangular_solve(a, b):
    """Forward substitution."""
    x = np.zeros_like(b)
    for i in range(x.shape[0]):
        x[i] = (b[i] - a[i, :i] @ x[:i]) / a[i, i]
    return x


def thomas(a, b, c, d):
    """Thomas' algorithm for a system of three diagonals."""
    c, d = c.copy(), d.copy()
    n = len(d)
    c[0] /= b[0]
    d[0] /= b[0]
    for i in range(1, n):
        m = b[i] - a[i] * c[i - 1]
        c[i] /= m
        d[i] = (d[i] - a[i] * d[i - 1]) / m
    for i in range(n - 2, -1, -1):
        d[i] -= c[i] * d[i + 1]
    return d


def nbody(pos, vel, mass, steps=2):
    """Accelerations by masked writes, and a leapfrog step."""
    for _ in range(steps):
        x, y = pos[:, 0:1], pos[:, 1:2]
        dx, dy = x.T - x, y.T - y
        inverse = dx**2 + dy**2 + 0.01
        inverse[inverse > 0] = inverse[inverse > 0] ** (-1.5)
        acc = np.hstack((((dx * inverse) @ mass)[:, None], ((dy * inverse) @ mass)[:, None]))
        vel += acc * 0.05
        pos += vel * 0.1
    return pos, vel


CX, CY = [0, 1, 0, -1, 0], [0, 0, 1, 0, -1]
WEIGHTS = [1 / 3, 1 / 6, 1 / 6, 1 / 6, 1 / 6]


def lattice_boltzmann(f, tau=0.8, steps=2):
    """A lattice of five velocities: streaming, collision, a wall that bounces back."""
    for _ in range(steps):
        for i in range(5):
            f[i] = np.roll(np.roll(f[i], CX[i], axis=0), CY[i], axis=1)
        wall = f[:, :, 0].copy()
        f[1, :, 0], f[3, :, 0] = wall[3], wall[1]
        rho = f.sum(axis=0)
        ux = (f[1] - f[3]) / rho
        uy = (f[2] - f[4]) / rho
        for i in range(5):
            equilibrium = WEIGHTS[i] * rho * (1 + 3 * (CX[i] * ux + CY[i] * uy))
            f[i] += (equilibrium - f[i]) / tau
    return f


def floyd_warshall(path):
    """All shortest paths."""
    for k in range(path.shape[0]):
        path[:] = np.minimum(path[:], np.add.outer(path[:, k], path[k, :]))
    return path


def soft_alignment(cost, gamma=0.5):
    """A dynamic program: dynamic time warping with a soft minimum."""
    n, m = cost.shape
    r = np.zeros_like(cost, shape=(n + 1, m + 1))
    r[0, 1:] = r[1:, 0] = 1e3
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            three = np.stack([r[i - 1, j], r[i, j - 1], r[i - 1, j - 1]])
            r[i, j] = cost[i - 1, j - 1] - gamma * np.log(np.sum(np.exp(-three / gamma)))
    return r[1:, 1:]


def convolution(images, weights):
    """A layer of a network, by loops over places."""
    k = weights.shape[0]
    n, h, w, _ = images.shape
    out = np.zeros_like(images, shape=(n, h - k + 1, w - k + 1, weights.shape[3]))
    for i in range(h - k + 1):
        for j in range(w - k + 1):
            out[:, i, j, :] = np.sum(
                images[:, i : i + k, j : j + k, :, np.newaxis] * weights[np.newaxis], axis=(1, 2, 3)
            )
    return out


@dataclass
class Kalman:
    """A filter that keeps its state, which `update` changes in place."""

    x: np.ndarray
    p: np.ndarray
    q: np.ndarray

    def predict(self, f):
        self.x[:] = f @ self.x
        self.p[:] = f @ self.p @ f.T + self.q

    def update(self, z, h, r):
        s = h @ self.p @ h.T + r
        gain = self.p @ h.T @ np.linalg.inv(s)
        self.x += gain @ (z - h @ self.x)
        self.p -= gain @ h @ self.p


def kalman(x, p, q, z):
    """A Kalman filter on a few measurements."""
    state = Kalman(x, p, q)
    for value in z:
        state.predict(np.array([[1.0, 0.1], [0.0, 1.0]]))
        state.update(value, np.array([[1.0, 0.0]]), np.array([[0.2]]))
    return state.x, state.p


def vertical_advection(u, w, steps=2):
    """An implicit step along columns: forward and backward sweeps over levels."""
    n = u.shape[0]
    for _ in range(steps):
        c, d = np.zeros_like(u), np.zeros_like(u)
        c[0] = 0.25 * w[0]
        d[0] = u[0]
        for k in range(1, n):
            g = -0.25 * w[k]
            divided = 1.0 / (1.0 - g * c[k - 1])
            c[k] = 0.25 * w[k] * divided
            d[k] = (u[k] - g * d[k - 1]) * divided
        u[n - 1] = d[n - 1]
        for k in range(n - 2, -1, -1):
            u[k] = d[k] - c[k] * u[k + 1]
    return u


def weighted_histogram(places, weights):
    """A histogram whose weights are differentiated, smoothed in place."""
    h = np.zeros_like(weights, shape=5)
    np.add.at(h, places, weights)
    h[1:-1] = (h[:-2] + 2 * h[1:-1] + h[2:]) / 4
    return h / h.sum()


def lotka_volterra(y, p):
    """An explicit method whose right-hand side fills ``dy``."""

    def rhs(y, dy):
        dy[0] = p[0] * y[0] - p[1] * y[0] * y[1]
        dy[1] = p[2] * y[0] * y[1] - p[3] * y[1]

    k1, k2 = np.empty_like(y), np.empty_like(y)
    track = np.zeros_like(y, shape=(6, 2))
    for i in range(6):
        rhs(y, k1)
        rhs(y + 0.05 * k1, k2)
        y += 0.1 * k2
        track[i] = y
    return track


def householder(a):
    """The reflections of Householder, in place."""
    for k in range(a.shape[1]):
        x = a[k:, k]
        v = x.copy()
        v[0] += np.sign(x[0]) * np.sqrt(np.sum(x * x))
        v /= np.sqrt(np.sum(v * v))
        a[k:, k:] -= 2.0 * np.outer(v, v @ a[k:, k:])
    return np.triu(a)


def sparse_product(indptr, indices, data, x):
    """A sparse matrix in compressed rows times a vector."""
    y = np.zeros_like(x, shape=len(indptr) - 1)
    for i in range(len(indptr) - 1):
        cols = indices[indptr[i] : indptr[i + 1]]
        vals = data[indptr[i] : indptr[i + 1]]
        y[i] = vals @ x[cols]
    return y


def recursive_filter(x, a):
    """A digital filter with feedback, and its reversal in place."""
    y = np.zeros_like(x)
    for n in range(len(x)):
        y[n] = x[n]
        for k in range(1, min(n, len(a) - 1) + 1):
            y[n] -= a[k] * y[n - k]
    y[::-1].sort()
    y[::2] *= -1.0
    return y


def bubble(x):
    """Numbers that are sorted by exchanges."""
    for i in range(len(x)):
        for j in range(len(x) - 1 - i):
            if x[j] > x[j + 1]:
                x[j], x[j + 1] = x[j + 1] * 1.0, x[j] * 1.0
    return x * np.arange(len(x))


def ring(x, steps=7):
    """A ring buffer of the latest values, whose mean comes back."""
    buffer = np.zeros_like(x, shape=3)
    out = np.empty_like(x, shape=steps)
    for i in range(steps):
        buffer[i % 3] = x[i % len(x)] + 0.1 * buffer.mean()
        out[i] = np.tanh(buffer).sum()
    return out


def successive_over_relaxation(u, f, omega=1.4):
    """Red and black points of a plate, by slices with steps."""
    for colour in (0, 1):
        for i in range(1, u.shape[0] - 1):
            s = slice(1 + (i + colour) % 2, -1, 2)
            left, right = slice((i + colour) % 2, -2, 2), slice(2 + (i + colour) % 2, None, 2)
            u[i, s] *= 1 - omega
            u[i, s] += omega / 4 * (u[i - 1, s] + u[i + 1, s] + u[i, left] + u[i, right] - f[i, s])
    return u


def _drawn():
    rng = np.random.default_rng(12)
    n, square = rng.normal, rng.normal(size=(4, 4))
    spd = square @ square.T + 4 * np.eye(4)
    dominant = square + 8 * np.eye(4)
    return {
        heat: (n(size=(5, 6)),),
        jacobi: (dominant, n(size=4)),
        seidel: (n(size=(4, 5)),),
        advection: (n(size=8), 0.4),
        fdtd: (n(size=(4, 5)), n(size=(4, 5)), n(size=(4, 5))),
        lu: (dominant,),
        cholesky: (spd,),
        gram_schmidt: (dominant,),
        durbin: (0.3 * rng.uniform(-1, 1, 5),),
        triangular_solve: (dominant, n(size=4)),
        thomas: (n(size=5), 4 + rng.uniform(size=5), n(size=5), n(size=5)),
        nbody: (n(size=(3, 2)), n(size=(3, 2)), rng.uniform(1, 2, 3)),
        lattice_boltzmann: (rng.uniform(0.5, 1, (5, 4, 3)),),
        floyd_warshall: (rng.uniform(0.1, 1, (4, 4)),),
        soft_alignment: (n(size=(3, 4)),),
        convolution: (n(size=(2, 4, 4, 2)), n(size=(2, 2, 2, 3))),
        kalman: (n(size=2), np.eye(2) + 0.1, 0.1 * np.eye(2), n(size=(3, 1))),
        vertical_advection: (n(size=(4, 3)), n(size=(4, 3))),
        weighted_histogram: (np.array([0, 1, 1, 3, 4, 1]), rng.uniform(0.5, 1, 6)),
        lotka_volterra: (np.array([1.0, 0.5]), np.array([1.1, 0.4, 0.3, 0.6])),
        householder: (n(size=(4, 3)),),
        sparse_product: (
            np.array([0, 2, 3, 5]),
            np.array([0, 2, 1, 0, 3]),
            n(size=5),
            n(size=4),
        ),
        recursive_filter: (n(size=6), np.array([1.0, 0.4, -0.2])),
        bubble: (n(size=5),),
        ring: (n(size=4),),
        successive_over_relaxation: (n(size=(5, 6)), n(size=(5, 6))),
    }


KERNELS = _drawn()
"""From each kernel to its arguments."""
