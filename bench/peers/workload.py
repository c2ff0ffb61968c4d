"""The layers of bench/shapes, and the cases that are made of them."""

import csv
import itertools
import pathlib
from collections import namedtuple

from module import LAYOUTS, PASSES, Task

SHAPES = pathlib.Path(__file__).resolve().parent.parent / "shapes"
NETWORKS = tuple(sorted(path.stem for path in SHAPES.glob("*.csv")))

Case = namedtuple("Case", "network layer count task")


def make_task(row, batch, pass_name, layout, threads):
    """The Task of a line of bench/shapes; tensors are not there yet."""
    def pair(name):
        return int(row[f"{name}_height"]), int(row[f"{name}_width"])

    task = Task(batch=batch, in_channels=int(row["in_channels"]),
                out_channels=int(row["out_channels"]), groups=int(row["groups"]),
                pass_=PASSES.index(pass_name), layout=LAYOUTS.index(layout), threads=threads)
    for field, name in (("input", "in"), ("kernel", "kernel"), ("strides", "stride"),
                        ("pads", "pad"), ("dilations", "dilation")):
        getattr(task, field)[:] = pair(name)
    for axis in (0, 1):
        room = task.input[axis] + 2 * task.pads[axis]
        reach = task.dilations[axis] * (task.kernel[axis] - 1) + 1
        task.output[axis] = (room - reach) // task.strides[axis] + 1
    return task


def cases(options):
    """The cases that the options ask for; layers innermost."""
    result = []
    for network in options.network:
        with open(SHAPES / f"{network}.csv", newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file)
                    if not options.layer or row["layer"] in options.layer]
        for batch, threads, layout, pass_name in itertools.product(
                options.batch, options.threads, options.layout, options.passes):
            for row in rows:
                task = make_task(row, batch, pass_name, layout, threads)
                result.append(Case(network, row["layer"], int(row["repeat"]), task))
    return result
