"""The prices of the cost model, as they stand in src/planning/prices.c."""

import pathlib
import re

FILE = pathlib.Path(__file__).resolve().parents[2] / "src" / "planning" / "prices.c"


def read():
    """{term: seconds} of the file."""
    found = re.findall(r"\[BC_TERM_(\w+)\] = ([0-9.e-]+),", FILE.read_text(encoding="utf-8"))
    return {name.lower(): float(price) for name, price in found}
