"""Programs in the style of public kernels: plain NumPy and math, and nothing of gradx."""

import math
from dataclasses import dataclass, field
from functools import partial, wraps

import numpy as np
from numpy import array, dot, zeros
from numpy.linalg import norm, solve

GRAVITY = 9.81
TABLE = np.linspace(0.5, 1.5, 4)


# --- Grids ----------------------------------------------------------------------------------------


def heat(u0, kappa):
    """Explicit heat equation in a space-time array."""
    n = u0.shape[0]
    u = np.zeros((6, n))
    u[0] = u0
    for t in range(1, 6):
        u[t, 1:-1] = u[t - 1, 1:-1] + kappa * (u[t - 1, 2:] - 2 * u[t - 1, 1:-1] + u[t - 1, :-2])
        u[t, 0] = u[t, -1] = 0.0
    return u[-1]


def limiter(r):
    return np.maximum(0.0, np.minimum(1.0, r))


def advection(u, c):
    """Advection with a flux limiter, in place on a padded array."""
    q = np.empty(u.size + 4)
    for _ in range(3):
        q[2:-2] = u
        q[:2], q[-2:] = u[-2:], u[:2]
        d = np.diff(q)
        d[np.abs(d) < 1e-12] = 1e-12
        r = d[:-1] / d[1:]
        flux = q[1:-2] + 0.5 * (1 - c) * limiter(r[:-1]) * d[1:-1]
        u = u - c * (flux[1:] - flux[:-1])[: u.size]
    return u


def jacobi_2d(a):
    """Jacobi sweeps between two buffers."""
    a = a.copy()
    b = np.copy(a)
    for _ in range(3):
        b[1:-1, 1:-1] = 0.2 * (
            a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1]
        )
        a, b = b, a
    return a


def seidel_2d(a):
    for _ in range(2):
        for i in range(1, a.shape[0] - 1):
            a[i, 1:-1] += a[i - 1, :-2] + a[i - 1, 1:-1] + a[i, 2:] + a[i + 1, 1:-1]
            for j in range(1, a.shape[1] - 1):
                a[i, j] += a[i, j - 1]
                a[i, j] /= 5.0
    return a


def fdtd(ez, source):
    hy = np.zeros_like(ez)
    ex = zeros(ez.shape)
    for t in range(3):
        hy[:-1] += 0.5 * (ez[1:] - ez[:-1])
        ez[1:] += 0.5 * (hy[1:] - hy[:-1])
        ez[0] = source * math.exp(-((t - 1) ** 2))
        ex[:, 0] -= 0.1 * hy[:, 0]
    return ez + ex


def lattice_boltzmann(f):
    """Collide and stream on three directions, with np.roll and a mask."""
    rho = f.sum(axis=0)
    velocity = (f[1] - f[2]) / rho
    wall = np.zeros(rho.shape, dtype=bool)
    wall[0] = True
    equal = np.empty_like(f)
    equal[0] = rho * (2 / 3 - velocity**2)
    equal[1:] = rho / 6 + np.stack([velocity, -velocity]) * rho / 2
    out = f + 0.8 * (equal - f)
    out[1], out[2] = np.roll(out[1], 1), np.roll(out[2], -1)
    out[1, wall], out[2, wall] = out[2, wall], out[1, wall]
    return out


def vertical_advection(w, u):
    """Thomas' algorithm along the first axis, forward and back."""
    n = u.shape[0]
    c, d, x = np.zeros(u.shape), np.zeros(u.shape), np.empty(u.shape)
    for k in range(n):
        a_k = -0.25 * w[k] if k else 0.0 * w[k]
        c_k = 0.25 * w[k]
        b = 1.0 - a_k * (c[k - 1] if k else 0.0)
        c[k] = c_k / b
        d[k] = (u[k] - a_k * (d[k - 1] if k else 0.0)) / b
    x[-1] = d[-1]
    for k in range(n - 2, -1, -1):
        x[k] = d[k] - c[k] * x[k + 1]
    return x


# --- Linear algebra -------------------------------------------------------------------------------


def lu_solve(a, b):
    a, n = a.copy(), len(b)
    x, y = np.zeros_like(b), zeros(n)
    for k in range(n):
        for i in range(k + 1, n):
            a[i, k] /= a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= a[i, k] * a[k, j]
    for i in range(n):
        y[i] = b[i] - dot(a[i, :i], y[:i])
    for i in reversed(range(n)):
        x[i] = (y[i] - a[i, i + 1 :] @ x[i + 1 :]) / a[i, i]
    return x


