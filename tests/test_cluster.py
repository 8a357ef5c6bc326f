"""Ensembles on processes and on a local cluster, with workers that are killed during the run."""

import os
import signal
from concurrent.futures import CancelledError, Executor, Future

import pytest
from ensemble_problems import Slow, begun, classification, gaussian

from kinetic import ensemble
from kinetic.datasets import lengths
from kinetic.summaries import Histogram, Moments, Quantiles

PARTICLES = 40_000
SUMMARIES = {"moments": Moments(), "bins": Histogram((4.0, 16.0), 50), "quantiles": Quantiles(100)}


def slow(folder):
    return ensemble.Problem(lengths, Slow(str(folder), 0.02), SUMMARIES, block=1000)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return ensemble.run(slow(tmp_path_factory.mktemp("alone")), PARTICLES)


class Killer:
    """Progress that kills one process after the first chunk."""

    def __init__(self, pid):
        self.pid, self.killed = pid, []

    def __call__(self, done, particles):
        if not self.killed:
            self.killed.append(self.pid())
            os.kill(self.killed[0], getattr(signal, "SIGKILL", signal.SIGTERM))


def test_processes_give_the_same(tmp_path, reference):
    found = ensemble.run(slow(tmp_path), PARTICLES, executor=ensemble.processes(2), chunk=3)
    assert (found.digest, found.losses) == (reference.digest, 0)
    assert begun(tmp_path) == 40


def test_a_pool_whose_worker_is_killed_is_replaced(tmp_path, reference):
    pools, make = [], ensemble.processes(2)

    def recorded():
        pools.append(make())
        return pools[-1]

    killer = Killer(lambda: next(iter(pools[0]._processes)))
    found = ensemble.run(
        slow(tmp_path), PARTICLES, executor=recorded, chunk=2, progress=killer,
        checkpoint=tmp_path.parent / f"{tmp_path.name}-checkpoint",
    )  # fmt: skip
    assert len(killer.killed) == 1
    assert (len(pools), found.losses) == (2, 1)
    assert begun(tmp_path) > 40  # some were lost and done again
    assert found.digest == reference.digest


def test_a_given_pool_that_breaks_says_how_to_go_on(tmp_path, reference):
    folder = tmp_path / "checkpoint"
    (tmp_path / "marks").mkdir()
    problem = slow(tmp_path / "marks")
    pool = ensemble.processes(2)()
    killer = Killer(lambda: next(iter(pool._processes)))
    options = {"chunk": 2, "checkpoint": folder}
    with pool, pytest.raises(RuntimeError, match=r"cannot be used any more.*same checkpoint"):
        ensemble.run(problem, PARTICLES, executor=pool, progress=killer, **options)
    found = ensemble.run(problem, PARTICLES, **options)
    assert 2000 <= found.restored < PARTICLES
    assert found.digest == reference.digest


class Losing(Executor):
    """Loses what `loses(task)` says, as a cluster does, or breaks, as a pool does."""

    def __init__(self, loses, error=CancelledError):
        self.loses, self.error = loses, error

    def submit(self, function, /, *args):
        future = Future()
        if self.loses(args[-1]):
            future.set_exception(self.error("a worker died"))
        else:
            future.set_result(function(*args))
        return future


def test_a_chunk_that_is_lost_again_and_again_ends_the_run():
    asked = []

    def loses(task):
        asked.append(task)
        return task == (3, 4)

    with pytest.raises(
        RuntimeError, match=r"1 chunks .* lost .*\(CancelledError: a worker.*3 times"
    ):
        ensemble.run(classification(), 10_000, executor=Losing(loses), chunk=1)
    assert asked[:10] == [(i, i + 1) for i in range(10)]
    assert asked[10:] == [(3, 4)] * 3


def test_losses_with_progress_in_between_do_not_end_the_run():
    counts = {}

    def loses(task):
        """Each round finishes one chunk of the 20."""
        counts[task] = counts.get(task, 0) + 1
        return counts[task] <= task[0]

    found = ensemble.run(classification(), 20_000, executor=Losing(loses), chunk=1)
    assert found.losses == 19
    assert found.digest == ensemble.run(classification(), 20_000).digest


def test_what_cannot_travel_ends_the_run():
    problem = ensemble.Problem(lengths, lambda x: x, block=1000)
    with pytest.raises(RuntimeError, match=r"(?i)pickle.*3 times; workers must be able to import"):
        ensemble.run(problem, 2000, executor=ensemble.processes(1))


@pytest.fixture(scope="module")
def client():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=":0",
            silence_logs=50,
        ) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        yield client


def test_a_cluster_completes_a_run_of_which_a_worker_is_killed(tmp_path, reference, client):
    workers = client.run(os.getpid)
    assert len(set(workers.values())) == 3
    killer = Killer(lambda: next(iter(workers.values())))
    found = ensemble.run(
        slow(tmp_path), PARTICLES, executor=client.get_executor(), chunk=2, progress=killer
    )
    assert killer.killed[0] not in client.run(os.getpid).values()
    assert begun(tmp_path) > 40  # what the killed worker had begun was done again
    assert found.digest == reference.digest
    assert found["moments"].mean == reference["moments"].mean
    assert (found["bins"].counts == reference["bins"].counts).all()
    assert found["bins"].counts.sum() == PARTICLES


def test_a_cluster_takes_functions_by_value(client):
    problem = ensemble.Problem(lambda count, rng: rng.exponential(2.0, count), block=500)
    found = ensemble.run(problem, 10_000, executor=client.get_executor())
    assert found.digest == ensemble.run(problem, 10_000).digest
    assert abs(found["moments"].mean - 2.0) < 4.0 * found["moments"].mean_error


def test_the_cluster_serves_the_classification_problem(client):
    problem = classification()
    found = ensemble.run(problem, PARTICLES, executor=client.get_executor(), chunk=5)
    assert found.digest == ensemble.run(problem, PARTICLES).digest


def test_an_error_on_the_cluster_arrives_with_its_blocks(client):
    problem = ensemble.Problem(gaussian, lambda x: x[: 100 if x.max() < 3.5 else 99], block=100)
    with pytest.raises(ValueError, match=r"output must return 100 .*\(99,\)") as raised:
        ensemble.run(problem, 100_000, executor=client.get_executor(), chunk=50)
    assert "in the blocks" in raised.value.__notes__[0]
