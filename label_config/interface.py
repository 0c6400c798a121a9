"""Read a labelling interface: the questions it asks, and the task keys that it shows.

Label Studio takes almost any XML and shows the mistake to the annotators; here each mistake is an
InterfaceError that names the tag and says what to write instead.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

from goldloop.errors import InterfaceError
from goldloop.fields import Field
from label_config.controls import read_control
from label_config.tags import (
    CONTROLS,
    HIDEABLE,
    LAYOUT,
    NOT_IN_COMMUNITY,
    OBJECTS,
    instead_of,
)

SIZE_LIMIT = 1_000_000
DEPTH_LIMIT = 100

# Keys of a task's data that hold text as a model or a user wrote it; `<key>_html` is its escaped
# form. Label Studio would load the images of such text when shown as HTML.
RAW_KEYS = {
    "user_input": "$trace_html",
    "response": "$response_html",
    "expected_response": "$expected_html",
}

# The front end's own pattern: `$a`, `$a.b`, `$a[0].c`.
_KEY = re.compile(r"\$(\w+)[\w\[\].{}]*")
_HIDDEN_UNTIL_ANSWERED = ("choice-selected", "choice-unselected")


@dataclass(frozen=True)
class Interface:
    """A labelling interface, read and found fit for Label Studio Community.

    `fields` are its questions in the order of the screen. `data_keys` are the keys of a task's
    data that it shows, in order and without repeats (`$a.b` counts as `a`). `nested` names the
    Choices with allowNested, whose answers Label Studio writes as paths; their options are paths
    joined with " > ".
    """

    xml: str
    fields: tuple[Field, ...]
    data_keys: tuple[str, ...]
    nested: frozenset[str] = frozenset()

    def field(self, name: str) -> Field | None:
        """The question of that name, or None."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> Mapping[str, Field]:
        return {field.name: field for field in self.fields}


@dataclass(frozen=True)
class _Node:
    """A tag, its name in lower case, and whether it is shown only after certain answers."""

    element: ET.Element
    tag: str
    conditional: bool


def read_interface(xml: str, where: str = "the labelling interface") -> Interface:
    """The questions and data keys of a labelling interface.

    `where` names the interface in messages, such as the file that it came from. Raises
    InterfaceError for XML that cannot be read, for tags that Community cannot show or Goldloop
    cannot read answers from, and for names that do not fit together.
    """
    try:
        return _read(xml)
    except InterfaceError as error:
        raise InterfaceError(f"{where}: {error}") from None


def builtin_interface(name: str = "agent_review") -> Interface:
    """A labelling interface that comes with Goldloop. Raises InterfaceError for unknown names."""
    file = resources.files("label_config").joinpath(f"{name}.xml")
    if not re.fullmatch(r"[a-z_]+", name) or not file.is_file():
        raise InterfaceError(f"there is no built-in labelling interface {name!r}; use agent_review")
    return read_interface(file.read_text(encoding="utf-8"), f"label_config/{name}.xml")


def _read(xml: str) -> Interface:
    nodes = tuple(_nodes(_parse(xml)))
    for node in nodes:
        _check_tag(node)
    _check_names(nodes)
    controls = [node for node in nodes if node.tag in CONTROLS]
    if not controls:
        raise InterfaceError(
            "it asks nothing: add a control tag such as <Choices>, <Rating> or <TextArea>"
        )
    fields = tuple(read_control(node.element, node.conditional) for node in controls)
    nested = frozenset(
        node.element.get("name", "")
        for node in controls
        if node.element.get("allowNested") == "true"
    )
    return Interface(xml, fields, _data_keys(nodes), nested)


def _parse(xml: str) -> ET.Element:
    if len(xml.encode("utf-8", "replace")) > SIZE_LIMIT:
        raise InterfaceError(f"it is larger than {SIZE_LIMIT:,} bytes; an interface is a few kB")
    # Without a document type there are no entities to expand and no files to fetch.
    found = re.search(r"<!(DOCTYPE|ENTITY)", xml, re.IGNORECASE)
    if found:
        line = xml.count("\n", 0, found.start()) + 1
        raise InterfaceError(f"line {line}: <!{found[1]} is not allowed; remove it")
    try:
        root = ET.fromstring(xml)  # noqa: S314 - document types are refused above
    except ET.ParseError as error:
        raise InterfaceError(f"it is not XML: line {error.position[0]}: {error}") from None
    except ValueError as error:
        raise InterfaceError(f"it is not XML: {error}") from None
    if root.tag.lower() != "view":
        raise InterfaceError(f"the outermost tag is <{root.tag}>, and must be <View>")
    return root


