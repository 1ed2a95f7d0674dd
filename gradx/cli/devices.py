"""`gradx devices`: which devices there are, and why one cannot be used."""

from __future__ import annotations

import click

from gradx.backends import AUTO, devices, resolve


@click.command("devices")
def command() -> None:
    """List the devices, and say why one cannot be used."""
    found = devices()
    width = max(len(status.device) for status in found)
    for status in found:
        library = f"{status.backend}: " if status.backend else ""
        fix = f"; {status.fix}" if status.fix else ""
        click.echo(
            f"{status.device:{width}}  {'usable ' if status.usable else 'missing'}  "
            f"{library}{status.detail}{fix}"
        )
    click.echo(f"--device auto takes {resolve(AUTO)[1]}")
