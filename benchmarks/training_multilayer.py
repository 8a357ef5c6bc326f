"""A step for three layers in the mean-field scaling, from one sample or the mean over a batch.

H1 = w1 x, H2 = w2 tanh(H1) / n1, g = w3 . tanh(H2) / n2, n1 = n2 = n; the loss is (g - y)^2 / 2.
Plain gradients times n1, n1 n2 and n2 and the step size 0.1 update w1, w2 and w3.
"""

import floor
import numpy as np
import training_torch

DIMENSION, RATE, POINTS, WORK, FEWEST, MOST = 8, 0.1, 64, 5e8, 20, 2000


def steps(width, batch):
    """Return how many steps are taken."""
    return int(np.clip(WORK / (width * width * batch), FEWEST, MOST)) // 10 * 10


def work(width, batch):
    """Return the floor's count for a step: three products with w2, read twice and written once."""
    operations = 6 * width * batch * (width + DIMENSION) + 70 * width * batch
    return floor.Work(operations, 2 * width * batch, 24 * width**2, floor.level(8 * width**2))


def problem(width):
    """Return w1 (n, d), w2 (n, n), w3 (n,), points of the data x (M, d) and y (M,)."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((POINTS, DIMENSION)) / np.sqrt(DIMENSION)
    w1, w2 = rng.standard_normal((width, DIMENSION)), 1.0 + rng.standard_normal((width, width))
    return w1, w2, 1.0 + rng.standard_normal(width), x, np.tanh(x.sum(axis=1))


def samples(width, batch):
    """Return the weights, and for each step its batch: x (k, batch, d) and y (k, batch)."""
    *weights, x, y = problem(width)
    order = np.random.default_rng(1).integers(POINTS, size=(steps(width, batch), batch))
    return *weights, x[order], y[order]


def with_kinetic(width, batch):
    from kinetic import multilayer

    w1, w2, w3, x, y = problem(width)
    net = multilayer.Network((w1, w2.T, w3))
    options = {"epsilon": RATE, "times": [RATE * steps(width, batch)], "batch": batch}

    def call():
        result = multilayer.train(net, x, y, **options, loss="squared", rng=1)
        w1, w2, w3 = result.networks[-1].weights
        return w1, w2.T, w3

    return call


def with_numpy(width, batch):
    *initial, x, y = samples(width, batch)

    def call():
        w1, w2, w3 = (w.copy() for w in initial)
        for sample, wanted in zip(x, y, strict=True):
            s1 = np.tanh(sample @ w1.T)
            s2 = np.tanh(s1 @ w2.T / width)
            error = s2 @ w3 / width - wanted
            d2 = error[:, None] * w3 * (1.0 - s2 * s2)
            d1 = d2 @ w2 / width * (1.0 - s1 * s1)
            w1 -= RATE / batch * d1.T @ sample
            w2 -= RATE / batch * d2.T @ s1
            w3 -= RATE / batch * error @ s2
        return w1, w2, w3

    return call


def by_hand(width, batch):
    torch, (*initial, x, y) = training_torch.tensors(*samples(width, batch))
    if batch == 1:
        return one_sample_by_hand(torch, initial, x[:, 0], y[:, 0])
    rate = RATE / batch
    s1, s2, d1, d2 = (torch.empty((batch, width), dtype=torch.float64) for _ in range(4))
    data = list(zip(x, y, strict=True))

    @torch.inference_mode()
    def call():
        w1, w2, w3 = (w.clone() for w in initial)
        for sample, wanted in data:
            torch.mm(sample, w1.T, out=s1)
            s1.tanh_()
            torch.mm(s1, w2.T, out=s2)
            s2.div_(width).tanh_()
            error = torch.mv(s2, w3).div_(width).sub_(wanted)
            torch.mul(s2, s2, out=d2)
            d2.neg_().add_(1.0).mul_(w3).mul_(error[:, None])
            torch.mm(d2, w2, out=d1)
            d1.div_(width).addcmul_(d1 * s1, s1, value=-1.0)
            w1.addmm_(d1.T, sample, alpha=-rate)
            w2.addmm_(d2.T, s1, alpha=-rate)
            w3.addmv_(s2.T, error, alpha=-rate)
        return w1, w2, w3

    return call


def one_sample_by_hand(torch, initial, x, y):
    width = initial[2].numel()
    s1, s2, d1, d2 = (torch.empty(width, dtype=torch.float64) for _ in range(4))
    data = list(zip(x, y.tolist(), strict=True))

    @torch.inference_mode()
    def call():
        w1, w2, w3 = (w.clone() for w in initial)
        for sample, wanted in data:
            torch.mv(w1, sample, out=s1)
            s1.tanh_()
            torch.mv(w2, s1, out=s2)
            s2.div_(width).tanh_()
            error = torch.dot(w3, s2).item() / width - wanted
            torch.mul(s2, s2, out=d2)
            d2.neg_().add_(1.0).mul_(w3)
            torch.mv(w2.T, d2, out=d1)
            d1.div_(width).addcmul_(d1 * s1, s1, value=-1.0)
            w1.addr_(d1, sample, alpha=-RATE * error)
            w2.addr_(d2, s1, alpha=-RATE * error)
            w3.add_(s2, alpha=-RATE * error)
        return w1, w2, w3

    return call


def autograd(width, batch):
    torch, (*initial, x, y) = training_torch.tensors(*samples(width, batch))
    data = list(zip(x, y, strict=True))

    def call():
        w1, w2, w3 = weights = [w.clone().requires_grad_() for w in initial]
        rates = [RATE * width, RATE * width * width, RATE * width]
        groups = [{"params": [w], "lr": rate} for w, rate in zip(weights, rates, strict=True)]
        descent = torch.optim.SGD(groups)
        for sample, wanted in data:
            descent.zero_grad()
            s2 = torch.tanh(torch.tanh(sample @ w1.T) @ w2.T / width)
            (0.5 * (s2 @ w3 / width - wanted).square().mean()).backward()
            descent.step()
        return [w.detach() for w in weights]

    return call


def compiled(at_once):
    def make(width, batch):
        torch, (*initial, x, y) = training_torch.tensors(*samples(width, batch))
        chunks = list(zip(x.split(at_once), y.split(at_once), strict=True))

        def some_steps(w1, w2, w3, x, y):
            for k in range(at_once):
                s1 = torch.tanh(x[k] @ w1.T)
                s2 = torch.tanh(s1 @ w2.T / width)
                error = (s2 @ w3 / width - y[k]) / batch
                d2 = error[:, None] * w3 * (1.0 - s2 * s2)
                d1 = d2 @ w2 / width * (1.0 - s1 * s1)
                w1.sub_(RATE * d1.T @ x[k])
                w2.sub_(RATE * d2.T @ s1)
                w3.sub_(RATE * error @ s2)

        take = training_torch.compiled(torch, some_steps)

        @torch.no_grad()
        def call():
            w1, w2, w3 = (w.clone() for w in initial)
            for chunk in chunks:
                take(w1, w2, w3, *chunk)
            return w1, w2, w3

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
