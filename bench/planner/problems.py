"""The problems on which the planner is judged and its cost model fitted, as lines in words."""

import csv
import itertools
import math
import pathlib
import random

SHAPES = pathlib.Path(__file__).resolve().parent.parent / "shapes"
NETWORKS = tuple(sorted(path.stem for path in SHAPES.glob("*.csv")))

# What is asked of a layer: packed weights are for inference.
REQUESTS = ("forward", "forward packed", "backward-data", "backward-weights")
LAYOUTS = ("nchw", "nhwc")

# Of random problems: so many multiplications at most, so that a run takes milliseconds.
MOST_MULTIPLICATIONS = 3e8
MOST_FLOATS = 1 << 24  # of a tensor


def pair(row, name):
    """The word of an entry that has one number an axis."""
    return f"{row[name + '_height']}x{row[name + '_width']}"


def layer_words(row):
    """The sizes of a line of bench/shapes."""
    return (f"c{row['in_channels']} k{row['out_channels']} g{row['groups']} in{pair(row, 'in')} "
            f"f{pair(row, 'kernel')} s{pair(row, 'stride')} p{pair(row, 'pad')} "
            f"d{pair(row, 'dilation')}")


def layers_of(network):
    """The lines of a network's file."""
    with open(SHAPES / f"{network}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def network_problems(networks, batches):
    """Each layer of the networks, in all passes, layouts and batches."""
    for network in networks:
        for batch, layout, request, row in itertools.product(batches, LAYOUTS, REQUESTS,
                                                             layers_of(network)):
            yield (f"n{batch} {layer_words(row)} {layout} {request} threads=1 "
                   f"name={network}/{row['layer']}/{row['repeat']}")


def log_uniform(source, least, most):
    """An integer whose logarithm is evenly spread."""
    return round(least * (most / least) ** source.random())


def random_shape(source):
    """Batch, channels, filters, groups, extents, kernel, stride and dilation."""
    groups, per_group, filters = 1, log_uniform(source, 1, 768), log_uniform(source, 1, 768)
    kind = source.random()
    if kind < 0.15:  # depthwise
        groups, per_group, filters = log_uniform(source, 2, 768), 1, 1
    elif kind < 0.3:
        groups, per_group, filters = source.choice((2, 4, 8, 32)), log_uniform(
            source, 2, 64), log_uniform(source, 2, 64)
    kernel = source.choice(((1, 1), (1, 1), (1, 1), (3, 3), (3, 3), (3, 3), (2, 2), (5, 5), (7, 7),
                            (1, 7), (7, 1), (1, 3), (3, 1)))
    extents = [log_uniform(source, max(3, k), 160) for k in kernel]
    if kernel == (1, 1) and source.random() < 0.15:  # a dense layer
        return log_uniform(source, 1, 256), per_group, filters, groups, (1, 1), kernel, 1, 1
    stride = source.choice((1, 1, 1, 2))
    dilation = source.choice((1, 1, 1, 1, 1, 1, 1, 2))
    return log_uniform(source, 1, 16), per_group, filters, groups, extents, kernel, stride, dilation


def random_problem(source, number):
    """One that is neither too large to time nor refused."""
    while True:
        batch, per_group, filters, groups, extents, kernel, stride, dilation = random_shape(source)
        pads = [dilation * (k - 1) // 2 for k in kernel]
        reach = [dilation * (k - 1) + 1 for k in kernel]
        outputs = [(i + 2 * p - r) // stride + 1 for i, p, r in zip(extents, pads, reach)]
        pixels = batch * math.prod(outputs)
        multiplications = pixels * filters * groups * per_group * math.prod(kernel)
        floats = groups * max(filters * pixels, per_group * batch * math.prod(extents))
        if min(outputs) >= 1 and multiplications <= MOST_MULTIPLICATIONS and floats <= MOST_FLOATS:
            break
    return (f"n{batch} c{per_group * groups} k{filters * groups} g{groups} "
            f"in{extents[0]}x{extents[1]} f{kernel[0]}x{kernel[1]} s{stride} d{dilation} "
            f"p{pads[0]}x{pads[1]} {source.choice(LAYOUTS)} {source.choice(REQUESTS)} threads=1 "
            f"name=random/{number}/1")


def random_problems(count, seed):
    """The same for the same seed."""
    source = random.Random(seed)
    for number in range(count):
        yield random_problem(source, number)
