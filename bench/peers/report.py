#!/usr/bin/env python3
"""Makes peers.md and the pictures of what compare.py wrote.

usage: report.py [--out FOLDER] [--docs FILE [--section NAME]]

FOLDER (default: out) has peers.csv and peers.json. FILE is a text whose part between the lines
"<!-- peers NAME: begin -->" and "<!-- peers NAME: end -->" is replaced by the tables; NAME is the
instruction set that the CPU was found to have, unless another is given.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import tempfile
from collections import defaultdict

HERE = pathlib.Path(__file__).resolve().parent
PASSES = ("forward", "backward_data", "backward_weights")


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def peer_of(row):
    """How a peer is called; all of a version that matters fits."""
    names = {"onednn": "oneDNN", "xnnpack": "XNNPACK", "pytorch": "PyTorch",
             "onnxruntime": "ONNX Runtime"}
    name = names.get(row["peer"], row["peer"])
    version = "" if row["peer"] == "xnnpack" else " " + row["peer_version"]
    return f"{name}{version}" + (", own layout" if row["peer_layout"] == "own" else "")


def groups(rows, *columns):
    """Rows by the values of the columns, in the order of their first row."""
    result = defaultdict(list)
    for row in rows:
        result[tuple(row[column] for column in columns)].append(row)
    return result


class Sum:
    """The layers of a network that were measured, each as often as it occurs."""

    def __init__(self, rows):
        self.layers = len(rows)
        measured = [row for row in rows if row["ratio"]]
        self.measured = len(measured)
        self.below = sum(float(row["ratio"]) < 1 for row in measured)
        ours = [int(row["count"]) * float(row["ours_ms"]) for row in measured]
        theirs = [own * float(row["ratio"]) for own, row in zip(ours, measured)]
        self.ratio = sum(theirs) / sum(ours) if measured else None

    def text(self):
        if self.ratio is None:
            return "cannot"
        some = "" if self.measured == self.layers else f" ({self.measured} layers)"
        return f"{self.ratio:.2f}{some}, {self.below}/{self.measured}"


# ---- the table ----

def table(rows, peers):
    lines = ["| network | batch | threads | " + " | ".join(peers) + " |",
             "|---|---|---|" + "---|" * len(peers)]
    for (network, batch, threads), some in groups(rows, "network", "batch", "threads").items():
        by_peer = defaultdict(list)
        for row in some:
            by_peer[peer_of(row)].append(row)
        cells = [Sum(by_peer[peer]).text() for peer in peers]
        lines.append(f"| {network} | {batch} | {threads} | " + " | ".join(cells) + " |")
    return lines


def markdown(rows, facts):
    peak = ", ".join(f"{value:.0f}" for value in facts["peak_gflops"].values())
    copy = ", ".join(f"{value:.1f}" for value in facts["copy_gbytes"].values())
    lines = [f"{facts['date']}, {facts['cpu']}, {facts['cores']} cores; {facts['library']}; "
             f"{', '.join(facts['peers'])}. On {' and '.join(facts['peak_gflops'])} threads a peak "
             f"of {peak} GFLOP/s and a copy of {copy} GB/s. Waiting threads: {facts['wait']}; "
             f"weights that are read: {facts['weights']}; algorithm: {facts['algorithm']}.", "",
             "Time of the peer over ours, all convolutions of a network; behind the comma the layers "
             "in which the peer is faster, of those measured."]
    wrong = sum(row["status"] == "differs" for row in rows)
    if wrong:
        lines += ["", f"**{wrong} results differ by more than 1e-4.**"]
    for (pass_name, layout), some in groups(rows, "pass", "layout").items():
        able = [row for row in some if row["ratio"]]
        lines += ["", f"{pass_name.replace('_', ' ').capitalize()}, {layout.upper()}:", ""]
        peers = sorted(set(map(peer_of, able)), key=str.lower)
        lines += table(some, peers) if peers else ["No peer can."]
        cannot = dict.fromkeys(peer_of(row) for row in some if not row["ratio"])
        cannot = [peer for peer in cannot if peer not in peers]
        if cannot:
            lines += ["", f"Cannot: {', '.join(cannot)}."]
    return "\n".join(lines) + "\n"


def replace_region(path, facts, text, name=None):
    """The tables take the place of what is between the lines with that name, or the machine's."""
    name = name or facts["library"].split("; CPU ")[1]
    begin, end = f"<!-- peers {name}: begin -->", f"<!-- peers {name}: end -->"
    whole = path.read_text(encoding="utf-8")
    before, rest = whole.split(begin)
    after = rest.split(end)[1]
    path.write_text(f"{before}{begin}\n{text}{end}{after}", encoding="utf-8")


# ---- the pictures ----

def write_blocks(path, blocks):
    """Blocks of gnuplot's: (title, lines) of one picture, each found by its index."""
    text = "\n\n".join("\n".join([f'"{title}"', *lines]) + "\n" for title, lines in blocks)
    path.write_text(text, encoding="utf-8")


