"""Which tags of Label Studio 1.23 Goldloop reads, passes by, and refuses, with what to use instead.

The names are those that Community's front end registers, in lower case: it ignores case in tag
names. The server accepts any other name without a word, and the annotators' screen then breaks.
"""

from __future__ import annotations

from collections.abc import Mapping

OBJECTS = frozenset(
    [
        "audio",
        "audioplus",
        "dialog",
        "hypertext",
        "image",
        "list",
        "paragraphs",
        "pdf",
        "table",
        "text",
        "timeseries",
        "video",
    ]
)
LAYOUT = frozenset(
    [
        "view",
        "header",
        "style",
        "markdown",
        "collapse",
        "panel",
        "filter",
        "shortcut",
        "pagedview",
        "channel",
        "multichannel",
        "choice",
    ]
)
CONTROLS = frozenset(
    ["choices", "rating", "number", "textarea", "pairwise", "taxonomy", "datetime"]
)

# On other tags Label Studio ignores visibleWhen, so their questions are always shown.
HIDEABLE = frozenset(["view", "choices", "textarea", "taxonomy"])

_CHOICES = 'use <Choices> (with choice="multiple" for several answers)'
_TRACE = '<HyperText inline="true" value="$trace_html"/>'

NOT_IN_COMMUNITY: Mapping[str, str] = {
    "chat": f'use {_TRACE} or <Paragraphs layout="dialogue" value="$conversation"/>',
    "chatmessage": f"use {_TRACE}",
    "reactcode": f"use {_TRACE} with the standard controls",
    "custominterface": f"use {_TRACE} with the standard controls",
}

UNREADABLE: Mapping[str, str] = {
    **dict.fromkeys(
        [
            "brush",
            "bitmask",
            "ellipse",
            "keypoint",
            "magicwand",
            "polygon",
            "rectangle",
            "vector",
            "videorectangle",
            "relations",
            "relation",
            "label",
        ],
        _CHOICES,
    ),
    "ranker": "use <Pairwise> to compare two answers, or one <Rating> for each",
    "bucket": "use <Choices> for each item",
    "repeater": f"show the turns with {_TRACE} and ask with <Choices> about the whole of them",
}


def instead_of(tag: str) -> str | None:
    """What to use in place of a tag that Goldloop cannot read; None where `tag` is not one.

    >>> instead_of("rectanglelabels") == instead_of("labels")
    True
    """
    return UNREADABLE.get(tag) or (_CHOICES if tag.endswith("labels") else None)
