"""Wrong values of the arguments of public functions are refused, and named."""

import zlib

import fuzzing.targets  # noqa: F401
import numpy as np
import pytest
from fuzzing import judge
from fuzzing.registry import TARGETS

FIT_SOME_ARGUMENTS = {
    "activations.custom", "adjoint.gradient", "adjoint.loss", "balance_law.solve",
    "boltzmann.law", "boltzmann.moments", "control_density.Clusters", "losses.mollified",
    "losses.target_law", "mean_field.solve", "moments.concentration", "multilayer_network.train",
    "network.propagate", "push_forward.PushForwardMany", "push_forward.exact",
    "push_forward.push_forward", "retraining.algorithm_1", "retraining.retrain",
    "stationary.steady_state", "two_layer_limit.limit", "two_layer_limit.quadrature",
    "two_layer_transport.transport", "two_layer_weak.weak_residual",
}  # fmt: skip
"""Targets with values that are wrong beside most arguments and right beside some."""

SLOW = {
    "network.end_map", "mean_field_2d.Solution2D.distance_to", "mean_field.Solution.law",
    "two_layer.train_many", "summaries.Moments.estimate", "summaries.Histogram.estimate",
    "neuronal_limit.Limit.weights", "closures.relu_rates",
}  # fmt: skip
"""Targets of which the full run of the fuzzer has to suffice."""


def good_arguments(target, rng):
    arguments = {}
    for name, kind in target.kinds.items():
        arguments[name] = kind.good(rng, arguments)
    return target.prepare(rng, arguments) if target.prepare else arguments


@pytest.mark.parametrize("name", sorted(set(TARGETS) - FIT_SOME_ARGUMENTS - SLOW))
def test_wrong_values_are_refused_by_name(name):
    target = TARGETS[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    found = []
    for argument, kind in target.kinds.items():
        for bad in kind.bads if argument != "self" else ():
            arguments, changes = good_arguments(target, rng), []
            if not judge._change(rng, (bad,), arguments, argument, changes):
                continue
            for other in target.optional - {argument}:
                arguments.pop(other, None)
            case = judge.Case(target, 0, "bad", arguments, (argument,), tuple(changes))
            verdict, detail = judge.judge(case)
            if verdict != "refused":
                found.append(f"{case}: {verdict}, {detail}")
    assert not found, "\n".join(found)
