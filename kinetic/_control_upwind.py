"""The adjoint psi_t + sigma(theta x) psi_x = 0 on a grid, by explicit upwind differences."""

import numpy as np

from kinetic import activations


def upwind_slopes(problem, theta, states, grid):
    """psi_x at the states x_n, n < N, for psi(T) = |x - y|^2 (see `control.shooting_step`).

    One grid function for each label; backwards in time psi is carried from where the
    velocity points to, hence forward differences where the velocity is positive.
    """
    if states.min() < grid.centers[0] or states.max() > grid.centers[-1]:
        raise ValueError(
            f"adjoint: the grid's centers must reach from {states.min():.6g} to "
            f"{states.max():.6g}; they reach from {grid.centers[0]:.6g} to {grid.centers[-1]:.6g}"
        )
    h = problem.T / theta.size
    sigma = activations.get(problem.activation)
    labels, which = np.unique(problem.y, return_inverse=True)
    psi = (grid.centers - labels[:, None]) ** 2
    slopes = np.empty((theta.size, problem.x.size))
    for n in range(theta.size - 1, -1, -1):
        velocity = sigma(theta[n] * grid.centers)
        if h * abs(velocity).max() > grid.dx:
            raise ValueError(
                f"adjoint: explicit steps need h |sigma| <= dx; got h={h:g} and dx={grid.dx:g}"
            )
        jumps = np.diff(psi, axis=1) / grid.dx
        ahead = np.hstack([jumps, jumps[:, -1:]])
        behind = np.hstack([jumps[:, :1], jumps])
        psi = psi + h * velocity * np.where(velocity > 0.0, ahead, behind)
        slope = np.gradient(psi, grid.dx, axis=1)
        for label in range(labels.size):
            rows = which == label
            slopes[n, rows] = np.interp(states[n, rows], grid.centers, slope[label])
    return slopes
