/* d_t u + d_x(a(x) u) = 0 by CWENO3, local Lax-Friedrichs and SSP-RK3, as in
   kinetic.finite_volume. Arrays of averages hold n + 2 values: a ghost cell at each end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256 };

/* Ghost cells by quadratic extrapolation. */
static double *filled(long n, double *u)
{
    u[0] = 3.0 * u[1] - 3.0 * u[2] + u[3];
    u[n + 1] = 3.0 * u[n] - 3.0 * u[n - 1] + u[n - 2];
    return u;
}

/* target = keep u0 + move (u - r (F_j - F_{j-1})), r = dt / dx, in blocks of cells */
static void stage(long n, const double *restrict u, const double *restrict u0,
                  double *restrict target, const double *restrict a, double eps,
                  double keep, double move, double r)
{
    double left[BLOCK + 2], right[BLOCK + 2], flux[BLOCK + 1];
    for (long start = 0; start < n; start += BLOCK) {
        long size = n - start < BLOCK ? n - start : BLOCK;
        long first = start > 0 ? 0 : 1, last = start + size < n ? size + 1 : size;
        const double *v = u + start; /* v[1..size]: the block */
        left[size + 1] = right[0] = 0.0;
        for (long j = first; j <= last; j++) {
            double dl = v[j] - v[j - 1], dr = v[j + 1] - v[j];
            double d1 = 0.5 * (dl + dr), d2 = dr - dl;
            double bl = dl * dl + eps, br = dr * dr + eps;
            double b0 = d1 * d1 + (13.0 / 3.0) * d2 * d2 + eps;
            double wl = br * b0, wr = bl * b0, w0 = bl * br;
            wl *= wl, wr *= wr, w0 *= 2.0 * w0; /* the weights over one denominator */
            double scale = 1.0 / (wl + wr + w0);
            double odd = 0.5 * scale * (wl * dl + wr * dr + w0 * d1);
            double even = v[j] + (1.0 / 6.0) * scale * w0 * d2;
            left[j] = even - odd > 0.0 ? even - odd : 0.0;
            right[j] = even + odd > 0.0 ? even + odd : 0.0;
        }
        for (long f = 0; f <= size; f++) {
            double speed = a[start + f], jump = left[f + 1] - right[f];
            flux[f] = 0.5 * (speed * (right[f] + left[f + 1]) - fabs(speed) * jump);
        }
        for (long j = 1; j <= size; j++)
            target[start + j] = keep * u0[start + j]
                                + move * (v[j] - r * (flux[j] - flux[j - 1]));
    }
}

/* a: velocity on n + 1 faces, constant in time, zero at the walls. Returns the number of steps. */
long transport(long n, double *density, const double *a, double dx, double end, double cfl,
               double eps)
{
    double *work = calloc((size_t)(3 * (n + 2)), sizeof *work);
    double *u = work, *one = u + n + 2, *two = one + n + 2;
    double fastest = 0.0;
    for (long f = 0; f <= n; f++) fastest = fmax(fastest, fabs(a[f]));
    long steps = (long)ceil(end * fastest / (cfl * dx) * (1.0 - 1e-12));
    double r = end / steps / dx;
    memcpy(u + 1, density, (size_t)n * sizeof *u);
    for (long k = 0; k < steps; k++) {
        stage(n, filled(n, u), u, one, a, eps, 0.0, 1.0, r);
        stage(n, filled(n, one), u, two, a, eps, 0.75, 0.25, r);
        stage(n, filled(n, two), u, one, a, eps, 1.0 / 3.0, 2.0 / 3.0, r);
        double *swap = u;
        u = one, one = swap;
    }
    memcpy(density, u + 1, (size_t)n * sizeof *u);
    free(work);
    return steps;
}
