"""The prices of the cost model, as they stand in src/planning/prices/."""

import pathlib
import re

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "src" / "planning" / "prices"


def file_for(library):
    """The file of the instruction set that the library's text names."""
    return FOLDER / ("avx512.c" if "CPU AVX-512" in library else "avx2.c")


def read(file):
    """{term: seconds} of the file."""
    found = re.findall(r"\[BC_TERM_(\w+)\] = ([0-9.e-]+),", file.read_text(encoding="utf-8"))
    return {name.lower(): float(price) for name, price in found}
