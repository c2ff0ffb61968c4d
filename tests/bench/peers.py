#!/usr/bin/env python3
"""bench/peers without a peer: a fake one that is right, wrong, or not there; what the rows say, how
the program ends, and the tables that are made of rows.

usage: peers.py SOURCE_FOLDER MODULES
"""

import csv
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

SOURCE, MODULES = (pathlib.Path(text).resolve() for text in sys.argv[1:3])
sys.path.insert(0, str(SOURCE / "bench" / "peers"))
sys.dont_write_bytecode = True

import compare  # noqa: E402
import report  # noqa: E402

LAYERS = "conv1,dw2"


def run(*options, behaviour="right", modules=MODULES):
    """Exit status, rows, and what was printed."""
    with tempfile.TemporaryDirectory() as out:
        done = subprocess.run(
            [sys.executable, SOURCE / "bench/peers/compare.py", "--modules", modules, "--out", out,
             "--peer", "fake", "--network", "mobilenet_v1", "--layer", LAYERS, "--rounds", "2",
             "--seconds", "0", *options],
            env=os.environ | {"FAKE_PEER": behaviour, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        table = pathlib.Path(out) / "peers.csv"
        rows = report.read(table) if table.exists() else []
        return done.returncode, rows, done.stdout


class Compare(unittest.TestCase):
    def test_right(self):
        status, rows, text = run("--batch", "2", "--threads", "1,2")
        self.assertEqual(status, 0, text)
        self.assertEqual(len(rows), 2 * 3 * 2 * 2)
        able = [row for row in rows if row["pass"] == "forward" and row["layout"] == "nchw"]
        self.assertEqual([row["layer"] for row in able], LAYERS.split(",") * 2)
        self.assertEqual([row["threads"] for row in able], ["1", "1", "2", "2"])
        for row in able:
            self.assertEqual(row["status"], "ok")
            self.assertLess(float(row["max_error"]), 1e-5)
            self.assertGreater(float(row["ratio"]), 0)
            self.assertEqual((row["peer"], row["peer_version"], row["peer_layout"], row["batch"],
                              row["count"], row["peer_implementation"], row["rounds"]),
                             ("fake", "1.0", "nchw", "2", "1", "loops", "2"))
            self.assertTrue(row["ours_algorithm"])
        for row in rows:
            if row not in able:
                self.assertEqual(row["status"], "cannot: too simple")
                self.assertEqual(row["ratio"] + row["max_error"], "")
        # conv1: 3 -> 32 channels, 3x3, 224x224 to 112x112, two images
        self.assertAlmostEqual(float(able[0]["gflop"]), 2e-9 * 2 * 32 * 112**2 * 3 * 9, places=5)
        self.assertAlmostEqual(float(able[0]["mbytes"]), 4e-6 * (
            2 * 3 * 224**2 + 32 * 27 + 2 * 32 * 112**2), places=3)

    def test_algorithm(self):
        _, rows, _ = run("--batch", "1", "--threads", "1", "--layout", "nchw", "--pass", "forward",
                         "--algorithm", "reference")
        self.assertEqual({row["ours_algorithm"] for row in rows}, {"reference"})

    def test_refused_algorithm(self):
        status, rows, _ = run("--batch", "1", "--threads", "1", "--algorithm", "pointwise_gemm")
        self.assertEqual(status, 1)
        self.assertEqual({row["status"][:5] for row in rows}, {"ours:"})

    def test_failures(self):
        broken = "cannot: failed to run"
        for behaviour, expected in (("wrong", ["ok", "differs"]), ("lazy", ["differs", "differs"]),
                                    ("broken", [broken, broken])):
            status, rows, text = run("--batch", "1", "--threads", "1", "--layout", "nchw",
                                     "--pass", "forward", behaviour=behaviour)
            self.assertEqual(status, 1, behaviour)
            self.assertEqual([row["status"] for row in rows], expected, behaviour)
            self.assertEqual(text.count(": differs"), expected.count("differs"))

    def test_absent(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "ours.so").symlink_to(MODULES / "ours.so")
            status, rows, text = run(modules=folder)
        self.assertEqual((status, rows), (1, []))
        self.assertIn("no peer to compare with", text)

    def test_baseline(self):
        """The library as its own peer: another copy of it, which is loaded beside the first."""
        with tempfile.TemporaryDirectory() as folder:
            for name in ("ours.so", "baseline.so"):
                shutil.copy(MODULES / "ours.so", pathlib.Path(folder) / name)
            status, rows, text = run("--baseline", "v0.9", "--batch", "1", "--threads", "1",
                                     modules=folder)
        self.assertEqual(status, 0, text)
        self.assertEqual(len(rows), 2 * 3 * 2)
        for row in rows:
            self.assertEqual((row["peer"], row["peer_version"], row["status"], row["max_error"]),
                             ("blasconv", "v0.9", "ok", "0"))
            self.assertEqual(row["peer_implementation"], row["ours_algorithm"])

    def test_nonsense(self):
        for option in (["--layout", "hwcn"], ["--batch", "0"], ["--pass", "sideways"],
                       ["--network", "lenet"]):
            self.assertEqual(run(*option)[0], 2, option)
        self.assertEqual(run("--layer", "none")[0], 1)

    def test_turns(self):
        order = []

        def side(name):
            return types.SimpleNamespace(samples=[], turn=lambda: order.append(name) or 1.0)

        compare.take_turns([side("a"), side("b"), side("c")],
                           types.SimpleNamespace(rounds=3, seconds=0))
        self.assertEqual("".join(order), "abccbaabc")

    def test_figures(self):
        ours, theirs = compare.Side.__new__(compare.Side), compare.Side.__new__(compare.Side)
        # A neighbour halves the speed of both in two rounds of five.
        ours.samples = [0.001, 0.002, 0.001, 0.002, 0.001]
        theirs.samples = [0.003, 0.006, 0.003, 0.006, 0.004]
        figures = compare.figures(ours, theirs)
        self.assertEqual((figures["ours_ms"], figures["peer_ms"]), ("1", "4"))
        self.assertEqual((figures["ratio"], figures["ratio_low"], figures["ratio_high"]),
                         ("3", "3", "3"))


ROWS = """\
network,layer,count,pass,batch,threads,layout,peer,peer_version,peer_layout,ours_ms,ratio,status
vgg16,a,1,forward,8,2,nchw,onednn,3.2.0,nchw,10,2.0,ok
vgg16,b,3,forward,8,2,nchw,onednn,3.2.0,nchw,10,0.5,ok
vgg16,a,1,forward,8,2,nchw,onednn,3.2.0,own,10,1.0,ok
vgg16,b,3,forward,8,2,nchw,onednn,3.2.0,own,10,,cannot: so
vgg16,a,1,forward,8,2,nchw,xnnpack,x,nchw,,,cannot: so
vgg16,b,3,forward,8,2,nchw,xnnpack,x,nchw,,,cannot: so
vgg16,a,1,forward,8,2,nhwc,xnnpack,x,nhwc,,,cannot: so
"""
FACTS = {"date": "2026-01-02", "cpu": "CPU", "cores": 2, "library": "blasconv; CPU AVX2",
         "peers": ["p 1"], "wait": "passive", "weights": "packed", "algorithm": "a",
         "peak_gflops": {"1": 100.4, "2": 200.4}, "copy_gbytes": {"1": 10.0, "2": 12.0}}


class Report(unittest.TestCase):
    def setUp(self):
        self.rows = list(csv.DictReader(ROWS.splitlines()))

    def test_table(self):
        text = report.markdown(self.rows, FACTS)
        # (2 + 3 * 0.5) / 4, one layer of two in which the peer is faster
        self.assertIn("| network | batch | threads | oneDNN 3.2.0 | oneDNN 3.2.0, own layout |\n"
                      "|---|---|---|---|---|\n"
                      "| vgg16 | 8 | 2 | 0.88, 1/2 | 1.00 (1 layers), 0/1 |\n", text)
        self.assertIn("Cannot: XNNPACK.", text)
        self.assertIn("Forward, NHWC:\n\nNo peer can.", text)
        self.assertIn("100, 200 GFLOP/s and a copy of 10.0, 12.0 GB/s", text)
        self.assertNotIn("differ by", text)

    def test_differing_rows_are_told(self):
        self.rows[0]["status"] = "differs"
        self.assertIn("**1 results differ by more than 1e-4.**",
                      report.markdown(self.rows, FACTS))

    def test_region(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "text.md"
            other = "<!-- peers AVX-512: begin -->\nother\n<!-- peers AVX-512: end -->\n"
            begin, end = "<!-- peers AVX2: begin -->\n", "<!-- peers AVX2: end -->\n"
            file.write_text(f"before\n{begin}old\n{end}{other}after\n", "utf-8")
            for _ in range(2):
                report.replace_region(file, FACTS, "new\n")
            self.assertEqual(file.read_text("utf-8"),
                             f"before\n{begin}new\n{end}{other}after\n")
            report.replace_region(file, FACTS, "named\n", "AVX-512")
            self.assertEqual(file.read_text("utf-8"), f"before\n{begin}new\n{end}"
                             f"{other.replace('other', 'named')}after\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
