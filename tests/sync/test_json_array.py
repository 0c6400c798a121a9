import io
import json

import pytest

from goldloop.errors import RecordError
from sync import json_array
from sync.json_array import array_elements

LIMIT = 10_000


@pytest.fixture(params=[1, 2, 7, 2**20])
def read(request, monkeypatch):
    """Reads an array in blocks of a few bytes and in one block."""
    monkeypatch.setattr(json_array, "BLOCK", request.param)
    return lambda text: list(array_elements(io.BytesIO(text), LIMIT))


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        " [ ] \n",
        "[1]",
        "[12345678901234567890123, -0.5e3, 7]",
        '[{"a": [1, {"b": "],}"}]}, "\\"[", null, true]',
        '["é", "😀", "\\ud83d\\ude00", "مرحبا"]',
        "[1,\n\n\t2 , 3\r\n]",
    ],
)
def test_elements_are_what_json_says_they_are(read, text):
    assert read(text.encode()) == json.loads(text)
    assert read(b"\xef\xbb\xbf" + text.encode()) == json.loads(text)


def test_half_a_surrogate_pair_is_kept_for_somebody_else_to_refuse(read):
    assert read(b'["\\ud800"]') == ["\ud800"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "the end of the file where [ is expected"),
        (b'{"a": 1}', "'{' where [ is expected"),
        (b"[1", "the end of the file where , or ] is expected"),
        (b"[1 2]", "'2' where , or ] is expected"),
        (b"[1,]", "Expecting value"),
        (b"[1] 2", "'2' after the end of the array"),
        (b'["\xff"]', "not UTF-8"),
        (b'[{"a" 1}]', "Expecting ':' delimiter"),
        (b"[" + b"9" * 5000 + b"]", "too many digits"),
        (b"[" * 5000, "nested too deeply"),
    ],
)
def test_what_is_no_array_is_refused_with_the_reason(read, text, says):
    with pytest.raises(RecordError) as caught:
        read(text)
    assert says in str(caught.value)


def test_an_element_beyond_the_limit_is_refused_without_reading_all_of_it(monkeypatch):
    monkeypatch.setattr(json_array, "BLOCK", 1000)
    file = io.BytesIO(b'["' + b"x" * 100 * LIMIT + b'"]')
    with pytest.raises(RecordError, match="longer than 10000 characters"):
        list(array_elements(file, LIMIT))
    assert file.tell() < 4 * LIMIT


def test_elements_before_the_fault_are_given_first():
    elements = array_elements(io.BytesIO(b"[1, 2, oops]"), LIMIT)
    assert [next(elements), next(elements)] == [1, 2]
    with pytest.raises(RecordError):
        next(elements)
