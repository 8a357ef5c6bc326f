"""A limit on the evaluations of an adaptive integrator, so that stiff equations end in an error."""


def limited(rate, most, refusal):
    """The right-hand side ``rate(t, state)``, which refuses to be called more than ``most`` times.

    ``refusal(t)`` is the message of the FloatingPointError.
    """
    calls = 0

    def counted(t, state):
        nonlocal calls
        calls += 1
        if calls > most:
            raise FloatingPointError(refusal(t))
        return rate(t, state)

    return counted
