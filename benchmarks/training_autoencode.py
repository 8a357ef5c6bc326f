"""A step of Adam for an AutoencODE that reproduces its inputs, with all samples.

Layer l adds h tanh(W_l x + b_l) to the first a_l components and sets the others to zero, h = 1 / L;
the widths a_l fall from d to the bottleneck and rise again. The cost is the mean of |output - x|^2
over all samples plus h LAM |theta|^2. Adam has its usual constants, and its rate falls linearly.
Dropping columns and padding with zeros is the same as setting components to zero.
"""

import floor
import numpy as np
import training_torch

LAM, RATE, WORK, FEWEST, MOST = 1e-3, 0.01, 2e9, 20, 500
DECAYS, GUARD = (0.9, 0.999), 1e-8


def steps(dimension, bottleneck, layers, samples):
    """Return how many steps are taken."""
    return int(np.clip(WORK / (layers * samples * dimension**2), FEWEST, MOST))


def rates(count):
    """Return the rate of each step."""
    return [RATE * (1.0 - k / count) for k in range(count)]


def widths(dimension, bottleneck, layers):
    """Return the widths a_l, a geometric progression to the middle and back."""
    part = np.linspace(0.0, 1.0, layers // 2)
    falling = np.ceil(dimension * (bottleneck / dimension) ** part - 1e-9).astype(int)
    return [*falling.tolist(), *falling[::-1].tolist()]


def work(dimension, bottleneck, layers, samples):
    """Return the floor's count for a step: three products a layer, its values written and read."""
    active = widths(dimension, bottleneck, layers)
    operations = sum(6 * a * a + 40 * a for a in active) * samples
    size = 8 * samples * sum(active)
    return floor.Work(operations, samples * sum(active), 2 * size, floor.level(size))


def problem(dimension, bottleneck, layers, samples):
    """Return weights and biases of the layers, and the inputs (M, d)."""
    rng = np.random.default_rng(0)
    active = widths(dimension, bottleneck, layers)
    weights = [rng.standard_normal((a, a)) / a for a in active]
    biases = [0.1 * rng.standard_normal(a) for a in active]
    mixing = rng.standard_normal((bottleneck, dimension)) / np.sqrt(dimension)
    return weights, biases, np.tanh(rng.standard_normal((samples, bottleneck)) @ mixing)


def with_kinetic(dimension, bottleneck, layers, samples):
    from kinetic import autoencode

    weights, biases, x = problem(dimension, bottleneck, layers, samples)
    model = autoencode.AutoencODE(dimension, bottleneck, layers)
    parts = [part.ravel() for pair in zip(weights, biases, strict=True) for part in pair]
    theta = np.concatenate(parts)
    count = steps(dimension, bottleneck, layers, samples)
    options = {"method": "adam", "iterations": count, "learning_rate": RATE}

    def call():
        result = autoencode.train(model, x, lam=LAM, theta=theta, **options)
        weights, biases = zip(*model.parameters(result.theta), strict=True)
        return [*weights, *biases]

    return call


def with_numpy(dimension, bottleneck, layers, samples):
    weights0, biases0, x0 = problem(dimension, bottleneck, layers, samples)
    count = steps(dimension, bottleneck, layers, samples)
    h = 1.0 / layers

    def gradients(weights, biases):
        x, before, values = x0, [], []
        for w, b in zip(weights, biases, strict=True):
            x = fitted(x, b.size)
            s = np.tanh(x @ w.T + b)
            before.append(x)
            values.append(s)
            x = x + h * s
        adjoint = 2.0 / samples * (x - x0)
        found = []
        for w, b, x, s in reversed([*zip(weights, biases, before, values, strict=True)]):
            adjoint = fitted(adjoint, b.size)
            part = h * adjoint * (1.0 - s * s)
            adjoint = adjoint + part @ w
            found.append((part.T @ x + 2.0 * h * LAM * w, part.sum(axis=0) + 2.0 * h * LAM * b))
        weights, biases = zip(*found[::-1], strict=True)
        return [*weights, *biases]

    def call():
        parameters = [p.copy() for p in (*weights0, *biases0)]
        means, squares = (
            [np.zeros_like(p) for p in parameters],
            [np.zeros_like(p) for p in parameters],
        )
        for k, rate in enumerate(rates(count), start=1):
            found = gradients(parameters[:layers], parameters[layers:])
            for p, g, mean, square in zip(parameters, found, means, squares, strict=True):
                mean += (1.0 - DECAYS[0]) * (g - mean)
                square += (1.0 - DECAYS[1]) * (g * g - square)
                size = np.sqrt(square / (1.0 - DECAYS[1] ** k)) + GUARD
                p -= rate / (1.0 - DECAYS[0] ** k) * mean / size
        return parameters

    return call


def fitted(x, width):
    """Drop columns, or pad with zeros."""
    if x.shape[1] >= width:
        return x[:, :width]
    return np.pad(x, ((0, 0), (0, width - x.shape[1])))


def in_torch(dimension, bottleneck, layers, samples):
    """Return torch, parameters (weights, then biases), inputs, and `fitted` for tensors."""
    weights, biases, x = problem(dimension, bottleneck, layers, samples)
    torch, (*parameters, x) = training_torch.tensors(*weights, *biases, x)

    def fit(x, width):
        if x.shape[1] >= width:
            return x[:, :width]
        return torch.nn.functional.pad(x, (0, width - x.shape[1]))

    return torch, parameters, x, fit


def by_hand(dimension, bottleneck, layers, samples):
    case = (dimension, bottleneck, layers, samples)
    torch, initial, x0, fit = in_torch(*case)
    h = 1.0 / layers

    def set_gradients(weights, biases):
        x, before, values = x0, [], []
        for w, b in zip(weights, biases, strict=True):
            x = fit(x, b.numel())
            s = torch.addmm(b, x, w.T).tanh_()
            before.append(x)
            values.append(s)
            x = torch.add(x, s, alpha=h)
        adjoint = (x - x0).mul_(2.0 / samples)
        for w, b, x, s in reversed([*zip(weights, biases, before, values, strict=True)]):
            adjoint = fit(adjoint, b.numel())
            part = (s * s).neg_().add_(1.0).mul_(adjoint).mul_(h)
            adjoint = torch.addmm(adjoint, part, w)
            w.grad = torch.addmm(w, part.T, x, beta=2.0 * h * LAM)
            b.grad = part.sum(dim=0).add_(b, alpha=2.0 * h * LAM)

    @torch.no_grad()
    def call():
        parameters = [p.clone() for p in initial]
        descent = adam(torch, parameters)
        for rate in rates(steps(*case)):
            set_gradients(parameters[:layers], parameters[layers:])
            descent.param_groups[0]["lr"] = rate
            descent.step()
        return parameters

    return call


def adam(torch, parameters):
    """Return torch's fastest form of Adam on a CPU."""
    return torch.optim.Adam(parameters, lr=RATE, betas=DECAYS, eps=GUARD, fused=True)


def autograd(compile_it):
    def make(dimension, bottleneck, layers, samples):
        case = (dimension, bottleneck, layers, samples)
        torch, initial, x0, fit = in_torch(*case)
        h = 1.0 / layers

        def cost(weights, biases):
            x = x0
            for w, b in zip(weights, biases, strict=True):
                x = fit(x, b.numel())
                x = x + h * torch.tanh(torch.addmm(b, x, w.T))
            square = sum(p.square().sum() for p in (*weights, *biases))
            return (x - x0).square().sum() / samples + h * LAM * square

        if compile_it:
            cost = training_torch.compiled(torch, cost)

        def call():
            parameters = [p.clone().requires_grad_() for p in initial]
            descent = adam(torch, parameters)
            for rate in rates(steps(*case)):
                descent.zero_grad()
                cost(parameters[:layers], parameters[layers:]).backward()
                descent.param_groups[0]["lr"] = rate
                descent.step()
            return [p.detach() for p in parameters]

        return call

    return make


CONTENDERS = {
    "kinetic": with_kinetic,
    "torch, by hand and Adam": by_hand,
    "torch, autograd and Adam": autograd(False),
    "torch.compile, autograd and Adam": autograd(True),
    "numpy": with_numpy,
}
