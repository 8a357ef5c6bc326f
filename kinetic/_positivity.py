"""The limiter of `kinetic.finite_volume`: no cell gives more than it holds."""

from kinetic._compile import uncontracted


@uncontracted
def limit(u, out, flux, kept, scale, ghosts):
    """Scale back fluxes that take more from a cell than it holds, and update again.

    out is u - scale (flux_j - flux_{j-1}). Arrays of cells, u, out and kept, have `ghosts`
    more entries at each end than there are cells. Whether a cell is limited is decided by
    its own content and fluxes alone, so that a part of the grid decides as the whole does.
    """
    cells = flux.size - 1
    overdrawn = 0
    for j in range(cells):
        leaving = scale * (max(flux[j + 1], 0.0) + max(-flux[j], 0.0))
        overdrawn |= leaving > max(u[j + ghosts], 0.0)
    if overdrawn == 0:
        return
    for j in range(cells):
        leaving = scale * (max(flux[j + 1], 0.0) + max(-flux[j], 0.0))
        held = max(u[j + ghosts], 0.0)
        kept[j + ghosts] = held / leaving if leaving > held else 1.0
    for f in range(cells + 1):
        # Nothing enters through the ends, so that the ghosts' entries do not matter.
        flux[f] *= kept[f + ghosts - 1] if flux[f] > 0.0 else kept[f + ghosts]
    for j in range(cells):
        out[j + ghosts] = u[j + ghosts] - scale * (flux[j + 1] - flux[j])
