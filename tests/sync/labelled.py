"""A project whose samples were pushed, with annotations as a pull stores them; no Label Studio."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner, Result

from label_config.interface import Interface, builtin_interface, read_interface
from label_config.results import write_result
from store.annotations import RawAnnotation, store_task_annotations
from store.consensus import StoredConsensus, stored_consensus
from store.database import Store, transaction
from store.tasks import ReviewProject, save_review_project
from sync.cli import main
from sync.init import init_project
from sync.project import Project, open_project

PROJECT = 7
START = datetime(2026, 1, 1, tzinfo=UTC)
TRUTHS = ("correct", "incorrect", "partially_correct")


@dataclass
class Labelled:
    """A project folder with samples s0, s1, ... and its open store."""

    folder: Path
    db: Store
    interface: Interface

    @property
    def project(self) -> Project:
        """The project as its settings are now."""
        return open_project(self.folder)

    def configure(self, text: str) -> None:
        """Replace goldloop.toml."""
        (self.folder / "goldloop.toml").write_text(text)

    def show(self, xml: str) -> None:
        """Let annotators see another labelling interface from now on."""
        self.interface = read_interface(xml)
        save_review_project(self.db, ReviewProject(PROJECT, "http://there", "Review", xml))

    def said(self, number: int, person: int, **answers: Any) -> RawAnnotation:
        """What one person answered to sample `number`; verdicts on an agent's run by default."""
        given = answers or {"correctness": "correct", "tool_use": "right"}
        when = (START + timedelta(seconds=number)).isoformat()
        return RawAnnotation(
            annotation_id=number * 1000 + abs(person),
            project_id=PROJECT,
            task_id=number + 1,
            sample_id=f"s{number}",
            annotator_id=person,
            updated_by=None,
            result=write_result(self.interface, given),
            was_cancelled=False,
            ground_truth=False,
            lead_time=30.0,
            created_at=when,
            updated_at=when,
        )

    def label(self, annotations: Iterable[RawAnnotation]) -> list[str]:
        """Store all annotations of some tasks, as a pull does; the samples that changed."""
        by_task: dict[tuple[int, int], list[RawAnnotation]] = {}
        for one in annotations:
            by_task.setdefault((PROJECT, one.task_id), []).append(one)
        with transaction(self.db):
            return sorted(store_task_annotations(self.db, by_task))

    def three(self, number: int, verdicts: Sequence[str]) -> list[RawAnnotation]:
        """The verdicts of persons 1, 2, ... on one sample; none of a person who says ""."""
        return [
            self.said(number, person, correctness=verdict, tool_use="right")
            for person, verdict in enumerate(verdicts, 1)
            if verdict
        ]

    def careless(self, number: int) -> list[RawAnnotation]:
        """Persons 1 and 2 are right, and person 3 says "correct" to everything."""
        truth = TRUTHS[number % 3]
        return self.three(number, (truth, truth, "correct"))

    def crowd(self, numbers: Iterable[int], people: int = 20, seed: int = 3) -> list[RawAnnotation]:
        """Three of so many people, who are right in 55 to 95 of 100, on each of these samples."""
        found = []
        for number in numbers:
            rng = np.random.default_rng([seed, number])
            for who in rng.choice(people, 3, replace=False).tolist():
                right = rng.random() < 0.55 + 0.4 * who / people
                verdict = TRUTHS[number % 3] if right else TRUTHS[rng.integers(3)]
                found.append(self.said(number, who + 1, correctness=verdict, tool_use="right"))
        return found

    def found(self) -> dict[str, StoredConsensus]:
        """The consensus of every sample, by id."""
        return {one.sample_id: one for one in stored_consensus(self.db)}

    def states(self) -> dict[str, str]:
        """The state of every sample, by id."""
        return {sample_id: one.state.value for sample_id, one in self.found().items()}

    def run(self, *arguments: str, exit_code: int = 0) -> Result:
        """A command of goldloop; fails the test when it ends otherwise than expected."""
        result = CliRunner().invoke(main, ["-C", str(self.folder), *arguments])
        assert result.exit_code == exit_code, f"{arguments}: {result.output} {result.exception!r}"
        return result


def labelled(folder: Path, samples: int = 90) -> Labelled:
    """A project with so many samples in the built-in interface; close its store at the end."""
    init_project(folder)
    lines = (json.dumps({"sample_id": f"s{n}", "user_input": f"{n}?"}) for n in range(samples))
    (folder / "samples.jsonl").write_text("\n".join(lines))
    db = open_project(folder).open_store()
    made = Labelled(folder, db, builtin_interface())
    made.run("import", str(folder / "samples.jsonl"))
    made.show(made.interface.xml)
    return made


@contextmanager
def elsewhere(made: Labelled) -> Iterator[Labelled]:
    """The same project with a store of its own, as another process has it."""
    with closing(made.project.open_store()) as db:
        yield replace(made, db=db)
