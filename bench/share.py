#!/usr/bin/env python3
"""Prints which share of the peak of fused multiply-adds an algorithm reaches on a network.

usage: share.py --programs FOLDER [OPTION]...      (see --help; bench.sh --share calls it)

Operations are those of the direct algorithm, taps on pads included; each layer counts as often as
the network has it, and the peak is measured again with each. The first layer, of three channels, is
not among "all".
"""

import argparse
import csv
import itertools
import os
import pathlib
import subprocess
import sys
from collections import defaultdict

from planner.problems import LAYOUTS, NETWORKS, layer_words, layers_of

REQUESTS = ("forward packed", "backward-data packed", "backward-weights")


def output_height(row):
    reach = int(row["dilation_height"]) * (int(row["kernel_height"]) - 1) + 1
    room = int(row["in_height"]) + 2 * int(row["pad_height"])
    return (room - reach) // int(row["stride_height"]) + 1


def measure(options, layout, request, layers):
    """What the benchmark says of each layer."""
    problems = "\n".join(f"n{options.batch} {layer_words(row)} {layout} {request}" for row in layers)
    command = [options.programs / "blasconv-bench", "--csv", "--batch", "-", "--threads",
               str(options.threads)]
    if options.algorithm != "auto":
        command += ["--algorithm", options.algorithm]
    done = subprocess.run(command, input=problems + "\n", stdout=subprocess.PIPE, text=True,
                          check=False)
    records = list(csv.DictReader(done.stdout.splitlines()))
    if len(records) != len(layers):
        sys.exit("blasconv-bench did not time all layers")
    return records


class Share:
    """Operations and seconds at the peak, over the seconds that were taken."""

    def __init__(self):
        self.at_peak = self.taken = 0.0

    def add(self, count, record):
        self.at_peak += count * float(record["ms"]) * float(record["share_of_peak"])
        self.taken += count * float(record["ms"])

    def text(self):
        return f"{self.at_peak / self.taken:.2f}" if self.taken else "-"


def shares(options, layout, request, layers):
    """By output height, and of all but the first layer as "all"."""
    result = defaultdict(Share)
    for index, (row, record) in enumerate(zip(layers, measure(options, layout, request, layers))):
        if record["status"] != "ok":
            continue
        count = int(row["repeat"])
        if index > 0:
            result["all"].add(count, record)
            result[output_height(row)].add(count, record)
        else:
            result["first"].add(count, record)
    return result


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--network", choices=NETWORKS, default="resnet50")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--layout", choices=LAYOUTS, nargs="+", default=LAYOUTS)
    parser.add_argument("--algorithm", default="implicit_gemm", help="by name; auto: the library's")
    return parser.parse_args()


def main():
    options = parse()
    layers = layers_of(options.network)
    heights = sorted({output_height(row) for row in layers[1:]}, reverse=True)
    columns = ["all", *heights, "first"]
    subprocess.run([options.programs / "blasconv-bench", "--version"], check=True)
    print(f"{options.network}, batch {options.batch}, {options.threads} threads, "
          f"{options.algorithm}; share of the peak, by height of the output\n")
    print(f"| layout, pass | {' | '.join(map(str, columns))} |")
    print("|---|" + "---|" * len(columns))
    for layout, request in itertools.product(options.layout, REQUESTS):
        found = shares(options, layout, request, layers)
        print(f"| {layout.upper()}, {request} | "
              f"{' | '.join(found[column].text() for column in columns)} |", flush=True)


if __name__ == "__main__":
    main()
