#!/usr/bin/env python3
"""Times what passes before the first result: each library in a process of its own that starts cold.

usage: first.py --modules FOLDER [OPTION]...      (see --help; bench.sh --first calls it)

Of each layer of a network: what creating it takes (a plan, a primitive, an operator, a session),
weights packed if that is asked for, the first run, and the median of the runs that follow. Tensors
are there before and have been written. Prints the sums over the layers.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import time

import compare
import workload
from module import LAYOUTS, CannotServe, Ours

RUNS = 5  # that follow the first


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modules", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--who", help=argparse.SUPPRESS)
    parser.add_argument("--network", nargs=1, choices=workload.NETWORKS, default=["resnet50"])
    parser.add_argument("--batch", nargs=1, type=int, default=[1])
    parser.add_argument("--threads", nargs=1, type=int, default=[2])
    parser.add_argument("--layout", nargs=1, choices=LAYOUTS, default=["nchw"])
    parser.add_argument("--weights", nargs=1, choices=("packed", "plain"), default=["packed"],
                        help="whether they are packed when a contender is created (packed)")
    return parser.parse_args()


def load(options):
    """A function that creates, and the library's name and version."""
    if options.who == "ours":
        name, peer = "", Ours(str(options.modules / "ours.so"))
    else:
        name, peer = compare.load_peer(options.modules, options.who)
    return peer.create, f"{name} {peer.version()}"


def timed(function, *arguments):
    begin = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - begin, result


def times_of(create, ours, task):
    """Seconds of the creation, of the first run, and of one that follows."""
    tensors = compare.Tensors(ours, task)
    tensors.give("theirs")
    try:
        creation, runner = timed(create, task)
        first, _ = timed(runner.run)
        later = statistics.median(timed(runner.run)[0] for _ in range(RUNS))
        runner.close()
        return creation, first, later
    finally:
        tensors.free()


def child(options):
    """Prints the sums of one library."""
    create, version = load(options)
    ours = Ours(str(options.modules / "ours.so"))
    options.layer, options.passes = None, ["forward"]
    sums, served = [0.0, 0.0, 0.0], 0
    cases = workload.cases(options)
    for case in cases:
        case.task.yield_ = 1
        case.task.packed_weights = options.weights[0] == "packed"
        try:
            sums = [a + b for a, b in zip(sums, times_of(create, ours, case.task))]
            served += 1
        except CannotServe:
            continue
    creation, first, later = (1e3 * seconds for seconds in sums)
    print(f"{version:60.60} {served:3} of {len(cases)} {creation:9.2f} {first:9.2f} {later:9.2f} "
          f"{creation + first - later:9.2f}")


def main():
    options = parse()
    if options.who:
        child(options)
        return
    compare.restart(Ours(str(options.modules / "ours.so")),
                    argparse.Namespace(wait="passive"))
    print(f"{options.network[0]}, forward, batch {options.batch[0]}, {options.layout[0]}, "
          f"{options.threads[0]} threads, weights {options.weights[0]}; milliseconds, sums over "
          f"the layers\n"
          f"{'':60} {'layers':>9} {'create':>9} {'first run':>9} {'later':>9} {'in front':>9}",
          flush=True)
    for who in ("ours", *compare.MODULES, *compare.IN_PYTHON):
        if who in compare.IN_PYTHON or (options.modules / f"{who}.so").exists():
            subprocess.run([sys.executable, *sys.argv, "--who", who], check=False)


if __name__ == "__main__":
    main()
