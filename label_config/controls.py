"""Read one control tag of a labelling interface as a field."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator

from goldloop.errors import InterfaceError
from goldloop.fields import Field, FieldKind

PATH = " > "

_ISO_FORMATS = ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


def read_control(element: ET.Element, conditional: bool) -> Field:
    """The field that a control tag asks for. Raises InterfaceError naming what it lacks."""
    tag = element.tag.lower()
    kind = _kind(element, tag)
    low, high = _range(element, kind)
    options = _options(element) if tag in ("choices", "taxonomy") else ()
    return Field(
        name=element.get("name", ""),
        kind=kind,
        to_name=element.get("toName", ""),
        options=("left", "right") if kind is FieldKind.PAIRWISE else options,
        # Label Studio never checks that a Pairwise was answered.
        required=element.get("required") == "true" and kind is not FieldKind.PAIRWISE,
        conditional=conditional,
        minimum=low,
        maximum=high,
    )


def _kind(element: ET.Element, tag: str) -> FieldKind:
    if tag == "choices":
        choice = element.get("choice", "single")
        if choice not in ("single", "single-radio", "multiple"):
            raise InterfaceError(
                f"{_at(element)} has choice={choice!r}; use single, single-radio or multiple"
            )
        return FieldKind.MULTIPLE_CHOICE if choice == "multiple" else FieldKind.SINGLE_CHOICE
    if tag == "datetime":
        _check_iso(element)
    return {
        "rating": FieldKind.RATING,
        "number": FieldKind.NUMBER,
        "textarea": FieldKind.TEXT,
        "pairwise": FieldKind.PAIRWISE,
        "taxonomy": FieldKind.TAXONOMY,
        "datetime": FieldKind.DATE,
    }[tag]


def _options(element: ET.Element) -> tuple[str, ...]:
    """The values that can be chosen: for a Taxonomy and nested Choices, paths of inner and leaf."""
    _check_static(element)
    nested = element.tag.lower() == "taxonomy" or element.get("allowNested") == "true"
    options = tuple(PATH.join(path) for path in _paths(element, (), nested))
    if not options:
        raise InterfaceError(f"{_at(element)} has no <Choice>; give it at least one")
    repeated = [option for option, count in Counter(options).items() if count > 1]
    if repeated:
        raise InterfaceError(f"{_at(element)} offers {repeated[0]!r} twice; give one an alias")
    return options


def _check_static(element: ET.Element) -> None:
    if element.get("apiUrl") or element.get("value", "").startswith("$"):
        raise InterfaceError(
            f"{_at(element)} takes its options from elsewhere, so answers could not be compared "
            "between tasks; write them as <Choice> tags"
        )
    if element.get("labeling") == "true":
        raise InterfaceError(
            f"{_at(element)} labels regions, which Goldloop cannot read; remove labeling"
        )


def _paths(element: ET.Element, above: tuple[str, ...], nested: bool) -> Iterator[tuple[str, ...]]:
    for child in element:
        if child.tag.lower() != "choice":
            yield from _paths(child, above, nested)
            continue
        path = (*above, _value(element, child, nested))
        yield path
        # Without allowNested, Label Studio does not show a <Choice> inside a <Choice>.
        if nested:
            yield from _paths(child, path, nested)


def _value(parent: ET.Element, choice: ET.Element, nested: bool) -> str:
    value = choice.get("alias") or choice.get("value")
    if not value:
        raise InterfaceError(f"{_at(parent)} has a <Choice> without a value")
    if "$" in value and "alias" not in choice.attrib:
        raise InterfaceError(
            f"{_at(parent)} has the <Choice> value {value!r}, in which Label Studio replaces what "
            "follows the $ by the task's data; give it an alias"
        )
    if nested and PATH in value:
        raise InterfaceError(f"{_at(parent)}: the <Choice> value {value!r} contains {PATH!r}")
    return value


def _range(element: ET.Element, kind: FieldKind) -> tuple[float | None, float | None]:
    if kind is FieldKind.RATING:
        return 1.0, _stars(element)
    if kind is not FieldKind.NUMBER:
        return None, None
    low, high = (_limit(element, attribute) for attribute in ("min", "max"))
    if low is not None and high is not None and low > high:
        raise InterfaceError(f"{_at(element)} has min {low:g} above max {high:g}")
    return low, high


def _stars(element: ET.Element) -> float:
    text = element.get("maxRating", "5")
    if not re.fullmatch("[1-9][0-9]?|100", text):
        raise InterfaceError(f"{_at(element)} has maxRating={text!r}; use a number from 1 to 100")
    return float(text)


def _limit(element: ET.Element, attribute: str) -> float | None:
    text = element.get(attribute)
    if text is None:
        return None
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not math.isfinite(limit):
        raise InterfaceError(f"{_at(element)} has {attribute}={text!r}; use a number")
    return limit


def _check_iso(element: ET.Element) -> None:
    written = element.get("format")
    if written and written not in _ISO_FORMATS:
        raise InterfaceError(
            f"{_at(element)} writes dates as {written!r}; remove format, so that they are ISO 8601"
        )


def _at(element: ET.Element) -> str:
    return f"<{element.tag} name={element.get('name')!r}>"
