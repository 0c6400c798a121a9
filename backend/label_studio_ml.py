"""label-studio-ml's model class, without what comes with importing it.

The import compiles strings with invalid escapes, which warns where no bytecode is cached. It also
looks for torch, and where that is installed spends seconds and changes how every process of this
program is started; our models need none of it.

`make` and the image install label-studio-ml; pip cannot, because its newest release pins a Flask of
2020. Without it the base is one of our own, and our own server answers just the same.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any


@contextmanager
def _as_if_there_were_no_torch() -> Iterator[None]:
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment] # the import system's word for "absent"
    try:
        yield
    finally:
        del sys.modules["torch"]


class _Alone:
    """What a model uses of LabelStudioMLBase; only label-studio-ml's own servers need more."""

    def __init__(self, label_config: str | None = None) -> None:
        self.label_config = label_config


def find_base() -> Any:
    """The class that is there: label-studio-ml's, else our own."""
    if find_spec("label_studio_ml") is None:
        return _Alone
    with warnings.catch_warnings(), _as_if_there_were_no_torch():
        warnings.filterwarnings("ignore", message=".*invalid escape sequence")
        return import_module("label_studio_ml.model").LabelStudioMLBase


LabelStudioMLBase: Any = find_base()

__all__ = ["LabelStudioMLBase"]
