#!/usr/bin/env python3
"""Times blasconv and its peers in turns, layer by layer, and compares their results.

usage: compare.py --modules FOLDER [OPTION]...      (see --help; bench.sh --peers calls it)

FOLDER has ours.so and the peers' modules (peer.h), with --baseline also the library's at an earlier
revision, baseline.so, as one more; PyTorch and ONNX Runtime are taken from where Python finds them.
Writes peers.csv and peers.json to the folder of --out; report.py makes the table and the pictures of
them. Exit status: 1 if a result differs from ours or no peer could be measured.
"""

import argparse
import csv
import datetime
import importlib
import json
import math
import os
import pathlib
import statistics
import sys
import time
from collections import namedtuple

import workload
from module import LAYOUTS, PASSES, TENSORS, WRITTEN, CannotServe, Module, Ours

TOLERANCE = 1e-4  # largest difference over the largest element
TURN = 0.002  # seconds: shorter runs are repeated until a turn takes as long
MOST_RUNS = 64  # of one turn
REST = 0.02  # seconds before a turn, if threads that wait are busy: those of others shall sleep

COLUMNS = ("network", "layer", "count", "pass", "batch", "threads", "layout", "peer",
           "peer_version", "peer_layout", "ours_algorithm", "ours_ms", "peer_ms", "ratio",
           "max_error", "ratio_low", "ratio_high", "rounds", "peer_implementation", "gflop",
           "mbytes", "status")

# A way in which a peer is measured: with tensors as the case has them, or in its own layout.
Contender = namedtuple("Contender", "peer version own_layout create")


# ---- the contenders ----

MODULES = {"onednn_2": "onednn", "onednn_3": "onednn", "xnnpack": "xnnpack", "fake": "fake"}
IN_PYTHON = {"pytorch": ("pytorch", "PyTorch"), "onnxruntime": ("onnx_runtime", "OnnxRuntime")}


def load_peer(folder, entry):
    """(name, object) of an entry of MODULES or IN_PYTHON."""
    if entry in MODULES:
        return MODULES[entry], Module(str(folder / f"{entry}.so"))
    module, kind = IN_PYTHON[entry]
    return entry, getattr(importlib.import_module(module), kind)()


def installed_peers(folder, wanted):
    """(name, object) of each that can be loaded; says what cannot."""
    for file, name in MODULES.items():
        if wanted(name) and (folder / f"{file}.so").exists():
            yield load_peer(folder, file)
    for name in IN_PYTHON:
        try:
            if wanted(name):
                yield load_peer(folder, name)
        except ImportError as error:
            print(f"{name}: skipped, {error}", file=sys.stderr)


def contenders(options):
    """All ways of all peers that the options ask for."""
    found = []
    if options.baseline:
        baseline = Module(str(options.modules / "baseline.so"))
        found.append(Contender("blasconv", options.baseline, False, baseline.create))
    for name, peer in installed_peers(options.modules, lambda name: name in options.peer):
        for own_layout in (False, True) if name == "onednn" else (False,):
            found.append(Contender(name, peer.version(), own_layout, peer.create))
    return found


# ---- one case ----

class Side:
    """One who computes a case, and has done so once, with the times of its turns."""

    def __init__(self, runner, rest):
        self.runner, self.rest = runner, rest
        self.samples = []
        self.runs = 1
        self.runs = max(1, min(MOST_RUNS, math.ceil(TURN / self.turn())))

    def turn(self):
        """Seconds of a run. Short ones follow one that is not counted, which wakes the caches."""
        if self.rest:
            time.sleep(REST)
        if self.runs > 1 or self.rest:
            self.runner.run()
        begin = time.perf_counter()
        for _ in range(self.runs):
            self.runner.run()
        return (time.perf_counter() - begin) / self.runs

    def median_ms(self):
        return 1e3 * statistics.median(self.samples)


class Tensors:
    """What the sides of a case share: what is read, and a result of ours and one of theirs."""

    def __init__(self, ours, task):
        self.library, self.task = ours.library, task
        self.written = WRITTEN[task.pass_name]
        self.count = task.count(self.written)
        self.read = {name: self.allocate(name) for name in TENSORS if name != self.written}
        for seed, name in enumerate(self.read, 1):
            self.library.ours_tensor_fill(self.read[name], task.count(name), seed)
        self.results = {who: self.allocate(self.written) for who in ("ours", "theirs")}
        for who in self.results:
            self.poison(who)

    def allocate(self, name):
        return self.library.ours_tensor(self.task.count(name))

    def give(self, who):
        """Puts the addresses into the task."""
        for name, address in self.read.items():
            setattr(self.task, f"tensor_{name}", address)
        setattr(self.task, f"tensor_{self.written}", self.results[who])

    def poison(self, who):
        """Spoils a result, so that one that was not written is seen."""
        self.library.ours_tensor_poison(self.results[who], self.count)

    def error(self):
        return self.library.ours_error(self.results["ours"], self.results["theirs"], self.count)

    def free(self):
        for address in (*self.read.values(), *self.results.values()):
            self.library.ours_tensor_free(address)


