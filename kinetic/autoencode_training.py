"""Training of an AutoencODE, by gradients and by Hamiltonians.

Methods "lbfgs", "adam" and "descent" follow the exact gradient of J. Method "hamiltonian" is the
extended method of successive approximations: with states and adjoints held fixed, every layer
maximizes its own penalized Hamiltonian,

    theta_l <- argmax_theta H_l(theta) - |theta - theta_l|^2 / (2 tau),
    H_l(theta) = -int p_{l+1} . sigma(W y_l + b) dmu - lam |theta|^2.

For small tau this is "descent", theta_l <- theta_l - tau grad; for larger tau each layer follows
its own curvature. Both halve tau where J does not fall enough, and enlarge it where it does.
"""

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from kinetic import _autoencode_steps, _validate
from kinetic.reconstruction import evaluate, prepared, stored

METHODS = ("lbfgs", "adam", "descent", "hamiltonian")
LBFGS_PAIRS = 20
INNER_TOLERANCE, INNER_MOST = 0.01, 50
SUFFICIENT, GROWTH, SMALLEST_TAU = 1e-3, 1.5, 1e-14
GRADIENT_SHARE = 2.0 / 3.0
"""Two of the three products of a pass make an evaluation of the inner problem."""
DIVERGED = 1e3


class Trained(NamedTuple):
    """Result of `train`.

    theta : (size,) parameters.
    cost, loss : J(theta), and its first term, on the given law.
    gradient_norm : largest entry of the derivative of J.
    iterations : iterations made.
    converged : whether gradient_norm is at most the tolerance asked for.
    history : (iterations + 1,) J before the first and after each iteration; for "adam" with a
        batch that of the batch of each step, and J at the end.
    work : (iterations + 1,) what had been computed by then, in units of one pass of all samples
        forwards and backwards.
    """

    theta: np.ndarray
    cost: float
    loss: float
    gradient_norm: float
    iterations: int
    converged: bool
    history: np.ndarray
    work: np.ndarray


def train(
    model, x, *, lam, method="lbfgs", theta=None, probabilities=None, iterations=500,
    tolerance=1e-6, learning_rate=0.01, batch=None, tau=1.0, rng=0,
):  # fmt: skip
    """Minimize J from an initial theta.

    Parameters
    ----------
    model : AutoencODE
    x : (M, d) array_like
        Samples, or nodes of a quadrature of their law.
    lam : float
        Tikhonov parameter, positive.
    method : {"lbfgs", "adam", "descent", "hamiltonian"}
        L-BFGS, Adam, gradient descent, or maximization of penalized
        Hamiltonians.
    theta : (size,) array_like, optional
        Default: ``model.initial(rng=rng)``.
    probabilities : (M,) array_like, optional
        Default: 1 / M each.
    iterations : int
        Largest number of them; the number of steps for "adam".
    tolerance : float
        All but "adam" stop where no entry of the gradient is larger.
    learning_rate : float
        First rate of "adam", positive; it falls linearly to zero.
    batch : int, optional
        Samples in a step of "adam", drawn from the law with replacement. Default: all.
    tau : float
        First step of "descent" and "hamiltonian", positive; it adapts.
    rng : numpy.random.Generator or int
        Source of randomness for the initial theta and the batches, or its seed.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If the cost leaves the range of float64, or Adam diverges: J exceeds 1,000 times the
        larger of its first value and int |x|^2 dmu. The message names the iteration, and the
        rate of Adam.
    """
    lam = _validate.positive("lam", lam)
    _validate.choice("method", method, METHODS)
    iterations = _validate.integer("iterations", iterations, low=1)
    tolerance = _validate.positive("tolerance", tolerance)
    learning_rate = _validate.positive("learning_rate", learning_rate)
    tau = _validate.positive("tau", tau)
    if batch is not None:
        batch = _validate.integer("batch", batch, low=1)
    data = prepared(model, x, probabilities)
    rng = _validate.generator("rng", rng)
    theta = model.initial(rng=rng) if theta is None else model.checked(theta).copy()
    if method == "lbfgs":
        theta, history, work = _lbfgs(model, theta, data, lam, iterations, tolerance)
    elif method == "adam":
        draws = _draws(batch, data.probability, iterations, rng)
        reference = max(evaluate(model, theta, data, lam).cost, _energy(data))
        history, work = _adam(model, theta, data, lam, draws, learning_rate, DIVERGED * reference)
    else:
        propose = _maximized if method == "hamiltonian" else _descended
        theta, history, work = _stepped(
            model, theta, data, lam, iterations, tolerance, tau, propose
        )
    end = evaluate(model, theta, data, lam)
    if method == "adam":
        history = np.append(history, end.cost)
    norm = float(np.abs(end.gradient).max())
    penalty = lam * model.step * float(theta @ theta)
    return Trained(
        theta, end.cost, end.cost - penalty, norm, len(history) - 1, norm <= tolerance,
        np.array(history), np.array(work, dtype=float),
    )  # fmt: skip


