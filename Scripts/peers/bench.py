#!/usr/bin/env python3
"""Measures vae-tools against PyTorch in one interleaved run. Started by Scripts/bench."""
import argparse
import datetime
import os
import sys

from measure import Failed, say
from report import Run, processor, slug, versions
from sections import Sections
from setting import HERE


def main():
    names = [name for name in vars(Sections) if not name.startswith("_")]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sections", nargs="*", help=" ".join(names) + " (all)")
    parser.add_argument("--tools", required=True, help="folder of the built tools")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has PyTorch")
    parser.add_argument("--scratch", required=True, help="folder for data and models")
    parser.add_argument("--runs", default=os.path.join(os.path.dirname(HERE), "runs"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--cases", type=int,
                        help="only the first so many shapes of train and convolution")
    parser.add_argument("--train", help="training images instead of mnist-cat's, .npy")
    parser.add_argument("--test", help="test images instead of mnist-cat's, .npy")
    args = parser.parse_args()
    if unknown := set(args.sections) - set(names):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {' '.join(names)}")

    bench = Sections(args)
    facts = versions(bench.root, args.python, bench.tools)
    folder = f"{datetime.date.today().isoformat()}-{slug(processor())}"
    result = Run(os.path.join(args.runs, folder))
    failed = []
    for name in args.sections or names:
        say(f"section {name}")
        bench.commands = []
        load = " ".join(f"{value:.2f}" for value in os.getloadavg())
        now = datetime.datetime.now().strftime("%Y-%m-%d %H:%M")
        try:
            tables, figures = getattr(bench, name)()
        except (Failed, OSError) as error:
            say(f"section {name}: {error}")
            failed.append(name)
            continue
        print("\n" + "\n".join(tables), flush=True)
        result.add(name, time=now, load=load, versions=facts, rounds=args.rounds,
                   threads=args.threads, commands=bench.commands, tables=tables, figures=figures)
    say(f"figures in {os.path.relpath(result.folder)}")
    sys.exit(f"bench: not measured: {' '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
