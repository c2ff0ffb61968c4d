#!/usr/bin/env python3
"""Times what the planner chooses against the fastest algorithm, and fits its cost model.

usage: judge.py --programs FOLDER [OPTION]...      (see --help; bench.sh --planner calls it)

FOLDER has blasconv-bench and blasconv-planner-terms. The regret of a choice is its time over that
of the fastest algorithm; that of a network is the same of the sums over its layers. Times are the
least of several rounds, a round being a run of all problems: a neighbour on the same core does not
slow down all of them. Writes planner.csv to the folder of --out.
"""

import argparse
import collections
import csv
import itertools
import math
import os
import pathlib
import subprocess
import sys

import problems

# A problem's estimate or measurement with one algorithm.
Row = collections.namedtuple("Row", "blas problem algorithm chosen estimate terms seconds")

# Where the times come from: texts, and {(blas, problem, algorithm): seconds}.
Times = collections.namedtuple("Times", "cpu library seconds")

# How the BLAS is set. OpenBLAS's pthread flavour with several threads is handed small pieces, so
# that it stays on the calling one; held to one thread it is handed whole products.
BLAS = {"as it is": {}, "one thread": {"OPENBLAS_NUM_THREADS": "1"}}


# ---- gathering ----

def environment(blas):
    """That of a program that runs with this setting."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith("OPENBLAS_")} | BLAS[blas]


def algorithms(options):
    """Those that are timed: reference takes minutes for layers of networks, and is never near."""
    run = subprocess.run([options.programs / "blasconv-bench", "--list"], check=True,
                         stdout=subprocess.PIPE, text=True)
    return [name for name in run.stdout.split() if name != "reference"]


def time_once(options, blas, pairs):
    """A record of blasconv-bench for each pair of a line and an algorithm; one round."""
    batch = "".join(f"{line} algorithm={name}\n" for line, name in pairs)
    run = subprocess.run([options.programs / "blasconv-bench", "--csv", "--batch", "-",
                          "--min-time", str(options.min_time), "--repetitions", "3"],
                         input=batch, stdout=subprocess.PIPE, text=True, check=False,
                         env=environment(blas))
    rows = list(csv.DictReader(run.stdout.splitlines()))
    if len(rows) != len(pairs) or not rows:
        sys.exit("blasconv-bench did not time all problems")
    return rows


def time_all(options, lines):
    """The least of the rounds."""
    least, pairs = {}, list(itertools.product(lines, algorithms(options)))
    for number, blas in itertools.product(range(options.rounds), BLAS):
        print(f"round {number + 1} of {options.rounds}, the BLAS {blas}", file=sys.stderr)
        records = time_once(options, blas, pairs)
        for pair, record in zip(pairs, records):
            if record["status"] == "ok":
                key = (blas, *pair)
                least[key] = min(1e-3 * float(record["ms"]), least.get(key, math.inf))
    return Times(records[0]["cpu"], records[0]["library"], least)


def read_times(path):
    """What an earlier run measured."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return Times(rows[0]["cpu"], rows[0]["library"],
                 {(row["blas"], row["problem"], row["algorithm"]): float(row["seconds"])
                  for row in rows})


def judge(options, times, blas, lines):
    """A Row for each problem and algorithm that was timed, and the terms' names."""
    run = subprocess.run([options.programs / "blasconv-planner-terms"], check=True,
                         input="\n".join(lines), stdout=subprocess.PIPE, text=True,
                         env=environment(blas))
    rows = []
    for row in csv.DictReader(run.stdout.splitlines()):
        problem, name, chosen, estimate, *terms = row.values()
        if (blas, problem, name) in times.seconds:
            rows.append(Row(blas, problem, name, chosen == "1", float(estimate),
                            [float(term) for term in terms], times.seconds[blas, problem, name]))
    return rows, list(row.keys())[4:]


def gather(options):
    """The times, all Rows, and the terms' names."""
    if options.times:
        times = read_times(options.times)
        lines = list(dict.fromkeys(problem for _, problem, _ in times.seconds))
    else:
        lines = list(problems.network_problems(options.network, options.batch))
        lines += problems.random_problems(options.random, options.seed)
        times = time_all(options, lines)
    rows = []
    for blas in BLAS:
        found, names = judge(options, times, blas, lines)
        rows += found
    return times, rows, names


