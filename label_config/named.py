"""The labelling interface that the settings name: one that is built in, or a file."""

from __future__ import annotations

from pathlib import Path

from goldloop.errors import InterfaceError
from label_config.interface import Interface, builtin_interface, read_interface

BUILTIN = ("agent_review",)


def named_interface(name: str, folder: Path) -> Interface:
    """A built-in interface, or the one in the XML file `name`, relative to `folder`.

    Raises InterfaceError when the file cannot be read or is no interface that Goldloop reads.
    """
    if name in BUILTIN:
        return builtin_interface(name)
    path = folder / name
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InterfaceError(
            f"goldloop.toml: [label_studio] interface: {path} cannot be read ({error}); "
            f"give an XML file, or one of: {', '.join(BUILTIN)}"
        ) from error
    return read_interface(text, str(path))
