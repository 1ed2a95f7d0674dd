"""`gradx report`: the course of training runs as a page, in a file or on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from gradx.files.writing import check_writable, write_whole
from gradx.report.errors import PageError
from gradx.report.logs import read_logs
from gradx.report.page import page
from gradx.report.serving import PageServer

_PAGE = b"<!doctype html>"


@click.command("report")
@click.argument("logs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="LOG...")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the page to this file."
)
@click.option(
    "--serve", is_flag=True, help="Serve the page to this machine alone, rendered anew each time."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Of --serve; 0, which is the default, chooses one that is free.",
)
def command(logs: tuple[Path, ...], output: Path | None, serve: bool, port: int | None) -> None:
    """Show the runs whose reports are in LOGs that `gradx train --json` wrote.

    The page has their curves, times, settings and parameters, those of several runs side by side.
    It is one file that needs nothing else.
    """
    if serve == (output is not None):
        raise click.UsageError("name one of --output FILE and --serve")
    if port is not None and not serve:
        raise click.UsageError("--port is of --serve, which was not given")

    def render() -> bytes:
        return page(read_logs(logs), f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC")

    if output is not None:
        _write(output, render)
    else:
        _serve(port or 0, logs, render)


def _write(output: Path, render: Callable[[], bytes]) -> None:
    """Write the page, over nothing but an older page."""
    check_writable(output, whole=True)
    try:
        with output.open("rb") as stream:
            begins = stream.read(len(_PAGE))
    except FileNotFoundError:
        begins = b""
    if begins and begins.lower() != _PAGE:
        raise PageError(f"{output}: is there and is no page; name another file, or remove it")
    content = render()
    write_whole(output, lambda stream: _fill(stream, content))
    click.echo(f"Wrote {output}.")


def _fill(stream: BinaryIO, content: bytes) -> None:
    stream.write(content)


def _serve(port: int, logs: tuple[Path, ...], render: Callable[[], bytes]) -> None:
    read_logs(logs)  # what is wrong with them is said at once, and not to a browser alone
    with PageServer(port, render) as server:
        click.echo(f"Serving the report on {server.address} until Ctrl-C is pressed.")
        sys.stdout.flush()
        server.serve_forever()
