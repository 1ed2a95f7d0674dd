"""`python -m benchmarks`: reads the options, hides packages if asked to, and only then loads."""

import sys
from importlib import import_module

from benchmarks.options import parse


def main() -> None:
    """Run the benchmarks."""
    options = parse()
    for name in options.without:
        sys.modules[name] = None  # type: ignore[assignment]  # an import of it now fails
    import_module("benchmarks.run").run(options)


if __name__ == "__main__":
    main()
