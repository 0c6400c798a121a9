"""csv: a table for spreadsheets, which no cell can turn into a formula.

UTF-8 with a byte order mark (spreadsheets take it for Latin-1 without one), CRLF, quotes where
needed. Lists and objects are JSON text; a value that is missing is an empty cell. A spreadsheet
runs a text that begins with = + - @, a tab or a line end, and their full-width forms: such a text,
one that begins with an apostrophe, and the empty text get one apostrophe in front. So every text
comes back by dropping one leading apostrophe.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from sync.exports.case import as_json
from sync.exports.form import Edition, Format
from sync.exports.table import columns, questions, row

_GUARDED = tuple("=+-@\t\r\n'＝＋－＠")
_JSON = ("expected_tool_calls", "conversation")


def write(edition: Edition, target: Path) -> None:
    """A header and a row for each item."""
    fields, source = questions(edition), edition.origin
    names = list(columns(fields))
    with target.open("w", encoding="utf-8-sig", newline="") as out:
        lines = csv.writer(out)
        lines.writerow([cell(name) for name in names])
        for item in edition.items:
            values = row(item, source, fields)
            values |= {name: item.get(name) for name in _JSON}
            lines.writerow([cell(values[name]) for name in names])


def cell(value: Any) -> str:
    """A value as the text of a cell.

    >>> cell("=1+1"), cell("it's"), cell("'quoted'"), cell(["a"]), cell(None), cell("")
    ("'=1+1", "it's", "''quoted'", '["a"]', '', "'")
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if not value or value.startswith(_GUARDED) else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return as_json(value)
    # A negative number is no formula: nothing but digits can follow its sign.
    return repr(value) if math.isfinite(value) else ""


FORMAT = Format("a table that no spreadsheet takes for formulas", ".csv", write)