def cholesky(a):
    a = a @ a.T + 2 * np.eye(len(a))
    lower = np.zeros(a.shape)
    for i in range(len(a)):
        for j in range(i + 1):
            s = a[i, j] - np.sum(lower[i, :j] * lower[j, :j])
            lower[i, j] = math.sqrt(s) if i == j else s / lower[j, j]
    return lower


def gram_schmidt(a):
    q, r = np.zeros_like(a), np.zeros((a.shape[1], a.shape[1]))
    for k in range(a.shape[1]):
        r[k, k] = np.sqrt(np.dot(a[:, k], a[:, k]))
        q[:, k] = a[:, k] / r[k, k]
        for j in range(k + 1, a.shape[1]):
            r[k, j] = np.dot(q[:, k], a[:, j])
            a[:, j] -= q[:, k] * r[k, j]
    return q + r.sum()


def durbin(r):
    y = np.empty_like(r)
    alpha, beta, y[0] = -r[0], 1.0, -r[0]
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return y


def thomas(a, b, c, d):
    n = len(d)
    cp, dp = np.zeros(n - 1), np.zeros(n)
    cp[0], dp[0] = c[0] / b[0], d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i - 1] * cp[i - 1]
        if i < n - 1:
            cp[i] = c[i] / m
        dp[i] = (d[i] - a[i - 1] * dp[i - 1]) / m
    for i in range(n - 2, -1, -1):
        dp[i] -= cp[i] * dp[i + 1]
    return dp


def block_system(k):
    matrix = np.full((3, 3), k)
    np.fill_diagonal(matrix, 4.0 + k * k)
    matrix[0, 2] = 0.0
    return solve(matrix, np.array([1.0, k, 2.0]))


# --- Particles, paths, statistics -----------------------------------------------------------------


def forces(x):
    n = len(x)
    f = np.zeros((n, 2))
    for i in range(n):
        r = x - x[i]
        d2 = (r**2).sum(axis=1) + 1e-2
        near = d2 < 4.0
        near[i] = False
        f[i] += (r[near] / d2[near, None]).sum(axis=0)
    return f


def n_body(x, v):
    for _ in range(3):
        v += 0.05 * forces(x)
        x += 0.05 * v
        outside = np.abs(x) > 1.5
        x[outside] *= 0.5
        v[outside] = -v[outside]
    return x


def floyd_warshall(path):
    for k in range(path.shape[0]):
        path[:] = np.minimum(path[:], np.add.outer(path[:, k], path[k, :]))
    return path


def alignment(costs):
    """A dynamic program with lists and min."""
    n, m = costs.shape
    best = np.full((n + 1, m + 1), np.inf)
    best[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            before = min(best[i - 1, j - 1], best[i - 1, j] + 0.3, best[i, j - 1] + 0.4)
            best[i, j] = costs[i - 1, j - 1] + before
    return best[n, m]


def histogram(w):
    bins = np.array([0, 2, 1, 0, 2, 2])
    counts = np.zeros(3)
    for i, b in enumerate(bins):
        counts[b] += w[i]
    np.add.at(counts, bins, w**2)
    return counts / counts.sum()


def covariance(x):
    mean = np.zeros(x.shape[1])
    for row in x:
        mean += row
    mean /= float(len(x))
    x -= mean
    cov = np.zeros((x.shape[1], x.shape[1]))
    for i in range(len(cov)):
        cov[i:, i] = cov[i, i:] = x[:, i] @ x[:, i:] / (len(x) - 1.0)
    return cov


# --- Models ---------------------------------------------------------------------------------------


def conv2d(image, kernel):
    n, k = image.shape[0], kernel.shape[0]
    out = np.empty((n - k + 1, n - k + 1))
    for i in range(n - k + 1):
        for j in range(n - k + 1):
            out[i, j] = np.sum(image[i : i + k, j : j + k] * kernel)
    np.maximum(out, 0.0, out=out)
    return out


class Kalman:
    """A filter of a position and a velocity; its noise is what is learned."""

    def __init__(self, q, r):
        self.x = np.zeros(2)
        self.p = np.eye(2)
        self.f = np.array([[1.0, 0.1], [0.0, 1.0]])
        self.h = np.array([[1.0, 0.0]])
        self.q, self.r = q * np.eye(2), r

    def predict(self):
        self.x = self.f @ self.x
        self.p = self.f @ self.p @ self.f.T + self.q

    def update(self, z):
        s = (self.h @ self.p @ self.h.T)[0, 0] + self.r
        gain = self.p @ self.h.T / s
        self.x += gain[:, 0] * (z - self.x[0])
        self.p -= gain @ self.h @ self.p
        return math.log(s)


def kalman_likelihood(q, r):
    kalman, total = Kalman(q, r), 0.0
    for z in [0.1, 0.25, 0.2, 0.6]:
        kalman.predict()
        total += kalman.update(z)
    return total + kalman.x[1]


@dataclass
class Dense:
    w: np.ndarray
    b: np.ndarray

    def __call__(self, x):
        return np.tanh(self.w @ x + self.b)


@dataclass
class Network:
    layers: list[Dense]
    scale: float = 1.0
    seen: list = field(default_factory=list)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
            self.seen.append(x)
        return self.scale * x


def loss_of_network(net):
    out = np.zeros(2)
    for x in (np.array([0.1, -0.4]), np.array([0.5, 0.3])):
        out += net.forward(x)
    return out + len(net.seen)


def pendulum(t, y, length):
    dy = np.zeros_like(y)
    dy[0] = y[1]
    dy[1] = -GRAVITY / length * math.sin(y[0])
    return dy


def rk4(f, y, dt, steps):
    path = np.empty((steps + 1, y.size))
    path[0] = y
    for i in range(steps):
        k1 = f(0.0, path[i])
        k2 = f(0.0, path[i] + dt / 2 * k1)
        k3 = f(0.0, path[i] + dt / 2 * k2)
        k4 = f(0.0, path[i] + dt * k3)
        path[i + 1] = path[i] + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return path


def swing(angle, length):
    y0 = np.array([angle, 0.0])
    return rk4(partial(pendulum, length=length), y0, 0.05, 4)[-1]


def black_scholes(s, k, sigma):
    def normal(x):
        return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))

    d1 = (math.log(s / k) + 0.5 * sigma**2) / sigma
    return s * normal(d1) - k * normal(d1 - sigma)