def _energy(data):
    return float(data.probability @ (data.start**2).sum(axis=1))


def _lbfgs(model, theta, data, lam, iterations, tolerance):
    """Minimize by SciPy, which stops where its line search finds no better point, too."""
    from scipy.optimize import minimize

    history, work, calls = [], [], 0

    def objective(theta):
        nonlocal calls
        try:
            found = evaluate(model, theta, data, lam)
        except FloatingPointError as error:
            raise FloatingPointError(
                f"L-BFGS, iteration {len(history)}: {error}; begin with a smaller theta"
            ) from None
        calls += 1
        if calls == 1:
            history.append(found.cost)
            work.append(1)
        return found

    def note(intermediate_result):
        history.append(intermediate_result.fun)
        work.append(calls)

    options = {
        "maxcor": LBFGS_PAIRS, "maxiter": iterations, "maxfun": math.inf, "gtol": tolerance,
        "ftol": 0.0,
    }  # fmt: skip
    with _blas().limit(limits=1):
        found = minimize(
            objective, theta, jac=True, method="L-BFGS-B", callback=note, options=options
        )
    return found.x, history, work


@cache
def _blas():
    """Libraries whose threads cost more than they save on vectors as short as theta."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def _draws(batch, probability, steps, rng):
    if batch is None:
        return np.empty((steps, 0), dtype=np.int64)
    batch = _validate.integer("batch", batch, low=1)
    if batch > len(probability):
        raise ValueError(f"batch must be at most the {len(probability)} samples; got {batch}")
    return rng.choice(len(probability), p=probability / probability.sum(), size=(steps, batch))


def _adam(model, theta, data, lam, draws, rate, limit):
    steps, costs = len(draws), np.empty(len(draws))
    done = _autoencode_steps.adam(
        model.tag, model.plan, theta, *data, lam, draws, rate, limit, costs
    )
    if done < steps:
        raise FloatingPointError(
            f"Adam diverges at step {done} of {steps} with learning_rate={rate}: J = "
            f"{costs[done]:.3g} after {costs[0]:.3g} at first; lower learning_rate"
        )
    share = draws.shape[1] / len(data.start) if draws.shape[1] else 1.0
    return costs, share * np.arange(steps + 1)


def _stepped(model, theta, data, lam, iterations, tolerance, tau, propose):
    """Steps by ``propose``, of a size tau that adapts such that J falls."""
    step = model.step
    run, work, spent = stored(model, theta, data), [1.0], 1.0
    history = [run.loss + lam * step * (theta @ theta)]
    for _ in range(iterations):
        slopes = run.gradient / step + 2.0 * lam * theta
        if step * np.abs(slopes).max() <= tolerance:
            break
        while tau > SMALLEST_TAU:
            found, evaluations = propose(model, theta, slopes, run, lam, tau)
            spent += evaluations
            if found is not None:
                trial, move = stored(model, found, data), found - theta
                cost, spent = trial.loss + lam * step * (found @ found), spent + 1.0
                if cost < history[-1] - SUFFICIENT * step * (move @ move) / (2.0 * tau):
                    break
            tau /= 2.0
        else:
            break
        theta, run, tau = found, trial, tau * GROWTH
        history.append(cost)
        work.append(spent)
    return theta, history, work


def _descended(model, theta, slopes, run, lam, tau):
    return theta - tau * slopes, 0.0


def _maximized(model, theta, slopes, run, lam, tau):
    """Maximize the penalized Hamiltonian of each layer; None where one was not solved."""
    found, counts = np.empty_like(theta), np.empty(model.layers, dtype=np.int64)
    _autoencode_steps.maximize_all(
        model.tag, model.plan, theta, slopes, run.energies, run.states, run.adjoints, lam, tau,
        INNER_TOLERANCE, INNER_MOST, found, counts,
    )  # fmt: skip
    squares = model.plan.widths**2
    spent = GRADIENT_SHARE * float(np.abs(counts) @ squares) / squares.sum()
    return (found if (counts > 0).all() else None), spent
