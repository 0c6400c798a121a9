"""What `goldloop init` writes: every setting and every secret, explained."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields

from goldloop.settings.sections import PRICES, PRICES_VARIABLE, SECRETS, SECTIONS


def settings_template() -> str:
    """A goldloop.toml with every setting, its meaning and its default, all commented out."""
    lines = [
        "# Goldloop's settings. Every line shows a default: uncomment one to change it.",
        "# [section] key is overridden by the environment variable GOLDLOOP_SECTION_KEY.",
        "# Secrets do not belong here: see .env.example.",
    ]
    for section, cls in SECTIONS.items():
        lines += ["", f"[{section}]"]
        for item in fields(cls):
            if item.default is MISSING:
                raise TypeError(f"{section}.{item.name} has no default")
            shown = list(item.default) if isinstance(item.default, tuple) else item.default
            lines += [f"# {item.metadata['says']}", f"# {item.name} = {json.dumps(shown)}"]
    lines += [
        "",
        f"[{PRICES}]",
        f"# US dollars for a million input and output tokens, also {PRICES_VARIABLE} (as JSON);",
        "# a model or an agent version in quotes, for goldloop cost and goldloop run --max-usd:",
        '# "model-7" = [0.15, 0.60]',
    ]
    return "\n".join(lines) + "\n"


def environment_template() -> str:
    """A .env.example with every secret that the settings know, empty."""
    lines = ["# Copy to .env and fill in what you use. Never commit .env."]
    for name, says in SECRETS.values():
        lines += [f"# {says}", f"{name}="]
    return "\n".join(lines) + "\n"
