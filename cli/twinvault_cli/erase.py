"""erase: what ends for good, and what makes its end final."""

import typer

from twinvault_cli import finalizing

app = typer.Typer(name="erase", help="What ends for good, and what makes its end final.")


@app.callback()
def erase() -> None:
    """What ends for good, and what makes its end final."""


app.command()(finalizing.finalize)
