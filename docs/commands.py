"""`python docs/commands.py` writes docs/commands.md: the help of every command, from the code."""

from __future__ import annotations

from pathlib import Path

import click

from sync.cli import main

PAGE = Path(__file__).with_name("commands.md")


def commands_page() -> str:
    """The page: the help of goldloop and of every command, 80 columns wide."""
    parts = ["# Commands", "", "Made by `make docs` from the program itself.", ""]
    with click.Context(
        main,
        info_name="goldloop",
        terminal_width=80,
        max_content_width=80,
        **main.context_settings,
    ) as top:
        parts += ["```text", main.get_help(top), "```", ""]
        parts += _commands_of(main, top, "##")
    return "\n".join(parts)


def _commands_of(group: click.Group, parent: click.Context, heading: str) -> list[str]:
    """The help of every command of a group, and of the commands of those that are groups."""
    parts = []
    for name, command in group.commands.items():
        with click.Context(
            command, info_name=name, parent=parent, terminal_width=80, max_content_width=80
        ) as context:
            # Its own name alone would be there twice: `list` of inbox and of synthesis.
            path = context.command_path.partition(" ")[2]
            parts += [f"{heading} {path}", "", "```text", command.get_help(context), "```", ""]
            if isinstance(command, click.Group):
                parts += _commands_of(command, context, f"{heading}#")
    return parts


if __name__ == "__main__":
    PAGE.write_text(commands_page(), encoding="utf-8")
