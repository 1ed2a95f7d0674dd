"""`gradx adopt`: what the names of a program are in its adopted form."""

from __future__ import annotations

import itertools

import click

from gradx.adoption.report import bindings
from gradx.cli.programs import program_named


@click.command("adopt")
@click.argument("name", metavar="MODULE[:NAME]")
def command(name: str) -> None:
    """Show what gx.adopt binds: each function of a program, its names and what they become.

    MODULE is imported, from the current folder too; NAME is a function or a class in it.
    """
    found = bindings(program_named(name, "gradx adopt"))
    width = max((len(binding.name) for binding in found), default=0)
    for function, group in itertools.groupby(found, lambda binding: binding.function):
        click.echo(function)
        for binding in group:
            click.echo(f"  {binding.name:{width}}  {binding.meaning}")
    if not found:
        click.echo(f"{name} uses no names of its module")
