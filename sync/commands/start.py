"""Commands to begin with: the demo, a new project, and whether everything is in place."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from sync import terminal
from sync.commands.common import PORT, json_option, stop_on_terminate
from sync.doctor import diagnose
from sync.init import init_project
from sync.shown import show_finding


@click.command()
@click.option("--simulate", is_flag=True, help="Let three simulated annotators label, and finish.")
@click.option("--data", type=click.Path(path_type=Path), help="Samples to use instead of ours.")
@click.option("--port", type=PORT, default=8080, show_default=True, help="Label Studio's port.")
@click.option(
    "--backend-port", type=PORT, default=9090, show_default=True, help="ML backend's port."
)
@click.option("--directory", "folder", type=click.Path(path_type=Path), help="Keep the demo here.")
def demo(
    simulate: bool, data: Path | None, port: int, backend_port: int, folder: Path | None
) -> None:
    """Try the whole loop on this machine with a real Label Studio.

    Example: goldloop demo --simulate
    """
    from sync.show_demo import show_demo  # a second of imports that no other command needs

    stop_on_terminate()
    show_demo(simulate, data, port, backend_port, folder)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.pass_context
def init(ctx: click.Context, folder: Path) -> None:
    """Make a project: goldloop.toml, .env.example and an empty store.

    Example: goldloop init my-agent
    """
    for path in init_project(ctx.obj / folder):
        terminal.result(f"wrote {path}")
    terminal.say("next: put LABEL_STUDIO_API_KEY into .env, then: goldloop doctor")


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check settings, store, Label Studio and ML backend, and say how to mend what is wrong.

    Exits with 1 when something is wrong. Example: goldloop doctor
    """
    findings = list(diagnose(ctx.obj))
    if as_json:
        terminal.print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            show_finding(finding)
    ctx.exit(1 if any(finding.ok is False for finding in findings) else 0)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and options with Tab.

    bash: put eval "$(goldloop completion bash)" into ~/.bashrc; zsh: the same with zsh into
    ~/.zshrc; fish: goldloop completion fish > ~/.config/fish/completions/goldloop.fish
    Example: goldloop completion bash
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"this version of click cannot complete in {shell}")
    click.echo(kind(ctx.find_root().command, {}, "goldloop", "_GOLDLOOP_COMPLETE").source())
