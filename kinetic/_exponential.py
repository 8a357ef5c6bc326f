r"""exp(t A) u for a constant banded A in flux form, without steps that resolve the decay.

The flux through face f, f = 0..n, is sum_q W[f, q] u_{f - k + q}, q = 0..2k - 1 with k at
most 2, and (A u)_j = -(flux_{j+1} - flux_j) / dx. On the negative real axis, where the
eigenvalues of diffusion lie,

    e^z = r(z) + 3e-16,    r(z) = 2 Re sum_p c_p / (z - z_p),    p = 1..8,    r(0) = 1,

by the best rational approximation of degree 16 (Cody, Meinardus, Varga 1969), with the poles
z_p by the method of Caratheodory and Fejer (Trefethen, Weideman, Schmelzer 2006). So
exp(t A) u takes the solution of eight complex systems z_p - t A, one in each lane of a
vector, for t of any length. The same solutions give int_0^t exp(s A) u ds, and with it what
leaves through the ends, with c_p / z_p in place of c_p.

Where transport dominates, A is far from normal and r is good for small t A only. Every
interval is therefore crossed twice, at once and in two halves, and halved until both agree.
"""

import numpy as np

from kinetic._compile import kernel

POLES = np.array([
    6.426297498431201 + 1.19469992052438j, 5.9583674621392655 + 3.589227090646854j,
    5.0036231348759 + 5.999953382819157j, 3.520017060276091 + 8.440745872125058j,
    1.4311509492921133 + 10.931598701985953j, -1.4006174319284785 + 13.505837945478275j,
    -5.248999134432127 + 16.230183380116973j, -10.823477773031836 + 19.288503044383653j,
])  # fmt: skip
RESIDUES = np.array([
    -65.0718884856125 - 227.0210026958868j, 114.45229474121692 + 103.22096589154377j,
    -63.1692215932084 - 11.485310162468624j, 15.253002873856778 - 5.75416894289354j,
    -1.507117998723948 + 1.7813852589687436j, 0.042757599254644146 - 0.15921634251347141j,
    0.00017311765540604837 + 0.004460097271660081j,
    -2.544376583719809e-07 - 2.4708286452598805e-05j,
])  # fmt: skip
LANES = POLES.size
KEPT_FACTORS = 4
CONFIDENCE = 1e-3
"""Of the tolerance: below it the next interval is tried twice as long."""

_POLES = np.array([POLES.real, POLES.imag])
_SCALES = -2.0 * np.array([RESIDUES.real, RESIDUES.imag])


@kernel
def _factor(bands, h, poles, factors):
    """Factors of z_p - h A, in rows below two rows of zeros; no pivoting.

    Of row i: its entry left of the diagonal after elimination, the reciprocal of its pivot,
    and its entry right of the diagonal divided by the pivot, real and imaginary parts.
    """
    lower_r, lower_i, pivot_r, pivot_i, upper_r, upper_i = factors
    for i in range(bands.shape[0]):
        second, first = -h * bands[i, 0], -h * bands[i, 1]
        diagonal, right = -h * bands[i, 2], -h * bands[i, 3]
        above = -h * bands[i - 1, 4] if i > 0 else 0.0
        product = -h * second * bands[i - 2, 4] if i > 1 else 0.0
        for p in range(LANES):
            low_r = first - second * upper_r[i, p]
            low_i = -second * upper_i[i, p]
            far_r, far_i = above * pivot_r[i + 1, p], above * pivot_i[i + 1, p]
            up_r, up_i = upper_r[i + 1, p], upper_i[i + 1, p]
            a = poles[0, p] + diagonal - product * pivot_r[i, p] - (low_r * up_r - low_i * up_i)
            b = poles[1, p] - product * pivot_i[i, p] - (low_r * up_i + low_i * up_r)
            scale = 1.0 / (a * a + b * b)
            inverse_r, inverse_i = a * scale, -b * scale
            next_r = right - (low_r * far_r - low_i * far_i)
            next_i = -(low_r * far_i + low_i * far_r)
            lower_r[i, p], lower_i[i, p] = low_r, low_i
            pivot_r[i + 2, p], pivot_i[i + 2, p] = inverse_r, inverse_i
            upper_r[i + 2, p] = next_r * inverse_r - next_i * inverse_i
            upper_i[i + 2, p] = next_r * inverse_i + next_i * inverse_r


