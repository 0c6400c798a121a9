"""What is known of a version beside its items."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldloop.consensus.states import Annotation
from goldloop.fields import Field


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report needs beside the items; None where it is not known, with the reason in
    `missing` under the name of the report's section.

    `manifest` says which version it is and what changed. `fields` are the questions of its
    labelling interface, `voted` those that several people answer to agree on, `gold_fields` the
    names of those that make a sample gold. `answers` are the annotations that stand now, by sample
    (samples that are not in the version are ignored), `names` who wrote them, `words` how much
    there is to read of a sample. `tools_called` has the names of the tools that the agent called
    when annotators looked at it, by sample, `held_back` the samples on which no label stands, by
    state. `draws` is how often agreement is bootstrapped. Near-duplicates are looked for among at
    most `compared` items; None for any number.
    """

    manifest: Mapping[str, Any] = field(default_factory=dict)
    fields: Sequence[Field] | None = None
    voted: Sequence[Field] = ()
    gold_fields: Sequence[str] = ()
    answers: Mapping[str, Sequence[Annotation]] | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    words: Mapping[str, int] = field(default_factory=dict)
    tools_called: Mapping[str, Collection[str]] | None = None
    held_back: Mapping[str, Sequence[str]] | None = None
    draws: int = 1000
    compared: int | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
