r"""exp(t A) u for a constant banded A in flux form, without steps that resolve the decay.

The flux through face f, f = 0..n, is sum_q W[f, q] u_{f - k + q}, q = 0..2k - 1 with k at
most 2, and (A u)_j = -(flux_{j+1} - flux_j) / dx. On the negative real axis, where the
eigenvalues of diffusion lie,

    |e^z - r(z)| < 2e-15,   r(z) = 2 Re sum_p c_p / (z - z_p),    p = 1..8,    r(0) = 1,

by the best rational approximation of degree 16 (Cody, Meinardus, Varga 1969), with the poles
z_p by the method of Caratheodory and Fejer (Trefethen, Weideman, Schmelzer 2006). So
exp(t A) u takes the solution of eight complex systems z_p - t A, one in each lane of a
vector, for t of any length. The same solutions give int_0^t exp(s A) u ds, and with it what
leaves through the ends, with c_p / z_p in place of c_p.

Where transport dominates, A is far from normal and r is good for small t A only. Every
interval is therefore crossed twice, at once and in two halves, and halved until both agree.
Both are computed together, in sixteen lanes: z_p / t - A and 2 z_p / t - A.
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
TERMS = POLES.size
KEPT_NUMBERS = 2**23
"""Of factors of intervals that may come again."""
MOST_CELLS = 200_000
"""For which the factors of one interval take 200 MB."""
MOST_PARTS, MOST_TAKEN = 2**50, 10**5
CONFIDENCE = 1e-3
"""Of the tolerance: below it the next interval is tried twice as long."""

_SCALES = -2.0 * np.concatenate([RESIDUES, 2.0 * RESIDUES])
LANES = 2 * TERMS
LOW_R, LOW_I, PIVOT_R, PIVOT_I, UP_R, UP_I, X_R, X_I = (np.uint64(LANES * i) for i in range(8))
RECORD = 8 * LANES
"""Numbers for one row of the matrix: its entry left of the diagonal after elimination, the
reciprocal of its pivot, its entry right of the diagonal divided by the pivot, and the solution;
each in all lanes, real before imaginary parts. Indices are unsigned: they are known not to
wrap around, and with distances known loops over lanes become vector instructions."""
ONE, TWO = np.uint64(RECORD), np.uint64(2 * RECORD)


@kernel
def _factor(bands, poles, rows):
    """Factor poles - A without pivoting. Two records of zeros are kept at each end of rows."""
    for i in range(bands.shape[0]):
        second, first = -bands[i, 0], -bands[i, 1]
        diagonal, right = -bands[i, 2], -bands[i, 3]
        above = -bands[i - 1, 4] if i > 0 else 0.0
        product = -second * bands[i - 2, 4] if i > 1 else 0.0
        for p in range(LANES):
            k = np.uint64((i + 2) * RECORD) + np.uint64(p)
            low_r = first - second * rows[k - TWO + UP_R]
            low_i = -second * rows[k - TWO + UP_I]
            up_r, up_i = rows[k - ONE + UP_R], rows[k - ONE + UP_I]
            far_r, far_i = above * rows[k - ONE + PIVOT_R], above * rows[k - ONE + PIVOT_I]
            a = poles[0, p] + diagonal - product * rows[k - TWO + PIVOT_R]
            a -= low_r * up_r - low_i * up_i
            b = poles[1, p] - product * rows[k - TWO + PIVOT_I]
            b -= low_r * up_i + low_i * up_r
            scale = 1.0 / (a * a + b * b)
            inverse_r, inverse_i = a * scale, -b * scale
            next_r = right - (low_r * far_r - low_i * far_i)
            next_i = -(low_r * far_i + low_i * far_r)
            rows[k + LOW_R], rows[k + LOW_I] = low_r, low_i
            rows[k + PIVOT_R], rows[k + PIVOT_I] = inverse_r, inverse_i
            rows[k + UP_R] = next_r * inverse_r - next_i * inverse_i
            rows[k + UP_I] = next_r * inverse_i + next_i * inverse_r


@kernel
def _apply(bands, scales, u, rows, out):
    """Solve (poles - A) x = scales u; out is the sum of the real parts in each half of lanes."""
    n = u.size
    for i in range(n):
        second, value = -bands[i, 0], u[i]
        for p in range(LANES):
            k = np.uint64((i + 2) * RECORD) + np.uint64(p)
            low_r, low_i = rows[k + LOW_R], rows[k + LOW_I]
            before_r, before_i = rows[k - ONE + X_R], rows[k - ONE + X_I]
            a = value * scales[0, p] - second * rows[k - TWO + X_R]
            a -= low_r * before_r - low_i * before_i
            b = value * scales[1, p] - second * rows[k - TWO + X_I]
            b -= low_r * before_i + low_i * before_r
            rows[k + X_R] = a * rows[k + PIVOT_R] - b * rows[k + PIVOT_I]
            rows[k + X_I] = a * rows[k + PIVOT_I] + b * rows[k + PIVOT_R]
    for i in range(n - 1, -1, -1):
        second = -bands[i, 4]
        for p in range(LANES):
            k = np.uint64((i + 2) * RECORD) + np.uint64(p)
            a, b = second * rows[k + TWO + X_R], second * rows[k + TWO + X_I]
            after_r, after_i = rows[k + ONE + X_R], rows[k + ONE + X_I]
            up_r, up_i = rows[k + UP_R], rows[k + UP_I]
            inverse_r, inverse_i = rows[k + PIVOT_R], rows[k + PIVOT_I]
            rows[k + X_R] -= inverse_r * a - inverse_i * b + (up_r * after_r - up_i * after_i)
            rows[k + X_I] -= inverse_r * b + inverse_i * a + (up_r * after_i + up_i * after_r)
    for half in range(2):
        for j in range(n):
            x = (j + 2) * RECORD + 6 * LANES + half * TERMS
            one = (rows[x] + rows[x + 4]) + (rows[x + 1] + rows[x + 5])
            two = (rows[x + 2] + rows[x + 6]) + (rows[x + 3] + rows[x + 7])
            out[half, j] = one + two


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
        self._factored = {}

    def _rows(self, length):
        """Factors for length and length / 2."""
        rows = self._factored.pop(length, None)
        if rows is None:
            rows = np.empty((self._bands.shape[0] + 4) * RECORD)
            rows[: 2 * RECORD] = rows[-2 * RECORD :] = 0.0
            _factor(self._bands, _parts(np.concatenate([POLES, 2.0 * POLES]) / length), rows)
            while self._factored and (len(self._factored) + 1) * rows.size > KEPT_NUMBERS:
                del self._factored[next(iter(self._factored))]
        self._factored[length] = rows
        return rows

    def _propagate(self, u, length):
        """Rows exp(length A) u and exp(length / 2 A) u, and what leaves at both ends for each."""
        rows, out = self._rows(length), np.empty((2, u.size))
        _apply(self._bands, _parts(_SCALES / length), u, rows, out)
        leaving = np.zeros((2, 2))
        if self._open:
            x = rows.reshape(-1, 8, 2, TERMS)[[[2, 3], [-4, -3]]]
            integrals = ((x[:, :, 6] + 1j * x[:, :, 7]) / POLES).real.sum(axis=-1)
            integrals *= [length, length / 2.0]
            leaving = np.einsum("ec,ech->he", self._ends * [[-1.0], [1.0]], integrals)
            self._balance(u, out, leaving)
        else:
            sums = out.sum(axis=1)
            errors = (sums - u.sum())[:, None]
            out -= errors * (out / sums[:, None] if self._steady is None else self._steady)
        return out, leaving

    def times(self, u, length):
        """exp(length A) u, without a test of its accuracy, and what leaves at both ends."""
        (found, _), (leaving, _) = self._propagate(u, length)
        return found, leaving

    def _balance(self, u, out, leaving):
        """Correct by rounding the larger of what stays and what leaves: nothing is lost."""
        before = u.sum() * self._dx
        for row, left in zip(out, leaving, strict=True):
            stays, leaves = row.sum() * self._dx, left.sum()
            if stays > leaves:
                row *= (before - leaves) / stays
            elif leaves > 0.0:
                left *= (before - stays) / leaves

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
        intervals become shorter than rounding or too many, or are not accepted.
        """
        base = 0.0 if self._steady is None else u.sum() * self._steady
        state, left, taken = u - base, np.zeros(2), 0
        position, parts = 0, 1
        with np.errstate(all="ignore"):
            while position < parts:
                part = float(f"{length / parts:.13g}")  # equal parts up to rounding: one factor
                (whole, half), (_, first) = self._propagate(state, part)
                (_, end), (_, second) = self._propagate(half, part)
                difference = self._dx * np.abs(end - whole).sum()
                if not difference <= tolerance:
                    position, parts = 2 * position, 2 * parts
                    if parts > MOST_PARTS or taken > MOST_TAKEN:
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
        return base + state, left, taken


def _parts(numbers):
    return np.array([numbers.real, numbers.imag])
