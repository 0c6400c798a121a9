"""Run Label Studio for as long as the process that started it lives.

A script for Label Studio's own Python, so it may use the standard library alone. Its standard input
is a pipe from the starter. The first line is a JSON object of secret environment variables: there,
unlike in the arguments or the initial environment, no `ps` shows them. The pipe then stays silent
until the starter ends, in whatever way, and Label Studio with it: no server is left behind to hold
the port.
"""

import json
import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Take the secrets, tie the life of this process to the starter's, become Label Studio."""
    os.environ.update(json.loads(sys.stdin.buffer.readline()))
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    sys.argv[0] = "label-studio"
    runpy.run_module("label_studio.server", run_name="__main__")


def _end_with_the_starter() -> None:
    # Not sys.stdin: a thread that waits inside its lock makes Python abort when it shuts down.
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
