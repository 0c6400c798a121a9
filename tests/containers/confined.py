"""Run the services as containers run, with the kernel's own means and without an engine.

Each has a root file system that is read-only, a /tmp of its own, its volume, its user, and no
capability but to read; all share one network that leads nowhere. Other than in a container, the
programs are this machine's, and the volume is at /srv: there can be no new mount point on a file
system that is not ours.
"""

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.containers import compose

VOLUME = "/srv"
PROGRAMS = ("unshare", "nsenter", "setpriv", "ip", "mount")
CLONE_NEWNET = 0x40000000
# Reading is freer than in a container: Python may be in a folder that only its owner may enter.
CONFINED = f"""
set -e
mount --bind "$1" {VOLUME}
mount --bind "$2" /etc/hosts
mount --bind "$3" /media
mount -o remount,bind,ro /media
mount --bind "$4" /mnt
mount -o remount,bind,ro /mnt
mount -t tmpfs tmpfs /tmp
mkdir -p "$3" "$4"
mount --move /media "$3"
mount --move /mnt "$4"
mount -o remount,bind,ro /
user=$5 group=$6
shift 6
cd {VOLUME}
exec setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs \
    --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search \
    --bounding-set=-all,+dac_read_search "$@"
"""


def why_impossible():
    """Why this machine cannot do it; empty where it can."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} is not here"
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "mount", "-t", "tmpfs", "tmpfs", VOLUME],
        capture_output=True,
        text=True,
    )
    return tried.stderr.strip()


@dataclass(frozen=True)
class Container:
    """A service of docker-compose.yml, with its environment and the volume that it has."""

    service: str
    environment: Mapping[str, str]
    volume: str

    @property
    def user(self):
        """User and group: the service's own, or the image's."""
        user = compose.SERVICES[self.service].get("user") or compose.final_stage()["USER"]
        return user.split(":")


class Confinement:
    """Containers beside each other in one network; leaving it ends them all.

    folder: holds the volumes and the logs. programs: the two folders of programs, ours and Label
    Studio's, which may be under /tmp. hosts: names with addresses, which are all addresses of this
    network.
    """

    def __init__(self, folder: Path, programs: tuple[Path, Path], hosts: Mapping[str, str]):
        self.folder, self._programs, self._hosts = folder, programs, folder / "hosts"
        self._addresses = sorted(set(hosts.values()))
        lines = [f"{address} {name}\n" for name, address in hosts.items()]
        self._hosts.write_text("127.0.0.1 localhost\n" + "".join(lines))
        self._ending = ExitStack()
        self._running = {}

    def __enter__(self):
        holder = self._ending.enter_context(_ended(_unshared_network()))
        self._inside = ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
        for command in ("link set lo up", *(f"addr add {a}/32 dev lo" for a in self._addresses)):
            subprocess.run([*self._inside, "ip", *command.split()], check=True)
        thread = ThreadPoolExecutor(1, initializer=_enter_network, initargs=[holder.pid])
        self._thread = self._ending.enter_context(thread)
        return self

    def __exit__(self, *_):
        self._ending.close()

    def call(self, function, *arguments):
        """What a function answers that is called inside the network."""
        return self._thread.submit(function, *arguments).result()

    def start(self, container, command):
        """Start a container; what it says goes to its log."""
        with self.log(container).open("wb") as log:
            process = subprocess.Popen(
                self._confined(container, command),
                env=container.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._running[container.service] = self._ending.enter_context(_ended(process))

    def run(self, container, *command):
        """Run a command to its end, and give what it said."""
        return subprocess.run(
            self._confined(container, command),
            env=container.environment,
            capture_output=True,
            text=True,
            timeout=100,
        )

    def check(self, container):
        """Run the service's own health check once."""
        return self.run(container, *compose.check_of(container.service))

    def wait_until_healthy(self, container, seconds):
        """Repeat the service's own health check until it passes."""
        end = time.monotonic() + seconds
        while (checked := self.check(container)).returncode:
            said = checked.stdout + checked.stderr + self.log(container).read_text()
            assert self._running[container.service].poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(0.5)

    def log(self, container):
        """What a container said."""
        return self.folder / f"{container.service}.log"

    def volume(self, container):
        """The folder that the container has as its volume, made for its user when it is new."""
        kept = self.folder / container.volume
        if not kept.exists():
            kept.mkdir(mode=0o750)
            os.chown(kept, *map(int, container.user))
        return kept

    def _confined(self, container, command):
        unshared = ["unshare", "--mount", "--propagation", "private", "sh", "-c", CONFINED, "sh"]
        mounted = [self.volume(container), self._hosts, *self._programs]
        return [*self._inside, *unshared, *map(str, mounted), *container.user, *command]


def _unshared_network():
    """A process that holds a network of its own open."""
    process = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    ours, theirs = Path("/proc/self/ns/net"), Path(f"/proc/{process.pid}/ns/net")
    end = time.monotonic() + 10
    while theirs.readlink() == ours.readlink():
        assert time.monotonic() < end
        time.sleep(0.01)
    return process


def _enter_network(pid):
    """Move this thread, and nothing else of this process, into the network."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{pid}/ns/net").open() as network:
        if libc.setns(network.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def _ended(process):
    """A process, ended after the block."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
