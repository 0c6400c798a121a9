"""A journal of verdicts: what judges were paid for is not asked again."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from goldloop.errors import StoreError
from goldloop.graders import Grade, Grader, grade_of
from goldloop.messages import call_record, message_record
from goldloop.records import sample_record
from goldloop.samples import Run, Sample


class VerdictJournal:
    """Verdicts in a JSONL file, one a line, added as they come; may be used by several threads.

    A verdict is known again by the version of the grader, the case and what the agent did. A line
    that was cut off when the process was killed counts as none. With `again`, what is known is left
    where it is and not used.
    """

    def __init__(self, path: Path, *, again: bool = False) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known = {} if again else _read(path)

    def known(self, grader: Grader, sample: Sample, run: Run) -> Grade | None:
        """The grade that was kept, None where there is none."""
        record = self._known.get(verdict_key(grader, sample, run))
        if record is None:
            return None
        return grade_of(grader, record["score"], record["reason"], record["details"])

    def keep(self, grader: Grader, sample: Sample, run: Run, grade: Grade) -> None:
        """Keep a grade, unless the grader failed: then it is asked again another time.

        Raises StoreError when the file cannot be written.
        """
        if grade.score is None:
            return
        record = {
            "key": verdict_key(grader, sample, run),
            "grader": grader.name,
            "sample_id": sample.sample_id,
            "score": grade.score,
            "reason": grade.reason,
            "details": dict(grade.details),
        }
        line = json.dumps(record, ensure_ascii=False) + "\n"
        with self._lock:
            _append(self._path, line.encode())


def verdict_key(grader: Grader, sample: Sample, run: Run) -> str:
    """What a verdict hangs on, as a hash."""
    done = {
        "response": run.response,
        "tool_calls": [call_record(call) for call in run.tool_calls],
        "messages": [message_record(message) for message in run.messages],
    }
    content = [grader.version, sample_record(sample), done]
    return sha256(json.dumps(content, sort_keys=True, default=dict).encode()).hexdigest()


def _append(path: Path, line: bytes) -> None:
    """A line of its own, also after one that was cut off."""
    try:
        with path.open("a+b") as file:
            if file.tell():
                file.seek(-1, 2)
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error


def _read(path: Path) -> dict[str, Mapping[str, Any]]:
    try:
        with path.open("rb") as file:
            records = [_parsed(line) for line in file]
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    return {record["key"]: record for record in records if record is not None}


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("key"), str):
        return None
    score = value.get("score")
    sound = (
        isinstance(score, int | float)
        and 0 <= score <= 1
        and isinstance(value.get("reason"), str)
        and isinstance(value.get("details"), dict)
    )
    return value if sound else None
