"""The command line: `gradx train`, `gradx eval`, `gradx predict`, `gradx devices`.

Whatever a user gets wrong is told in one line on the error stream, with exit code 2.
"""

from gradx.cli.app import main

__all__ = ["main"]
