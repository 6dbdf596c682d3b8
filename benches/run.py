#!/usr/bin/env python3
"""Measures modelwire beside libcurl, Go's net/http and plain reqwest, in one run.

Every client is a process of its own that does the same work against the same upstream and
reports its own CPU time (getrusage). Clients take turns, A B C A B C, so that whatever
else the machine does meets all of them alike; a round's ratio compares neighbours, and the
table shows the median ratio with its spread. Times alone would say more about the machine
than about the code, so the bars are on ratios.

    run.py CLIENTS_DIR LIBRARY OUT_DIR [--quick] [--markdown] [--only WORD]...
    run.py --markdown RESULTS.json

--quick     fewer rounds of less work, under two minutes
--markdown  prints the tables of docs/performance.md; of an earlier run where one is named
--only      the works whose name holds WORD, and the bars on them
"""

import argparse
import json
import time
from pathlib import Path

from bench import table
from bench.bars import bars
from bench.measure import Bench, say, sizes
from bench.plot import svg
from bench.work import WORK


def main():
    options = arguments()
    if len(options.paths) == 1:
        print(table.markdown(json.loads(options.paths[0].read_text())))
        return
    clients, library, out = options.paths
    begun = time.monotonic()
    report = measure(Bench(clients, library, options.quick), options.only)
    say(f"measured in {time.monotonic() - begun:.0f} s")
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(report, indent=2) + "\n")
    (out / "results.svg").write_text(svg(report))
    print(table.markdown(report) if options.markdown else table.text(report))


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    if len(options.paths) != 3 and not (options.markdown and len(options.paths) == 1):
        parser.error("CLIENTS_DIR LIBRARY OUT_DIR, or --markdown RESULTS.json")
    return options


def measure(bench, only):
    chosen = [work for work in WORK if not only or any(word in work.name for word in only)]
    with bench:
        results = [result for work in chosen if (result := bench.work(work))]
        report = {"quick": bench.quick, "work": results, "size": sizes(bench.library)}
        report |= {"start": bench.start(), "once": bench.once()}
    report["instructions"] = bench.parts()
    return report | {"bars": bars(report)}


main()
