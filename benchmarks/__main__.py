"""`python -m benchmarks`: reads the options, hides packages if asked to, and only then loads."""

import io
import sys
from importlib import import_module

from benchmarks.options import parse


def main() -> None:
    """Run the benchmarks."""
    options = parse()
    for name in options.without:
        sys.modules[name] = None  # type: ignore[assignment]  # an import of it now fails
    if isinstance(sys.stdout, io.TextIOWrapper):  # a long run is watched through a file or a pipe
        sys.stdout.reconfigure(line_buffering=True)
    import_module("benchmarks.run").run(options)


if __name__ == "__main__":
    main()
