"""gate_inputs: which two evaluations a gate compares, by what the user named.

A name is tried in this order: a number is an evaluation's; an existing file is an evaluation, a
result of promptfoo or a log of Inspect AI; then an agent version; then a branch. Of the last two it
is the newest finished evaluation on the candidate's dataset. Where a name could be several things,
a note says which one was taken.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from goldloop.errors import RecordError, VersionError
from goldloop.evaluation import Evaluation, read_evaluation
from goldloop.printable import printable
from store.database import Store
from store.evaluations import StoredEvaluation, get_evaluation, list_evaluations, stored_evaluation
from sync.adapters.inspect_log import is_inspect, read_inspect
from sync.adapters.promptfoo_results import is_promptfoo, read_promptfoo
from sync.adapters.zipped_log import ZippedLog
from sync.evaluation_file import read_json

_KNOWN = 10
_EVALUATE = "evaluate first: goldloop evaluate --dataset NAME@VERSION"


class UnknownEvaluationError(VersionError):
    """Nothing is called by the name that was given."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Named:
    """An evaluation, its number in the store (None: it came from a file), and what to say of it."""

    evaluation: Evaluation
    stored_id: int | None = None
    notes: tuple[str, ...] = ()


def candidate_of(db: Store | None, reference: str, dataset: str | None) -> Named:
    """The evaluation named, or the newest finished one (of the dataset, as NAME or NAME@VERSION,
    where one is named).
    """
    finished = _finished(db, dataset)
    if not reference:
        if not finished:
            where = f" of {dataset}" if dataset else ""
            raise UnknownEvaluationError(f"there is no finished evaluation{where}; {_EVALUATE}")
        return _stored(db, finished[-1])
    return _direct(db, reference) or _by_name(db, finished, reference, "candidate")


def baseline_of(db: Store | None, reference: str, candidate: Named) -> Named:
    """The evaluation to compare the candidate with.

    Raises UnknownEvaluationError for a name that nothing has, and where it is the candidate itself.
    """
    found = _direct(db, reference)
    if found is None:
        others = _comparable(_finished(db, None), candidate)
        found = _by_name(db, others, reference, "baseline")
    if replace(found.evaluation, evaluation_id=candidate.evaluation.evaluation_id) == (
        candidate.evaluation
    ):
        raise UnknownEvaluationError(
            f"{reference!r} is the candidate itself (evaluation "
            f"{candidate.evaluation.evaluation_id}); name another baseline, or with --candidate "
            "another candidate"
        )
    return found


def _finished(db: Store | None, dataset: str | None) -> list[StoredEvaluation]:
    if db is None:
        return []
    named, _, version = (dataset or "").partition("@")
    return [
        one
        for one in list_evaluations(db, dataset=named or None)
        if one.finished_at and version in ("", one.version)
    ]


def _comparable(finished: Sequence[StoredEvaluation], candidate: Named) -> list[StoredEvaluation]:
    """Those on the candidate's dataset, the ones on just its version last: the newest is taken."""
    chosen = candidate.evaluation
    others = [
        one
        for one in finished
        if one.dataset == chosen.dataset and one.evaluation_id != candidate.stored_id
    ]
    return sorted(others, key=lambda one: one.content_fingerprint == chosen.content_fingerprint)


def _direct(db: Store | None, reference: str) -> Named | None:
    """What a number or a file names; None for anything else."""
    path, wanted = _file(reference)
    number = int(reference) if reference.isascii() and reference.isdigit() else None
    stored = None if number is None or db is None else _numbered(db, number)
    if stored is not None:
        note = f"{reference} is evaluation {reference}; for the file write ./{reference}"
        return Named(stored.evaluation, stored.stored_id, (note,) if path else ())
    return None if path is None else read_results(path, wanted)


def _numbered(db: Store, number: int) -> Named | None:
    stored = stored_evaluation(db, number)
    if stored is None:
        return None
    if not stored.finished_at:
        raise UnknownEvaluationError(
            f"evaluation {number} is not finished; go on with it: goldloop evaluate"
        )
    return _stored(db, stored)


