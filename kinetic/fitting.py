"""Fit a network's steady state to samples or to a law (sec. 3.1; paper).

Training becomes the fit of a target distribution by a steady state (22). Each family below
is fitted by maximum likelihood, which for a law instead of samples is the least relative
entropy int h log(h / g) dx:

================= =========== =================================================
family            sigma, K    unknowns
================= =========== =================================================
normal            identity, 1 mean, variance: moments
inverse gamma     identity, x mu, scale: the Gamma law of 1 / x
pareto            relu, x     a, the least sample, where a wall must reflect
relu              relu, x     a and w / nu^2: the state without wall
generalized gamma sigma_N, x  delta in [0.05, 0.99]; else the Gamma law of x^delta
================= =========== =================================================

A steady state depends on w / nu^2 and b / nu^2 alone: (r w, r b, r nu^2) has the same one and
reaches it r times as fast (for sigma_N the parameter c becomes r c). The fit takes w = -1, and
nu = 1 where w < 0 is impossible or nu is arbitrary.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kinetic import _validate, activations, generation
from kinetic.distances import wasserstein
from kinetic.network import SimResNet
from kinetic.stationary import SteadyState, steady_state

FEWEST = 10
QUANTILE_STEP = 0.01
QUANTILE_END = 36.0
DELTA = (0.05, 0.99)
TAIL = 1e-6
TOLERANCE = 1e-10
SMALLEST, LARGEST = 1e-100, 1e100
"""Sizes of data whose squares and reciprocals can be added up."""


class OfSamples(NamedTuple):
    """Goodness of fit to samples.

    log_likelihood : sum of log g over the samples.
    aic : 2 (number of parameters) - 2 log_likelihood, the criterion of Akaike.
    ks : largest distance between the empirical and the fitted distribution function.
    p_value : share of samples of the fitted law that, fitted again, have a larger ``ks``;
        it accounts for the estimated parameters. None without ``resamples``.
    """

    log_likelihood: float
    aic: float
    ks: float
    p_value: float | None


class OfLaw(NamedTuple):
    """Goodness of fit to a law h.

    relative_entropy : int h log(h / g) dx.
    l1 : int |h - g| dx.
    wasserstein : the 1-Wasserstein distance (4), infinite without finite means.
    """

    relative_entropy: float
    l1: float
    wasserstein: float


@dataclass(frozen=True)
class Fit:
    """A network whose steady state fits a target.

    Attributes
    ----------
    family : str
    network : SimResNet
        sigma, w and b.
    diffusion : str
        K, "1" or "x".
    nu : float
    law : SteadyState
    goodness : OfSamples or OfLaw
    criteria : dict
        The Akaike criterion or the relative entropy of each family that was compared.
    refused : dict
        Families that cannot fit the target, and why.
    """

    family: str
    network: SimResNet
    diffusion: str
    nu: float
    law: SteadyState
    goodness: OfSamples | OfLaw
    criteria: dict
    refused: dict

    def generate(self, x0, time, *, step, rng):
        """Send data x0 through the fitted stochastic network; see `generation.generate`."""
        return generation.generate(
            self.network, x0, time, diffusion=self.diffusion, nu=self.nu, step=step, rng=rng,
            wall=self.law.walls[0] if self.law.walls else None,
        )  # fmt: skip


def fit(target, *, family="best", resamples=0, rng=None):
    """Choose sigma, K, w, b and nu for a target distribution (eq. (22); paper).

    Parameters
    ----------
    target : (M,) array_like or law
        At least 10 samples, or an object with ``pdf``, ``cdf`` and ``ppf`` such as a frozen
        distribution of `scipy.stats`.
    family : str
        "normal", "inverse gamma", "pareto", "relu", "generalized gamma", or "best": the one
        with the least Akaike criterion (samples) or relative entropy (law).
    resamples : int
        Samples of the fitted law that are fitted again for ``goodness.p_value``.
    rng : numpy.random.Generator or int
        For ``resamples``.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If samples are too few, all equal, not finite or outside the support of the family;
        if a moment that the family needs is infinite.
    TypeError
        If an argument is of another type.
    """
    _validate.choice("family", family, ("best", *FAMILIES))
    resamples = _validate.integer("resamples", resamples, low=0)
    rng = _validate.generator("rng", rng)
    law = target if hasattr(target, "cdf") else None
    if law is not None and resamples:
        raise ValueError("resamples is for samples; target is a law, which has no sampling error")
    x, weights = _samples(target) if law is None else _quantiles(law)
    models, criteria, refused = {}, {}, {}
    for name in FAMILIES if family == "best" else [family]:
        try:
            models[name] = _steady(name, x, weights, law)
        except ValueError as reason:
            if family != "best":
                raise ValueError(f"target does not suit the family {name!r}: {reason}") from None
            refused[name] = str(reason)
            continue
        logarithms = models[name][-1].logpdf(x)
        if law is None:
            criteria[name] = 2.0 * PARAMETERS[name] - 2.0 * float(logarithms.sum())
        else:
            with np.errstate(divide="ignore"):
                criteria[name] = float(weights @ (np.log(law.pdf(x)) - logarithms))
    if not models:
        raise ValueError(f"target suits no family: {refused}")
    best = min(criteria, key=criteria.get)
    state = models[best][-1]
    if law is None:
        ks = _ks(x, state)
        p_value = _resampled(best, ks, x.size, state, resamples, rng) if resamples else None
        goodness = OfSamples(float(state.logpdf(x).sum()), criteria[best], ks, p_value)
    else:
        ratio = state.pdf(x) / law.pdf(x)
        finite = math.isfinite(state.mean()) and _finite_mean(x, weights, law)
        goodness = OfLaw(
            criteria[best],
            2.0 * float(weights @ np.maximum(1.0 - ratio, 0.0)),
            wasserstein(law, state) if finite else math.inf,
        )
    return Fit(best, *models[best], goodness, criteria, refused)


def _samples(target):
    x = _validate.array("target", target, accepted="samples (M,) or a law with pdf, cdf and ppf")
    if x.ndim != 1 or x.size < FEWEST:
        raise ValueError(f"target must be at least {FEWEST} samples (M,); got shape {x.shape}")
    if x.min() == x.max():
        raise ValueError(f"target must not be constant; all samples are {x[0]}")
    _refuse_size(abs(x).max())
    x = np.sort(x)
    return x, np.full(x.size, 1.0 / x.size)


def _refuse_size(size):
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(
            f"target must have a size between {SMALLEST} and {LARGEST}, its largest absolute value "
            f"or median; got {size:.3g}: change the unit"
        )


def _quantiles(law):
    """Points and weights of an expectation, by the trapezoidal rule in logit(quantile)."""
    _validate.law("target", law, "pdf", "cdf", "ppf")
    steps = np.arange(QUANTILE_STEP, QUANTILE_END, QUANTILE_STEP)
    tail = 1.0 / (1.0 + np.exp(steps))
    above = law.isf(tail) if hasattr(law, "isf") else law.ppf(1.0 - tail)
    x = [_validate.real("target", part) for part in (law.ppf(tail[::-1]), law.ppf(0.5), above)]
    if [part.shape for part in x] != [tail.shape, (), tail.shape]:
        raise ValueError("target must have a ppf that returns one quantile for each level")
    x = np.concatenate([x[0], [x[1]], x[2]])
    weights = np.concatenate([tail[::-1], [0.5], tail])
    weights = weights * (1.0 - weights)
    _refuse_size(np.median(abs(x)))
    density = _validate.real("target", law.pdf(x))
    if density.shape != x.shape:
        raise ValueError("target must have a pdf that returns one density for each point")
    used = np.isfinite(x) & (density > 0.0)
    if not np.isfinite(x).all() or weights[~used].sum() > TAIL * weights.sum():
        raise ValueError("target must have finite quantiles and a density that is positive there")
    return x[used], weights[used] / weights[used].sum()


def _steady(name, x, weights, law):
    """Network, K, nu and steady state of a family fitted to weighted points."""
    net, diffusion, nu, support = FAMILIES[name](x, weights, law)
    state = steady_state(net, diffusion=diffusion, nu=nu, support=support)
    return net, diffusion, nu, state


def _mean(values, weights, law, what):
    """Expectation of values; refused where the tails of a law dominate it."""
    with np.errstate(over="ignore"):
        terms = weights * values
        total = abs(terms).sum()
    if law is not None and not abs(terms[[0, -1]]).max() <= TAIL * total < math.inf:
        raise ValueError(f"the expectation of {what} is infinite or not resolved")
    return float(terms.sum())


def _finite_mean(x, weights, law):
    try:
        return math.isfinite(_mean(x, weights, law, "x"))
    except ValueError:
        return False


def _positive(x):
    if x[0] <= 0.0:
        raise ValueError(f"it is a law on x > 0; the target reaches down to {x[0]:.6g}")
    if x[0] < SMALLEST:
        raise ValueError(f"the target comes too close to 0, down to {x[0]:.3g}")


def _normal(x, weights, law):
    mean = _mean(x, weights, law, "x")
    with np.errstate(over="ignore"):
        variance = _mean((x - mean) ** 2, weights, law, "x^2")
    return SimResNet("identity", -1.0, mean), "1", math.sqrt(2.0 * variance), None


def _inverse_gamma(x, weights, law):
    _positive(x)
    mu, scale = _gamma(1.0 / x, weights, law, "1 / x")
    if mu > 1.0:
        return SimResNet("identity", -1.0, scale / (mu - 1.0)), "x", math.sqrt(2 / (mu - 1)), None
    return SimResNet("identity", (1.0 - mu) / 2.0, scale / 2.0), "x", 1.0, None


def _pareto(x, weights, law):
    _positive(x)
    a = float(x[0] if law is None else law.ppf(0.0))
    if a <= 0.0:
        raise ValueError("it begins at a > 0; the support of the target reaches down to 0")
    return SimResNet("relu", -1.0, a), "x", 1.0, (a, math.inf)


def _relu(x, weights, law):
    from scipy.optimize import minimize

    _positive(x)
    unit = float(np.exp(weights @ np.log(x)))

    def loss(logarithms):
        a, s = np.exp(logarithms)
        below = np.minimum(x / unit / a, 1.0)
        body = weights @ (np.log(below) + 1.0 / below - 1.0)
        return np.log1p(_body(s)) - np.log(a) + s * body

    found = minimize(loss, [0.0, 0.0], method="Nelder-Mead", bounds=[(-50, 50), (-7, 14)],
                     options={"xatol": 1e-9, "fatol": 1e-14, "maxiter": 2000})  # fmt: skip
    a, s = np.exp(found.x)
    return SimResNet("relu", -1.0, float(unit * a)), "x", math.sqrt(2.0 / s), None


def _body(s):
    """Mass below a divided by that above for the state of ReLU with s = -2 w / nu^2."""
    from scipy.special import gammaincc, gammaln

    return np.exp(s - (s + 1.0) * np.log(s) + gammaln(1.0 + s)) * gammaincc(1.0 + s, s)


def _generalized_gamma(x, weights, law):
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln

    _positive(x)
    logs = np.log(x)
    center = _mean(logs, weights, law, "log x")
    relative = np.exp(logs - center)

    def loss(delta):
        shape, rate = _gamma(relative**delta, weights, law, f"x^{delta:.2g}")
        return gammaln(shape) - math.log(delta) - shape * (math.log(rate) - 1.0)

    delta = float(minimize_scalar(loss, bounds=DELTA, method="bounded", options={"xatol": 1e-9}).x)
    shape, rate = _gamma(relative**delta, weights, law, f"x^{delta:.2g}")
    nu = math.sqrt(2.0 / (shape * delta + 1.0))
    c = math.exp(center - math.log(rate * nu**2 * delta**2 / 2.0) / delta)
    return SimResNet(activations.sigma_n(delta, c), -1.0, 0.0), "x", nu, None


def _gamma(y, weights, law, what):
    """Shape and rate of the Gamma law of greatest likelihood."""
    from scipy.optimize import brentq
    from scipy.special import digamma

    mean = _mean(y, weights, law, what)
    gap = math.log(mean) - _mean(np.log(y), weights, law, "log x")
    if gap < TOLERANCE:
        raise ValueError("its samples are too close to each other")
    # log k - digamma(k) lies between 1 / (2 k) and 1 / k.
    shape = brentq(lambda k: math.log(k) - digamma(k) - gap, 0.4 / gap, 1.1 / gap, rtol=1e-14)
    return shape, shape / mean


def _ks(x, law):
    """Largest distance of the empirical distribution function of sorted x to that of law."""
    below, count = law.cdf(x), x.size
    ranks = np.arange(count) / count
    return float(max((below - ranks).max(), (ranks + 1.0 / count - below).max()))


def _resampled(family, ks, count, law, resamples, rng):
    rng = _validate.generator("rng", rng)
    exceeded = 0
    for _ in range(resamples):
        x = np.sort(law.rvs(count, rng))
        again = _steady(family, x, np.full(count, 1.0 / count), None)[-1]
        exceeded += _ks(x, again) >= ks
    return (1 + exceeded) / (1 + resamples)


FAMILIES = {
    "normal": _normal,
    "inverse gamma": _inverse_gamma,
    "pareto": _pareto,
    "relu": _relu,
    "generalized gamma": _generalized_gamma,
}
PARAMETERS = {"normal": 2, "inverse gamma": 2, "pareto": 1, "relu": 2, "generalized gamma": 3}
