r"""The central limit of two-layer networks: covariance without free parameters.

For a network of N neurons after floor(N t) steps, mu^N_t = mu_t + N^(-1/2) eta_t with a
Gaussian eta in the limit; its law here is our reconstruction. Let f_s be the influence
function of an observable f at the time T: adding mass epsilon at theta at the time s moves
<f, mu_T> by epsilon f_s(theta). With h(theta, x) = c sigma(w . x) and

    S_s(x) = <grad h(., x) . grad f_s, mu_s>,

it obeys f_T = f and backward in time the linearized equation

    d_s f_s + V[mu_s] . grad f_s = alpha E_pi[h(., x) S_s(x)] :

added mass is carried by V, and adds h to the output, which lowers the residual of
all. A step with the sample (X, Y) moves <f, mu_T> by (alpha / N) (Y - g_s(X)) S_s(X), and
N initial parameters are drawn independently, so that

    Var <f, eta_T> = Var_{mu_0}(f_0) + alpha^2 int_0^T Var_pi[(Y - g_s(X)) S_s(X)] ds.

On points theta_k with weights omega_k, p_k = grad f_s(theta_k) obeys along their paths

    p_k' = -alpha sum_m pi_m (r_m hess h(theta_k, x_m) p_k - S_m grad h(theta_k, x_m)),

which is the adjoint of the equations of the points.
"""

from typing import NamedTuple

import numpy as np

from kinetic import _observables, _two_layer_field, _validate
from kinetic._two_layer_field import product

RTOL = 1e-8


class Fluctuations(NamedTuple):
    """Result of `fluctuations`, for J observables.

    mean : (J,) means under mu_T.
    initialization : (J, J) covariance of <f, eta_T> due to the random initial parameters.
    samples : (J, J) covariance due to the random samples of the descent.
    single : (J, J) covariance of f(theta) for one parameter theta of law mu_T.
    """

    mean: np.ndarray
    initialization: np.ndarray
    samples: np.ndarray
    single: np.ndarray

    @property
    def covariance(self):
        """(J, J) limit of N Cov(<f_i, mu^N_T>, <f_j, mu^N_T>)."""
        return self.initialization + self.samples

    @property
    def dependence(self):
        """(J, J) limit of N Cov(f_i(theta_1), f_j(theta_2)) for two neurons of one network."""
        return self.covariance - self.single


def fluctuations(
    x, y, c0, w0, *, alpha, time, observables, activation="tanh", probabilities=None,
    weights=None, rtol=RTOL,
):  # fmt: skip
    """Covariance of the central limit theorem for wide two-layer networks (our reconstruction).

    A network of N neurons whose parameters start independent with the law mu_0 and that is
    trained by `kinetic.two_layer.train` up to ``time`` has observables (1/N) sum_i f(c_i, w_i)
    with the covariance ``covariance`` / N, up to O(1/N^2).

    Parameters
    ----------
    x : (M,) or (M, d) array_like
    y : (M,) array_like
        Law of the data, as in `kinetic.two_layer.limit`.
    c0, w0, weights
        Points and weights of mu_0; with `quadrature` the result is exact to many digits.
    alpha : float
        Learning rate, positive.
    time : float
        T, at least 0.
    observables : callable or sequence of J callables
        f(c, w) of arrays c (K,) and w (K,), or (K, d) for x of shape (M, d), with one value
        for each neuron; smooth on scales well above 1e-3, since it is differentiated by
        differences.
    activation : str or Activation
        With a second derivative: "tanh", "sigmoid", "identity" or "gcu".
    probabilities : (M,) array_like, optional
    rtol : float
        Relative and absolute tolerance of the integrator.

    Returns
    -------
    Fluctuations

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If a parameter leaves the range of float64.
    """
    field = _two_layer_field.make(x, y, probabilities, alpha, activation)
    field.require_smooth("the central limit theorem")
    c, w, weights = field.points(c0, w0, weights)
    time = _validate.number("time", time, low=0.0, accepted="a time of at least 0")
    functions = _observables.check(observables)
    rtol = _two_layer_field.checked_tolerance(rtol)
    if time == 0.0:
        f = _observables.values(functions, field, c, w)
        single = _covariance(f, weights)
        return Fluctuations(f @ weights, single, np.zeros_like(single), single)
    forward = _two_layer_field.trajectory(field, c, w, weights, [0.0, time], rtol, dense=True)
    end = forward.y[: c.size, -1], forward.y[c.size :, -1].reshape(w.shape)
    f = _observables.values(functions, field, *end)
    p = _observables.gradients(functions, field, *end)
    f0, samples = _backward(field, forward.sol, weights, f, p, time, rtol)
    return Fluctuations(f @ weights, _covariance(f0, weights), samples, _covariance(f, weights))


def _covariance(values, weights):
    """(J, J) covariance of the rows of (J, K) values."""
    centred = values - (values @ weights)[:, None]
    return (centred * weights) @ centred.T


def _backward(field, forward, weights, f, p, time, rtol):
    """f_0 at the points (J, K) and the covariance of the samples (J, J)."""
    (count, (j, _)), x = (weights.size, f.shape), field.x
    ends = np.cumsum([p.size, f.size])

    def rate(t, state):
        theta = forward(t)
        c, w = theta[:count], theta[count:].reshape(count, -1)
        p = state[: ends[0]].reshape(j, count, -1)
        sigma, slope, bend = field.second(w)
        r = field.residuals(sigma, c, weights)
        pull = field.pull(r)[:, None] * x
        s, changes = np.empty((j, x.shape[0])), np.empty_like(p)
        for i, (p_c, p_w) in enumerate(zip(p[..., 0], p[..., 1:], strict=True)):
            carried = product(((weights * c)[:, None] * p_w).T, slope) * x.T
            s[i] = product(weights * p_c, sigma) + carried.sum(axis=0)
            push = field.pull(s[i])
            turned = product(slope, pull)
            changes[i, :, 0] = product(sigma, push) - (turned * p_w).sum(axis=1)
            bent = product(bend * product(p_w, x.T), pull) - product(slope, push[:, None] * x)
            changes[i, :, 1:] = -p_c[:, None] * turned - c[:, None] * bent
        influence = c * product(sigma, field.pull(s).T).T
        noise = -(field.alpha**2) * _covariance(r * s, field.probabilities)
        return np.concatenate([changes.ravel(), influence.ravel(), noise.ravel()])

    state = np.concatenate([p.ravel(), f.ravel(), np.zeros(j * j)])
    end = _two_layer_field.integrate(rate, [time, 0.0], state, rtol).y[:, -1]
    return end[ends[0] : ends[1]].reshape(f.shape), end[ends[1] :].reshape(j, j)
