"""Kill -9 the worker and the backend 50 times (quick: 8) while three annotators submit, change and
delete 300 annotations (quick: 60) in a real Label Studio: does the store end up level with it?

`missing`: annotations that Label Studio has and the store has not, or has otherwise. `doubled`:
annotations that stand in the store alone, or whose history has a form twice. `equal`: neither, and
the consensus is what is computed afresh from the annotations.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench._chaos import survive
from bench._label_studio import inhabited, what_is_missing
from bench._site import new_site

SEED = 4
INTERVAL = 2.0


def main(quick: bool) -> dict[str, Any]:
    """The figures of one run; `skipped` says what is missing where Label Studio is not there."""
    if missing := what_is_missing():
        return {"skipped": missing}
    kills, annotations, samples = (8, 60, 20) if quick else (50, 300, 60)
    with tempfile.TemporaryDirectory() as scratch, inhabited(annotators=3) as there:
        site = new_site(Path(scratch) / "chaos", there, samples, INTERVAL, hook=True)
        begun = time.monotonic()
        survived = survive(site, kills, annotations, SEED)
        seconds = time.monotonic() - begun
    found = survived.difference
    for what, counts in (
        ("killed", dict(survived.kills)),
        ("done", dict(survived.crowd.acts)),
        ("refused", dict(survived.crowd.refused)),
        ("different", {name: ids for name, ids in asdict(found).items() if ids}),
    ):
        print(f"{what:<10} {counts}", file=sys.stderr)
    return {
        "kills": survived.kills.total(),
        "annotations": survived.crowd.submitted,
        "equal": not found,
        "doubled": len({*found.left_over, *found.doubled}),
        "missing": len({*found.missing, *found.otherwise}),
        "seconds": round(seconds, 1),
    }
