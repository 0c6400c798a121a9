"""A value that is read anew for everybody who asks, and remembered for when reading takes long."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Lock, Thread

from goldloop.errors import StoreError

# Label Studio waits three seconds for /setup, and asks before every task.
PATIENCE_SECONDS = 0.5


class Remembered:
    """What `read` gives, or gave last when it takes longer than `patience` seconds.

    It reads in a thread of its own, which a locked store or a slow disk may hold. Make it before a
    fork if you like, but `get` only after.
    """

    def __init__(self, read: Callable[[], str], patience: float = PATIENCE_SECONDS) -> None:
        self._read, self._patience = read, patience
        self._lock = Lock()
        self._wanted: SimpleQueue[Future[str]] = SimpleQueue()
        self._reading: Future[str] | None = None
        self._reader: Thread | None = None
        self._last: str | None = None

    def remember(self, value: str) -> None:
        """What to give when the first reading takes long."""
        self._last = value

    def get(self) -> str:
        """The value; raises what `read` raises, and StoreError with nothing to remember."""
        reading = self._begun()
        try:
            self._last = reading.result(self._patience)
        except TimeoutError:
            if self._last is None:
                raise StoreError("the store takes too long to read; see who holds it") from None
        return self._last

    def _begun(self) -> Future[str]:
        """The reading that is under way, or else a new one."""
        with self._lock:
            if self._reading is None or self._reading.done():
                self._reading = Future()
                self._wanted.put(self._reading)
            if self._reader is None:
                self._reader = Thread(target=self._keep_reading, name="remembered", daemon=True)
                self._reader.start()
            return self._reading

    def _keep_reading(self) -> None:
        while True:
            reading = self._wanted.get()
            try:
                reading.set_result(self._read())
            except Exception as error:  # noqa: BLE001 - raised where it is asked for
                reading.set_exception(error)
