"""Steps of training in the three neighbouring theories, in double precision.

With two threads every second case is run.
"""

import sys

import floor
import numpy as np
import runner
import training_autoencode
import training_multilayer
import training_two_layer

PROBLEMS = {
    "two layers": training_two_layer,
    "three layers": training_multilayer,
    "AutoencODE": training_autoencode,
}
CASES = {
    "two layers": [
        {"width": n, "dimension": d} for d in (1, 64) for n in (100, 1_000, 10_000, 100_000)
    ],
    "three layers": [{"width": n, "batch": m} for m in (1, 64) for n in (64, 256, 1024, 2048)],
    "AutoencODE": [
        {"dimension": 64, "bottleneck": 10, "layers": 20, "samples": 300},
        {"dimension": 64, "bottleneck": 10, "layers": 20, "samples": 1797},
        {"dimension": 2, "bottleneck": 1, "layers": 20, "samples": 500},
    ],
}
SHOWN = 5_000
"""Parameters of which the results of all contenders are compared."""


def contender(name):
    def make(problem, **case):
        def describe(parameters):
            values = np.concatenate([np.ravel(part) for part in parameters])
            return {"values": values[:: -(-values.size // SHOWN)].tolist()}

        call = PROBLEMS[problem].CONTENDERS[name](**case)
        call()  # compiles
        return call, describe

    return make


NAMES = {name: None for module in PROBLEMS.values() for name in module.CONTENDERS}
CONTENDERS = {name: contender(name) for name in NAMES}


def tabulated(problem, case, answers, threads, peak):
    """Return a table of the answers, which get the time and the deviation that it shows."""
    steps = PROBLEMS[problem].steps(**case)
    done = {name: answer for name, answer in answers.items() if "seconds" in answer}
    values = {name: np.array(answer.pop("values")) for name, answer in done.items()}
    rows = []
    for name, answer in done.items():
        answer["us_per_step"] = 1e6 * answer["seconds"] / steps
        deviation = np.abs(values[name] - values["numpy"]).max() / np.abs(values["numpy"]).max()
        answer["difference"] = float(deviation)
        ratio = answer["seconds"] / done["kinetic"]["seconds"]
        rows.append([name, f"{answer['us_per_step']:.3g}", f"{ratio:.2f}", f"{deviation:.0e}"])
    header = ["contender", "us a step", "times kinetic", "differs from numpy by"]
    sizes = ", ".join(f"{key} {value:,}" for key, value in case.items())
    title = f"{problem}: {sizes}; {steps} steps, threads: {threads}"
    least = floor.statement(PROBLEMS[problem].work(**case), peak, "step", threads)
    return f"{title}\n\n{runner.table(header, rows)}\n\n{least}"


def main(quick=False):
    about = runner.machine()
    peak = floor.peaks()
    results, tables = [], []
    for threads in (1, 2):
        for problem, cases in CASES.items():
            names = list(PROBLEMS[problem].CONTENDERS)
            chosen = cases[::3] if quick else cases[threads - 1 :: threads]
            asked = [{"problem": problem, **case} for case in chosen]
            for answered, answers in runner.compare(
                "training.py", names, asked, threads=threads, rounds=2 if quick else 5
            ):
                case = {key: value for key, value in answered.items() if key != "problem"}
                tables.append(tabulated(problem, case, answers, threads, peak))
                print(tables[-1] + "\n", flush=True)
                results.append(
                    {"theory": problem, **case, "threads": threads, "contenders": answers}
                )
    runner.publish("training", about, tables, results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        runner.serve(CONTENDERS, sys.argv[2])
    else:
        main(quick="--quick" in sys.argv)
