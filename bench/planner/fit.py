"""Fits the prices of the cost model to measurements, and writes them to src/planning/prices/."""

import datetime
import sys

import numpy
from scipy.optimize import least_squares

import prices as written

# Estimates that are farther off than this (the logarithm of their ratio) count less and less.
SOFT_BOUND = 0.2

# Kept as it is: least squares would put on each task what other terms leave over, and the number of
# threads that are woken follows from it.
KEPT = ("task",)

# Seconds between which a price is looked for; the least stands for nothing.
LEAST, MOST = 1e-14, 1e-3

TEXT = """\
/* Written by `./bench.sh --planner --fit`, {date}:
 * {cpu}; {library};
 * {pairs} pairs of a problem and an algorithm, on one thread. Half of the estimates are within
 * {half:.0f} per cent of the measurement, nine of ten within {most:.0f}.{fitted} */
#include "planning/cost.h"

const double bc_prices_{isa}[BC_TERMS] = {{
{prices}
}};
"""


def solve(terms, seconds, start, kept=()):
    """Prices that make the logarithms of estimate over measurement small; none is negative.

    Those of terms that do not occur, or have their numbers in `kept`, stay as they are.
    """
    used = terms.any(axis=0)
    used[list(kept)] = False
    rest = terms[:, ~used] @ start[~used]

    def residuals(logarithms):
        return numpy.log((terms[:, used] @ numpy.exp(logarithms) + rest) / seconds)

    found = least_squares(residuals, numpy.log(numpy.maximum(start[used], 10 * LEAST)),
                          loss="soft_l1", f_scale=SOFT_BOUND,
                          bounds=(numpy.log(LEAST), numpy.log(MOST)))
    prices = start.copy()
    prices[used] = numpy.where(numpy.exp(found.x) > 2 * LEAST, numpy.exp(found.x), 0.0)
    return prices


def fit(rows, names, cpu, library, only=None):
    """Writes the file, to be compiled and judged again. `only`: the terms whose prices change."""
    unknown = set(only or names) - set(names)
    if unknown:
        sys.exit(f"no such term: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    terms = numpy.array([row.terms for row in rows])
    seconds = numpy.array([row.seconds for row in rows])
    file = written.file_for(library)
    before = written.read(file)
    prices = solve(terms, seconds, numpy.array([before.get(name, 1e-9) for name in names]),
                   [number for number, name in enumerate(names)
                    if name in KEPT or (only and name not in only)])
    errors = numpy.sort(numpy.abs(numpy.log(terms @ prices / seconds)))
    half, most = (100 * numpy.expm1(numpy.quantile(errors, share)) for share in (0.5, 0.9))
    entries = [f"    [BC_TERM_{name.upper()}] = {price:.3g}," for name, price in zip(names, prices)]
    width = max(map(len, entries))
    lines = [f"{entry:{width}} // {1e9 * price:.3g} ns" for entry, price in zip(entries, prices)]
    file.write_text(TEXT.format(isa=file.stem, date=datetime.date.today(), cpu=cpu, library=library,
                                  pairs=len(rows), half=half, most=most,
                                  fitted=f" Fitted: {', '.join(only)} alone." if only else "",
                                  prices="\n".join(lines)), encoding="utf-8")
    print(f"\nfitted: {file.name}; half of the estimates within {half:.0f} per cent of the "
          f"measurement, nine of ten within {most:.0f}")
