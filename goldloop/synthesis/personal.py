"""Personal data in a text: what looks like somebody's own address, number or account.

A model that has read the web repeats what it read. Each kind is found by its shape and, where it
has one, by its check digit, and is named without being repeated. What standards set aside for
examples passes: RFC 2606 and 6761 (example.com, .test), RFC 2142 (mailboxes of a role, such as
support@), NANP's 555-01xx, the numbers of Ofcom, Arcep and the Bundesnetzagentur for drama, the
cards and accounts that payment networks publish for tests, RFC 5737 and all that is not public.
Numbers without separators are no phone numbers, unless the words before them say so: they are
orders, parcels and customers. Names and postal addresses are not looked for: no shape tells them.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

KINDS = (
    "iban",
    "payment card",
    "email address",
    "US social security number",
    "NHS number",
    "IP address",
    "phone number",
)

_EMAIL = re.compile(r"(?<![\w.+-])([\w.+-]{1,64})@((?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?!\w)")
_RESERVED = re.compile(r"(?:.*\.)?(?:example\.(?:com|net|org)|.*\.(?:test|example|invalid|local))")
_ROLES = re.compile(
    r"abuse|accounts|admin|billing|contact|customercare|customerservice|enquiries|feedback|"
    r"hello|help|hostmaster|hr|info|jobs|kontakt|legal|mail|marketing|media|news|newsletter|"
    r"noc|no-reply|noreply|office|orders|postmaster|press|privacy|returns|sales|security|"
    r"service|shop|support|team|usenet|webmaster|www"
)

_IBAN = re.compile(r"(?<![\w-])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\w-])")
# The SWIFT registry of ISO 13616: characters of an account number by its country.
_IBAN_LENGTHS = {
    length: frozenset(countries.split())
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL",
        19: "MK SI",
        20: "AT BA EE KZ LT LU XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "PT ST",
        26: "IS TR",
        27: "FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU",
        31: "MT SC",
    }.items()
}
_PUBLISHED_IBANS = re.compile(
    r"AT611904300234573201|BE68539007547034|CH9300762011623852957|DE89370400440532013000|"
    r"DK5000400440116243|ES9121000418450200051332|FI2112345600000785|"
    r"FR1420041010050500013M02606|GB29NWBK60161331926819|GB82WEST12345698765432|"
    r"IE29AIBK93115212345678|IT60X0542811101000000123456|LU280019400644750000|"
    r"NL91ABNA0417164300|NO9386011117947|PL61109010140000071219812874|"
    r"PT50000201231234567890154|SE4550000000058398257466"
)

_CARD = re.compile(r"(?<![\w.,-])\d(?:[ -]?\d){11,18}(?![\w-]|[.,]\d)")
# ISO/IEC 7812: the first digits and the lengths of the networks that are met most.
_NETWORKS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:6011|64[4-9]\d|65\d{2})\d{12}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|62\d{14,17}"  # UnionPay
)
# Of Stripe's, PayPal's and Adyen's pages for tests.
_TEST_CARDS = re.compile(
    r"4242424242424242|4111111111111111|4012888888881881|4222222222222|4000056655665556|40000\d{11}"
    r"|4111111145551142|5555555555554444|5105105105105100|5200828282828210|2223003122003222"
    r"|5454545454545454|2222400070000005|378282246310005|371449635398431|378734493671000"
    r"|370000000000002|6011111111111117|6011000990139424|6011981111111113|3056930009020004"
    r"|30569309025904|38520000023237|36227206271667|3530111333300000|3566002020360505"
    r"|6555900000604105|62000000000000\d\d"
)

# Never given out: 000, 666 and 900 to 999 (SSA); nor the three that advertisements made known.
_SSN = re.compile(
    r"(?<![\w-])(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-])",
)
_KNOWN_SSNS = frozenset(("078051120", "219099999", "457555462"))
_NHS = re.compile(r"\bNHS\b\D{0,30}?(?<!\w)(\d{3}[ -]?\d{3}[ -]?\d{4})(?!\w)", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_VERSION = re.compile(
    r"(?:\bv|version|firmware|build|release|driver|update|app|ios|android)\W{0,3}$", re.IGNORECASE
)
# Resolvers that everybody knows are nobody's address.
_RESOLVERS = frozenset(("1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9"))

_PHONES = (
    # E.164, written with its plus or 00.
    re.compile(r"(?<![\w+.,-])(?:\+|00)[1-9](?:[ ()./-]{0,2}\d){7,14}(?![\w-])"),
    # The North American plan: area and exchange begin with 2 to 9 and are not N11.
    re.compile(
        r"(?<![\w+./-])(?:1[-. ])?(?:\((?!.11)[2-9]\d\d\) ?|(?!.11)[2-9]\d\d[-. ])"
        r"(?!.11)[2-9]\d\d[-. ]\d{4}(?![\w-]|\.\d)"
    ),
    # A trunk zero: Britain, France and most of Europe, then Germany and Austria with a slash.
    re.compile(
        r"(?<![\w+./-])\(?0(?:[1-9](?:[ .-]\d\d){4}|\d{2}\)?[ -]\d{4}[ -]\d{4}"
        r"|\d{3}\)?[ -]\d{3}[ -]\d{4}|\d{4}\)?[ -](?:\d{6}|\d{3}[ -]\d{3})"
        r"|7[1-9]\d{8}|1[5-7]\d{1,2}[ /-]\d{7,8}|\d{2,4} ?/ ?\d{5,8})(?![\w-]|[.,/]\d)"
    ),
    re.compile(
        r"\b(?:phone|telephone|tel|cell|mobile|whatsapp|call me|text me|telefon|handy|téléphone"
        r"|teléfono|móvil|cellulare)\b[^\d+\n.!?;]{0,25}?(\+?\d{10,13})(?!\w)",
        re.IGNORECASE,
    ),
)
# As digits with the country's code: 555-01xx; Ofcom, "Numbers for drama use"; Arcep's decision
# 2018-0881; Bundesnetzagentur, "Rufnummern für Medienproduktionen"; ACMA's numbers for fiction.
_DRAMA = re.compile(
    r"1\d{3}55501\d\d"
    r"|44(?:11[3-8]|121|131|141|151|161)4960\d{3}|441914980\d{3}|442079460\d{3}|4428964960\d\d"
    r"|442896496\d{3}|442920180\d{3}|441632960\d{3}|447700900\d{3}|448081570\d{3}|449098790\d{3}"
    r"|443069990\d{3}"
    r"|33(?:19900|26191|35301|46571|53649|63998)\d{4}"
    r"|49(?:3023125|6990009|4066969|2214710|8999998)\d{3}|4915228817386|4915228895456"
    r"|49(?:15254599371|1729925904|1749464308|17139200\d\d|176040690\d\d)"
    r"|61(?:[2378](?:5550|7010)\d{4}|49157\d{4})"
)
_TOLL_FREE = re.compile(r"1(?:800|833|844|855|866|877|888)\d{7}|(?:00)?800\d{8}|44808\d{7}")


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data of one of `KINDS`; `masked` shows its first and its last two characters."""

    kind: str
    masked: str


