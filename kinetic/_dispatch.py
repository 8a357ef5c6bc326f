"""Tasks through an executor, again where a worker was lost."""

import pickle
from concurrent.futures import BrokenExecutor, Executor, as_completed
from contextlib import closing

ROUNDS_WITHOUT_PROGRESS = 3


class Lost(RuntimeError):
    """Tasks that no worker returned."""


def completed(work, tasks, executor):
    """Yield (task, work(*task), losses so far) as tasks finish, in any order.

    ``executor`` is None for this thread, an `Executor`, or a function that makes one: then
    another one is made when it breaks. What ``work`` raises is raised here; a task whose worker
    vanished is submitted again, until three rounds in a row finish nothing.
    """
    if executor is None:
        for task in tasks:
            yield task, _value(*_guarded(work, task)), 0
        return
    losses, idle, left = 0, 0, dict.fromkeys(tasks)
    while left:
        before, lost = len(left), None
        with closing(_round(work, list(left), executor)) as outcomes:
            for task, outcome in outcomes:
                if isinstance(outcome, Exception):
                    lost = outcome
                    continue
                del left[task]
                yield task, _value(*outcome), losses
        if lost is None:
            continue
        losses += 1
        idle = 0 if len(left) < before else idle + 1
        broken = isinstance(executor, Executor) and isinstance(lost, BrokenExecutor)
        if broken or idle == ROUNDS_WITHOUT_PROGRESS:
            raise Lost(_advice(len(left), broken, lost)) from lost


def _round(work, tasks, executor):
    """Yield each task once, with its outcome or with the exception that lost it."""
    pool = executor if isinstance(executor, Executor) else executor()
    if not isinstance(pool, Executor):
        raise TypeError(f"executor must make a concurrent.futures.Executor; got {pool!r:.80}")
    futures = {}
    try:
        try:
            for task in tasks:
                futures[pool.submit(_guarded, work, task)] = task
        except BrokenExecutor as error:  # a worker died while tasks were still being submitted
            yield tasks[len(futures)], error
        for future in as_completed(list(futures)):
            task = futures.pop(future)
            try:
                outcome = future.result()
            except Exception as error:
                outcome = error
            yield task, outcome
    finally:
        for future in futures:
            future.cancel()
        if pool is not executor:
            pool.shutdown(wait=True)


def _guarded(work, task):
    """Whether the work was done, and its result or what it raised, in a form that travels."""
    try:
        return True, work(*task)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            error = RuntimeError(f"{type(error).__name__}: {error}")
        error.add_note(f"in the blocks {task[0]} to {task[1] - 1}")
        return False, error


def _value(done, result):
    if not done:
        raise result
    return result


def _advice(count, broken, error):
    cause = (
        f"{count} chunks of blocks were lost with their workers ({type(error).__name__}: {error})"
    )
    if broken:
        return (
            f"{cause}; the executor cannot be used any more: pass a function that makes executors "
            "to have it replaced, or run again with the same checkpoint to continue"
        )
    return (
        f"{cause} {ROUNDS_WITHOUT_PROGRESS} times; workers must be able to import the problem's "
        'functions (a script starts its work under if __name__ == "__main__":) and to hold a block '
        "in memory"
    )
