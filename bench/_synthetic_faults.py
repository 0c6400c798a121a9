"""What goes wrong in a synthetic sample: faults worked into a good one.

Shapes are those of the standards and of what models are seen to write, and do not follow from how
the filters look for them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bench._synthetic_phrases import Random

Sample = dict[str, Any]

BLANKS = ("", "   ", "\n", "\u200b", "\u00a0 \u2003")
SHORT = ("Refund?", "Help", "hi", "Order?", "?!", "pls")
NO_TOOLS = (
    "get_order",
    "lookup_order",
    "find_orders",
    "send_email",
    "refund",
    "functions.find_order",
)
PLACEHOLDERS = (
    "My name is [Your Name].",
    "My name is [Name].",
    "It is about order [Order Number].",
    "It is about order [ORDER_ID].",
    "It is about order {order_number}.",
    "It is about order {{order_id}}.",
    "It is about order <order_id>.",
    "It is about order #XXXXXX.",
    "It is about order LM-XXXXXX.",
    "It was bought on <insert date here>.",
    "It was bought on [date of purchase].",
    "It was sent to (insert address).",
    "It was sent to <your street and city>.",
    "I bought [product name] from you.",
    "I bought ________ from you.",
    "Call me on XXX-XXX-XXXX.",
    "TODO: add the customer's reason.",
    "Lorem ipsum dolor sit amet.",
    "My order number is YOUR_ORDER_NUMBER.",
    "My order number is: your order number here.",
    "Mi pedido es el [número de pedido].",
    "Mein Name ist [Ihr Name].",
    "Dear $CUSTOMER_NAME,",
)
EMPTY_ARGUMENTS = ("...", "<order_id>", "ORDER_ID_HERE", "[order number]", "string", "TBD")
_MAILBOXES = ("anna.kowalski", "j.moreau88", "tom_berger", "priya-n", "liwei+shop", "o'neil.sean")
_HOSTS = ("gmail.com", "outlook.de", "yahoo.co.uk", "proton.me", "orange.fr", "mail.ru")


def placed(text: str, part: str, random: Random) -> str:
    """The text with a sentence more, at its end or before its last one."""
    sentences = text.split(". ")
    sentences.insert(len(sentences) - int(random.integers(2)), part.rstrip("."))
    return ". ".join(sentences)


def with_placeholder(sample: Sample, random: Random) -> None:
    """Leave something to be filled in, in the request, in the answer or in an argument."""
    calls = sample["expected_tool_calls"]
    if calls and random.random() < 0.15:
        # Of a tool that takes any text, for else it is the schema that finds it.
        arguments = {"query": _one(random, EMPTY_ARGUMENTS), "language": "en"}
        calls[:] = [{"name": "search_help", "arguments_json": json.dumps(arguments)}]
        return
    where = "user_input" if random.random() < 0.7 else "expected_response"
    sample[where] = placed(sample[where], _one(random, PLACEHOLDERS), random)


def with_personal_data(sample: Sample, random: Random) -> None:
    """Somebody's own address, number or account in the request or in the answer."""
    where = "user_input" if random.random() < 0.8 else "expected_response"
    sample[where] = placed(sample[where], personal(random), random)


def personal(random: Random) -> str:
    """A sentence with personal data of one of nine kinds."""
    kinds = (_email, _phone_us, _phone_e123, _phone_national, _card, _iban, _ssn, _address, _mobile)
    return kinds[int(random.integers(len(kinds)))](random)


def _email(random: Random) -> str:
    return f"My address is {_one(random, _MAILBOXES)}@{_one(random, _HOSTS)}."


def _phone_us(random: Random) -> str:
    """The North American Numbering Plan: NXX-NXX-XXXX."""
    area, exchange = _one(random, ("212", "305", "415", "617", "702")), random.integers(220, 550)
    form = _one(random, ("({}) {}-{:04d}", "{}-{}-{:04d}", "{}.{}.{:04d}", "+1 {} {} {:04d}"))
    return f"Call {form.format(area, exchange, random.integers(10_000))} after five."