def personal_data(text: str) -> tuple[Finding, ...]:
    """What looks like personal data, in the order of `KINDS`; nothing counts as two kinds.

    >>> personal_data("Write to ann.lee@gmail.com, or to bob@example.com about order 4539-1488")
    (Finding(kind='email address', masked='a***om'),)
    >>> personal_data("Call me: (212) 555-0147")
    ()
    """
    left = unicodedata.normalize("NFKC", text)
    found = []
    for kind, look in _LOOKS.items():
        for (start, end), is_own in list(look(left)):
            if is_own:
                found.append(Finding(kind, _masked(left[start:end])))
            # What is set aside for tests is read as nothing else either.
            left = left[:start] + "|" * (end - start) + left[end:]
    return tuple(found)


# Where something of a kind stands, and whether it may be somebody's own.
Spans = Iterator[tuple[tuple[int, int], bool]]


def _emails(text: str) -> Spans:
    for found in _EMAIL.finditer(text) if "@" in text else ():
        name, domain = found[1].casefold(), found[2].casefold()
        yield found.span(), not _ROLES.fullmatch(name) and not _RESERVED.fullmatch(domain)


def _ibans(text: str) -> Spans:
    for found in _IBAN.finditer(text):
        number = found[0].replace(" ", "")
        if number[:2] in _IBAN_LENGTHS.get(len(number), ()) and _is_mod_97(number):
            yield found.span(), not _PUBLISHED_IBANS.fullmatch(number)


