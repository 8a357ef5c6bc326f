"""Steady states of the Fokker-Planck equation as probability laws (sec. 3.1.1; paper).

The flux of (21) vanishes for

    g(x) = C / K(x)^2 exp(int 2 sigma(w x + b) / (nu^2 K(x)^2) dx).        (22)

``steady_state`` recognizes the four families of the paper, which `scipy.stats` has, with
k = 1 for the printed sigma_N and k = 1/delta for the cited one:

============= ========= ===================== ================================================
sigma, K      family    condition             parameters
============= ========= ===================== ================================================
identity, 1   normal    w < 0                 mean -b/w, variance -nu^2 / (2 w)
identity, x   inverse   w < nu^2 / 2, b > 0   shape mu = 1 - 2 w / nu^2, scale 2 b / nu^2
              Gamma
relu, x       Pareto    w < 0, wall a > 0     exponent 1, from a, where w a + b <= 0
sigma_N, x    gener.    w < 0, b = 0,         x^(kappa - 1) exp(-(x / theta)^delta), kappa =
              Gamma     nu^2 < 2 k abs(w)     2 k abs(w) / nu^2 - 1, theta =
                                              c / abs(w) (nu^2 delta^2 / (2 abs(w)))^(1/delta)
============= ========= ===================== ================================================

Every other (22) is computed by quadrature (`kinetic._flux_free`). All quantities are
dimensionless.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from kinetic import _diffusion, _flux_free, _validate
from kinetic.activations import SigmaN
from kinetic.network import SimResNet, check_network

ROUNDING = 4.0 * np.finfo(float).eps
LIMITS = {"divide": "ignore", "over": "ignore"}
"""Closed forms reach their limits at 0 and infinity by such operations."""
SMALLEST, LARGEST = 1e-150, 1e150
"""Strengths of the noise that can be squared."""
LARGEST_LOG = 345.0
"""Of a scale that can be squared."""


@dataclass(frozen=True)
class SteadyState:
    """A steady state (22) as a frozen distribution, in the manner of `scipy.stats`.

    Attributes
    ----------
    network : SimResNet
    diffusion : Diffusion
        K.
    nu : float
    family : str
        "normal", "inverse gamma", "pareto", "generalized gamma" or "quadrature".
    constant : float
        C of (22) with the antiderivative that the paper prints for its families, and
        otherwise with the one that vanishes at ``origin``; infinite beyond float64.
    walls : tuple of float
        Ends of the support that must reflect for g to be stationary; empty if none.
    error : float
        Estimated relative error of the density in the bulk; 0 for the named families.
    origin : float
        Where the antiderivative vanishes; nan for the named families.
    """

    network: SimResNet
    diffusion: _diffusion.Diffusion
    nu: float
    family: str
    constant: float
    walls: tuple
    error: float
    origin: float
    _law: object = field(repr=False)

    @np.errstate(**LIMITS)
    def pdf(self, x):
        """Density g at x."""
        return self._law.pdf(_validate.array("x", x))

    @np.errstate(**LIMITS)
    def logpdf(self, x):
        """Logarithm of the density; -inf outside the support.

        By quadrature also where the density is below e^-700 of its maximum.
        """
        return self._law.logpdf(_validate.array("x", x))

    @np.errstate(**LIMITS)
    def cdf(self, x):
        """Distribution function."""
        return self._law.cdf(_validate.array("x", x))

    @np.errstate(**LIMITS)
    def sf(self, x):
        """1 - cdf, without cancellation."""
        return self._law.sf(_validate.array("x", x))

    @np.errstate(**LIMITS)
    def ppf(self, q):
        """Quantile function at q in [0, 1]."""
        return self._law.ppf(_validate.quantiles("q", q))

    @np.errstate(**LIMITS)
    def isf(self, q):
        """Inverse of sf at q in [0, 1]."""
        return self._law.isf(_validate.quantiles("q", q))

    def rvs(self, size=None, rng=None):
        """Independent samples; rng: a Generator or a seed."""
        if size is not None:
            size = _validate.integer("size", size, low=0)
        return self.ppf(_validate.generator("rng", rng).random(size))

    def mean(self):
        """Expectation; infinite where the integral is, nan where both its halves are."""
        return float(self._law.mean())

    def var(self):
        """Variance; infinite where the second moment is."""
        return float(self._law.var())

    def std(self):
        """Standard deviation."""
        return float(self._law.std())

    def moment(self, k):
        """E[X^k], k >= 0; infinite where the integral is, nan where both its halves are."""
        k = _validate.integer("k", k, low=0)
        if self.family in ("pareto", "inverse gamma") and k >= self._law.args[0]:
            return math.inf
        return float(self._law.moment(k))

    def entropy(self):
        """-E[log g(X)]."""
        return float(self._law.entropy())

    def support(self):
        """Ends (a, b) of the support."""
        return tuple(float(end) for end in self._law.support())


def steady_state(net, *, diffusion="1", nu, support=None):
    """The flux-free steady state of the Fokker-Planck equation (eqs. (21), (22); paper).

    Parameters
    ----------
    net : SimResNet
        Of dimension one, with constant w and b.
    diffusion : {"1", "x"} or callable
        K, without zeros inside the support. Noise that vanishes at an end of the support
        is resolved best at 0.
    nu : float
        Positive; nu^2 is the variance of the noise.
    support : (float, float), optional
        Open interval, with ends that may be infinite. By default (0, inf) for K = x and
        the line for every other K. The ends where K^2 g > 0 are walls: see ``walls``.

    Returns
    -------
    SteadyState

    Raises
    ------
    ValueError
        If (22) is not integrable on the support, with the end where it is not; if K
        vanishes inside; if an argument is not as described.
    TypeError
        If an argument is of another type.
    """
    check_network(net, 1)
    if not net.autonomous:
        raise ValueError("a steady state needs constant w and b; got functions of t")
    diffusion = _diffusion.get(diffusion)
    nu = _validate.number(
        "nu", nu, low=SMALLEST, high=LARGEST,
        accepted=f"a positive number from {SMALLEST} to {LARGEST}",
    )  # fmt: skip
    natural = (0.0, math.inf) if diffusion.name == "x" else (-math.inf, math.inf)
    ends = natural if support is None else _checked_support(support)
    if diffusion.name == "x" and ends[0] < 0.0 < ends[1]:
        raise ValueError(
            f"diffusion must not vanish inside the support {ends}; K = x does at 0: "
            "give a support on one side of 0"
        )
    family, constant, law = _named(net, diffusion.name, nu, ends, natural)
    if family:
        walls = ends[:1] if family == "pareto" else ()
        return SteadyState(net, diffusion, nu, family, constant, walls, 0.0, math.nan, law)
    w, b = net.parameters(0.0)
    if net.activation.name == "gcu" and w != 0.0 and any(math.isinf(end) for end in ends):
        raise ValueError(
            f"there is no steady state on {ends} that can be computed: the growing cosine "
            "oscillates without end, and for K = 1 the peaks of (22) grow without bound; give "
            "a finite support="
        )

    def rounding(x):
        u, sigma = w * x + b, net.activation
        return abs(sigma(u + ROUNDING * (abs(w * x) + abs(b))) - sigma(u))

    law = _flux_free.FluxFree(net.velocity, diffusion, rounding, nu, ends)
    return SteadyState(
        net, diffusion, nu, "quadrature", law.constant, tuple(law.walls), law.error, law.origin, law
    )


def _checked_support(support):
    try:
        left, right = (
            float(end) for end in (None if isinstance(support, str | bytes) else support)
        )
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"support must be two numbers (a, b) with a < b; got {support!r}") from None
    if not left < right:
        raise ValueError(f"support must be two numbers (a, b) with a < b; got {support!r}")
    return left, right


def _named(net, diffusion, nu, ends, natural):
    """Family, C and frozen distribution where `scipy.stats` has the law, else None thrice."""
    from scipy import stats
    from scipy.special import gammaln

    w, b = net.parameters(0.0)
    name, whole = net.activation.name, ends == natural
    if name == "identity" and diffusion == "1" and whole and w < 0.0:
        constant = math.sqrt(-w / math.pi) / nu * math.exp(b / nu * (b / nu) / w)
        return "normal", constant, stats.norm(-b / w, nu / math.sqrt(-2.0 * w))
    if name == "identity" and diffusion == "x" and whole and w < nu**2 / 2.0 and b > 0.0:
        mu, scale = 1.0 - 2.0 * w / nu**2, 2.0 * b / nu**2
        with np.errstate(over="ignore"):
            constant = float(np.exp(mu * math.log(scale) - gammaln(mu)))
        return "inverse gamma", constant, stats.invgamma(mu, scale=scale)
    idle = w < 0.0 < ends[0] and w * ends[0] + b <= ROUNDING * abs(b)
    if name == "relu" and diffusion == "x" and idle and ends[1] == math.inf:
        return "pareto", ends[0], stats.pareto(1.0, scale=ends[0])
    if isinstance(net.activation, SigmaN) and diffusion == "x" and whole and w < 0.0 and b == 0.0:
        delta, c = net.activation.delta, net.activation.c
        kappa = -2.0 * net.activation.rate * w / nu**2 - 1.0
        if kappa > 0.0:
            log_theta = math.log(-c / w) + math.log(-(nu**2) * delta**2 / (2.0 * w)) / delta
            if abs(log_theta) > LARGEST_LOG:
                raise ValueError(
                    f"the scale theta = e^{log_theta:.4g} of the generalized Gamma law is beyond "
                    f"the range of float64; change delta={delta}, c={c} or nu={nu}"
                )
            with np.errstate(over="ignore"):
                constant = float(delta * np.exp(-kappa * log_theta - gammaln(kappa / delta)))
            law = stats.gengamma(kappa / delta, delta, scale=math.exp(log_theta))
            return "generalized gamma", constant, law
    return None, None, None
