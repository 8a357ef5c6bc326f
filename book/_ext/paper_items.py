"""The numbered items of the paper, and how a text names them.

A claim's name and source, and the citations in docstrings, name items as "(5)", "(10), (11)",
"(13)-(16)", "Theorem 1", "Propositions 2 and 3", "Fig. 8". `items` reads them.
"""

import re
from typing import NamedTuple


class Item(NamedTuple):
    """A numbered item: its section, the chapter that must claim it, and what it is."""

    section: str
    chapter: str
    content: str


ITEMS = {
    "(1)": Item("2", "simresnet", "layers of a residual network"),
    "(2)": Item("2.1", "simresnet", "the neural differential equation"),
    "(3)": Item("2.2", "mean_field_limit", "the mean-field equation"),
    "Definition 1": Item("2.2", "mean_field_limit", "1-Wasserstein distance"),
    "(4)": Item("2.2", "mean_field_limit", "1-Wasserstein distance, as an infimum over plans"),
    "Theorem 1": Item("2.2", "mean_field_limit", "stability estimate and mean-field limit"),
    "(5)": Item("2.2", "mean_field_limit", "conditions on the flux for a unique solution"),
    "Proposition 1": Item("2.2", "mean_field_limit", "steady states of the mean-field equation"),
    "(6)": Item("2.2", "mean_field_limit", "a sum of Dirac measures as steady state"),
    "(7)": Item("2.2", "mean_field_limit", "weak form of the steady equation"),
    "(8)": Item("2.3", "mean_field_limit", "the mean-field equation for $d = 1$"),
    "(9)": Item("2.3", "moments", "moments and variance"),
    "Definition 2": Item("2.3", "moments", "energy bound and decay, aggregation, clustering"),
    "(10)": Item("2.3.1", "moments", "equations of the moments for the identity"),
    "(11)": Item("2.3.1", "moments", "their solution"),
    "Proposition 2": Item("2.3.1", "moments", "energy and clustering for $b = 0$"),
    "(12)": Item("2.3.1", "moments", "the moments for $b = 0$"),
    "Corollary 1": Item("2.3.1", "moments", "aggregation for $b = 0$"),
    "Proposition 3": Item("2.3.1", "moments", "energy and clustering for a conserved mean"),
    "Corollary 2": Item("2.3.1", "moments", "times to reach a level of energy or variance"),
    "Remark 1": Item("2.3.1", "moments", "sigmoid and tanh, linearized"),
    "Remark 2": Item("2.3.1", "moments", "moments for ReLU"),
    "(13)": Item("2.3.1", "moments", "rate of the moments where ReLU is at rest"),
    "(14)": Item("2.3.1", "moments", "rate of the moments where ReLU moves"),
    "(15)": Item("2.3.1", "moments", "its boundary terms"),
    "(16)": Item("2.3.1", "moments", "rate of the moments for ReLU"),
    "(17)": Item("2.4", "retraining", "$L^2$ loss of the output"),
    "Algorithm 1": Item("2.4", "retraining", "forward update of weights and bias"),
    "(18)": Item("3", "boltzmann", "interaction rule without noise"),
    "(19)": Item("3", "boltzmann", "linear Boltzmann-type equation, weak form"),
    "Remark 3": Item("3", "boltzmann", "binary interactions for $d = 2$"),
    "(20)": Item("3.1", "boltzmann", "interaction rule with noise"),
    "(21)": Item("3.1", "fokker_planck", "the Fokker-Planck equation"),
    "(22)": Item("3.1.1", "fokker_planck", "its steady state"),
    "(23)": Item("4", "scheme", "the equation that the scheme solves"),
    "(24)": Item("4", "scheme", "the semi-discrete scheme"),
    "Fig. 1": Item("4.1", "moment_experiments", "moments over time"),
    "Fig. 2": Item("4.1", "moment_experiments", "times to reach levels"),
    "Table 1": Item("4.2.1", "classification", "lengths of vehicles and their class"),
    "Fig. 3": Item("4.2.1", "classification", "50 vehicles: histogram and paths"),
    "Fig. 4": Item("4.2.1", "classification", "their density over time"),
    "Fig. 5": Item("4.2.2", "regression", "measurements, slopes and intercepts"),
    "(25)": Item("4.2.2", "regression", "the mean-field equation for $d = 2$"),
    "Fig. 6": Item("4.2.2", "regression", "density of slopes and intercepts over time"),
    "Fig. 7": Item("4.3", "forward_training", "density of slopes over time"),
    "Fig. 8": Item("4.3", "forward_training", "steps of Algorithm 1 towards a new target"),
    "Fig. 9": Item("4.4", "fit_gaussian", "from a uniform to a normal law"),
}
"""In the order of the paper, by the name that `items` gives them."""

KINDS = {
    "Theorem": "Theorem",
    "Definition": "Definition",
    "Proposition": "Proposition",
    "Corollary": "Corollary",
    "Remark": "Remark",
    "Algorithm": "Algorithm",
    "Table": "Table",
    "Figure": "Fig.",
    "Fig.": "Fig.",
}
PLURALS = {
    **{f"{kind}s": name for kind, name in KINDS.items() if kind[-1] not in ".y"},
    "Corollaries": "Corollary",
    "Figs.": "Fig.",
}
DASH = r"\s*[-–]\s*"
NUMBERS = rf"\d+(?:(?:{DASH}|\s*,\s*|\s+and\s+)\d+)*"
ONE = re.compile(rf"\b({'|'.join(map(re.escape, KINDS))})\s*(\d+)")
MANY = re.compile(rf"\b({'|'.join(map(re.escape, PLURALS))})\s*({NUMBERS})")
RANGE = re.compile(rf"\((\d+)\)(?:{DASH}|\s+to\s+)\((\d+)\)")
EQUATIONS = re.compile(rf"\(({NUMBERS})\)")


def items(text):
    """List the items that a text names, in the order of the paper.

    Parameters
    ----------
    text : str
        Numbers in parentheses are equations; a singular takes one number ("Fig. 8"), a
        plural a list or a range ("Figs. 1, 2", "Propositions 2 and 3").

    Returns
    -------
    list of str
        Keys of `ITEMS`, each once.

    Raises
    ------
    ValueError
        If the paper has no such item.
    """
    found = {f"{KINDS[kind]} {number}" for kind, number in ONE.findall(text)}
    for kind, numbers in MANY.findall(text):
        found |= {f"{PLURALS[kind]} {number}" for number in _numbers(numbers)}
    for numbers in EQUATIONS.findall(RANGE.sub(r"(\1-\2)", text)):
        found |= {f"({number})" for number in _numbers(numbers)}
    if unknown := sorted(found - set(ITEMS)):
        raise ValueError(f"'{text}' names {', '.join(unknown)}, which the paper does not have")
    return [name for name in ITEMS if name in found]


def _numbers(text):
    """Read "1, 3-5 and 7" as a list of numbers."""
    for part in re.split(r"\s*,\s*|\s+and\s+", text):
        first, *last = map(int, re.split(DASH, part))
        yield from range(first, (last[0] if last else first) + 1)


def items_of_claim(record):
    """List the items that a stored claim names, in its name or its source."""
    return items(f"{record['name']}; {record['source']}")
