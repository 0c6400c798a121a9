"""A graders file: what `graders.toml` or `graders.json` says."""

from __future__ import annotations

from goldloop.errors import SettingsError
from goldloop.graders.grader_set import GraderSet
from goldloop.graders.kinds import listed, read_grader, unique
from goldloop.graders.reading import number_at, object_of, refuse_unknown

KEYS = ("pass_score", "graders")


def read_graders(value: object, where: str) -> GraderSet:
    """The graders of a file, parsed already; `where` is the file's name.

    `{"pass_score": 0.8, "graders": [{"name", "kind", "weight", "threshold", "when", and the
    settings of its kind}]}`. What is not given is filled in, so that a grader's version does not
    depend on it. Raises SettingsError that names the place: a key that is not known, two graders
    of one name, a weight below 0, a score outside of [0, 1], graders that count for nothing.
    """
    record = object_of(value, where)
    try:
        refuse_unknown(record, KEYS, "")
        pass_score = number_at(record, "pass_score", 0, 1, "")
        values = listed(record.get("graders", []), "graders")
        read = (read_grader(one, f"graders[{n}]") for n, one in enumerate(values))
        graders = unique(read, "graders")
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None
    if all(grader.weight == 0 for grader in graders):
        raise SettingsError(
            f"{where}: every grader has weight 0, so that nothing could pass or fail"
        )
    return GraderSet(graders, pass_score)
