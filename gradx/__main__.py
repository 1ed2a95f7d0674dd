"""Runs the command line by `python -m gradx`."""

from gradx.cli import main

if __name__ == "__main__":
    main()