def start(contender, tensors, rest):
    """A peer's side and its error, or CannotServe."""
    task = tensors.task
    tensors.poison("theirs")
    tensors.give("theirs")
    task.own_layout = contender.own_layout
    runner = contender.create(task)
    try:
        runner.run()
        runner.finish()
        error = tensors.error()
        return Side(runner, rest), error
    except CannotServe:
        runner.close()
        raise


def take_turns(sides, options):
    """Rounds in which each side has its turn, every other round backwards."""
    begin = time.perf_counter()
    rounds = 0
    while rounds < options.rounds or time.perf_counter() - begin < options.seconds:
        for side in sides if rounds % 2 == 0 else reversed(sides):
            side.samples.append(side.turn())
        rounds += 1


def figures(ours, side):
    """What a row says of the times; ratios are taken within a round."""
    ratios = [theirs / own for own, theirs in zip(ours.samples, side.samples)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return {"ours_ms": f"{ours.median_ms():.5g}", "peer_ms": f"{side.median_ms():.5g}",
            "ratio": f"{middle:.4g}", "ratio_low": f"{low:.4g}", "ratio_high": f"{high:.4g}",
            "rounds": len(ratios)}


def row_of(case, contender):
    task = case.task
    layout = task.layout_name
    return {"network": case.network, "layer": case.layer, "count": case.count,
            "pass": task.pass_name, "batch": task.batch, "threads": task.threads,
            "layout": layout, "peer": contender.peer, "peer_version": contender.version,
            "peer_layout": "own" if contender.own_layout else layout,
            "gflop": f"{2e-9 * task.multiplications():.6g}",
            "mbytes": f"{4e-6 * sum(map(task.count, TENSORS)):.6g}"}


def measure(case, ours, peers, options):
    """The case's rows."""
    rest = options.wait == "active"
    task = case.task
    task.algorithm = options.algorithm.encode() if options.algorithm else None
    task.packed_weights = options.weights == "packed"
    task.yield_ = options.wait == "passive"
    tensors = Tensors(ours, task)
    tensors.give("ours")
    rows, sides = [], []
    try:
        runner = ours.create(task)
        runner.run()
    except CannotServe as error:
        tensors.free()
        return [row_of(case, peer) | {"status": f"ours: {error}"} for peer in peers]
    own = Side(runner, rest)
    for contender in peers:
        row = row_of(case, contender) | {"ours_algorithm": own.runner.describe()}
        rows.append(row)
        try:
            side, error = start(contender, tensors, rest)
        except CannotServe as reason:
            row["status"] = f"cannot: {reason}"
            continue
        sides.append((side, row))
        row |= {"max_error": f"{error:.3g}", "peer_implementation": side.runner.describe(),
                "status": "ok" if error <= TOLERANCE else "differs"}
    if sides:
        take_turns([own] + [side for side, _ in sides], options)
    for side, row in sides:
        row |= figures(own, side)
        side.runner.close()
    own.runner.close()
    tensors.free()
    return rows


# ---- all cases ----

def seconds_of(case, peers, options):
    """What a case will take, from a speed that a core of today has."""
    gflop = 2e-9 * case.task.multiplications()
    turn = max(TURN, gflop / (60 * case.task.threads)) * (1 + len(peers))
    return 0.1 + max(options.seconds, options.rounds * turn) + 5 * turn


def time_left(cases, peers, options):
    minutes = sum(seconds_of(case, peers, options) for case in cases) / 60
    return f"{minutes:.1f} min" if minutes < 10 else f"{minutes:.0f} min"


def show_progress(number, cases, peers, options):
    if number % 50 == 0 or sys.stderr.isatty():
        case = cases[number]
        print(f"[{number + 1} of {len(cases)}, {time_left(cases[number:], peers, options)} left] "
              f"{case.network} {case.layer} {case.task.pass_name}",
              end="\r" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)


def describe_row(row):
    what = " ".join(str(row[name]) for name in ("network", "layer", "pass", "layout"))
    times = (f"{row['ours_ms']} ms, {row['peer']} {row['peer_version']} {row['peer_layout']} "
             f"{row['peer_ms']} ms, ratio {row['ratio']} ({row['ratio_low']} to "
             f"{row['ratio_high']}), {row['ours_algorithm']} against {row['peer_implementation']}, "
             f"error {row['max_error']}" if "ratio" in row
             else f"{row['peer']} {row['peer_version']} {row['peer_layout']}")
    status = "" if row["status"] == "ok" else f": {row['status']}"
    return f"{what} batch {row['batch']} threads {row['threads']}: {times}{status}"


def run(cases, ours, peers, options):
    """Writes the rows as they come; returns how many differ and how many were measured."""
    counts = {"ok": 0, "differs": 0}
    with open(options.out / "peers.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for number, case in enumerate(cases):
            show_progress(number, cases, peers, options)
            for row in measure(case, ours, peers, options):
                writer.writerow(row)
                counts[row["status"]] = counts.get(row["status"], 0) + 1
                if options.verbose or row["status"] == "differs":
                    print(describe_row(row), flush=True)
            file.flush()
    return counts


def machine(ours, peers, options):
    """What was measured where, and the ceilings there."""
    return {"cpu": ours.cpu(), "cores": os.cpu_count(), "library": ours.version(),
            "date": datetime.date.today().isoformat(),
            "peers": sorted({f"{peer.peer} {peer.version}" for peer in peers}),
            "wait": options.wait, "weights": options.weights,
            "algorithm": options.algorithm or "chosen by the library",
            "peak_gflops": {n: ours.library.ours_peak_gflops(n) for n in options.threads},
            "copy_gbytes": {n: ours.library.ours_copy_gbytes(n) for n in options.threads}}


def restart(ours, options):
    """Starts again with the environment that libraries read only once, when they are loaded."""
    if os.environ.get("BLASCONV_RESTARTED"):
        return
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("OPENBLAS_", "OMP_", "GOMP_"))}
    environment |= {"BLASCONV_RESTARTED": "1", "OPENBLAS_NUM_THREADS": "1"}
    if options.wait == "passive":
        environment["OMP_WAIT_POLICY"] = "passive"
    if ours.advice():
        environment["OPENBLAS_CORETYPE"] = ours.advice()
        print(f"The BLAS runs below the CPU: starting again with {ours.advice()}", file=sys.stderr)
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)