@kernel
def _apply(bands, h, scales, factors, u, x_r, x_i, out):
    """Solve (z_p - h A) x_p = -2 c_p u; out = r(h A) u. x has two rows of zeros at each end."""
    lower_r, lower_i, pivot_r, pivot_i, upper_r, upper_i = factors
    n = u.size
    for i in range(n):
        second, value = -h * bands[i, 0], u[i]
        for p in range(LANES):
            low_r, low_i = lower_r[i, p], lower_i[i, p]
            before_r, before_i = x_r[i + 1, p], x_i[i + 1, p]
            a = value * scales[0, p] - second * x_r[i, p] - (low_r * before_r - low_i * before_i)
            b = value * scales[1, p] - second * x_i[i, p] - (low_r * before_i + low_i * before_r)
            x_r[i + 2, p] = a * pivot_r[i + 2, p] - b * pivot_i[i + 2, p]
            x_i[i + 2, p] = a * pivot_i[i + 2, p] + b * pivot_r[i + 2, p]
    for i in range(n + 1, 1, -1):
        second = -h * bands[i - 2, 4]
        for p in range(LANES):
            a, b = second * x_r[i + 2, p], second * x_i[i + 2, p]
            after_r, after_i = x_r[i + 1, p], x_i[i + 1, p]
            up_r, up_i = upper_r[i, p], upper_i[i, p]
            inverse_r, inverse_i = pivot_r[i, p], pivot_i[i, p]
            x_r[i, p] -= inverse_r * a - inverse_i * b + (up_r * after_r - up_i * after_i)
            x_i[i, p] -= inverse_r * b + inverse_i * a + (up_r * after_i + up_i * after_r)
    for j in range(n):
        x = x_r[j + 2]
        out[j] = ((x[0] + x[4]) + (x[1] + x[5])) + ((x[2] + x[6]) + (x[3] + x[7]))


class Exponential:
    """exp(t A) for one A, with the factors of the intervals last used.

    Parameters
    ----------
    flux : (n + 1, 2k) array
        W.
    dx : float
    steady : (n,) array, optional
        The u of unit sum with A u = 0, where nothing leaves. Only the deviation from it is
        propagated, so that it is kept to rounding.
    """

    def __init__(self, flux, dx, steady=None):
        n, k = flux.shape[0] - 1, flux.shape[1] // 2
        self._dx, self._steady = dx, steady
        self._ends = np.zeros((2, 2))
        self._ends[0, :k], self._ends[1, 2 - k :] = flux[0, k:], flux[-1, :k]
        self._open = self._ends.any()
        self._bands = np.zeros((n, 5))
        self._bands[:, 3 - k : 3 + k] = -flux[1:] / dx
        self._bands[:, 2 - k : 2 + k] += flux[:-1] / dx
        for row, outside in ((0, 2), (1, 1)):
            self._bands[row, :outside] = 0.0
            self._bands[-1 - row, 5 - outside :] = 0.0
        self._solutions = np.zeros((2, n + 4, LANES))
        self._factors = {}

    def _propagate(self, u, length):
        """exp(length A) u, and what leaves through the left and the right end."""
        length = float(f"{length:.13g}")  # equal up to rounding: the factors can be used again
        factors = self._factors.pop(length, None)
        if factors is None:
            factors = tuple(np.zeros((6, *self._solutions.shape[1:])))
            _factor(self._bands, length, _POLES, factors)
            while len(self._factors) >= KEPT_FACTORS:
                del self._factors[next(iter(self._factors))]
        self._factors[length] = factors
        out = np.empty(u.size)
        _apply(self._bands, length, _SCALES, factors, u, *self._solutions, out)
        if not self._open:
            excess = out.sum() - u.sum()
            out -= excess * (out / out.sum() if self._steady is None else self._steady)
            return out, np.zeros(2)
        return self._balanced(u, out, length)

    def _balanced(self, u, out, length):
        """Correct by rounding the larger of what stays and what leaves: nothing is lost."""
        rows = [[2, 3], [-4, -3]]
        x = self._solutions[0, rows] + 1j * self._solutions[1, rows]
        integrals = length * (x / POLES).real.sum(axis=-1)
        leaving = (self._ends * integrals).sum(axis=1) * [-1.0, 1.0]
        before, stays = u.sum() * self._dx, out.sum() * self._dx
        if stays >= leaving.sum():
            out *= (before - leaving.sum()) / stays
        else:
            leaving *= (before - stays) / leaving.sum()
        return out, leaving

    def advance(self, u, length, tolerance, accepts=None):
        """exp(length A) u.

        Parameters
        ----------
        u : (n,) array
        length : float
        tolerance : float
            Largest accepted difference, as dx sum |.|, of one interval and its two halves.
        accepts : callable, optional
            Of u before and after an interval; where it is false, the result is None. It may
            correct the latter by rounding.

        Returns
        -------
        (u, what has left through the ends, number of intervals), or None: where the
        intervals become shorter than rounding, or are not accepted.
        """
        base = 0.0 if self._steady is None else u.sum() * self._steady
        state, left, taken = u - base, np.zeros(2), 0
        position, parts = 0, 1
        with np.errstate(all="ignore"):
            whole = self._propagate(state, length)[0]
            while position < parts:
                half, first = self._propagate(state, length / (2 * parts))
                end, second = self._propagate(half, length / (2 * parts))
                difference = self._dx * np.abs(end - whole).sum()
                if not difference <= tolerance:
                    position, parts, whole = 2 * position, 2 * parts, half
                    if parts > 2**50:
                        return None
                    continue
                after = base + end
                if accepts is not None:
                    if not accepts(base + state, after):
                        return None
                    end = after - base
                state, left, taken = end, left + first + second, taken + 2
                position += 1
                if position % 2 == 0 and difference <= CONFIDENCE * tolerance:
                    position, parts = position // 2, max(1, parts // 2)
                if position < parts:
                    whole = self._propagate(state, length / parts)[0]
        return base + state, left, taken
