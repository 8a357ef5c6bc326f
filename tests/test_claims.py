"""Verdicts follow from numbers, and nothing else than the declared outcome gets through."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from kinetic.claims import MIME, Claim, at_least, at_most, close, compare, html, table

HOLDS, FAILS = close(-0.493, -0.5, 0.05), close(-0.4, -0.5, 0.05)


def claim(printed, **parts):
    return Claim("Theorem 1", "the distance falls like $M^{-1/2}$", printed, "Sec. 2.2", **parts)


def stored(*claims):
    """Return what a notebook file keeps of a table."""
    return json.loads(json.dumps(table(claims)._repr_mimebundle_()[MIME], allow_nan=False))


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        (close(1.0, 1.1, 0.2), True),
        (close(0.9, 1.0, 0.05), False),
        (close(3, 3, 0), True),
        (at_most(0.99, 1.0), True),
        (at_most(1.01, 1.0), False),
        (at_most(1.01, 1.0, 0.02), True),
        (at_least(2.8, 2.8), True),
        (at_least(2.79, 2.8), False),
        (at_least(math.inf, 1.0), True),
        (at_most(math.inf, 1.0), False),
        (close(math.inf, 1.0, 1.0), False),
        (close(np.float32(0.5), np.array(0.5), 0), True),
    ],
)
def test_checks(check, holds):
    assert check.holds is holds


def test_the_three_verdicts_follow_from_the_numbers():
    assert claim(HOLDS).verdict == "reproduced"
    corrected = claim(FAILS, corrected=HOLDS, correction="the sign")
    assert corrected.verdict == "reproduced with a correction"
    assert claim(FAILS, failure="no data").verdict == "not reproducible as printed"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (claim(FAILS), "fails as printed: computed -0.4, stated = -0.5 ± 0.05"),
        (claim(FAILS, corrected=FAILS, correction="the sign"), "fails as corrected"),
        (claim(HOLDS, corrected=HOLDS, correction="the sign"), "but it holds"),
        (claim(HOLDS, failure="no data"), "but it holds"),
    ],
)
def test_an_undeclared_outcome_raises_and_is_named(wrong, message):
    with pytest.raises(AssertionError, match="claim 'Theorem 1'") as caught:
        table([claim(HOLDS), wrong])
    assert message in str(caught.value)


def test_every_failing_claim_is_named():
    other = Claim("Fig. 3", "half reaches each wall", at_most(2.0, 1.0), "Sec. 4.2.1")
    with pytest.raises(AssertionError, match=r"(?s)'Theorem 1'.*'Fig\. 3'"):
        table([claim(FAILS), other])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: close(math.nan, 1.0, 0.1), ValueError, "got nan"),
        (lambda: at_most(np.float64("nan"), 1.0), ValueError, "got nan"),
        (lambda: close(1.0, math.inf, 0.1), ValueError, "stated must be a finite number"),
        (lambda: close(1.0, 1.0, -1.0), ValueError, "tolerance must be finite and not negative"),
        (lambda: close(1.0, 1.0, math.nan), ValueError, "tolerance"),
        (lambda: close(np.ones(3), 1.0, 0.1), TypeError, r"got an array of shape \(3,\)"),
        (lambda: close(np.True_, 1.0, 0.1), TypeError, "computed must be a number"),
        (lambda: close("1", 1.0, 0.1), TypeError, "computed must be a number; got '1'"),
        (lambda: close(None, 1.0, 0.1), TypeError, "computed must be a number; got None"),
        (lambda: claim(True), TypeError, "printed must come from close, at_most or at_least"),
        (lambda: claim(FAILS, corrected=HOLDS), ValueError, "belong together"),
        (lambda: claim(FAILS, correction="the sign"), ValueError, "belong together"),
        (
            lambda: claim(FAILS, corrected=HOLDS, correction="the sign", failure="no data"),
            ValueError,
            "not both",
        ),
        (lambda: Claim("", "falls", HOLDS, "Sec. 2"), ValueError, "name must be a text"),
        (lambda: table([]), TypeError, "at least one Claim"),
        (lambda: table([HOLDS]), TypeError, "at least one Claim"),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_stored_claims_have_all_fields():
    (record,) = stored(claim(close(math.inf, 1.0, 0.5), corrected=HOLDS, correction="the sign"))[
        "claims"
    ]
    assert record["verdict"] == "reproduced with a correction"
    assert record["printed"] == {
        "computed": "inf",
        "relation": "=",
        "stated": 1.0,
        "tolerance": 0.5,
        "deviation": "inf",
        "holds": False,
    }
    assert record["corrected"]["deviation"] == pytest.approx(0.007)


def test_the_table_escapes_and_marks_mathematics():
    text = html(stored(Claim("<b>", "1 < 2 and $x_1 < 2$", HOLDS, "(5)"))["claims"])
    assert "&lt;b&gt;" in text
    assert r"1 &lt; 2 and \(x_1 &lt; 2\)" in text


def test_stored_numbers_are_compared_with_tolerance_and_words_exactly():
    reference = stored(claim(HOLDS))
    assert compare(reference, stored(claim(close(-0.493 * (1 + 1e-9), -0.5, 0.05)))) == []
    (message,) = compare(reference, stored(claim(close(-0.493 * 1.01, -0.5, 0.05))))
    assert message.startswith("claim 0 'Theorem 1': printed computed is -0.497")
    assert compare(reference, stored(claim(close(-0.493 * 1.01, -0.5, 0.05))), rtol=0.02) == []
    failing = stored(claim(FAILS, failure="no data"))
    assert any("verdict is" in line for line in compare(reference, failing))
    assert compare(reference, stored(claim(HOLDS), claim(HOLDS))) == ["claims: 2 instead of 1"]


def test_claims_and_package_do_without_matplotlib():
    code = "import kinetic, kinetic.claims, sys; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