def write_times(times, rows, path):
    """For --times, and for looking into."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("blas", "problem", "algorithm", "chosen", "estimate", "seconds", "cpu",
                         "library"))
        writer.writerows((row.blas, row.problem, row.algorithm, int(row.chosen), f"{row.estimate:.6g}",
                          f"{row.seconds:.6g}", times.cpu, times.library) for row in rows)


# ---- regret ----

def describe(problem):
    """(network, layer, count, batch, request) of a line."""
    words = problem.split()
    network, layer, count = words[-1].removeprefix("name=").split("/")
    known = {*problems.LAYOUTS, *" ".join(problems.REQUESTS).split()}
    request = " ".join(word for word in words if word in known)
    return network, layer, int(count), words[0], request


def regrets(rows):
    """Yields (problem, chosen Row, fastest Row) where something was chosen that was timed."""
    by_problem = collections.defaultdict(list)
    for row in rows:
        by_problem[row.blas, row.problem].append(row)
    for (_, problem), candidates in by_problem.items():
        chosen = [row for row in candidates if row.chosen]
        if chosen:
            yield problem, chosen[0], min(candidates, key=lambda row: row.seconds)


def print_regrets(rows):
    """A line for each network, batch, layout and pass."""
    groups = collections.defaultdict(list)
    for problem, chosen, fastest in regrets(rows):
        network, layer, count, batch, request = describe(problem)
        key = (network, batch, request) if network != "random" else ("random", "", "")
        groups[key].append((chosen.seconds / fastest.seconds, count, chosen, fastest, layer))
    print(f"{'network':14}{'batch':7}{'layout and pass':25}{'regret':>7}{'worst':>7}  layer")
    for (network, batch, request), found in groups.items():
        whole = sum(count * chosen.seconds for _, count, chosen, _, _ in found)
        least = sum(count * fastest.seconds for _, count, _, fastest, _ in found)
        worst = max(found, key=lambda entry: entry[0])
        print(f"{network:14}{batch:7}{request:25}{whole / least:7.3f}{worst[0]:7.2f}  {worst[4]}: "
              f"{worst[2].algorithm}, not {worst[3].algorithm}")
    every = sorted(entry for found in groups.values() for entry in found)
    for bound in (1.05, 1.2):
        share = sum(entry[0] <= bound for entry in every) / len(every)
        print(f"within {bound}: {100 * share:.1f} per cent of {len(every)} choices")


def print_errors(rows):
    """Percentiles of estimate over measurement."""
    print(f"\n{'estimate / measured':22}{'pairs':>6}" +
          "".join(f"{p:>7}" for p in (10, 25, 50, 75, 90)))
    for name in dict.fromkeys(row.algorithm for row in rows):
        ratios = sorted(row.estimate / row.seconds for row in rows if row.algorithm == name)
        print(f"{name:22}{len(ratios):6}" + "".join(
            f"{ratios[min(len(ratios) - 1, len(ratios) * p // 100)]:7.2f}"
            for p in (10, 25, 50, 75, 90)))


# ---- the command line ----

def parse():
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=pathlib.Path, default="out", help="folder for planner.csv")
    parser.add_argument("--network", nargs="*", default=problems.NETWORKS, metavar="NAME",
                        help="of bench/shapes (all)")
    parser.add_argument("--batch", nargs="+", type=int, default=[1], help="images (1)")
    parser.add_argument("--random", type=int, default=200, metavar="N", help="problems (200)")
    parser.add_argument("--seed", type=int, default=1, help="of the random problems (1)")
    parser.add_argument("--rounds", type=int, default=3, help="the least time counts (3)")
    parser.add_argument("--min-time", type=float, default=0.006, metavar="SECONDS",
                        help="of each problem in a round (0.006)")
    parser.add_argument("--times", metavar="FILE",
                        help="time nothing: take the times of an earlier planner.csv")
    parser.add_argument("--fit", action="store_true",
                        help="fit the prices to the times and write src/planning/prices/")
    parser.add_argument("--only", nargs="+", metavar="TERM",
                        help="with --fit: of these terms, the others keep theirs")
    options = parser.parse_args()
    if options.only and not options.fit:
        parser.error("--only goes with --fit")
    return options


def main():
    """All of it."""
    options = parse()
    times, rows, names = gather(options)
    options.out.mkdir(exist_ok=True)
    write_times(times, rows, options.out / "planner.csv")
    print(f"{times.cpu}; {times.library}; one thread")
    for blas in BLAS:
        print(f"\nThe BLAS {blas}:")
        print_regrets([row for row in rows if row.blas == blas])
    print_errors(rows)
    if options.fit:
        import fit  # pylint: disable=import-outside-toplevel  (needs SciPy)
        fit.fit(rows, names, times.cpu, times.library, options.only)


if __name__ == "__main__":
    main()
