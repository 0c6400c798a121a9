"""Run one benchmark by its name and print its figures as one JSON object on the last line."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
from collections.abc import Sequence

import bench

# Files that cannot have the benchmark's name: a `sync.py` beside a script would hide our `sync`.
FILES = {"sync": "sync_speed"}


def names() -> list[str]:
    """The benchmarks that there are: the modules here that have a `main`."""
    named = {file: name for name, file in FILES.items()}
    found = (module.name for module in pkgutil.iter_modules(bench.__path__))
    return sorted(named.get(file, file) for file in found if not file.startswith("_"))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark that the command line names; 2 when there is none of that name."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=bench.__doc__)
    parser.add_argument("name", help=f"one of: {', '.join(names())}")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: under a minute")
    chosen = parser.parse_args(arguments)
    if chosen.name not in names():
        print(f"no benchmark {chosen.name!r}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"bench.{FILES.get(chosen.name, chosen.name)}")
    figures = module.main(chosen.quick)
    print(json.dumps(figures), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(run())
