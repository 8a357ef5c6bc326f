"""Blocks of particles, and states merged in an order that no schedule changes.

Block i holds the particles i B, ..., (i + 1) B - 1 and has a random stream of its own. States are
merged along the binary tree whose node (level, j) holds the blocks j 2^level, ...,
(j + 1) 2^level - 1: whoever computes which blocks, in any order, the same sums are formed.
Nodes that the last block cuts off are merged in the end, from the right to the left.
"""

import numpy as np

from kinetic import _parallel, _validate


def measure(problem, particles, first, last):
    """Nodes {(level, j): states} that the blocks first, ..., last - 1 fill exactly."""
    nodes = {}
    with _parallel.one_thread():
        for block in range(first, last):
            add(nodes, (0, block), _states(problem, particles, block), problem.summaries)
    return nodes


def add(nodes, node, states, summaries):
    """Put a node among others, merged with its sibling as long as that is there."""
    level, j = node
    while (sibling := (level, j ^ 1)) in nodes:
        pair = (nodes.pop(sibling), states) if j & 1 else (states, nodes.pop(sibling))
        states = _merged(*pair, summaries)
        level, j = level + 1, j >> 1
    nodes[level, j] = states


def total(nodes, summaries):
    """The states of all blocks, from the nodes of a whole run."""
    ordered = [nodes[node] for node in sorted(nodes, key=start)]
    states = ordered.pop()
    while ordered:
        states = _merged(ordered.pop(), states, summaries)
    return states


def start(node):
    """First block of a node."""
    level, j = node
    return j << level


def end(node):
    """Block behind the last one of a node."""
    level, j = node
    return (j + 1) << level


def without_overlap(nodes):
    """Those of the nodes that hold no block of a larger one."""
    kept, position = {}, 0
    for node in sorted(nodes, key=lambda node: (start(node), -node[0])):
        if start(node) >= position:
            kept[node], position = nodes[node], end(node)
    return kept


def tasks(nodes, blocks, chunk):
    """Ranges (first, last) of at most ``chunk`` blocks that hold what the nodes do not."""
    found, position = [], 0
    for node in [*sorted(nodes, key=start), (0, blocks)]:
        for first in range(position, start(node), chunk):
            found.append((first, min(first + chunk, start(node))))
        position = end(node)
    return found


def _merged(a, b, summaries):
    return [s.merge(x, y) for s, x, y in zip(summaries.values(), a, b, strict=True)]


def _states(problem, particles, block):
    count = min(problem.block, particles - block * problem.block)
    seeds = np.random.SeedSequence(problem.seed, spawn_key=(block,))
    rng = np.random.default_rng(seeds)
    if hasattr(problem.initial, "rvs"):
        x = problem.initial.rvs(size=count, random_state=rng)
    else:
        x = problem.initial(count, rng)
    x = _particles("initial", x, count, block)
    if problem.output is not None:
        x = _particles("output", problem.output(x), count, block)
    return [_state(name, summary.measure(x)) for name, summary in problem.summaries.items()]


def _particles(name, x, count, block):
    x = _validate.array(f"what {name} returns for block {block}", x)
    if x.ndim not in (1, 2) or len(x) != count:
        raise ValueError(
            f"{name} must return {count} particles, of shape ({count},) or ({count}, d); "
            f"got shape {x.shape}"
        )
    return x


def _state(name, state):
    if not isinstance(state, np.ndarray) or state.dtype.hasobject:
        raise TypeError(f"summary {name!r} must measure one array of numbers; got {state!r:.80}")
    return state
