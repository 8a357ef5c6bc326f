"""Runs the calls of `calls` where numba compiles nothing, for test_properties_execution.py.

Started with NUMBA_DISABLE_JIT=1; reads pickled pairs (name, seed) and answers with the results.
"""

import pickle
import sys
import warnings

import numba
from calls import CALLS


def main():
    """Answer until the input ends."""
    warnings.simplefilter("ignore")  # compiled code divides by zero without a word
    assert numba.config.DISABLE_JIT
    while True:
        try:
            name, seed = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(CALLS[name](seed), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
