"""The Boltzmann-type formulation: particles that collide at random times (sec. 3; paper).

A collision takes the state x of a particle to

    x* = x + epsilon sigma(w(t) x + b(t)) + sqrt(epsilon) K(x) eta               (20)

with eta of mean 0 and variance nu^2; epsilon = 1 and nu = 0 give (18). The collisions of a
particle are a Poisson process of rate 1 / epsilon, so that its law g(t) obeys

    d/dt int phi g dx = (1 / epsilon) int E[phi(x*) - phi(x)] g dx               (19)

in the scaled time t, for bounded phi. All quantities are dimensionless.
"""

import math

import numpy as np

from kinetic import _collisions, _diffusion, _noise, _parallel, _validate
from kinetic._chunk import Chunk, check_range
from kinetic._limited import limited
from kinetic.grid import CellLaw, Grid
from kinetic.network import check_network

CHUNK = 8192
PIECES = 1024
PAIRS_AT_ONCE = 1 << 18
MOST_COLLISIONS = 10**7
WIDEST_CELL = 1e75
MOST_CALLS = 100_000
WHOLE = 1e-9
RULES = (16, 32, 64, 128, 256, 512)
FARTHEST = 6.5
ACCURACY = 1e-7
MASS_TOLERANCE = 1e-6


