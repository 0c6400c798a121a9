"""json_array: the elements of a JSON array of any size, one at a time and just as they were.

Streaming parsers in C give up on large numbers and turn half a surrogate pair into a question mark,
so each element is read by Python's own parser, which is the one that reads JSONL.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from typing import BinaryIO

from goldloop.errors import RecordError

BLOCK = 2**20
_AFTER_A_VALUE = frozenset(",] \t\r\n")


def array_elements(
    file: BinaryIO, limit: int, on_read: Callable[[int], None] = lambda _: None
) -> Iterator[object]:
    """The elements of the array that the file holds in UTF-8, parsed.

    `limit` is the most characters that one element may have; no more than twice as many are in
    memory. Raises RecordError where the file is not such an array; what came before was good.
    """
    text = _Text(file, limit, on_read)
    text.expect("[")
    if text.peek() == "]":
        text.expect("]")
    else:
        yield text.value()
        while text.expect(",]") == ",":
            yield text.value()
    if text.peek():
        raise RecordError(f"not JSON: {text.peek()!r} after the end of the array")


class _Text:
    """A window on a long text, from the first character that is not used up."""

    def __init__(self, file: BinaryIO, limit: int, on_read: Callable[[int], None]) -> None:
        self._file, self._limit, self._on_read = file, limit, on_read
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self._decode = json.JSONDecoder().raw_decode
        self._text, self._at = "", 0

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in " \t\r\n":
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def expect(self, among: str) -> str:
        """Use up the next character, which has to be one of those."""
        found = self.peek()
        if not found or found not in among:
            what = f"{found!r}" if found else "the end of the file"
            raise RecordError(f"not JSON: {what} where {' or '.join(among)} is expected")
        self._at += 1
        return found

    def value(self) -> object:
        """Use up the next value."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._more():
                    raise RecordError(f"not JSON: {error.msg}") from None
            except RecursionError:
                raise RecordError("nested too deeply") from None
            except ValueError:  # Python refuses numbers of more than 4300 digits
                raise RecordError("a number with too many digits") from None
            else:
                # A number at the end of the window may go on behind it: 0, 0.5, 0.5e3.
                if self._text[end : end + 1] in _AFTER_A_VALUE or not self._more():
                    self._at = end
                    return value

    def _more(self) -> bool:
        """Widen the window to twice its size; false at the end of the file."""
        self._text, self._at = self._text[self._at :], 0
        if len(self._text) > self._limit:
            raise RecordError(f"longer than {self._limit} characters, or not JSON")
        block = self._file.read(max(BLOCK, len(self._text)))
        self._on_read(len(block))
        try:
            self._text += self._utf8.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise RecordError(f"not UTF-8: {error.reason}") from None
        return bool(block)
