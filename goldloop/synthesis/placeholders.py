"""Placeholders that a model left in: [Name], {order_id}, <insert date>, XXX, lorem ipsum, "...".

Precision before recall: a text that is thrown away for an honest bracket is a sample lost, and a
placeholder that slips through is seen in the spot check. So a bracket counts only when it names a
thing that is usually filled in (a name, a date, an order number, in the languages of `_THINGS`), or
asks to fill it in, or is written as a variable. Left alone are code between backticks, markdown
links and references, indexes (`rows[name]`), LaTeX (`\\frac{name}{n}`), paths of an API
(`/users/{user_id}`), HTML and XML elements, masked numbers (XXXX-1234), Spanish TODO, the blanks of
quizzes (____) and the $NAMES of shells. Ids that merely look made up (12345) are left alone as
well: samples need some id.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

MAX_SAID = 60
# What is filled in, as whole words: English, German, French, Spanish, Portuguese, Italian, Dutch,
# Russian, Chinese, Japanese, Korean.
_THINGS = (
    r"names?|firstname|lastname|surname|username|date|dates|number|no|id|ids|address|street|city|"
    r"country|e-?mail|phone|telephone|company|organi[sz]ation|product|item|amount|price|order|"
    r"invoice|account|customer|booking|reference|tracking|code|time|reason|location|password|"
    r"datum|nummer|bestellnummer|kundennummer|rechnungsnummer|adresse|stadt|firma|betrag|vorname|"
    r"nachname|telefonnummer|produkt|kunde|"
    r"nom|prénom|prenom|numéro|numero|commande|montant|ville|entreprise|téléphone|produit|client|"
    r"nombre|apellido|fecha|número|pedido|dirección|direccion|ciudad|teléfono|correo|producto|"
    r"nome|sobrenome|data|endereço|cidade|telefone|produto|cognome|ordine|indirizzo|città|telefono|"
    r"naam|bestelnummer|adres|plaats|telefoonnummer|"
    r"имя|дата|номер|адрес|заказа|телефон|"
    r"姓名|名字|名前|氏名|订单号|訂單號|注文番号|日期|日付|电话|電話番号|地址|住所|이름|날짜|주소|주문번호"
)
_ASKED = r"insert|enter|your|fill|ihr|ihre|votre|tu|su|seu|sua|vostro|uw|einfügen|insérer|insertar"
_WORDS = r"[^\W\d_][\w'’./#-]{0,40}(?: [\w'’./#-]{1,40}){0,5}"
_NAMES_A_THING = re.compile(rf"(?:^|[\W_])(?:{_THINGS})(?:[\W\d_]|$)", re.IGNORECASE)
_ASKS_FOR_IT = re.compile(rf"(?:{_ASKED})(?:[\W_]|$)", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Z]{2,}(?:_[A-Z0-9]+)+")

# Behind a Latin letter it is an index; other scripts put no space before a bracket.
_SQUARE = re.compile(rf"(?<![a-zA-Z0-9_\]\\!])\[\s?({_WORDS})\s?\](?![(\[:])")
_CURLY = re.compile(r"(?<![\w\\}^/])(\{\{?)\s?([^\W\d]\w{0,40}(?:[ .-]\w{1,40}){0,4})\s?\}\}?")
_ANGLE = re.compile(rf"(?<![\w\\<])<({_WORDS})>")
_ROUND = re.compile(rf"\((insert {_WORDS})\)", re.IGNORECASE)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_PLAIN = (
    re.compile(r"\blorem ipsum\b|\bdolor sit amet\b", re.IGNORECASE),
    # Not XXXL, nor a number of which some digits are hidden, nor kisses.
    re.compile(r"(?<![\w*])(?:#|[A-Z]{1,4}-)?X{3,}+(?:-X{2,}+)*+(?![\w*]|[- ]?\d)"),
    re.compile(r"(?<![\w-])x{3}-x{3,4}(?:-x{4})?(?![\w-])"),
    re.compile(r"(?<!\w)(?:TODO|FIXME)(?:\(|: )"),
    re.compile(r"\b(?:YOUR|INSERT|ENTER)_[A-Z][A-Z0-9_]+\b|\b(?:YOUR|INSERT) [A-Z ]{2,40} HERE\b"),
    re.compile(r"(?<!\w)%[A-Z]{2,}(?:_[A-Z]+)*%|(?<!\w)__[A-Z]{2,}(?:_[A-Z]+)*__(?!\w)"),
)
_HERE = re.compile(
    r"(?:^|(?:\b(?:is|are|from|for|to|number|am)|[#:(])\s*)"
    r"((?:your|insert|enter)\s(?:[\w'-]+\s){1,4}here)\b",
    re.IGNORECASE,
)
_NOTHING_SAID = re.compile(
    r"[\[<({]*(?:\.{2,}|…|_{2,}|\?{2,}|-{3,}|x{3,}|t\.?b\.?[da]\.?|to ?do|fixme|placeholder"
    r"|insert|unknown_?value|<unknown>)[\]>)}]*",
    re.IGNORECASE,
)
_HERE_AT_THE_END = re.compile(r"(?:your|insert|enter)[ _-].*|.*[_-]here", re.IGNORECASE)


def placeholder(text: str) -> str | None:
    """The first placeholder of a text, at most 60 characters of it; None where there is none.

    >>> placeholder("Hi, I am [Your Name] and wait for order {order_id}")
    '[Your Name]'
    >>> placeholder("See [the name](https://example.com), rows[name] and $\\\\frac{name}{n}$")
    """
    shown = _CODE.sub(" ", unicodedata.normalize("NFKC", text))
    if _NOTHING_SAID.fullmatch(shown.strip()):
        return shown.strip()[:MAX_SAID]
    found = min(_all(shown), default=None)
    return found[1][:MAX_SAID] if found else None


def argument_placeholder(value: Any) -> str | None:
    """The first placeholder among the texts of a tool call's arguments, at whatever depth.

    An argument that is nothing but "...", "TBD", "placeholder" or "your order number" is one, too:
    in prose these are honest words.

    >>> argument_placeholder({"order_id": "ORDER_ID_HERE", "note": "fine"})
    'ORDER_ID_HERE'
    """
    for text in _texts(value):
        found = placeholder(text) or _whole(text)
        if found:
            return found
    return None


def _all(text: str) -> Iterator[tuple[int, str]]:
    """Every placeholder with the place where it begins."""
    for pattern in _PLAIN:
        yield from ((found.start(), found[0].strip()) for found in pattern.finditer(text))
    for found in _SQUARE.finditer(text):
        if _is_filled_in(found[1]):
            yield found.start(), found[0]
    for found in _CURLY.finditer(text):
        # {order.name} is code: a template of this kind has two braces.
        named = "." not in found[2] and ("_" in found[2] or _is_filled_in(found[2]))
        if len(found[1]) == 2 or named:
            yield found.start(), found[0]
    for found in _ANGLE.finditer(text):
        if _is_no_element(found[1], text) and ("_" in found[1] or _is_filled_in(found[1])):
            yield found.start(), found[0]
    for found in (*_HERE.finditer(text), *_ROUND.finditer(text)):
        if _NAMES_A_THING.search(found[1]):
            yield found.start(1), found[1]


def _is_filled_in(words: str) -> bool:
    return bool(
        _ASKS_FOR_IT.match(words) or _NAMES_A_THING.search(words) or _VARIABLE.fullmatch(words)
    )


def _is_no_element(words: str, text: str) -> bool:
    """Whether <words> is neither opened nor closed as HTML or XML, whose names may be anything."""
    return not words.endswith("/") and f"</{words.split(' ')[0]}" not in text


def _whole(text: str) -> str | None:
    bare = text.strip()
    asked = _HERE_AT_THE_END.fullmatch(bare) and _NAMES_A_THING.search(bare)
    # The name of its type stands where a schema was read for an example.
    if len(bare) <= MAX_SAID and (asked or bare.casefold() == "string"):
        return bare
    return None


def _texts(value: Any) -> Iterator[str]:
    """The texts of a JSON value; iterative, for a model may nest deep."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            waiting.extend(reversed(list(one.values())))
        elif isinstance(one, list | tuple):
            waiting.extend(reversed(one))
