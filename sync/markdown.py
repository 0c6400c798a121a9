"""Text of others in Markdown: one line, bounded, and nothing in it is markup."""

from __future__ import annotations

import html
import re

from goldloop.printable import printable

# Also what GitHub makes a link or a formula of; at the start, what makes a list.
_MARKUP = re.compile(r"[\\`*_{}\[\]()|~@$!]|#|:(?=//)|(?<=www)\.|^[-+=]")
# GitHub looks for these in what is left when characters are no longer escaped, so that neither
# &#64; nor a backslash hides them (github/cmark-gfm#181): something has to stand in between. A
# dataset's version, as in golden@1.0.0, is none.
_REFERENCE = re.compile(
    r"@(?=\w)(?!(?<=[A-Za-z0-9]@)\d+\.\d+\.\d+(?![\w.@-]))"
    r"|#(?=\d)|(?<![^\W_])GH-(?=\d)|/(?:issues|pull|discussions|commit|compare)/",
    re.IGNORECASE,
)
_COMMIT = re.compile(r"(?<![^\W_])(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{7,40}(?![^\W_])", re.IGNORECASE)
_PART = re.compile(".{6}(?=.)")  # no commit is named by so few digits
_NOTHING = "\u200b"


def markdown_text(text: object, limit: int = 200) -> str:
    """The text as a reader of Markdown sees it: no heading, link, cell or tag comes of it.

    GitHub tells nobody of it and links no issue and no commit (but one that is named by digits
    alone): within such names, and nowhere else, so that the rest can be copied as it is, stand
    spaces without a width.

    >>> markdown_text("<b>| *1*\\n@you").replace(chr(0x200b), " ")
    '&lt;b&gt;&#124; &#42;1&#42; &#64; you'
    """
    flat = printable(str(text), limit)
    parted = _REFERENCE.sub(rf"\g<0>{_NOTHING}", flat)
    parted = _COMMIT.sub(lambda found: _PART.sub(rf"\g<0>{_NOTHING}", found[0]), parted)
    marked = _MARKUP.sub(lambda found: f"\0{ord(found[0])};", parted)
    return html.escape(marked, quote=False).replace("\0", "&#")