def simulate(
    net, x0, times, *, epsilon, diffusion="1", nu=0.0, noise="gaussian", clock="exact",
    rng=0, threads=None,
):  # fmt: skip
    """Monte Carlo of the Boltzmann-type equation (eqs. (18), (19), (20); paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension one.
    x0 : (M,) array_like
        Particles at the first time.
    times : (T,) array_like
        Increasing output times. In one unit of time a particle has 1 / epsilon collisions
        on average.
    epsilon : float
        Strength of a collision, in (0, 1].
    diffusion : {"1", "x"} or callable
        K. A function is evaluated with NumPy, on many particles at a time.
    nu : float
        Standard deviation of eta, at least 0.
    noise : {"gaussian", "uniform", "two-point"}
        Law of eta / nu: normal, uniform on [-sqrt 3, sqrt 3], or -1 and 1 with equal
        probability. No normal number is beyond 8.5.
    clock : {"exact", "fast"}
        "exact": the collisions of each particle are a Poisson process, with w and b at
        the times of the collisions. "fast": each particle collides once in every step
        epsilon, with w and b at its beginning, which is the Euler-Maruyama method for
        the Fokker-Planck equation; output times must be multiples of epsilon apart.
    rng : numpy.random.Generator or int
        Source of randomness, or its seed.
    threads : int, optional
        Default: all cores this process may use. The result does not depend on it.

    Returns
    -------
    (T, M) ndarray
        States at the times.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or K is not finite where particles are.
    FloatingPointError
        If a state leaves the range of float64; the message names the interval of times.

    Notes
    -----
    Where w or b depend on time, the exact clock interpolates them linearly between 1,025
    values in each interval of output times.
    """
    check_network(net, 1)
    x0 = _validate.array("x0", x0)
    if x0.ndim != 1 or x0.size == 0:
        raise ValueError(f"x0 must have shape (M,) with M >= 1; got {x0.shape}")
    times, epsilon, nu = _validate.times(times), _strength(epsilon), _deviation(nu)
    _validate.choice("noise", noise, tuple(_noise.NOISES))
    diffusion = _diffusion.get(diffusion)
    diffusion(x0)
    parameters = _parameters(net, times, epsilon, clock)
    advance = Chunk.steps if clock == "fast" else Chunk.rounds if net.autonomous else Chunk.waits
    threads = _parallel.thread_count(threads)
    seeds = _seeds(rng).spawn(-(-x0.size // CHUNK))
    out = np.empty((times.size, x0.size))
    out[0] = x0

    def work(rows):
        seed = seeds[rows.start // CHUNK]
        chunk = Chunk(net.activation, x0[rows], epsilon, diffusion, nu, noise, seed)
        for i, table in enumerate(parameters, start=1):
            try:
                advance(chunk, times[i] - times[i - 1], *table)
            except FloatingPointError as error:
                raise _located(error, times[i - 1 : i + 1]) from None
            out[i, rows] = chunk.x

    _parallel.over_rows(work, x0.size, threads, CHUNK)
    return out


def simulate_binary(net, x0, times, *, epsilon=1.0, clock="exact", rng=0):
    """Monte Carlo of the binary collisions of Remark 3 (Remark 3; paper).

    With W = net.w = [[w, v_bar], [w_bar, v]] and net.b = (b, d) two particles x, y collide to

        x* = x + epsilon sigma((w x + v_bar y) / 2 + b)
        y* = y + epsilon sigma((w_bar x + v y) / 2 + d)

    Parameters
    ----------
    net : SimResNet
        Of dimension two.
    x0 : (M, 2) or (M,) array_like
        Particles at the first time, M >= 2. (M, 2): two populations, x from the first
        column and y from the second; (M,): one, from which x and y are drawn in random
        order. Partners are drawn anew for every collision.
    times : (T,) array_like
        Increasing output times. In one unit of time a particle takes part in 1 / epsilon
        collisions on average.
    epsilon : float
        Strength of a collision, in (0, 1]; 1 is the rule of the remark.
    clock : {"exact", "fast"}
        "exact": the collisions of all pairs are a Poisson process (Bird's scheme).
        "fast": in every step epsilon all particles are matched in pairs that collide
        once (Nanbu's scheme in Babovsky's form); output times must be multiples of
        epsilon apart, and M even for one population.
    rng : numpy.random.Generator or int
        Source of randomness, or its seed.

    Returns
    -------
    (T, M, 2) or (T, M) ndarray
        States at the times.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If a state leaves the range of float64; the message names the interval of times.

    Notes
    -----
    Time-dependent parameters are read as in `simulate`. With M particles the law differs
    from the solution of the Boltzmann equation by O(1 / M) in the mean.
    """
    check_network(net, 2)
    x0 = _validate.array("x0", x0)
    if x0.ndim not in (1, 2) or (x0.ndim == 2 and x0.shape[1] != 2) or len(x0) < 2:
        raise ValueError(f"x0 must have shape (M, 2) or (M,) with M >= 2; got {x0.shape}")
    times, epsilon = _validate.times(times), _strength(epsilon)
    if clock == "fast" and x0.ndim == 1 and x0.size % 2:
        raise ValueError(f"clock 'fast' matches pairs: M must be even; got M={x0.size}")
    parameters = _parameters(net, times, epsilon, clock)
    generator = np.random.default_rng(_seeds(rng))
    states = [x0.copy()] * 2 if x0.ndim == 1 else [x0[:, 0].copy(), x0[:, 1].copy()]
    sigma, collide = net.activation.tag, _collisions.collide_pairs
    if sigma is None:
        sigma, collide = net.activation, _collide_pairs
    out = np.empty((times.size, *x0.shape))
    out[0] = x0
    for i, (weights, biases) in enumerate(parameters, start=1):
        collisions = (times[i] - times[i - 1]) / epsilon
        if clock == "fast":
            pairs = _matched_pairs(generator, x0, round(collisions))
        else:
            pairs = _random_pairs(generator, x0, collisions, len(weights) - 1)
        try:
            for drawn in pairs:
                collide(sigma, *states, *drawn, weights, biases, epsilon)
            out[i] = states[0] if x0.ndim == 1 else np.column_stack(states)
            check_range(out[i])
        except FloatingPointError as error:
            raise _located(error, times[i - 1 : i + 1]) from None
    return out


def _collide_pairs(sigma, x, y, first, second, positions, weights, biases, epsilon):
    """`kinetic._collisions.collide_pairs` for an activation without compiled form."""
    for i, j, position in zip(first, second, positions, strict=True):
        k = min(int(position), len(weights) - 2)
        part = position - k
        w = (1.0 - part) * weights[k] + part * weights[k + 1]
        b = (1.0 - part) * biases[k] + part * biases[k + 1]
        z = np.array([x[i], y[j]])
        with np.errstate(over="ignore", invalid="ignore"):
            u = w @ z / 2.0 + b
            check_range(u)
            x[i], y[j] = z + epsilon * sigma(u)


def _matched_pairs(generator, x0, steps):
    """Indices of the pairs of each step, and the step as position in the table."""
    for k in range(steps):
        order = generator.permutation(len(x0))
        first, second = np.split(order, 2) if x0.ndim == 1 else (np.arange(len(x0)), order)
        yield first, second, np.full(first.size, float(k))


def _random_pairs(generator, x0, collisions, pieces):
    """Indices of pairs at the times of a Poisson process, as positions in [0, pieces)."""
    size, one = len(x0), int(x0.ndim == 1)
    expected = collisions * size / (1 + one)
    parts = max(1, math.ceil(expected / PAIRS_AT_ONCE))
    for part in range(parts):
        number = generator.poisson(expected / parts)
        first = generator.integers(size, size=number)
        second = generator.integers(size - one, size=number)
        if one:
            second += second >= first
        when = np.sort(generator.random(number))
        yield first, second, (part + when) * (pieces / parts)


def moments(net, m0, times, *, epsilon, diffusion="1", nu=0.0, noise="gaussian"):
    """Moments of the Boltzmann-type equation for the identity (eqs. (19), (20); paper).

    The powers x^k, k = 0..n, put into (19) give a closed linear system; with u = w x + b

        m1' = w m1 + b
        m2' = 2 E[x u] + nu^2 E[K^2] + epsilon E[u^2]

    and the law of the noise enters from m4' on, where it is epsilon E[K^4] E[eta^4].

    Parameters
    ----------
    net : SimResNet
        Of dimension one, with the identity as activation.
    m0 : (n + 1,) array_like
        Moments of order 0..n at the first time.
    times : (T,) array_like
        Increasing output times.
    epsilon : float
        In [0, 1]; 0 gives the moments of the Fokker-Planck equation (21).
    diffusion : {"1", "x"}
        K.
    nu, noise
        As in `simulate`.

    Returns
    -------
    (T, n + 1) ndarray

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If a moment leaves the range of float64.
    """
    check_network(net, 1)
    _checked_identity(net)
    m0 = _validate.array("m0", m0)
    if m0.ndim != 1 or m0.size == 0:
        raise ValueError(f"m0 must have shape (n + 1,) with n >= 0; got {m0.shape}")
    times, nu = _validate.times(times), _deviation(nu)
    epsilon = _strength(epsilon, zero=True)
    _validate.choice("noise", noise, tuple(_noise.NOISES))
    diffusion = _diffusion.get(diffusion)
    if diffusion not in (_diffusion.get("1"), _diffusion.get("x")):
        raise ValueError(f"moments close for diffusion '1' and 'x' only; got {diffusion.name}")
    power = 0 if diffusion == _diffusion.get("1") else 1

    def generator(t):
        try:
            with np.errstate(over="raise"):
                return _generator(*net.parameters(t), m0.size, epsilon, power, nu, noise)
        except (OverflowError, FloatingPointError):
            raise FloatingPointError(
                "a coefficient of the moment equations exceeds the range of float64; lower w, b, "
                "nu or the order"
            ) from None

    if net.autonomous:
        from scipy.linalg import expm

        matrix = generator(0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            found = np.array([expm((t - times[0]) * matrix) @ m0 for t in times])
    else:
        found = _integrated(lambda t, m: generator(t) @ m, m0, times)
    return _in_range(found)


def _generator(w, b, size, epsilon, power, nu, noise):
    """Matrix of m' = A m; row k has the powers of x in E[(x + delta)^k - x^k] / epsilon.

    With u = w x + b the increment is delta = epsilon u + sqrt(epsilon) K eta, and
    E[delta^j] = sum over even i of C(j, i) (epsilon u)^(j - i) (epsilon K^2)^(i / 2) E[eta^i].
    """
    matrix = np.zeros((size, size))
    powers_of_u = [
        np.array([math.comb(d, n) * w**n * b ** (d - n) for n in range(d + 1)]) for d in range(size)
    ]
    eta = [nu**i * NOISE_MOMENTS[noise](i) for i in range(0, size, 2)]
    for k in range(size):
        for j in range(1, k + 1):
            for i in range(0, j + 1, 2):
                factor = math.comb(k, j) * math.comb(j, i) * epsilon ** (j - i // 2 - 1)
                first = k - j + power * i
                row = matrix[k, first : first + j - i + 1]
                row += factor * eta[i // 2] * powers_of_u[j - i]
    return matrix


NOISE_MOMENTS = {
    "gaussian": lambda i: math.prod(range(1, i, 2)),
    "uniform": lambda i: 3 ** (i // 2) / (i + 1),
    "two-point": lambda i: 1,
}
"""E[(eta / nu)^i] for even i."""


def law(
    net, g0, grid, time, *, epsilon, diffusion="1", nu=0.0, noise="gaussian", clock="exact"
):  # fmt: skip
    """Law of a particle without Monte Carlo (eqs. (19), (20); paper).

    With F_n the distribution function after n collisions and T(x, eta) the state after one,
    increasing in x,

        F_{n+1}(y) = E[F_n(x) at T(x, eta) = y],    F = sum_n p_n F_n,

    where p_n is the Poisson probability of n collisions (clock "fast": of time / epsilon
    collisions only). F_n lives at the faces of the grid and is interpolated by polynomials
    of degree five; the expectation is a sum over values of eta, as many as F_1 needs to be
    exact to 1e-7.

    Parameters
    ----------
    net : SimResNet
        Of dimension one, with constant w and b.
    g0 : distribution
        Initial law with ``cdf``, smooth on the scale of a few cells.
    grid : Grid
        Holds the law until the end, to 1e-6.
    time : float
        At least 0.
    epsilon, diffusion, nu, noise, clock
        As in `simulate`.

    Returns
    -------
    kinetic.grid.CellLaw

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, T is not increasing, the grid is too short, or
        g0 not smooth enough.
    """
    from scipy import special

    check_network(net, 1)
    if not net.autonomous:
        raise ValueError("net must have constant w and b; simulate accepts functions of t")
    if not isinstance(grid, Grid):
        raise TypeError(f"grid must be a kinetic.Grid; got {type(grid).__name__}")
    if not 1.0 / WIDEST_CELL < grid.dx < WIDEST_CELL:
        raise ValueError(f"grid must have cells of a width that splines bear; got {grid.dx}")
    if not hasattr(g0, "cdf"):
        raise TypeError("g0 must be a law with cdf")
    time = _validate.number("time", time, low=0.0, accepted="a time of at least 0")
    epsilon, nu = _strength(epsilon), _deviation(nu)
    _validate.choice("noise", noise, tuple(_noise.NOISES))
    diffusion = _diffusion.get(diffusion)
    collisions = _step_counts(np.array([0.0, time]), epsilon, clock)[0]
    if clock == "fast":
        chances = np.zeros(int(collisions) + 1)
        chances[-1] = 1.0
    else:
        n = np.arange(int(collisions + 12.0 * math.sqrt(collisions) + 40.0))
        chances = np.exp(special.xlogy(n, collisions) - collisions - special.gammaln(n + 1.0))
    faces = grid.faces
    accepted = "a law whose cdf returns one number for each point"
    current, total = _validate.array("g0", g0.cdf(faces), accepted=accepted), np.zeros(faces.size)
    if current.shape != faces.shape:
        raise ValueError(f"g0 must be {accepted}; got shape {current.shape} for {faces.shape}")
    if np.diff(current, prepend=0.0, append=1.0).min() < -MASS_TOLERANCE:
        raise ValueError(
            "g0 must be a law whose cdf increases from 0 to 1; got values from "
            f"{current.min():.6g} to {current.max():.6g}"
        )
    before = _operator(net, faces, current, epsilon, diffusion, nu, noise)
    for i, chance in enumerate(chances):
        current = before @ current if i else current
        total += chance * current
    if max(total[0], 1.0 - total[-1]) > MASS_TOLERANCE:
        raise ValueError(
            f"the grid [{grid.left}, {grid.right}] must hold the law; it has mass {total[0]:.3g} "
            f"to the left and {1.0 - total[-1]:.3g} to the right"
        )
    masses = np.diff(total)
    if -masses[masses < 0.0].sum() > MASS_TOLERANCE:
        raise ValueError(
            f"grid must have more than {grid.cells} cells: interpolation makes masses negative"
        )
    return CellLaw(grid, np.maximum(masses, 0.0) / grid.dx)


def _operator(net, faces, start, epsilon, diffusion, nu, noise):
    """Sparse matrix that takes F_n at the faces to F_{n+1}, exact to `ACCURACY` for F_0."""
    from scipy.interpolate import CubicSpline

    drift, spread = epsilon * net.velocity(faces), math.sqrt(epsilon) * diffusion(faces)
    initial, previous = CubicSpline(faces, start), None
    for size in RULES:
        nodes, probabilities = _noise_rule(noise, nu, size)
        origins = np.empty((nodes.size, faces.size))
        for node, origin in zip(nodes, origins, strict=True):
            after = faces + drift + spread * node
            widths = np.diff(after)
            if not widths.min() > 0.0 or not np.isfinite(after).all():
                raise ValueError(
                    f"a collision with eta={node:.3g} is not an increasing map on the grid; "
                    "lower epsilon, or use simulate"
                )
            if not 1.0 / WIDEST_CELL < widths.min() <= widths.max() < WIDEST_CELL:
                raise ValueError(
                    f"w, b and nu must leave cells of a width that splines bear; a collision with "
                    f"eta={node:.3g} makes it {widths.max():.3g}"
                )
            origin[:] = CubicSpline(after, faces)(np.clip(faces, after[0], after[-1]))
        first = probabilities @ initial(origins)
        exact = nu == 0.0 or noise == "two-point"
        if exact or (previous is not None and abs(first - previous).max() < ACCURACY):
            return _interpolation(faces, origins, probabilities)
        previous = first
    raise ValueError(
        f"g0 must be smooth: means over {RULES[-1]} values of eta are not exact to {ACCURACY}"
    )


def _noise_rule(noise, nu, size):
    """Values of eta and their probabilities, for expectations of smooth functions."""
    if nu == 0.0:
        return np.zeros(1), np.ones(1)
    if noise == "two-point":
        return nu * np.array([-1.0, 1.0]), np.full(2, 0.5)
    if noise == "uniform":
        nodes, weights = np.polynomial.legendre.leggauss(size)
        return nu * math.sqrt(3.0) * nodes, weights / 2.0
    nodes = np.linspace(-FARTHEST, FARTHEST, size)
    weights = np.exp(-(nodes**2) / 2.0)
    return nu * nodes, weights / weights.sum()


def _interpolation(faces, points, probabilities):
    """Sparse matrix from values at the faces to means of interpolated values at points (Q, n).

    Stencils stay centred: one-sided ones would amplify rounding at every collision. Beyond
    the ends the values are those of the ends.
    """
    from scipy.sparse import csr_matrix

    position = (points - faces[0]) / (faces[1] - faces[0])
    first = np.floor(position).astype(int) - 2
    offsets = np.arange(6)
    distances = (position - first)[..., None] - offsets
    weights = np.empty(distances.shape)
    for k in offsets:
        others = offsets != k
        weights[..., k] = np.prod(distances[..., others], axis=-1) / np.prod((k - offsets)[others])
    weights *= probabilities[:, None, None]
    columns = np.clip(first[..., None] + offsets, 0, faces.size - 1)
    rows = np.broadcast_to(np.arange(faces.size)[:, None], columns.shape)
    entries = (weights.ravel(), (rows.ravel(), columns.ravel()))
    return csr_matrix(entries, (faces.size, faces.size))


def binary_moments(net, m0, times, *, epsilon=1.0):
    """First and second moments of the binary Boltzmann equation, identity (Remark 3; paper).

    Colliding particles are independent, so that the moments of two populations x and y
    with (w x + v_bar y) / 2 + b = u close:

        E[x]' = E[u],    E[x^2]' = 2 E[x u] + epsilon E[u^2],    E[x y] = E[x] E[y],

    and the same for y. One population has the mean of both right-hand sides.

    Parameters
    ----------
    net : SimResNet
        Of dimension two, with the identity as activation; as in `simulate_binary`.
    m0 : (2, 2) or (2,) array_like
        First and second moment at the first time, a row for each population, or for one.
    times : (T,) array_like
        Increasing output times.
    epsilon : float
        In [0, 1]; 0 gives the mean-field limit.

    Returns
    -------
    (T, 2, 2) or (T, 2) ndarray

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If a moment leaves the range of float64.
    """
    check_network(net, 2)
    _checked_identity(net)
    m0 = _validate.array("m0", m0)
    if m0.shape not in ((2,), (2, 2)):
        raise ValueError(f"m0 must have shape (2, 2) or (2,); got {m0.shape}")
    times, epsilon = _validate.times(times), _strength(epsilon, zero=True)

    def rate(t, flat):
        w, b = net.parameters(t)
        (p, p2), (q, q2) = np.broadcast_to(flat.reshape(m0.shape), (2, 2))
        second = np.array([[p2, p * q], [p * q, q2]])
        mean_u = w @ [p, q] / 2.0 + b
        with_u = w @ second / 2.0 + np.outer(b, [p, q])  # E[u_i z_j]
        squares = np.einsum("ij,ij->i", with_u, w) / 2.0 + b * mean_u
        rates = np.column_stack([mean_u, 2.0 * np.diag(with_u) + epsilon * squares])
        return rates.ravel() if m0.ndim == 2 else rates.mean(axis=0)

    return _in_range(_integrated(rate, m0.ravel(), times).reshape(-1, *m0.shape))


def _integrated(rate, start, times):
    """Solution of an ordinary differential equation at the times, to a relative 1e-11."""
    from scipy.integrate import solve_ivp

    if times.size == 1:
        return start[None]

    def refusal(t):
        return f"more than {MOST_CALLS} evaluations are needed at t={t:.6g}; shorten the times"

    with np.errstate(over="ignore", invalid="ignore"):
        solution = solve_ivp(
            limited(lambda t, moments: rate(float(_in_range(t)), moments), MOST_CALLS, refusal),
            times[[0, -1]], start, method="DOP853", rtol=1e-12, atol=1e-14, t_eval=times,
        )  # fmt: skip
    return solution.y.T if solution.success else np.full((1, start.size), np.nan)


def _in_range(found):
    if not np.isfinite(found).all():
        raise FloatingPointError(
            "a moment exceeds the range of float64; shorten the times or lower w, b or m0"
        )
    return found


def _checked_identity(net):
    if net.activation.name != "identity":
        raise ValueError(
            f"net must have the identity, for which moments close; got {net.activation.name!r}"
        )


def _strength(epsilon, *, zero=False):
    accepted = "a number in [0, 1]" if zero else "a number in (0, 1]"
    epsilon = _validate.number("epsilon", epsilon, low=0.0, high=1.0, accepted=accepted)
    if epsilon == 0.0 and not zero:
        raise ValueError(f"epsilon must be {accepted}; got {epsilon}")
    return epsilon


def _deviation(nu):
    return _validate.number("nu", nu, low=0.0, accepted="a standard deviation of at least 0")


def _seeds(rng):
    """Seeds from a generator, which moves on, or from a seed."""
    words = _validate.generator("rng", rng).integers(1 << 63, size=4)
    return np.random.SeedSequence(words.tolist())


def _located(error, interval):
    return FloatingPointError(
        f"{error} between t={interval[0]} and t={interval[1]}; where collisions enlarge the "
        "states, lower epsilon or shorten the time"
    )


def _step_counts(times, epsilon, clock):
    """Collisions of a particle expected between the times; whole for the fast clock."""
    _validate.choice("clock", clock, ("exact", "fast"))
    collisions = np.diff(times) / epsilon
    if collisions.max(initial=0.0) > MOST_COLLISIONS:
        raise ValueError(
            f"epsilon={epsilon} asks for {collisions.max():.3g} collisions of each particle in "
            f"one interval of times; at most {MOST_COLLISIONS} are accepted"
        )
    if clock == "exact":
        return collisions
    steps = np.rint(collisions)
    wrong = abs(collisions - steps) > WHOLE * collisions
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"clock 'fast' needs times that are multiples of epsilon={epsilon} apart; "
            f"got {times[i]} followed by {times[i + 1]}"
        )
    return steps


def _parameters(net, times, epsilon, clock):
    """For each interval of times, tables of w and b: at every step, or for interpolation."""
    tables = []
    for i, count in enumerate(_step_counts(times, epsilon, clock)):
        pieces = int(count) if clock == "fast" else 1 if net.autonomous else PIECES
        moments = np.linspace(times[i], times[i + 1], 1 if net.autonomous else pieces + 1)
        pairs = zip(*[net.parameters(float(t)) for t in moments], strict=True)
        tables.append([_repeated(np.array(values), pieces + 1) for values in pairs])
    return tables


def _repeated(values, count):
    return np.ascontiguousarray(np.broadcast_to(values, (count, *values.shape[1:])))
