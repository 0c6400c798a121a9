"""Coverage of tools: which the items expect to be called, and which the agent called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from goldloop.versions import Item


@dataclass(frozen=True, slots=True)
class ToolCoverage:
    """One tool: how many items expect a call of it, and in how many the agent called it.

    `called` is None where the runs are not known.
    """

    tool: str
    expected: int
    called: int | None


@dataclass(slots=True)
class ToolTally:
    """Counts one item after another; `calls` as `tool_coverage` takes them."""

    calls: Mapping[str, Collection[str]] | None = None
    expected: Counter[str] = field(default_factory=Counter)
    called: Counter[str] = field(default_factory=Counter)

    def add(self, item: Item) -> None:
        """Count the tools of an item."""
        expected = item.get("expected_tool_calls")
        if expected:
            self.expected.update({str(call["name"]) for call in expected})
        if self.calls:
            self.called.update(set(self.calls.get(str(item["sample_id"]), ())))

    def found(self) -> tuple[ToolCoverage, ...]:
        """What was counted."""
        tools = self.expected.keys() | self.called.keys()
        return tuple(
            ToolCoverage(
                tool, self.expected[tool], None if self.calls is None else self.called[tool]
            )
            for tool in sorted(tools, key=lambda tool: (-self.expected[tool], tool))
        )


def tool_coverage(
    items: Iterable[Item], called: Mapping[str, Collection[str]] | None
) -> tuple[ToolCoverage, ...]:
    """Every tool that an item expects or a run called, by how many items expect it, then by name.

    `called` has the names of the tools that the agent called, by sample; those of samples that are
    not in the version are ignored. An item counts once for a tool, however often it is called.

    >>> items = [{"sample_id": "a", "expected_tool_calls": [{"name": "find", "arguments": {}}]}]
    >>> tool_coverage(items, {"a": ["find", "pay"]})[1]
    ToolCoverage(tool='pay', expected=0, called=1)
    """
    tally = ToolTally(called)
    for item in items:
        tally.add(item)
    return tally.found()
