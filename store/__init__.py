"""Remember. The only room with SQL: one SQLite file through sqlite-utils, and the settings file.

Imports only `goldloop`. Every public function takes the open store first; every change that belongs
together is one transaction; migrations are numbered and each runs in a transaction of its own.
"""

import sys

# sqlite-utils imports pandas where it is installed, which takes longer than most commands do. It
# would only learn the type of a timestamp of pandas from it, and the store is never given one.
if "pandas" not in sys.modules:
    sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        import sqlite_utils  # noqa: F401
    finally:
        del sys.modules["pandas"]