def _file(reference: str) -> tuple[Path | None, str]:
    """The file that is named, and what follows it after a #."""
    for path, wanted in ((reference, ""), reference.partition("#")[::2]):
        try:
            if path and Path(path).is_file():
                return Path(path), wanted
        except (OSError, ValueError):  # too long, or with a NUL: no file's name
            continue
    return None, ""


def _by_name(
    db: Store | None, known: Sequence[StoredEvaluation], reference: str, role: str
) -> Named:
    by_version = [one for one in known if one.agent_version == reference]
    by_branch = [one for one in known if one.branch == reference]
    if not (by_version or by_branch):
        _refuse(known, reference, role)
    taken = (by_version or by_branch)[-1]
    what = "agent version" if by_version else "branch"
    notes = [f"{role}: evaluation {taken.evaluation_id}, the newest of {what} {reference}"]
    if by_version and by_branch:
        notes.append(f"{reference} is also a branch; name an evaluation's number to take that")
    return _stored(db, taken, tuple(notes))


def _refuse(known: Sequence[StoredEvaluation], reference: str, role: str) -> NoReturn:
    names = {one.agent_version for one in known} | {one.branch for one in known if one.branch}
    names |= {str(one.evaluation_id) for one in known}
    if not names:
        raise UnknownEvaluationError(
            f"there is no {role} {printable(reference)!r}: no finished evaluation that it could be"
            f" is in the store, and no such file; {_EVALUATE}, or name a file"
        )
    near = difflib.get_close_matches(reference, names, n=_KNOWN, cutoff=0.5)
    ordered = [*near, *sorted(names - set(near))]
    more = f" and {len(ordered) - _KNOWN} more" if len(ordered) > _KNOWN else ""
    raise UnknownEvaluationError(
        f"no evaluation, file, agent version or branch is called {printable(reference)!r}; there"
        f" are: {', '.join(printable(one, 60) for one in ordered[:_KNOWN])}{more}"
    )


def _stored(db: Store | None, chosen: StoredEvaluation, notes: tuple[str, ...] = ()) -> Named:
    found = None if db is None else get_evaluation(db, chosen.evaluation_id)
    if found is None:
        raise UnknownEvaluationError(f"evaluation {chosen.evaluation_id} is no longer there")
    return Named(found, chosen.evaluation_id, notes)


def read_results(path: Path, wanted: str = "") -> Named:
    """An evaluation of ours, a result of promptfoo or a log of Inspect AI, by what the file holds.

    `wanted` names one of several agents in a file of promptfoo. Raises RecordError for anything
    else, which is named with what was expected.
    """
    try:
        return _read_results(path, wanted)
    except RecursionError:
        raise RecordError(f"{path} is nested too deep") from None


def _read_results(path: Path, wanted: str) -> Named:
    zipped = _is_zip(path)
    document = {} if zipped else _document(path)
    if is_promptfoo(document):
        return Named(read_promptfoo(document, str(path), wanted))
    if wanted:
        raise RecordError(f"{path} is not of promptfoo and holds one agent; leave out #{wanted}")
    if zipped:
        log = ZippedLog(path)
        return Named(read_inspect(log.header(), log.samples(), str(path)))
    if is_inspect(document):
        samples = document.get("samples")
        kept = samples if isinstance(samples, list) else []
        return Named(read_inspect(document, (x for x in kept if isinstance(x, dict)), str(path)))
    if str(document.get("schema", "")).startswith("goldloop-evaluation-"):
        return Named(replace(read_evaluation(document, str(path)), evaluation_id=str(path)))
    raise RecordError(
        f"{path} is no evaluation; expected what goldloop evaluate -o wrote, promptfoo's results "
        "(.json) or a log of Inspect AI (.eval or .json)"
    )


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from None


def _document(path: Path) -> dict[str, Any]:
    found = read_json(path)
    if not isinstance(found, dict):
        raise RecordError(f"{path} holds no object; expected an evaluation")
    return found
