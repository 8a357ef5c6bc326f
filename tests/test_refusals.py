"""Wrong values of the arguments of public functions are refused, and named."""

import zlib

import fuzzing.targets  # noqa: F401
import numpy as np
import pytest
from fuzzing import judge
from fuzzing.registry import TARGETS

AMBIGUOUS = {
    "activations.custom": {"lipschitz"},
    "adjoint.gradient": {"target"},
    "adjoint.loss": {"target"},
    "balance_law.solve": {"velocity", "source"},
    "boltzmann.law": {"g0"},
    "boltzmann.moments": {"net"},
    "control_density.Clusters": {"laws"},
    "losses.mollified": {"target"},
    "losses.target_law": {"target"},
    "mean_field.solve": {"net", "times", "order"},
    "moments.concentration": {"net"},
    "multilayer_network.train": {"rates"},
    "network.propagate": {"step"},
    "push_forward.PushForwardMany": {"g0"},
    "push_forward.exact": {"net", "g0"},
    "push_forward.push_forward": {"net"},
    "retraining.algorithm_1": {"g0", "target"},
    "retraining.retrain": {"target", "widths"},
    "stationary.steady_state": {"support"},
    "two_layer_limit.limit": {"activation", "rtol"},
    "two_layer_limit.quadrature": {"activation"},
    "two_layer_transport.transport": {"activation"},
    "two_layer_weak.weak_residual": {"activation"},
}
"""Arguments with values that are right beside some others, or only noticed through them."""

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


@pytest.mark.parametrize("name", sorted(set(TARGETS) - SLOW))
def test_wrong_values_are_refused_by_name(name):
    target = TARGETS[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    found = []
    for argument in sorted(set(target.kinds) - {"self"} - AMBIGUOUS.get(name, set())):
        for bad in target.kinds[argument].bads:
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