def parse(arguments):
    def names(allowed):
        def read(text):
            wrong = [name for name in text.split(",") if name not in allowed]
            if wrong:
                raise argparse.ArgumentTypeError(f"{wrong[0]} is none of {', '.join(allowed)}")
            return text.split(",")
        return read

    def numbers(text):
        values = [int(word) for word in text.split(",")]
        if min(values) < 1:
            raise argparse.ArgumentTypeError("numbers are 1 or more")
        return values

    def count(text):
        return max(2, int(text))

    parser = argparse.ArgumentParser(description="Times blasconv and its peers in turns. Lists are "
                                     "separated by commas; what is not given is all of it.")
    parser.add_argument("--modules", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--baseline", metavar="REVISION", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out"))
    parser.add_argument("--quick", action="store_true", help="ResNet-50 forward, under 3 minutes")
    parser.add_argument("--network", type=names(workload.NETWORKS), default=list(workload.NETWORKS))
    parser.add_argument("--layer", type=lambda text: text.split(","), help="as in bench/shapes")
    parser.add_argument("--passes", "--pass", type=names(PASSES), default=list(PASSES))
    parser.add_argument("--batch", type=numbers, default=[1, 8])
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--layout", type=names(LAYOUTS), default=list(LAYOUTS))
    parser.add_argument("--peer", type=lambda text: text.split(","),
                        help="of onednn, xnnpack, pytorch, onnxruntime (none beside a baseline)")
    parser.add_argument("--algorithm", help="ours, by name, instead of the library's choice")
    parser.add_argument("--weights", choices=("packed", "plain"), default="packed",
                        help="whether those that are read may be packed ahead (default: packed)")
    parser.add_argument("--wait", choices=("passive", "active"), default="passive",
                        help="what threads do that wait for work: leave the core to others, or spin "
                        "for a while (for machines that are quiet)")
    parser.add_argument("--rounds", type=count, default=5, help="at least (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.4,
                        help="at least, a case (default: 0.4; --quick: 0.2)")
    parser.add_argument("--verbose", action="store_true", help="print each row")
    if "--quick" in arguments:
        parser.set_defaults(network=["resnet50"], passes=["forward"], threads=[2], seconds=0.2)
    options = parser.parse_args(arguments)
    if options.peer is None:
        options.peer = [] if options.baseline else [*MODULES.values(), *IN_PYTHON]
    return options


def main():
    options = parse(sys.argv[1:])
    ours = Ours(str(options.modules / "ours.so"))
    restart(ours, options)
    options.out.mkdir(parents=True, exist_ok=True)
    peers = contenders(options)
    cases = workload.cases(options)
    if not peers or not cases:
        sys.exit("no peer to compare with" if not peers else "no such layer")
    facts = machine(ours, peers, options)
    (options.out / "peers.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(f"{facts['cpu']}, {facts['cores']} cores\n{facts['library']}\n"
          f"peers: {', '.join(facts['peers'])}\n"
          f"{len(cases)} cases, about {time_left(cases, peers, options)}", flush=True)
    counts = run(cases, ours, peers, options)
    print(f"{counts['ok']} rows with equal results, {counts['differs']} differ")
    sys.exit(0 if counts["differs"] == 0 and counts["ok"] > 0 else 1)


if __name__ == "__main__":
    main()
