"""dashboard: the backend for who only wants to look, and a browser that opens it."""

from __future__ import annotations

import webbrowser

import click

from goldloop.errors import SettingsError
from sync import terminal
from sync.commands.common import PORT, project_of, stopped_by_signal
from sync.labelstudio.ports import is_free
from sync.processes import backend_command, keep_running, running, wait_until_up

# Where a browser on this machine finds a server that listens on all addresses.
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


@click.command()
@click.option("--host", help="Listen here; default: settings.")
@click.option("--port", type=PORT, help="Listen here; default: settings.")
@click.option("--open", "browse", is_flag=True, help="Open it in a browser.")
@click.pass_context
def dashboard(ctx: click.Context, host: str | None, port: int | None, browse: bool) -> None:
    """Show the loop in a browser: where it stands, until Ctrl-C.

    Read-only, from what is in the store; goldloop serve shows the same pages, and fetches answers
    as they come. Example: goldloop dashboard --open
    """
    project = project_of(ctx)
    backend = project.settings.backend
    host, port = host or backend.host, port or backend.port
    address = dashboard_address(host, port)
    _check_free(host, port, address)
    stopped = stopped_by_signal()
    with running([backend_command(project.folder, host, port)], project.folder) as processes:
        wait_until_up(f"{_origin(host, port)}/health", processes[0], "the dashboard")
        terminal.say(f"dashboard at {address}; Ctrl-C stops")
        if project.settings.secrets.backend_password:
            terminal.say("it asks for GOLDLOOP_BACKEND_USER and GOLDLOOP_BACKEND_PASSWORD")
        if browse and not webbrowser.open(address):
            terminal.say("no browser could be opened; open the address yourself")
        keep_running(processes, stopped)


def dashboard_address(host: str, port: int) -> str:
    """Where a browser on this machine finds the dashboard of a backend that listens there.

    >>> dashboard_address("0.0.0.0", 9090), dashboard_address("::1", 80)
    ('http://127.0.0.1:9090/dashboard/', 'http://[::1]:80/dashboard/')
    """
    return f"{_origin(host, port)}/dashboard/"


def _origin(host: str, port: int) -> str:
    shown = _HERE.get(host, host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _check_free(host: str, port: int, address: str) -> None:
    """Raises SettingsError where somebody listens already: it may be our own backend."""
    try:
        free = ":" in host or is_free(host, port)
    except OSError:
        return  # The backend says what is wrong with the host.
    if not free:
        raise SettingsError(
            f"port {port} is taken; where goldloop serve has it, the dashboard is at {address};"
            " else choose another port with --port"
        )
