"""Install Label Studio's environment: `python -m sync.labelstudio FOLDER`."""

import sys
from pathlib import Path

import click

from goldloop.errors import LabelStudioError
from sync.labelstudio.environment import install


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Install the locked Label Studio into FOLDER, unless it is there already."""
    try:
        install(folder, click.echo)
    except LabelStudioError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
