"""The flux-free law of a drift and a diffusion by quadrature (eq. (22); paper).

    g(x) = C / K(x)^2 exp(Phi(x)),   Phi' = rate = 2 drift / (nu^2 K^2),   Phi(origin) = 0

on an open interval, through which x runs with s in R (`kinetic._intervals`). In s the
density is q = g dx/ds, and it must fall towards both ends. From its mode outwards s is cut
into panels on which Legendre interpolants of dPhi/ds and q at 20 Gauss points are exact to
rounding and q changes by at most e^4, until q has fallen by e^-700. Sums over panels from
either end give both tails of the distribution function to a small relative error.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre

from kinetic import _validate
from kinetic._intervals import HalfLine, Interval, Line

ORDER = 20
NODES, WEIGHTS = legendre.leggauss(ORDER)
VANDER = legendre.legvander(NODES, ORDER - 1)
TO_SERIES = (np.arange(ORDER) + 0.5)[:, None] * VANDER.T * WEIGHTS
AT_ENDS = legendre.legvander([-1.0, 1.0], ORDER - 1) @ TO_SERIES
POINTS = np.concatenate([[0.0], NODES + 1.0, [2.0]])
END_SHARE = 0.01
INTEGRAL = legendre.legval(NODES, legendre.legint(TO_SERIES, lbnd=-1)).T

LONGEST = 4.0
LARGEST_CHANGE = 4.0
DEPTH = 700.0
REACHES = (690.0, 345.0, 172.0, 86.0, 43.0, 36.0)
GRID_STEP = 0.25
END_SPAN = 5.0
MOST_TRIALS = 6_000
RESOLVED = 1e-14
NARROWEST = 1e-13
FLAT = 1e-6
LOST = 1e-13
BULK = 37.0
MOST_ITERATIONS = 80
BISECTIONS = 4_000


def _misfit(values, ends):
    """How far values at the Gauss points are from a polynomial that has these end values.

    A kink between an end and the first Gauss point shows at the end alone; it spoils a
    small part of the panel.
    """
    tail, gap = TO_SERIES[-2:] @ values, AT_ENDS @ values - ends
    return float(max(abs(tail).max(), END_SHARE * abs(gap).max()))


class _Panel(NamedTuple):
    """A panel [left, left + 2 half] of s; arrays at its Gauss points."""

    left: float
    half: float
    rate: np.ndarray
    phi_left: float
    gain: float
    phi: np.ndarray
    log_density: np.ndarray
    error: float


class FluxFree:
    """The law as a frozen distribution: pdf, cdf, ppf and so on, as in `scipy.stats`.

    Parameters
    ----------
    drift, diffusion : callable
        sigma(w x + b) and K(x) of arrays.
    rounding : callable
        Absolute rounding error of the drift at x.
    nu : float
    support : (float, float)
        Ends of the interval, which may be infinite.

    Attributes
    ----------
    origin : float
        Where Phi is zero.
    constant : float
        C.
    walls : list of float
        Ends of the support where K^2 g is positive: they must reflect.
    error : float
        Estimated relative error of the density in the bulk.

    Raises
    ------
    ValueError
        If there is no such law, with the reason.
    """

    def __init__(self, drift, diffusion, rounding, nu, support):
        self._drift, self._diffusion, self._rounding = drift, diffusion, rounding
        self._factor = 2.0 / nu**2
        self._ends = left, right = support
        if math.isinf(left) and math.isinf(right):
            self._map = Line(0.0, 1.0)
        elif math.isinf(left) or math.isinf(right):
            self._map = HalfLine(left, 1.0) if math.isinf(right) else HalfLine(right, -1.0)
        else:
            self._map = Interval(left, right)
        self._explore()
        start = float(self._map.s(np.array(self.origin)))
        self._assemble(self._march(start, -1)[::-1] + self._march(start, 1))

    def _parts(self, s):
        """dPhi/ds, and log(dx/ds / K^2)."""
        x = self._map.x(s)
        weight = self._map.log_slope(s) - 2.0 * np.log(abs(self._diffusion(x)))
        drift = self._drift(x)
        return self._factor * np.sign(drift) * np.exp(np.log(abs(drift)) + weight), weight

    def _explore(self):
        """Check the decay at both ends on a coarse grid, and find the mode, the origin."""
        (low, left), (high, right) = self._reachable(-1.0), self._reachable(1.0)
        s = np.concatenate([low[:0:-1], high])
        sign, rate, weight = (
            np.concatenate([a[:0:-1], b]) for a, b in zip(left, right, strict=True)
        )
        changes = np.flatnonzero(sign[1:] != sign[:-1])
        if changes.size:
            self._refuse_zero(s[changes[0] : changes[0] + 2])
        self._reach, self._grid = (-s[0], s[-1]), self._map.x(s)
        self._steps = (rate[1:] / 2.0 + rate[:-1] / 2.0) * np.diff(s) + np.diff(weight)
        for end, growth in enumerate((-self._steps[0], self._steps[-1])):
            if growth >= 0.0:
                self._refuse(end, growth / GRID_STEP)
        top = int(np.argmax(np.cumsum(np.clip(self._steps, -DEPTH, DEPTH)))) + 1
        self.origin = self._zero_of_drift(*self._map.x(s[top - 1 : top + 2]))
        if isinstance(self._map, Line):
            self._map = Line(self.origin, self._length())

    def _reachable(self, way):
        """A grid from 0 to one side, as far as values are finite, and those values."""
        failure = "sigma / K^2 exceeds the range of float64"
        for reach in REACHES:
            s = way * np.linspace(0.0, reach, round(reach / GRID_STEP) + 1)
            try:
                with np.errstate(all="ignore"):
                    sign = np.sign(self._diffusion(self._map.x(s)))
                    rate, weight = self._parts(s)
            except (FloatingPointError, ValueError) as error:
                failure = error
                continue
            if np.isfinite(rate).all() and np.isfinite(weight).all():
                return s, (sign, rate, weight)
        if isinstance(failure, str) and (sign == 0.0).any():
            self._refuse_zero(s[sign == 0.0][:1])
        raise ValueError(
            f"the steady state cannot be computed on {self._ends}: {failure}; give another support="
        )

    def _zero_of_drift(self, low, middle, high):
        """The zero of the drift next to the mode, where it has one, else the middle."""
        from scipy.optimize import brentq

        if self._drift(low) > 0.0 > self._drift(high):
            return float(
                brentq(
                    lambda x: float(self._drift(x)),
                    low,
                    high,
                    xtol=1e-300,
                    rtol=1e-15,
                    maxiter=BISECTIONS,
                )
            )
        return float(middle)

    def _length(self):
        """A power of ten over which Phi changes by about one."""
        sizes = 10.0 ** np.arange(-30.0, 31.0)
        x = self.origin + np.array([[-1.0], [1.0]]) * sizes
        rates = self._factor * self._drift(x) / self._diffusion(x) ** 2
        slow = (abs(rates) * sizes < 1.0).all(axis=0)
        return 1.0 if slow.all() else float(sizes[max(int(np.argmin(slow)) - 1, 0)])

    def _refuse(self, end, growth):
        """Refuse the end (0 or 1) towards which q grows like e^(growth |s|)."""
        edge = self._ends[end]
        power = growth - 1.0 if math.isinf(edge) else -growth - 1.0
        base = "|x|" if math.isinf(edge) or edge == 0.0 else f"|x - {edge:g}|"
        behaviour = (
            f"behaves like {base}^{power:.3g}" if growth < 1e3 else "grows faster than every power"
        )
        raise ValueError(
            f"there is no steady state on {self._ends}: the flux-free density (22) is not "
            f"integrable as x -> {edge:g}, where it {behaviour}; change w, b, nu or K, "
            "or put a reflecting wall before that end by support="
        )

    def _refuse_zero(self, s):
        where = " and ".join(f"{float(x):.6g}" for x in self._map.x(s))
        raise ValueError(
            f"diffusion must not vanish inside the support {self._ends}; it does "
            f"{'between' if len(s) > 1 else 'at'} x = {where}: give support= an interval "
            "between the zeros of K"
        )

    def _march(self, s, direction):
        """Panels from s on until q has fallen by e^-DEPTH or the range ends."""
        panels, phi, h, top, way = [], 0.0, LONGEST, -math.inf, float(direction)
        for _ in range(MOST_TRIALS):
            h = min(h, self._reach[direction > 0] - way * s)
            if h <= 0.0:
                return panels
            panel = self._panel(s if direction > 0 else s - h, h, phi, direction, top)
            if panel is None:
                h /= 2.0
                if h < NARROWEST * max(1.0, abs(s)):
                    raise ValueError(
                        f"the steady state cannot be computed on {self._ends}: sigma / K^2 is "
                        "singular, or changes too fast to be resolved, at x = "
                        f"{float(self._map.x(np.array(s))):.6g}; give a support without that point"
                    )
                continue
            panels.append(panel)
            phi = panel.phi_left + (panel.gain if direction > 0 else 0.0)
            s, h = s + way * h, min(2.0 * h, LONGEST)
            top = max(top, panel.log_density.max())
            if panel.log_density[-1 if direction > 0 else 0] < top - DEPTH:
                self._check_beyond(s, direction)
                return panels
        raise ValueError(
            f"the steady state cannot be computed on {self._ends}: towards x = "
            f"{float(self._map.x(np.array(s))):.6g} the density changes too often; "
            "give a finite support="
        )

    def _panel(self, left, h, phi, direction, top):
        """The panel from ``left`` of length h, or None where it is too long.

        phi is Phi at the end from which the march comes, top the maximum of log q so far.
        """
        try:
            with np.errstate(all="ignore"):
                rates, weights = self._parts(left + h / 2.0 * POINTS)
        except (FloatingPointError, ValueError):
            return None
        if not (np.isfinite(rates).all() and np.isfinite(weights).all()):
            return None
        rate, weight = rates[1:-1], weights[1:-1]
        gain = h / 2.0 * float(rate @ WEIGHTS)
        phi_left = phi if direction > 0 else phi - gain
        inner = phi_left + h / 2.0 * (INTEGRAL @ rate)
        log_density = inner + weight
        if np.ptp(log_density) > LARGEST_CHANGE:
            return None
        height = log_density.max()
        ends = weights[[0, -1]] + phi_left + np.array([0.0, gain])
        error = _misfit(rate, rates[[0, -1]]) * h
        blur = _misfit(np.exp(log_density - height), np.exp(np.minimum(ends - height, DEPTH)))
        allowed = RESOLVED * (1.0 + abs(gain))
        if h < LONGEST / 64.0:  # errors in a tail matter less
            allowed = max(allowed, min(RESOLVED * math.exp(min(top - height, 99.0)), 0.1))
        if error > allowed or blur > 10.0 * allowed:
            noise = self._rounding(self._map.x(left + h / 2.0 * POINTS)) * np.exp(weights)
            allowed += 2.0 * self._factor * noise.max() * h
        if error > allowed or blur > 10.0 * allowed:
            return None
        return _Panel(left, h / 2.0, rate, phi_left, gain, inner, log_density, error)

    def _check_beyond(self, s, direction):
        """Refuse a density that rises again beyond s, where it was not integrated."""
        here = float(self._map.x(np.array(s)))
        beyond = self._grid[:-1] > here if direction > 0 else self._grid[1:] < here
        rising = beyond & (direction * self._steps > 0.0)
        if rising.any():
            x = self._grid[int(np.argmax(rising))]
            raise ValueError(
                f"there is no steady state on {self._ends}, or none that can be computed: the "
                f"flux-free density (22) falls by e^-{DEPTH:g} and rises again at x = {x:.3g}; "
                "give a finite support="
            )

    def _assemble(self, panels):
        columns = (np.array(column) for column in zip(*panels, strict=True))
        left, half, rate, self._phi_left, _, phi, log_density, error = columns
        self._edges = np.append(left, left[-1] + 2.0 * half[-1])
        s = left[:, None] + half[:, None] * (NODES + 1.0)
        top = log_density.max()
        density = np.exp(log_density - top) * half[:, None]
        total = float((density @ WEIGHTS).sum())
        self._check_ends(s.ravel(), log_density.ravel() - top - math.log(total), phi.ravel())
        self._log_constant = -top - math.log(total)
        self.constant = float(np.exp(self._log_constant))
        self._points, self._weights = self._map.x(s), density * WEIGHTS / total
        self._phi_series = half * legendre.legint(TO_SERIES @ rate.T, lbnd=-1)
        self._density_series = TO_SERIES @ density.T / total
        self._mass_series = legendre.legint(self._density_series, lbnd=-1)
        self._mass = mass = self._weights.sum(axis=1)
        self._below = np.concatenate([[0.0], np.cumsum(mass)])
        self._above = np.concatenate([np.cumsum(mass[::-1])[::-1], [0.0]])
        self._log_pdf = log_density - top - math.log(total) - self._map.log_slope(s)
        bulk = log_density.max(axis=1) > top - BULK
        self.error = float(error[bulk].sum() + 1e-16 * (10.0 + abs(phi[bulk]).max()))

    def _check_ends(self, s, log_density, phi):
        """Find the walls and the powers at the ends; refuse an end where q does not decay."""
        self.walls, self._growth = [], []
        for end, edge in enumerate(self._ends):
            reach = min(END_SPAN, (s[-1] - s[0]) / 4.0)
            inner = int(np.searchsorted(s, s[-end] + reach * (1 - 2 * end)))
            span = abs(s[inner] - s[-end])
            growth = (log_density[-end] - log_density[inner]) / span
            if growth >= -1e-9:
                self._refuse(end, growth)
            lost = math.exp(log_density[-end]) / -growth
            if lost > LOST:
                raise ValueError(
                    f"the steady state cannot be computed on {self._ends}: as x -> {edge:g} it "
                    f"decays so slowly that {lost:.2g} of its mass is beyond the range of float64"
                )
            self._growth.append(growth)
            if math.isfinite(edge) and abs(phi[-end] - phi[inner]) < FLAT:
                self.walls.append(edge)

    def _located(self, x):
        """x, the panel of each point, its place in [-1, 1], and whether it is in range."""
        x = _validate.array("x", x)
        inside = (x >= self._ends[0]) & (x <= self._ends[1])
        s = self._map.s(np.where(inside, x, self.origin))
        for end, edge in enumerate(self._ends):
            last = self._edges[-end]
            beyond = s > last if end else s < last
            if edge not in self.walls:  # at a wall the density goes on
                inside &= ~beyond
            s = np.where(beyond, last, s)
        k = np.clip(np.searchsorted(self._edges, s) - 1, 0, self._edges.size - 2)
        left, right = self._edges[k], self._edges[k + 1]
        return x, k, (2.0 * s - left - right) / (right - left), inside

    def logpdf(self, x):
        """Logarithm of the density; -inf where the density is below e^-700 of its maximum."""
        x, k, t, inside = self._located(x)
        phi = self._phi_left[k] + legendre.legval(t, self._phi_series[:, k], tensor=False)
        weight = 2.0 * np.log(abs(self._diffusion(np.where(inside, x, self.origin))))
        return np.where(inside, self._log_constant + phi - weight, -math.inf)[()]

    def pdf(self, x):
        """Density."""
        return np.exp(self.logpdf(x))

    def _tails(self, k, t):
        """Mass below and above the place t of panel k, each summed from its end."""
        part = legendre.legval(t, self._mass_series[:, k], tensor=False)
        return self._below[k] + part, self._above[k + 1] + np.maximum(self._mass[k] - part, 0.0)

    def _distribution(self, x, side):
        x, k, t, inside = self._located(x)
        beyond = (x > self.origin) if side == 0 else (x < self.origin)
        return np.clip(np.where(inside, self._tails(k, t)[side], beyond), 0.0, 1.0)[()]

    def cdf(self, x):
        """Distribution function."""
        return self._distribution(x, 0)

    def sf(self, x):
        """1 - cdf, without cancellation."""
        return self._distribution(x, 1)

    def ppf(self, q):
        """Quantile function."""
        q = _validate.array("q", q)
        return self._quantile(q, 1.0 - q)

    def isf(self, q):
        """Inverse of sf."""
        q = _validate.array("q", q)
        return self._quantile(1.0 - q, q)

    def _quantile(self, below, above):
        if below.min(initial=0.0) < 0.0 or above.min(initial=0.0) < 0.0:
            raise ValueError("q must be in [0, 1]")
        low = below <= above
        panels = self._edges.size - 1
        from_left = np.searchsorted(self._below, below, "right") - 1
        from_right = panels - np.searchsorted(self._above[::-1], above, "right")
        k = np.clip(np.where(low, from_left, from_right), 0, panels - 1)
        series, slope = self._mass_series[:, k], self._density_series[:, k]
        wanted = np.where(low, below - self._below[k], self._mass[k] - (above - self._above[k + 1]))
        a, b, t = np.full(k.shape, -1.0), np.full(k.shape, 1.0), np.zeros(k.shape)
        for _ in range(MOST_ITERATIONS):
            excess = legendre.legval(t, series, tensor=False) - wanted
            a, b = np.where(excess < 0.0, t, a), np.where(excess < 0.0, b, t)
            step = excess / np.maximum(legendre.legval(t, slope, tensor=False), 1e-320)
            guess = np.where((t - step > a) & (t - step < b), t - step, (a + b) / 2.0)
            done = abs(guess - t) <= 2e-16
            t = guess
            if done.all():
                break
        s = self._edges[k] + (t + 1.0) / 2.0 * (self._edges[k + 1] - self._edges[k])
        x = np.where(below <= 0.0, self._ends[0], self._map.x(s))
        return np.where(above <= 0.0, self._ends[1], x)[()]

    def rvs(self, size=None, random_state=None):
        """Independent samples by the quantile function."""
        return self.ppf(np.random.default_rng(random_state).random(size))

    def moment(self, k):
        """E[X^k], k >= 0; infinite or nan where the integral is."""
        k = _validate.integer("k", k, low=0)
        ends = [
            math.copysign(math.inf, edge) ** k
            for edge, growth in zip(self._ends, self._growth, strict=True)
            if k and math.isinf(edge) and growth + k >= -1e-6
        ]
        return sum(ends) if ends else self._expectation(lambda x: x**k)

    def _expectation(self, function):
        """Expectation of a function that decays, times the density, at both ends."""
        with np.errstate(all="ignore"):
            terms = np.where(self._weights > 0.0, function(self._points) * self._weights, 0.0)
        return float(terms.sum())

    def mean(self):
        """Expectation."""
        return self.moment(1)

    def var(self):
        """Variance; infinite where the second moment is, nan without a mean."""
        mean = self.mean()
        if not math.isfinite(mean) or not math.isfinite(self.moment(2)):
            return math.nan if math.isnan(mean) else math.inf
        return self._expectation(lambda x: (x - mean) ** 2)

    def std(self):
        """Standard deviation."""
        return math.sqrt(self.var())

    def entropy(self):
        """-E[log g(X)]."""
        return -float((self._weights * self._log_pdf).sum())

    def support(self):
        """Ends of the support."""
        return self._ends
