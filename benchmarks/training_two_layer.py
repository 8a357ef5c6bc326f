"""A step of online descent for g(x) = sum_i c_i tanh(w_i . x) / N, one sample a step.

With the rate alpha = 1: c_i += (y - g) tanh(w_i . x) / N, w_i += (y - g) c_i tanh'(w_i . x) x / N,
both with the c_i of before. A loss (y - g)^2 / 2 and torch's SGD with learning rate 1 is the same.
"""

import floor
import numpy as np
import training_torch

POINTS, WORK, FEWEST, MOST = 4, 5e6, 200, 5000


def steps(width, dimension):
    """Return how many steps are taken."""
    return int(np.clip(WORK / (width * dimension), FEWEST, MOST)) // 10 * 10


def work(width, dimension):
    """Return the floor's count for a step: w twice read and once written, tanh 30 operations."""
    size = 24 * width * (dimension + 1)
    return floor.Work(width * (4 * dimension + 37), width, size, floor.level(size / 3))


def problem(width, dimension):
    """Return c (N,), w (N, d), points of the data x (M, d) and y (M,)."""
    rng = np.random.default_rng(0)
    c, w = rng.standard_normal(width), rng.standard_normal((width, dimension))
    x = rng.standard_normal((POINTS, dimension)) / np.sqrt(dimension)
    return c, w, x, np.tanh(x.sum(axis=1))


def samples(width, dimension):
    """Return c, w, and for each step its sample: x (k, d) and y (k,)."""
    c, w, x, y = problem(width, dimension)
    order = (POINTS * np.random.default_rng(1).random(steps(width, dimension))).astype(int)
    return c, w, x[order], y[order]


def with_kinetic(width, dimension):
    from kinetic import two_layer

    c0, w0, x, y = problem(width, dimension)
    end = steps(width, dimension) / width

    def call():
        result = two_layer.train(x, y, c0, w0, alpha=1.0, times=[end], rng=1)
        return result.c[-1], result.w[-1]

    return call


def with_numpy(width, dimension):
    c0, w0, x, y = samples(width, dimension)

    def call():
        c, w = c0.copy(), w0.copy()
        for sample, wanted in zip(x, y, strict=True):
            s = np.tanh(w @ sample)
            factor = (wanted - c @ s / width) / width
            w += np.outer(factor * c * (1.0 - s * s), sample)
            c += factor * s
        return c, w

    return call


def by_hand(width, dimension):
    torch, (c0, w0, x, y) = training_torch.tensors(*samples(width, dimension))
    s, slope = torch.empty_like(c0), torch.empty_like(c0)
    data = list(zip(x, y.tolist(), strict=True))

    @torch.inference_mode()
    def call():
        c, w = c0.clone(), w0.clone()
        for sample, wanted in data:
            torch.mv(w, sample, out=s)
            s.tanh_()
            factor = (wanted - torch.dot(c, s).item() / width) / width
            torch.mul(s, s, out=slope)
            slope.neg_().add_(1.0).mul_(c)
            w.addr_(slope, sample, alpha=factor)
            c.add_(s, alpha=factor)
        return c, w

    return call


def autograd(width, dimension):
    torch, (c0, w0, x, y) = training_torch.tensors(*samples(width, dimension))
    data = list(zip(x, y, strict=True))

    def call():
        c, w = c0.clone().requires_grad_(), w0.clone().requires_grad_()
        descent = torch.optim.SGD([c, w], lr=1.0)
        for sample, wanted in data:
            descent.zero_grad()
            g = torch.dot(c, torch.tanh(w @ sample)) / width
            (0.5 * (wanted - g) ** 2).backward()
            descent.step()
        return c.detach(), w.detach()

    return call


def compiled(at_once):
    def make(width, dimension):
        torch, (c0, w0, x, y) = training_torch.tensors(*samples(width, dimension))
        chunks = list(zip(x.split(at_once), y.split(at_once), strict=True))

        def some_steps(c, w, x, y):
            for k in range(at_once):
                s = torch.tanh((w * x[k]).sum(dim=1))
                factor = (y[k] - torch.dot(c, s) / width) / width
                w.add_(torch.outer(factor * c * (1.0 - s * s), x[k]))
                c.add_(factor * s)

        take = training_torch.compiled(torch, some_steps)

        @torch.no_grad()
        def call():
            c, w = c0.clone(), w0.clone()
            for chunk in chunks:
                take(c, w, *chunk)
            return c, w

        return call

    return make


CONTENDERS = {
    "kinetic": with_kinetic,
    "torch, by hand": by_hand,
    "torch, autograd and SGD": autograd,
    "torch.compile": compiled(1),
    "torch.compile, ten steps a call": compiled(10),
    "numpy": with_numpy,
}
