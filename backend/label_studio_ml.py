"""label-studio-ml's model class, without what comes with importing it.

The import compiles strings with invalid escapes, which warns where no bytecode is cached. It also
looks for torch, and where that is installed spends seconds and changes how every process of this
program is started; our models need none of it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


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


with warnings.catch_warnings(), _as_if_there_were_no_torch():
    warnings.filterwarnings("ignore", message=".*invalid escape sequence")
    from label_studio_ml.model import LabelStudioMLBase

__all__ = ["LabelStudioMLBase"]
