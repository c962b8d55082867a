"""Which terms the transformer names how often, as a prior of the hybrid over the terms of its library."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import sympy

from ..hybrid.library import INNER, Prior, Term
from ..judging.structure import one_fraction
from ..system import System


def term_prior(laws: Sequence[System]) -> Prior | None:
    """A term that k of the laws have in a component costs log(1 + k) nats less there, down to nothing; None of no laws.

    Terms are compared after expansion and without their numbers. A law counts a term once. Terms that no law names
    cost what they did: the transformer adds credit and takes none, so that what it does not know is found as before.
    """
    if not laws:
        return None
    named = [Counter[str]() for _ in laws[0].equations]
    for law in laws:
        for count, one in zip(named, law.equations, strict=True):
            parts = sympy.Add.make_args(sympy.expand(one))
            count.update({kind for part in parts if (kind := _kind(part))})
    credit = [{kind: float(np.log1p(k)) for kind, k in count.items()} for count in named]

    def prior(component: int, term: Term) -> float:
        return -min(credit[component].get(_kind_of(term.factors, len(credit)), 0.0), term.cost)

    return prior


@lru_cache(maxsize=4096)
def _kind_of(factors: tuple[str, ...], dimension: int) -> str:
    # any number inside does: a form is compared without its numbers
    one = Term(factors).expression(dimension)
    return _kind(one.xreplace({symbol: sympy.Float(value) for symbol, value in zip(INNER, (1.25, 0.75), strict=True)}))


@lru_cache(maxsize=4096)
def _kind(one: sympy.Expr) -> str:
    try:
        fraction = one_fraction(one)
    except (TypeError, ValueError, sympy.PolynomialError):
        return ""
    return "" if fraction is None else " / ".join(sorted(fraction.forms()))