def _nodes(root: ET.Element) -> Iterator[_Node]:
    """Every tag in the order of the screen; what is inside a HyperText is its content, not tags."""
    stack = [(root, False, 1)]
    while stack:
        element, conditional, depth = stack.pop()
        if depth > DEPTH_LIMIT:
            raise InterfaceError(f"tags are nested more than {DEPTH_LIMIT} deep")
        tag = element.tag.lower()
        conditional = conditional or _is_conditional(element, tag)
        yield _Node(element, tag, conditional)
        if tag != "hypertext":
            stack += [(child, conditional, depth + 1) for child in reversed(element)]


def _is_conditional(element: ET.Element, tag: str) -> bool:
    if tag not in HIDEABLE:
        return False
    when = element.get("visibleWhen")
    if when == "region-selected":
        raise InterfaceError(
            f'{_named(element)} has visibleWhen="region-selected", and Goldloop reads no regions; '
            'use visibleWhen="choice-selected"'
        )
    return when in _HIDDEN_UNTIL_ANSWERED or (when is None and "whenChoiceValue" in element.attrib)


def _check_tag(node: _Node) -> None:
    element, tag = node.element, node.tag
    if tag in NOT_IN_COMMUNITY:
        raise InterfaceError(
            f"{_named(element)} cannot be shown in Label Studio Community; {NOT_IN_COMMUNITY[tag]}"
        )
    instead = instead_of(tag)
    if instead:
        raise InterfaceError(f"Goldloop cannot read answers from {_named(element)}; {instead}")
    if tag not in OBJECTS | LAYOUT | CONTROLS:
        raise InterfaceError(f"Label Studio Community has no tag {_named(element)}; remove it")
    for per in ("perRegion", "perItem"):
        if element.get(per, "false").lower() == "true":
            raise InterfaceError(
                f"Goldloop cannot read answers from {_named(element)} with {per}; remove {per}, "
                "so that it asks about the whole task"
            )
    _check_raw(element, tag)


def _check_raw(element: ET.Element, tag: str) -> None:
    if tag not in ("hypertext", "markdown"):
        return
    for key in _KEY.findall(element.get("value", "") + "".join(element.itertext())):
        if key in RAW_KEYS:
            raise InterfaceError(
                f"{_named(element)} would show ${key}, which a model or a user wrote, as markup; "
                f'use {RAW_KEYS[key]}, or <Text value="${key}"/>'
            )


def _check_names(nodes: tuple[_Node, ...]) -> None:
    # <Choice> and layout tags may carry a name too, and the server counts every one of them.
    names = Counter(node.element.get("name") for node in nodes if node.element.get("name"))
    for name, count in names.items():
        if count > 1:
            raise InterfaceError(f"{count} tags have the name {name!r}; give each its own")
    objects = {node.element.get("name") for node in nodes if node.tag in OBJECTS}
    controls = {node.element.get("name") for node in nodes if node.tag in CONTROLS}
    for node in nodes:
        if node.tag in CONTROLS:
            _check_control_names(node.element, node.tag, objects)
        asked = node.element.get("whenTagName")
        if node.tag in HIDEABLE and asked and asked not in controls:
            raise InterfaceError(
                f"{_named(node.element)} waits for whenTagName={asked!r}, and no question has "
                "that name, so it would never be shown"
            )


def _check_control_names(element: ET.Element, tag: str, objects: set[str | None]) -> None:
    if not element.get("name"):
        raise InterfaceError(f"{_named(element)} has no name; give it one")
    to_name = element.get("toName")
    if not to_name:
        raise InterfaceError(
            f"{_named(element)} has no toName; set it to the name of the tag that shows the data"
        )
    targets = to_name.split(",") if tag == "pairwise" else [to_name]
    if tag == "pairwise" and len(set(targets)) != 2:
        raise InterfaceError(f'{_named(element)} compares two tags: toName="first,second"')
    for target in targets:
        if target not in objects:
            raise InterfaceError(
                f"{_named(element)} has toName={target!r}, and no tag that shows data has that "
                f"name; there are: {', '.join(sorted(name for name in objects if name)) or 'none'}"
            )


def _data_keys(nodes: tuple[_Node, ...]) -> tuple[str, ...]:
    keys: dict[str, None] = {}
    for node in nodes:
        keys.update(dict.fromkeys(_KEY.findall(_shown(node))))
    return tuple(keys)


def _shown(node: _Node) -> str:
    """Where Label Studio replaces `$key`: in any attribute of an object, else in the value."""
    if node.tag in OBJECTS:
        return "\n".join([*node.element.attrib.values(), *node.element.itertext()])
    return "" if node.tag == "style" else node.element.get("value", "")


def _named(element: ET.Element) -> str:
    name = element.get("name")
    return f"<{element.tag} name={name!r}>" if name else f"<{element.tag}>"
