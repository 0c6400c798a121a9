"""Personal data is found by its shape and check digits, and honest numbers are left alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldloop.synthesis.personal import is_luhn, is_nhs_number, personal_data

DIGITS = st.text("0123456789", min_size=1)


def kinds(text):
    return [found.kind for found in personal_data(text)]


def check_digit(body):
    return next(str(digit) for digit in range(10) if is_luhn(f"{body}{digit}"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to jane.doe+shop@gmail.com please", "email address"),
        ("mine is jürgen@müller.de", "email address"),
        ("ＪＯＨＮ＠ｙａｈｏｏ．ｃｏｍ", "email address"),
        ("Call +44 20 7183 8750 after six", "phone number"),
        ("Call 0044 20 7183 8750", "phone number"),
        ("my number is (212) 736-5000", "phone number"),
        ("212-736-5000", "phone number"),
        ("appelez le 06 12 34 56 78", "phone number"),
        ("ring 07912 345678", "phone number"),
        ("030 / 2270000 ist meine Nummer", "phone number"),
        ("my mobile is 2127365000", "phone number"),
        ("card 4539 1488 0343 6467, expires soon", "payment card"),
        ("amex 3714-496353-98423", "payment card"),
        ("IBAN GB33BUKB20201555555555", "iban"),
        ("auf DE75 5121 0800 1245 1261 99 bitte", "iban"),
        ("SSN 536-22-8746", "US social security number"),
        ("NHS number 943 476 5919", "NHS number"),
        ("from 81.2.69.142 yesterday", "IP address"),
    ],
)
def test_what_looks_like_somebodys_own_is_found(text, kind):
    assert kinds(text) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "ann@example.com, bob@mail.example.org, c@shop.test, d@larkmoor.example, e@x.invalid",
        "support@larkmoor.com and no-reply@shop.de",
        "(212) 555-0147, 212-555-0100, +1 212 555 0199",
        "020 7946 0958, 07700 900123, +44 1632 960961, +44 (0)20 7946 0123, 01 99 00 12 34",
        "800-736-5000 is toll-free",
        "4242 4242 4242 4242, 4111111111111111, 378282246310005, 5555-5555-5555-4444",
        "DE89 3704 0044 0532 0130 00 and GB82 WEST 1234 5698 7654 32",
        "078-05-1120, 000-12-3456, 666-12-3456, 912-34-5678, 123-00-4567",
        "192.168.1.1, 10.0.0.7, 203.0.113.9, 198.51.100.7, 127.0.0.1, 8.8.8.8",
        "version 81.2.69.142 and v2.14.30.7, firmware 5.1.2.9, 999.1.1.1, OpenCV 4.5.1.48",
        "I ordered on my phone. The bar code is 4006381333931",
        "order 2127365000, LM-204418, parcel LMX123456789, TRS-2215-30S-MOS, #4539148803436460",
        "on 2026-01-31 at 12:30, 31.01.2026, 01/31/2026, 2026-11-23T10:29:14Z",
        "EUR 1,234,567.89, 100 000 000, £72.00, 3.141592653589793, 1e-10, 12 x 34 x 56",
        "flight HAT170 to SFO, reservation 4WQ150, ISBN 978-3-16-148410-0, 12345678901234567890",
        "id 3f2504e0-4f89-11d3-9a0c-0305e82c3301, sha 9f86d081884c7d659a2feaa0c55ad015",
        "the NHS has 9434765918 forms",
    ],
)
def test_reserved_published_and_honest_numbers_pass(text):
    assert personal_data(text) == ()


def test_what_is_found_is_not_repeated():
    (found,) = personal_data("my card is 4539 1488 0343 6467")
    assert found.masked == "4***67"


def test_one_number_counts_as_one_kind():
    assert kinds("IBAN DE75 5121 0800 1245 1261 99, mail a@gmail.com") == ["iban", "email address"]


@given(st.integers(0, 10**14 - 1))
def test_every_visa_number_with_its_check_digit_is_found(number):
    body = f"4{number:014d}"
    card = body + check_digit(body)
    published = card.startswith("40000") or card in ("4242424242424242", "4111111111111111")
    assert kinds(f"pay with {card}") == ([] if published else ["payment card"])


@given(DIGITS)
def test_one_wrong_digit_breaks_the_check_of_luhn(body):
    number = body + check_digit(body)
    wrong = str((int(number[0]) + 1) % 10) + number[1:]
    assert is_luhn(number)
    assert not is_luhn(wrong)


@given(st.integers(0, 10**18 - 1))
def test_every_german_account_with_its_check_digits_is_found(number):
    account = f"{number:018d}"
    check = 98 - int(f"{account}131400") % 97
    iban = f"DE{check:02d}{account}"
    assert kinds(iban) == ([] if iban == "DE89370400440532013000" else ["iban"])


@given(st.from_regex(r"\A[A-Z]{2,3}-[0-9]{4,8}\Z"), st.dates())
def test_orders_and_dates_are_no_personal_data(order, date):
    text = f"Where is {order}? I ordered on {date:%Y-%m-%d} ({date:%d.%m.%Y}, {date:%m/%d/%Y})."
    assert personal_data(text) == ()


def test_the_check_digit_of_the_nhs_is_that_of_its_data_dictionary():
    assert is_nhs_number("9434765870")
    assert not is_nhs_number("9434765871")


@pytest.mark.timeout(30)
@pytest.mark.parametrize("part", ["a", "1", "+1 ", "1-", "a.", "a@", "0 ", "(2", "GB33", "X"])
def test_hostile_texts_are_read_once(part):
    # What looked at them again and again would take minutes.
    personal_data((part * 100_000)[:100_000])


def test_the_examples_cases_hold_none(support_texts):
    assert [text for text in support_texts if personal_data(text)] == []


def test_in_real_runs_only_addresses_are_found(tau_airline):
    lines = tau_airline.read_text(encoding="utf-8").splitlines()
    turns = [turn for line in lines for turn in json.loads(line)["messages"]]
    found = [one for turn in turns for one in personal_data(turn.get("content") or "")]
    assert {one.kind for one in found} <= {"email address"}
    assert len(found) < len(turns) / 500
