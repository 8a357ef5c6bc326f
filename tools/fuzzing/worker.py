"""The child process: judges the cases that it reads, within limits of time and memory.

A call that exceeds its time ends the process, after the stack of every thread was written to the
standard error; so does a crash of compiled code.
"""

import faulthandler
import importlib
import json
import signal
import sys
import time

try:
    import resource
except ImportError:  # Windows has neither limits nor timers of processor time
    resource = None

from fuzzing import registry
from fuzzing.judge import draw, judge

WALL_SECONDS = 120
MEMORY = 4 << 30
"""Bytes of address space besides what the process has when it starts."""


def limit_memory():
    """Let a call that asks for far too much fail as it does on a small machine."""
    if resource is None or not sys.platform.startswith("linux"):
        return
    with open("/proc/self/statm") as sizes:
        present = int(sizes.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (present + MEMORY, resource.RLIM_INFINITY))


def arm(seconds):
    """Start the clocks of a call; 0 stops them."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)
    if seconds:
        faulthandler.dump_traceback_later(WALL_SECONDS, exit=True)
    else:
        faulthandler.cancel_dump_traceback_later()


def main(seconds, *modules):
    """Judge cases, one a line: name and seed; answer with a line of JSON each."""
    for module in modules:
        importlib.import_module(module)
    faulthandler.enable()
    if hasattr(signal, "SIGPROF"):
        faulthandler.register(signal.SIGPROF, chain=True)
    limit_memory()
    for line in sys.stdin:
        name, seed = line.split()
        arm(float(seconds))
        started = time.process_time()
        case = draw(registry.TARGETS[name], int(seed))
        verdict, detail = judge(case)
        arm(0)
        spent = time.process_time() - started
        print(json.dumps([verdict, detail, case.mode, spent]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
