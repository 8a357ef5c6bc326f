r"""Shooting: the fixed-point iteration of the maximum principle (Bonnet et al. 2023).

From a control theta the states run forward and the adjoint backward; the new control is,
in each layer, the global minimizer of the Hamiltonian

    H_n(u) = lam u^2 + E[p sigma(u x_n)],        p the slope of the adjoint at x_n.

With p = p_{n+1} of back-propagation, H_n'(theta_n) is the gradient of the cost of
`kinetic.control_layers`; the other choices of p, `shooting_step`, differ by O(h).
Everything is dimensionless.
"""

from typing import NamedTuple

import numpy as np

from kinetic import _control_kernels as kernels
from kinetic import _validate, activations
from kinetic._control_upwind import upwind_slopes
from kinetic.control_layers import check_problem, checked_control, hessian, passes
from kinetic.grid import Grid

__all__ = ["Shooting", "hamiltonian", "shoot", "shooting_derivative", "shooting_step"]

BOUNDS = {"identity": np.inf, "sigmoid": 1.0, "tanh": 1.0}
"""Supremum of |sigma|."""
SMALLEST_RADIUS = 1e-12
ADJOINTS = ("discrete", "continuous")


def hamiltonian(problem, u, x, p):
    """H(u) = lam u^2 + E[p sigma(u x)], which the control minimizes at each time.

    Parameters
    ----------
    problem : Problem
        Gives lam, the masses and the activation.
    u : array_like
        Values of the control.
    x, p : (M,) array_like
        States, and derivatives of the end cost with respect to them.

    Returns
    -------
    ndarray
        Of the shape of u.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    FloatingPointError
        If H leaves the range of float64.
    """
    check_problem(problem)
    u = _validate.array("u", u)
    x, p = _validate.array("x", x), _validate.array("p", p)
    for name, given in (("x", x), ("p", p)):
        if given.shape != problem.x.shape:
            raise ValueError(f"{name} must have shape {problem.x.shape}; got {given.shape}")
    values = [
        kernels.energy(problem.tag, float(v), x, problem.masses * p, problem.lam) for v in u.ravel()
    ]
    if not np.isfinite(values).all():
        raise FloatingPointError(
            f"H exceeds float64; the largest |u| is {abs(u).max():.3g}, |x| {abs(x).max():.3g}, "
            f"|p| {abs(p).max():.3g}"
        )
    return np.reshape(values, u.shape)


def shooting_step(problem, theta, *, adjoint="discrete"):
    """One iteration of shooting: in each layer the global minimizer of the Hamiltonian.

    Parameters
    ----------
    problem : Problem
    theta : (N,) array_like
    adjoint : {"discrete", "continuous"} or Grid
        Which p belongs to the state x_n. "discrete": p_{n+1} of back-propagation, so that a
        fixed point is a critical point of J exactly. "continuous": p_n, the value of
        the adjoint at the same time. A `Grid`: psi_x at the time of x_n, with psi by explicit
        Euler steps and upwind differences between the centers of the cells, interpolated.

    Returns
    -------
    (N,) ndarray

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or a state leaves the grid.
    FloatingPointError
        If a state or the cost leaves the range of float64.
    """
    if not isinstance(adjoint, Grid):
        _validate.choice("adjoint", adjoint, ADJOINTS)
    found = passes(problem, theta)
    theta = checked_control(problem, theta)
    if isinstance(adjoint, Grid):
        costates = upwind_slopes(problem, theta, found.states, adjoint)
    else:
        costates = found.costates[1:] if adjoint == "discrete" else found.costates[:-1]
    return np.array(
        [
            least_energy(
                problem.activation, found.states[n], problem.masses * costates[n], problem.lam
            )
            for n in range(theta.size)
        ]
    )


