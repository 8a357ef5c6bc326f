r"""Mean-field optimal control of a residual network (maximum principle; Bonnet et al. 2023).

Particles (x, y), an input with its label, pass N layers of length h = T / N,

    x_{n+1} = x_n + h sigma(theta_n x_n),                                  n = 0, ..., N - 1,

and the control theta is to minimize

    J(theta) = E |x_N - y|^2 + lam h sum_n theta_n^2,

E being the mean over the law of (x, y): equal masses, or ``masses``. For N -> infinity this
is int l dmu_T + lam int |theta|^2 dt with d_t mu + d_x(sigma(theta x) mu) = 0. All
derivatives with respect to theta are those in L^2(0, T): partial derivatives divided by h,
which converge as N grows. An input in R^d counts as d coordinates that share the control.

`cost`, `gradient` and `hessian` are exact for the layers, and `minimize` uses them.
Everything is dimensionless.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kinetic import _control_kernels as kernels
from kinetic import _validate, activations

__all__ = ["Minimum", "Passes", "Problem", "cost", "gradient", "hessian", "minimize", "passes"]

ROUGH, POLISHING = 1e-6, 8
SMOOTH = ("identity", "sigmoid", "tanh")


@dataclass(frozen=True, eq=False)
class Problem:
    """Data, Tikhonov parameter, depth and activation.

    Parameters
    ----------
    x, y : (M,) or (M, d) array_like
        Inputs and labels, of one shape.
    lam : float
        Tikhonov parameter, positive.
    T : float
        Depth, positive.
    activation : {"tanh", "sigmoid", "identity"}
    masses : (M,) array_like, optional
        Positive weights of the particles with sum 1; equal ones by default.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    """

    x: np.ndarray
    y: np.ndarray
    lam: float
    T: float
    activation: str = "tanh"
    masses: np.ndarray | None = None

    def __post_init__(self):
        x, y = _validate.array("x", self.x), _validate.array("y", self.y)
        if x.ndim not in (1, 2) or x.size == 0:
            raise ValueError(f"x must have shape (M,) or (M, d) with M >= 1; got {x.shape}")
        if y.shape != x.shape:
            raise ValueError(f"y must have the shape of x, {x.shape}; got {y.shape}")
        masses = np.full(len(x), 1.0 / len(x))
        if self.masses is not None:
            masses = _validate.array("masses", self.masses)
            check_masses(masses, len(x))
        _validate.choice("activation", self.activation, SMOOTH)
        for name, value in (
            ("x", x.ravel()),
            ("y", y.ravel()),
            ("masses", np.repeat(masses, x.size // len(x))),
            ("lam", _validate.positive("lam", self.lam)),
            ("T", _validate.positive("T", self.T)),
        ):
            object.__setattr__(self, name, value)

    @property
    def tag(self):
        """What names the activation to kernels."""
        return activations.get(self.activation).tag


def check_masses(masses, count):
    """Refuse an array unless it is ``count`` positive numbers with sum 1."""
    fits = masses.shape == (count,) and ((masses > 0.0) & (masses <= 1.0)).all()
    if not fits or abs(masses.sum() - 1.0) > 1e-9:
        raise ValueError(
            f"masses must be {count} positive numbers with sum 1; got {masses.tolist()!r:.80}, "
            f"of shape {masses.shape}"
        )


class Passes(NamedTuple):
    """Result of `passes`.

    states : (N + 1, M) array
        x_n, at the ends of the layers.
    costates : (N + 1, M) array
        p_n = d |x_N - y|^2 / d x_n.
    end_cost : float
        E |x_N - y|^2.
    cost : float
        J.
    gradient : (N,) array
        2 lam theta_n + E[p_{n+1} x_n sigma'(theta_n x_n)].
    """

    states: np.ndarray
    costates: np.ndarray
    end_cost: float
    cost: float
    gradient: np.ndarray


def passes(problem, theta):
    """One pass forward and one backward through the layers (back-propagation).

    Parameters
    ----------
    problem : Problem
    theta : (N,) array_like
        Control, one number for each layer.

    Returns
    -------
    Passes

    Raises
    ------
    ValueError, TypeError
        If theta is not as described.
    FloatingPointError
        If a state or the cost leaves the range of float64.
    """
    theta = checked_control(problem, theta)
    h = problem.T / theta.size
    states, costates = np.empty((2, theta.size + 1, problem.x.size))
    force = np.empty(theta.size)
    end_cost = kernels.sweep(
        problem.tag, problem.x, problem.y, problem.masses, theta, h, states, costates, force
    )
    with np.errstate(over="ignore", invalid="ignore"):
        total = end_cost + problem.lam * h * float(theta @ theta)
        gradient = force + 2.0 * problem.lam * theta
    if not (np.isfinite(total) and np.isfinite(gradient).all()):
        bad = ~np.isfinite(states).all(axis=1)
        where = f"the states after layer {int(bad.argmax())}" if bad.any() else "the cost"
        raise FloatingPointError(
            f"{where} of {theta.size} exceeds float64; "
            f"the largest |theta| is {abs(theta).max():.3g}"
        )
    return Passes(states, costates, end_cost, total, gradient)


def cost(problem, theta):
    """J(theta); arguments and errors are those of `passes`."""
    return passes(problem, theta).cost


def gradient(problem, theta):
    """(N,) exact gradient of J in L^2; arguments and errors are those of `passes`."""
    return passes(problem, theta).gradient


def hessian(problem, theta):
    """(N, N) exact second derivatives of J as an operator of L^2, 1/h times the partial ones.

    Its eigenvalues converge as N grows. Arguments and errors are those of `passes`.
    """
    found = passes(problem, theta)
    theta = checked_control(problem, theta)
    second = np.empty((theta.size, theta.size))
    kernels.curvature(
        problem.tag, problem.masses, theta, problem.T / theta.size,
        found.states, found.costates, second,
    )  # fmt: skip
    second += 2.0 * problem.lam * np.eye(theta.size)
    if not np.isfinite(second).all():
        raise FloatingPointError(
            f"the Hessian exceeds float64; the largest |theta| is {abs(theta).max():.3g}"
        )
    return second


class Minimum(NamedTuple):
    """Result of `minimize`.

    theta : (N,) array
    cost : float
    gradient : (N,) array
    eigenvalues : (N,) array
        Of the Hessian, increasing; all positive at a strict local minimizer.
    iterations : int
    """

    theta: np.ndarray
    cost: float
    gradient: np.ndarray
    eigenvalues: np.ndarray
    iterations: int


def minimize(problem, theta, *, tol=1e-9, most_iterations=500):
    """A local minimizer of J for the layers, by a trust-region Newton method.

    The trust region compares values of J, which rounding stops at gradients of about 1e-8;
    from ``ROUGH`` on plain Newton steps follow.

    Parameters
    ----------
    problem : Problem
    theta : (N,) array_like
        Start.
    tol : float
        Of the norm of the gradient in L^2(0, T), positive.
    most_iterations : int

    Returns
    -------
    Minimum

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    RuntimeError
        If the gradient is not below tol after ``most_iterations``.
    FloatingPointError
        If a state or the cost leaves the range of float64.
    """
    from scipy import optimize

    theta = checked_control(problem, theta)
    tol = _validate.positive("tol", tol)
    most_iterations = _validate.integer("most_iterations", most_iterations, low=1)
    scale = np.sqrt(problem.T / theta.size)

    def value_and_gradient(v):
        found = passes(problem, v / scale)
        return found.cost, scale * found.gradient

    found = optimize.minimize(
        value_and_gradient, scale * theta, jac=True, hess=lambda v: hessian(problem, v / scale),
        method="trust-exact", options={"gtol": max(tol, ROUGH), "maxiter": most_iterations},
    )  # fmt: skip
    theta, iterations = found.x / scale, found.nit
    last = passes(problem, theta)
    while True:
        second = hessian(problem, theta)
        norm = scale * float(np.linalg.norm(last.gradient))
        if norm <= tol:
            eigenvalues = np.linalg.eigvalsh(second)
            return Minimum(theta, last.cost, last.gradient, eigenvalues, int(iterations))
        if norm > max(tol, ROUGH) or iterations >= min(most_iterations, found.nit + POLISHING):
            raise RuntimeError(
                f"no minimizer found: after {iterations} iterations the gradient has the norm "
                f"{norm:.3g}, tol={tol:g} ({found.message})"
            )
        theta = theta - np.linalg.solve(second, last.gradient)
        last, iterations = passes(problem, theta), iterations + 1


def check_problem(problem):
    """Refuse what is not a problem."""
    if not isinstance(problem, Problem):
        raise TypeError(f"problem must be a control.Problem; got {type(problem).__name__}")


def checked_control(problem, theta):
    """A control of shape (N,) for a problem."""
    check_problem(problem)
    theta = _validate.array("theta", theta)
    if theta.ndim != 1 or theta.size == 0:
        raise ValueError(f"theta must have shape (N,) with N >= 1 layers; got {theta.shape}")
    return theta