def panels(rows):
    """(pass, layout, rows) in the order in which they are drawn."""
    for layout in sorted({row["layout"] for row in rows}):
        for pass_name in PASSES:
            some = [row for row in rows if row["pass"] == pass_name and row["layout"] == layout]
            if some:
                yield f"{pass_name.replace('_', ' ')}, {layout.upper()}", some


def layers_blocks(rows, peers):
    """For each panel and peer the ratios in ascending order, over the share of layers."""
    for panel, some in panels(rows):
        for peer in peers:
            ratios = sorted(float(row["ratio"]) for row in some if peer_of(row) == peer)
            lines = [f"{100 * (i + 0.5) / len(ratios)} {ratio}" for i, ratio in enumerate(ratios)]
            yield panel, lines or ["0 NaN"]


def networks_blocks(rows, peers, batch, threads):
    """For each panel and peer the ratio of each network, and how it is written; a peer that cannot
    serve has a bar of no height."""
    rows = [row for row in rows if row["batch"] == batch and row["threads"] == threads]
    networks = list(dict.fromkeys(row["network"] for row in rows))
    for panel, some in panels(rows):
        for peer in peers:
            lines = []
            for place, network in enumerate(networks):
                of_peer = [row for row in some
                           if row["network"] == network and peer_of(row) == peer]
                ratio = Sum(of_peer).ratio if of_peer else None
                number = f"{ratio:.2f}" if ratio else ""
                lines.append(f'{place} {ratio or 1} "{network}" "{number}"')
            yield panel, lines


def roofline_blocks(rows, facts):
    """For each number of threads and pass a point a layer: FLOPs a byte, GFLOP/s."""
    for threads in facts["peak_gflops"]:
        for pass_name in PASSES:
            seen = {}
            for row in rows:
                if row["pass"] == pass_name and row["threads"] == threads:
                    key = tuple(row[name] for name in ("network", "layer", "batch", "layout"))
                    seen[key] = (1e3 * float(row["gflop"]) / float(row["mbytes"]),
                                 1e3 * float(row["gflop"]) / float(row["ours_ms"]))
            yield pass_name.replace("_", " "), [f"{x} {y}" for x, y in seen.values()] or ["0 NaN"]


def gnuplot(picture, out, folder, **variables):
    """Draws one picture of the data in the folder; a list becomes one of quoted names."""
    variables |= {"png": out / f"peers_{picture}.png", "folder": folder, "script_folder": HERE}
    text = {name: " ".join(f'\\"{item}\\"' for item in value) if isinstance(value, list) else value
            for name, value in variables.items()}
    settings = "; ".join(f'{name}="{value}"' for name, value in text.items())
    subprocess.run(["gnuplot", "-e", settings, str(HERE / f"{picture}.gp")], check=True)


def draw(rows, facts, out):
    rows = [row for row in rows if row["ratio"]]
    peers = sorted(set(map(peer_of, rows)), key=str.lower)
    batch, threads = (max((row[name] for row in rows), key=int) for name in ("batch", "threads"))
    machine = f"{facts['cpu']}; {facts['library']}; {facts['date']}"
    titles = [title for title, _ in panels(rows)]
    pictures = (
        ("layers", layers_blocks(rows, peers), {"titles": titles, "legend": peers}),
        ("networks", networks_blocks(rows, peers, batch, threads),
         {"titles": titles, "legend": peers, "batch": batch, "threads": threads,
          "networks": len({row["network"] for row in rows})}),
        ("roofline", roofline_blocks(rows, facts),
         {"titles": [f"threads: {number}" for number in facts["peak_gflops"]],
          "legend": [pass_name.replace("_", " ") for pass_name in PASSES],
          "peaks": list(facts["peak_gflops"].values()),
          "copies": list(facts["copy_gbytes"].values())}))
    with tempfile.TemporaryDirectory() as folder:
        for picture, blocks, variables in pictures:
            write_blocks(pathlib.Path(folder) / f"{picture}.dat", blocks)
            gnuplot(picture, out, folder, machine=machine, **variables)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out"))
    parser.add_argument("--docs", type=pathlib.Path, help="a text to put the tables into")
    parser.add_argument("--section", metavar="NAME", help="of it (the instruction set)")
    options = parser.parse_args()
    rows = read(options.out / "peers.csv")
    facts = json.loads((options.out / "peers.json").read_text(encoding="utf-8"))
    text = markdown(rows, facts)
    (options.out / "peers.md").write_text(text, encoding="utf-8")
    if options.docs:
        replace_region(options.docs, facts, text, options.section)
    if any(row["ratio"] for row in rows):
        draw(rows, facts, options.out)
        print(f"{options.out}/peers.md, peers_layers.png, peers_networks.png, peers_roofline.png")


if __name__ == "__main__":
    main()