def least_energy(activation, x, q, lam):
    """The global minimizer of lam u^2 + sum q sigma(u x), for arrays x and q of one shape.

    Its absolute value is at most Lip(sigma) sum |q x| / lam, and at most
    (2 sup |sigma| sum |q| / lam)^1/2.
    """
    sigma = activations.get(activation)
    with np.errstate(over="ignore"):
        radius = min(
            sigma.lipschitz * float(abs(q) @ abs(x) / lam),
            float(np.sqrt(2.0 * BOUNDS[activation] * (abs(q).sum() / lam))),
        )
    if not np.isfinite(radius):
        raise FloatingPointError(f"the bound of the control exceeds float64; lam is {lam:.3g}")
    return kernels.least(sigma.tag, x, q, lam, 1.01 * radius + SMALLEST_RADIUS)


def shooting_derivative(problem, theta):
    """(N, N) derivative of the shooting step (adjoint "discrete") at its fixed point theta.

    I - D^-1 (Hessian), with D the diagonal of the second derivatives of the Hamiltonians.
    Near theta the undamped iteration contracts by the spectral radius; with damping c the
    factors are 1 - c + c (eigenvalue). Arguments and errors are those of `passes`.
    """
    found = passes(problem, theta)
    theta = checked_control(problem, theta)
    bends = [
        kernels.energy_slopes(
            problem.tag, theta[n], found.states[n], problem.masses * found.costates[n + 1],
            problem.lam,
        )[1]
        for n in range(theta.size)
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        derivative = np.eye(theta.size) - hessian(problem, theta) / np.array(bends)[:, None]
    if not np.isfinite(derivative).all():
        raise FloatingPointError(
            "the derivative of the step exceeds float64; the second derivatives of the "
            f"Hamiltonians reach down to {np.abs(bends).min():.3g}"
        )
    return derivative


class Shooting(NamedTuple):
    """Result of `shoot`.

    theta : (N,) array
        The last iterate.
    history : (K, N) array
        All iterates, the start first.
    residuals : (K,) array
        Largest change in a layer that an undamped step from each of them makes.
    cost : float
        J(theta).
    gradient : (N,) array
        Of J, exact: what separates the fixed point from a critical point of J.
    """

    theta: np.ndarray
    history: np.ndarray
    residuals: np.ndarray
    cost: float
    gradient: np.ndarray


def shoot(problem, theta, *, adjoint="discrete", damping=1.0, tol=1e-10, most_iterations=200):
    """Iterate the maximum principle to its fixed point (maximum principle; Bonnet et al. 2023).

    theta <- theta + damping (step(theta) - theta) with `shooting_step`, until no layer asks
    for a change above tol.

    Parameters
    ----------
    problem : Problem
    theta : (N,) array_like
        Start.
    adjoint : {"discrete", "continuous"} or Grid
        See `shooting_step`.
    damping : float
        In (0, 1].
    tol : float
        Positive.
    most_iterations : int

    Returns
    -------
    Shooting

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    RuntimeError
        If ``most_iterations`` do not suffice.
    FloatingPointError
        If a state or the cost leaves the range of float64.
    """
    theta = checked_control(problem, theta)

    def step(theta):
        return shooting_step(problem, theta, adjoint=adjoint), passes(problem, theta)

    return iterate(step, theta, damping, tol, most_iterations)


def iterate(step, theta, damping, tol, most_iterations):
    """The loop of `shoot`; ``step(theta)`` returns the new control and the passes at theta."""
    damping = _validate.positive("damping", damping)
    if damping > 1.0:
        raise ValueError(f"damping must be a number in (0, 1]; got {damping}")
    tol = _validate.positive("tol", tol)
    most_iterations = _validate.integer("most_iterations", most_iterations, low=1)
    history, residuals = [theta], []
    for _ in range(most_iterations):
        new, found = step(theta)
        residuals.append(float(abs(new - theta).max()))
        if residuals[-1] <= tol:
            return Shooting(
                theta, np.array(history), np.array(residuals), found.cost, found.gradient
            )
        theta = theta + damping * (new - theta)
        history.append(theta)
    raise RuntimeError(
        f"shooting has not converged: iteration {most_iterations} still changes a layer by "
        f"{residuals[-1]:.3g}, the first one by {residuals[0]:.3g}; tol={tol:g}, "
        f"damping={damping:g}. Lower the damping, or raise lam"
    )
