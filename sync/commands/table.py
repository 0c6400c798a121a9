"""The commands by name. Each is imported when it is asked for: one needs few of our modules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module

import click


class CommandTable(MutableMapping[str, click.Command]):
    """What a `click.Group` keeps its commands in, in the order in which they were given.

    `places` says where each command is: `module.attribute`, below `sync.commands`.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._commands: dict[str, click.Command | str] = dict(places)

    def __getitem__(self, name: str) -> click.Command:
        """The command; imports its module the first time."""
        found = self._commands[name]
        if isinstance(found, str):
            found = self._commands[name] = _imported(found)
        return found

    def __contains__(self, name: object) -> bool:
        """Whether there is such a command; imports nothing."""
        return name in self._commands

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)


def _imported(place: str) -> click.Command:
    module, attribute = place.split(".")
    command: click.Command = getattr(import_module(f"sync.commands.{module}"), attribute)
    return command
