"""The 1-Wasserstein distance of two samples: a million numbers, and points in the plane."""

import math
import os
import sys

import floor
import numpy as np
import runner

MILLION = 1_000_000
ON_THE_LINE = ((MILLION, MILLION), (MILLION, 700_000))
IN_THE_PLANE = ((1000, 1000), (2000, 2000), (2000, 1500))
LARGE = (100_000, MILLION)
SHIFT = np.array([0.3, 0.4])
CLUSTERS, FEW_CLUSTERS = 1024, 256
REGULARIZATION = 0.05

os.environ.update({f"POT_BACKEND_DISABLE_{name}": "1" for name in ("PYTORCH", "JAX", "CUPY")})


def numbers(sizes):
    rng = np.random.default_rng(0)
    return rng.standard_normal(sizes[0]), 1.1 * rng.standard_normal(sizes[1]) + 0.1


def points(sizes):
    rng = np.random.default_rng(1)
    return rng.standard_normal((sizes[0], 2)), rng.standard_normal((sizes[1], 2)) * [1.3, 0.7] + 0.1


def shifted(size):
    """Return points and the same ones, shifted and in another order: the distance is |SHIFT|."""
    rng = np.random.default_rng(2)
    a = rng.standard_normal((size, 2))
    return a, rng.permutation(a) + SHIFT


def distance(value):
    return {"distance": float(value)}


def shares(sample):
    return np.full(len(sample), 1.0 / len(sample))


def on_the_line(name):
    def make(sizes):
        a, b = numbers(sizes)
        if name == "scipy":
            from scipy import stats

            return lambda: stats.wasserstein_distance(a, b), distance
        if name == "numpy":
            return lambda: np.abs(np.sort(a) - np.sort(b)).mean(), distance
        if name == "kinetic":
            from kinetic import distances

            return lambda: distances.wasserstein(a, b), distance
        import ot

        if name == "POT wasserstein_1d":
            return lambda: ot.wasserstein_1d(a, b), distance
        return lambda: ot.emd2_1d(a, b, metric="euclidean"), distance

    return make


def in_the_plane(name):
    def make(sizes):
        a, b = points(sizes)
        if name == "scipy assignment":
            from scipy.optimize import linear_sum_assignment
            from scipy.spatial.distance import cdist

            def call():
                costs = cdist(a, b)
                return costs[linear_sum_assignment(costs)].mean()

            return call, distance
        if name.startswith("kinetic"):
            from kinetic import distances

            if name == "kinetic wasserstein":
                return lambda: distances.wasserstein(a, b), distance
            return lambda: distances.estimate(a, b, clusters=FEW_CLUSTERS), estimated
        import ot

        if name == "POT emd2":
            return lambda: ot.emd2(
                shares(a), shares(b), ot.dist(a, b, metric="euclidean"), numItermax=10**8
            ), distance

        def sinkhorn():
            costs = ot.dist(a, b, metric="euclidean")
            plan = ot.sinkhorn(shares(a), shares(b), costs, REGULARIZATION, numItermax=10_000)
            return (plan * costs).sum()

        return sinkhorn, distance

    return make


def estimated(value):
    return {"distance": float(value.distance), "bound": float(value.error)}


def of_many(name):
    def make(size):
        a, b = shifted(size)
        if name.startswith("kinetic"):
            from kinetic import distances

            return lambda: distances.estimate(a, b, clusters=CLUSTERS), estimated
        import ot

        rng = np.random.default_rng(3)

        def call():
            some = [rng.choice(sample, CLUSTERS, replace=False) for sample in (a, b)]
            costs = ot.dist(*some, metric="euclidean")
            return ot.emd2(shares(some[0]), shares(some[1]), costs, numItermax=10**8)

        return call, distance

    return make


LINE = ("kinetic", "scipy", "POT wasserstein_1d", "POT emd2_1d", "numpy")
PLANE = (
    "kinetic wasserstein", "POT emd2", "scipy assignment", "kinetic estimate", "POT sinkhorn"
)  # fmt: skip
MANY = ("kinetic estimate of many", f"POT emd2 of {CLUSTERS:,} drawn points")
CONTENDERS = {
    **{name: on_the_line(name) for name in LINE},
    **{name: in_the_plane(name) for name in PLANE},
    **{name: of_many(name) for name in MANY},
}


def line_work(sizes):
    """Sorting by comparisons cannot do with less than log2(M!) of them; each number is moved."""
    comparisons = sum(n * math.log2(n) - n / math.log(2.0) for n in sizes)
    return floor.Work(comparisons + 3 * max(sizes), 0.0, 16.0 * sum(sizes), "middle")


def main(quick=False):
    about = runner.machine()
    peak = floor.peaks()
    results, tables = [], []

    def compare(names, cases, title_of, reference, work=None):
        for case, answers in runner.compare(
            "wasserstein.py", list(names), cases, rounds=2 if quick else 5
        ):
            done = {name: a for name, a in answers.items() if "seconds" in a}
            own = done[names[0]]["seconds"]
            exact = reference(done)
            rows = []
            for name, answer in done.items():
                answer["error"] = abs(answer["distance"] - exact)
                bound = f"{answer['bound']:.1e}" if "bound" in answer else ""
                ratio, ms = answer["seconds"] / own, 1e3 * answer["seconds"]
                rows.append([name, f"{ms:.3g}", f"{ratio:.2f}", f"{answer['error']:.0e}", bound])
            header = ["contender", "ms", "times kinetic", "error", "bound of it"]
            text = f"{title_of(case)}\n\n{runner.table(header, rows)}"
            if work:
                text += f"\n\n{floor.statement(work(case['sizes']), peak, 'distance')}"
            tables.append(text)
            print(text + "\n", flush=True)
            results.append({**case, "threads": 1, "contenders": answers})

    def line_title(case):
        return "On the line, {:,} and {:,} numbers, one thread".format(*case["sizes"])

    def plane_title(case):
        return "In the plane, {:,} and {:,} points, one thread".format(*case["sizes"])

    def many_title(case):
        return f"In the plane, {case['size']:,} points and the same shifted by 1/2, one thread"

    for sizes in ON_THE_LINE:
        names = [n for n in LINE if n != "numpy" or sizes[0] == sizes[1]]
        compare(names, [{"sizes": sizes}], line_title, lambda a: a["scipy"]["distance"], line_work)
    for sizes in IN_THE_PLANE[: 1 if quick else 3]:
        names = [n for n in PLANE if n != "scipy assignment" or sizes[0] == sizes[1]]
        compare(names, [{"sizes": sizes}], plane_title, lambda a: a["POT emd2"]["distance"])
    cases = [{"size": size} for size in LARGE]
    compare(MANY, cases, many_title, lambda a: float(np.hypot(*SHIFT)))
    runner.publish("wasserstein", about, tables, results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        runner.serve(CONTENDERS, sys.argv[2])
    else:
        main(quick="--quick" in sys.argv)