def _phone_e123(random: Random) -> str:
    """ITU-T E.123's international notation."""
    code, area = _one(random, ("49 30", "33 1", "44 161", "39 06", "34 91", "48 22")).split()
    return f"Call +{code} {area} {_digits(random, 3)} {_digits(random, 4)} after five."


def _phone_national(random: Random) -> str:
    """ITU-T E.123's national notation."""
    return f"Call (0{random.integers(200, 999)}) {_digits(random, 3)} {_digits(random, 4)} please."


def _mobile(random: Random) -> str:
    """As people type them, in one piece."""
    number = _one(random, ("07", "+447", "+4915", "+336")) + _digits(random, 9)
    return f"My mobile is {number}."


def _card(random: Random) -> str:
    """ISO/IEC 7812: the issuer's digits, the account's, and Luhn's check digit."""
    body = _one(random, ("4539", "5412", "6011", "4916", "3782"))
    body += _digits(random, (14 if body == "3782" else 15) - len(body))
    total = sum(sum(divmod(int(digit) * 2, 10)) for digit in body[::-1][::2])
    total += sum(int(digit) for digit in body[::-1][1::2])
    number = f"{body}{-total % 10}"
    apart = " ".join(number[start : start + 4] for start in range(0, len(number), 4))
    return f"The card is {apart if random.random() < 0.6 else number}."


def _iban(random: Random) -> str:
    """ISO 13616, with its check digits after ISO 7064; in print four characters a group."""
    country, bank = _one(random, ("DE ", "FR ", "NL INGB", "GB BARC")).split(" ")
    account = bank + _digits(random, {"DE": 18, "FR": 23, "NL": 10, "GB": 14}[country])
    number = int("".join(str(int(one, 36)) for one in f"{account}{country}00"))
    iban = f"{country}{98 - number % 97:02d}{account}"
    apart = " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))
    return f"Please pay to {apart if random.random() < 0.6 else iban}."


def _ssn(random: Random) -> str:
    area, group, serial = random.integers((1, 1, 1), (665, 99, 9999))
    return f"My social security number is {area:03d}-{group:02d}-{serial:04d}."


def _address(random: Random) -> str:
    host = ".".join(str(part) for part in random.integers(1, 255, size=3))
    return f"I was logged in from {_one(random, ('81', '93', '151', '178'))}.{host}."


def with_bad_arguments(calls: list[dict[str, str]], random: Random) -> None:
    """Arguments that are no JSON object, or do not fit the tool."""
    call = calls[int(random.integers(len(calls)))]
    text, value = call["arguments_json"], json.loads(call["arguments_json"])
    key = _one(random, sorted(value))
    forms = (
        text[:-1],
        text.replace('"', "'"),
        f"[{text}]",
        "",
        json.dumps({**value, "note": "added"}),
        json.dumps({name: one for name, one in value.items() if name != key}),
        json.dumps({**value, key: [[value[key]]]}),
        json.dumps({**value, key: {"value": value[key]}}),
    )
    call["arguments_json"] = _one(random, forms)


def edited(text: str, random: Random) -> str:
    """A text that says the same: a word left out, doubled or replaced, or a greeting more."""
    words = text.split(" ")
    form, place = random.integers(4), int(random.integers(1, len(words) - 1))
    if form == 0:
        del words[place]
    elif form == 1:
        words.insert(place, "really")
    elif form == 2:
        words[place] = "please"
    else:
        words = ["Hey!", *words]
    return " ".join(words)


def respelt(text: str, random: Random) -> str:
    """The same text in other white space or case."""
    return _one(random, (text, text.upper(), f"  {text}\n", text.replace(" ", "  ", 3)))


def leaked(example: str, own: str, random: Random) -> str:
    """A text that is made of an example: the same, with words around it, or with another end."""
    words = example.split(" ")
    most = " ".join(words[: max(len(words) * 2 // 3, 1)])
    return _one(random, (example, f"Hello again. {example}", f"{most} {' '.join(own.split()[:6])}"))


def _digits(random: Random, count: int) -> str:
    return "".join(str(digit) for digit in random.integers(10, size=count))


def _one(random: Random, options: Sequence[str]) -> str:
    return options[int(random.integers(len(options)))]
