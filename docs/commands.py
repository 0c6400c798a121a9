"""`python docs/commands.py` writes docs/commands.md: the help of every command, from the code."""

from __future__ import annotations

from pathlib import Path

import click

from sync.cli import main

PAGE = Path(__file__).with_name("commands.md")


def commands_page() -> str:
    """The page: the help of goldloop and of every command, 80 columns wide."""
    parts = ["# Commands", "", "Made by `make docs` from the program itself.", ""]
    width = {"terminal_width": 80, "max_content_width": 80}
    with click.Context(main, info_name="goldloop", **width, **main.context_settings) as top:
        parts += ["```text", main.get_help(top), "```", ""]
        for name, command in main.commands.items():
            with click.Context(command, info_name=name, parent=top, **width) as context:
                parts += [f"## {name}", "", "```text", command.get_help(context), "```", ""]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(commands_page(), encoding="utf-8")
