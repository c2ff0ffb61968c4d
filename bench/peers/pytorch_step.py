#!/usr/bin/env python3
"""Times a step of training with PyTorch and with blasconv, in turns.

usage: pytorch_step.py TRAINING_STEP [--threads=LIST] [--rounds=N] [--csv=FILE]

TRAINING_STEP is the program blasconv-training-step. Both sides train the network of
examples/fashion_mnist on random images, batch 64, with softmax, cross-entropy and momentum. Each round
runs some steps of one, then of the other, so that a busy neighbour slows down both. Printed are
medians over the rounds, their quartiles, and the ratio PyTorch's time / ours.

Needs the module torch: Debian's python3-torch, or PyPI's.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

import torch
from torch import nn

BATCH = 64
STEPS = 10  # of one side before it is the other's turn


def network():
    """The convolutional network of examples/fashion_mnist/model.c."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(128, 10))


class PyTorch:
    """Trains with PyTorch."""

    def __init__(self, threads):
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.model = network()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3, momentum=0.9)
        self.loss = nn.CrossEntropyLoss()
        self.images = torch.randn(BATCH, 1, 28, 28)
        self.labels = torch.randint(10, (BATCH,))

    def parameters(self):
        return sum(p.numel() for p in self.model.parameters())

    def run(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            self.optimizer.zero_grad()
            self.loss(self.model(self.images), self.labels).backward()
            self.optimizer.step()
        return time.perf_counter() - start


class Blasconv:
    """Trains with blasconv, in a process beside this one."""

    def __init__(self, program, threads):
        # Its BLAS shall choose for itself.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
        self.process = subprocess.Popen([program, str(threads)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=environment)
        self.version = self.process.stdout.readline().strip()
        self.count = int(self.process.stdout.readline())

    def parameters(self):
        return self.count

    def run(self, steps):
        print(steps, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def spread(samples):
    low, middle, high = statistics.quantiles(samples, n=4)
    return f"{1e3 * middle:7.2f} ms ({1e3 * low:.2f} to {1e3 * high:.2f})"


def compare(program, threads, rounds):
    """Seconds a step of both, a list each."""
    theirs, ours = PyTorch(threads), Blasconv(program, threads)
    if theirs.parameters() != ours.parameters():
        sys.exit(f"not the same network: {theirs.parameters()} parameters in PyTorch, "
                 f"{ours.parameters()} in blasconv")
    sides = (theirs, ours)
    samples = ([], [])
    for side in sides:
        side.run(2 * STEPS)
    for i in range(rounds):
        for side in (0, 1) if i % 2 == 0 else (1, 0):
            samples[side].append(sides[side].run(STEPS) / STEPS)
    ours.close()
    return samples, ours.version


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="blasconv-training-step")
    parser.add_argument("--threads", default="1,2", help="list, default 1,2")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--csv", help="write the medians there")
    options = parser.parse_args()
    rows = []
    for threads in map(int, options.threads.split(",")):
        (theirs, ours), version = compare(options.program, threads, options.rounds)
        ratio = statistics.median(theirs) / statistics.median(ours)
        if not rows:
            print(f"{version}\nPyTorch {torch.__version__}, oneDNN "
                  f"{'on' if torch.backends.mkldnn.is_available() else 'off'}")
        print(f"threads {threads}: PyTorch {spread(theirs)}, blasconv {spread(ours)}, "
              f"ratio {ratio:.2f}")
        rows.append((threads, statistics.median(theirs), statistics.median(ours), ratio))
    if options.csv:
        with open(options.csv, "w", encoding="utf-8") as file:
            file.write("batch,threads,pytorch_version,ours_ms,peer_ms,ratio\n")
            for threads, theirs, ours, ratio in rows:
                file.write(f"{BATCH},{threads},{torch.__version__},{1e3 * ours:.4f},"
                           f"{1e3 * theirs:.4f},{ratio:.4f}\n")


if __name__ == "__main__":
    main()
