#!/usr/bin/env python3
"""bench/planner: its problems can be planned, the model's terms and prices make its estimates, regret
is what it says, and the fit finds prices that are known.

usage: planner.py SOURCE_FOLDER PROGRAMS
"""

import collections
import contextlib
import csv
import io
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE, PROGRAMS = (pathlib.Path(text).resolve() for text in sys.argv[1:3])
sys.path.insert(0, str(SOURCE / "bench" / "planner"))
sys.dont_write_bytecode = True

import judge  # noqa: E402
import prices  # noqa: E402
import problems  # noqa: E402

try:
    import fit
except ImportError:
    fit = None


def terms_of(lines, status=0):
    """What blasconv-planner-terms says of the lines."""
    run = subprocess.run([PROGRAMS / "blasconv-planner-terms"], input="\n".join(lines), text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert run.returncode == status, run.stderr
    return list(csv.DictReader(run.stdout.splitlines()))


def row(problem, algorithm, chosen, seconds):
    """One that has neither terms nor an estimate worth the name."""
    return judge.Row("as it is", problem, algorithm, chosen, 1.0, [], seconds)


class Problems(unittest.TestCase):
    def test_all_can_be_planned(self):
        lines = list(problems.network_problems(problems.NETWORKS, [1, 8]))
        lines += problems.random_problems(200, 7)
        self.assertEqual(len(set(lines)), len(lines))
        rows = terms_of(lines)
        chosen = collections.Counter(r["problem"] for r in rows if r["chosen"] == "1")
        self.assertEqual(chosen, {line: 1 for line in lines})
        self.assertGreater(len(rows), 2 * len(lines))

    def test_random_ones_follow_from_the_seed(self):
        one, same, other = (list(problems.random_problems(50, seed)) for seed in (3, 3, 4))
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)

    def test_others_are_refused(self):
        self.assertEqual(terms_of(["in4x4 f9", "nonsense"], status=1), [])


class Model(unittest.TestCase):
    def test_an_estimate_is_the_sum_of_its_terms(self):
        library = subprocess.run([PROGRAMS / "blasconv-bench", "--version"], text=True, check=True,
                                 stdout=subprocess.PIPE).stdout
        price = prices.read(prices.file_for(library))
        for r in terms_of(problems.random_problems(50, 1)):
            whole = sum(price[name] * float(r[name]) for name in list(r)[4:])
            self.assertTrue(math.isclose(whole, float(r["seconds"]), rel_tol=1e-6), r)


class Regret(unittest.TestCase):
    def test_of_layers_and_networks(self):
        first, second = (f"n1 in4x4 nchw forward threads=1 name=net/{layer}"
                         for layer in ("conv1/1", "conv2/3"))
        rows = [row(first, "a", True, 3.0), row(first, "b", False, 2.0),
                row(second, "a", True, 1.0), row(second, "b", False, 4.0)]
        self.assertEqual([(c.algorithm, f.algorithm) for _, c, f in judge.regrets(rows)],
                         [("a", "b"), ("a", "a")])
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            judge.print_regrets(rows)
        # 3 + 3 x 1 over 2 + 3 x 1; the worst layer loses a half
        self.assertRegex(text.getvalue(), r"net +n1 +nchw forward +1\.200 +1\.50  conv1: a, not b")
        self.assertIn("within 1.05: 50.0 per cent of 2 choices", text.getvalue())

    def test_what_was_not_timed_is_no_choice(self):
        problem = "n1 in4x4 name=net/conv1/1"
        self.assertEqual(list(judge.regrets([row(problem, "a", False, 3.0)])), [])


class Program(unittest.TestCase):
    def run_judge(self, folder, *options):
        done = subprocess.run([sys.executable, SOURCE / "bench/planner/judge.py", "--programs",
                               PROGRAMS, "--out", folder, *options],
                              stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        with open(pathlib.Path(folder) / "planner.csv", encoding="utf-8") as file:
            return done.stdout, list(csv.DictReader(file))

    def test_times_are_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            text, rows = self.run_judge(folder, "--network", "--random", "5", "--rounds", "1",
                                        "--min-time", "0")
            self.assertEqual(len({(r["blas"], r["problem"]) for r in rows}), 2 * 5)
            self.assertTrue(all(float(r["seconds"]) > 0 and r["cpu"] and r["library"]
                                for r in rows))
            self.assertIn("random", text)
            kept = pathlib.Path(folder) / "kept.csv"
            kept.write_text((pathlib.Path(folder) / "planner.csv").read_text(encoding="utf-8"),
                            encoding="utf-8")
            again, same = self.run_judge(folder, "--times", kept)
            self.assertEqual((again, same), (text, rows))


@unittest.skipIf(fit is None, "SciPy is not there")
class Fit(unittest.TestCase):
    def test_known_prices_are_found(self):
        random = fit.numpy.random.default_rng(1)
        known = fit.numpy.array([3e-7, 2e-11, 0.0, 5e-9])
        terms = 10 ** random.uniform([0, 4, 0, 1], [1, 8, 2, 4], (300, 4))
        terms[:, 3] = 0  # does not occur: stays
        seconds = terms @ known * random.uniform(0.95, 1.05, 300)
        seconds[:30] *= 20  # disturbed
        found = fit.solve(terms, seconds, fit.numpy.array([1e-6, 1e-9, 1e-9, 7e-9]))
        self.assertTrue(fit.numpy.allclose(found[:2], known[:2], rtol=0.05), found)
        self.assertLess(found[2], 1e-9)
        self.assertEqual(found[3], 7e-9)
        found = fit.solve(terms, seconds, known, [0])
        self.assertEqual(found[0], known[0])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
