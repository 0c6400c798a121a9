"""Text of others in Markdown: one line, bounded, and nothing in it is markup."""

from __future__ import annotations

import html
import re

from goldloop.printable import printable

# Also what GitHub makes a link, a mention or a formula of; at the start, what makes a list.
_MARKUP = re.compile(r"[\\`*_{}\[\]()|~@$!]|#|:(?=//)|(?<=www)\.|^[-+=]")


def markdown_text(text: object, limit: int = 200) -> str:
    """The text as a reader of Markdown sees it: no heading, link, mention, cell or tag comes of it.

    >>> markdown_text("<b>| *1*\\n@you")
    '&lt;b&gt;&#124; &#42;1&#42; &#64;you'
    """
    flat = printable(str(text), limit)
    marked = _MARKUP.sub(lambda found: f"\0{ord(found[0])};", flat)
    return html.escape(marked, quote=False).replace("\0", "&#")