# --- Names of NumPy -------------------------------------------------------------------------------


def rotation(angle):
    c, s = np.cos(angle), math.sin(angle)
    matrix = array([[c, -s, 0.0], [s, c, 0.0], [0, 0, 1]])
    return matrix @ np.array([1.0, 2.0, angle])


def iterators(x):
    total = 0.0
    for index, item in np.ndenumerate(x):
        total += (index[0] + 1) * item
    for item in np.nditer(x):
        total = total + item * item
    y = np.zeros_like(x)
    with np.nditer([x, y], [], [["readonly"], ["writeonly"]]) as it:
        for a, b in it:
            b[...] = 2 * a
    return total + np.sum(y * y)


def joined(x):
    a = np.r_[x, 1.0, x[::-1]]
    b = np.c_[x, x**2]
    c = np.fromiter((v * v for v in x), float)
    d = np.asarray([x[0], 2.0, x[1]])
    return a.sum() + np.prod(b[:, 1]) + c @ c + d[2] + np.hstack([[x[0]], x]).sum()


def vectorized(x):
    def kernel(t, power):
        return math.exp(-t) if t > 0 else t**power

    return np.vectorize(kernel)(x, 2).sum() + np.vectorize(kernel, otypes=[float])(x[:2], 3)[1]


def of_constants(x):
    grid = np.mgrid[0:2.0, 0:3.0]
    grid[0] += x[0]
    line = np.linspace(0, 1, 4)
    line[1:3] *= x[1]
    rest = np.array(TABLE)
    rest[0] = x[2]
    np.random.seed(0)
    noise = np.random.normal(size=3)
    noise[1] = x[0]
    return grid.sum() + line @ rest + norm(noise)


def in_place_functions(x):
    y = np.arange(4.0)
    np.copyto(y, x, where=np.array([True, False, True, True]))
    np.put(y, [1], x[3])
    np.clip(y, -0.5, 0.8, out=y)
    z = np.ones((2, 2))
    z.flat[:] = y
    z[...] += z.T
    z.sort(axis=0)
    np.cumsum(z, axis=1, out=z)
    return np.sum(z * z)


def complex_signal(x):
    spectrum = np.zeros(4, dtype=complex)
    spectrum[1] = x[0] + 1j * x[1]
    spectrum[2:] = np.fft.fft(x[:2])
    return np.abs(np.fft.ifft(spectrum)) + spectrum.real


def logged(f):
    @wraps(f)
    def wrapper(*args):
        return 2 * f(*args)

    return wrapper


@logged
def decorated(x):
    out = np.zeros(3)
    out[np.array([2, 0])] = x[:2]
    out[out == 0] = x[2]
    return out * math.hypot(*x)
