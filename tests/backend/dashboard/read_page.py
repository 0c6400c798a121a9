"""What a reader sees of a page: its tables and the numbers of its plots."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any


def rows(page: str, label: str) -> list[list[str]]:
    """The cells of the table of that label, row by row, as a reader sees them."""
    table = page.partition(f'aria-label="{label}"')[2].partition("</table>")[0]
    found = re.findall(r"<tr.*?</tr>", table.partition("<tbody")[2], re.DOTALL)
    return [[seen(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", r, re.DOTALL)] for r in found]


def seen(html: str) -> str:
    """The text of it, on one line."""
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", html).split()))


def plots(page: str) -> list[dict[str, Any]]:
    """What each plot gives the browser to draw."""
    found = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return [json.loads(one) for one in found]
