"""The console blocks of a page, and a shell that runs them as who reads the page would."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import click

_BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_END = "@@ended with "


@dataclass(frozen=True)
class Step:
    """One command, what the page says that it shows, and the code that it has to end with."""

    command: str
    shows: tuple[str, ...]
    code: int


@dataclass(frozen=True)
class File:
    """A file that the reader writes."""

    name: str
    text: str


def steps(page: str) -> list[Step | File]:
    """What the reader does, in order. A block of Python goes into the file that was named last."""
    found: list[Step | File] = []
    for block in _BLOCK.finditer(page):
        if block[1] == "console":
            found += commands(block[2])
        else:
            named = re.findall(r"`([\w.]+\.py)`", page[: block.start()])
            found.append(File(named[-1], block[2]))
    return found


def commands(block: str) -> Iterator[Step]:
    """The commands of one block; `echo $?` after one tells its exit code."""
    lines = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    shown = [(command, tuple(output.splitlines())) for command, output in lines]
    for (command, shows), after in zip(shown, [*shown[1:], ("", ())], strict=True):
        yield Step(command, shows, int(after[1][0]) if after[0] == "echo $?" else 0)


def told(page: str) -> list[list[str]]:
    """The arguments of every `goldloop ...` that a page names, in its console blocks and in its
    text; a container's command is one too.
    """
    shown = [line for block in _BLOCK.findall(page) for line in block[1].splitlines()]
    typed = [line[2:] for line in shown if line.startswith("$ ")]
    inline = re.findall(r"`(goldloop [^`]+)`", page)
    both = (re.search(r"(?:^| )goldloop (.+)", line) for line in [*typed, *inline])
    return [shlex.split(one[1]) for one in both if one]


def is_taken(group: click.Group, arguments: Sequence[str]) -> bool:
    """Whether the program takes these arguments, be their values what they may. A group may stand
    alone, and so may an option that wants a value: a text names them so.
    """
    try:
        _, command, rest = group.resolve_command(click.Context(group), list(arguments))
    except click.UsageError:
        return False
    if isinstance(command, click.Group):
        return not rest or is_taken(command, rest)
    return any(_is_parsed(command, [*rest, *value]) for value in ((), ("VALUE",)))


def _is_parsed(command: click.Command | None, arguments: list[str]) -> bool:
    assert command is not None
    try:
        parsed = command.make_parser(click.Context(command)).parse_args(arguments)
    except click.UsageError:
        return False
    return not parsed[1]


class Shell:
    """One bash for all commands of a page, so that `cd` and `source` last."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bash.communicate()

    def run(self, step: Step) -> str:
        """What the command shows; fails when it ends otherwise than the page says."""
        stdin, stdout = self._bash.stdin, self._bash.stdout
        assert stdin is not None
        assert stdout is not None
        # The code is handed on, for a next command that asks for it.
        marked = f'{step.command} </dev/null\nended=$?; echo; echo "{_END}$ended"; (exit $ended)\n'
        stdin.write(marked)
        stdin.flush()
        lines = []
        for line in stdout:
            if line.startswith(_END):
                break
            lines.append(line)
        shown = "".join(lines)
        assert line == f"{_END}{step.code}\n", f"{step.command}\n{shown}"
        assert [text for text in step.shows if text not in shown] == [], f"{step.command}\n{shown}"
        return shown