def _is_mod_97(number: str) -> bool:
    """ISO 7064's MOD 97-10 over the account, then country and check digits; letters from A = 10."""
    return int("".join(str(int(one, 36)) for one in number[4:] + number[:4])) % 97 == 1


def _cards(text: str) -> Spans:
    for found in _CARD.finditer(text):
        number = _digits(found[0])
        if _NETWORKS.fullmatch(number) and is_luhn(number):
            yield found.span(), not _TEST_CARDS.fullmatch(number)


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1 (Luhn, US patent 2,950,048).

    >>> is_luhn("79927398713"), is_luhn("79927398710")
    (True, False)
    """
    doubled = (sum(divmod(2 * int(one), 10)) for one in digits[-2::-2])
    return (sum(doubled) + sum(int(one) for one in digits[-1::-2])) % 10 == 0


def _ssns(text: str) -> Spans:
    for found in _SSN.finditer(text):
        yield found.span(), _digits(found[0]) not in _KNOWN_SSNS


def _nhs_numbers(text: str) -> Spans:
    """Only beside the letters NHS; 999 is the range for tests."""
    for found in _NHS.finditer(text):
        number = _digits(found[1])
        if is_nhs_number(number):
            yield found.span(1), not number.startswith("999")


def is_nhs_number(digits: str) -> bool:
    """Whether ten digits end with the check digit of the NHS Data Dictionary: 11 minus the sum of
    the others, weighted 10 to 2, modulo 11.

    >>> is_nhs_number("9434765919"), is_nhs_number("9434765918")
    (True, False)
    """
    total = sum(int(one) * weight for one, weight in zip(digits, range(10, 1, -1), strict=False))
    return (11 - total % 11) % 11 == int(digits[9])


def _addresses(text: str) -> Spans:
    for found in _IPV4.finditer(text):
        try:
            public = ipaddress.IPv4Address(found[0]).is_global
        except ValueError:
            continue
        before = text[max(found.start() - 20, 0) : found.start()]
        # One address in fifty has no part of three digits; versions of software hardly ever have.
        like = re.search(r"\d{3}", found[0]) and not _VERSION.search(before)
        own = bool(public and like and found[0] not in _RESOLVERS)
        yield found.span(), own


def _phones(text: str) -> Spans:
    ended = -1
    spans = (one.span(one.re.groups) for look in _PHONES for one in look.finditer(text))
    for start, end in sorted(spans):
        if start >= ended:
            yield (start, end), not _is_nobodys(text[start:end])
            ended = end


def _is_nobodys(phone: str) -> bool:
    """Whether it is a number for fiction or a company's toll-free one; a national number is read
    in every plan that it fits.
    """
    digits = _digits(phone)
    if phone.startswith("+"):
        return _is_set_aside(digits.replace("440", "44", 1) if digits[:3] == "440" else digits)
    if digits.startswith("00"):
        return _is_set_aside(digits[2:])
    if digits.startswith("0"):
        return any(_is_set_aside(country + digits[1:]) for country in ("44", "33", "49", "61"))
    return _is_set_aside(digits if len(digits) == 11 else "1" + digits)


def _is_set_aside(digits: str) -> bool:
    return bool(_DRAMA.fullmatch(digits) or _TOLL_FREE.fullmatch(digits))


def _digits(text: str) -> str:
    return "".join(one for one in text if one.isdigit())


def _masked(text: str) -> str:
    return f"{text[0]}***{text[-2:]}"


_LOOKS = dict(
    zip(
        KINDS,
        (_ibans, _cards, _emails, _ssns, _nhs_numbers, _addresses, _phones),
        strict=True,
    )
)
