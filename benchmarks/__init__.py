"""Benchmarks: what gradx costs beside NumPy written by hand, and beside its peers.

`make bench` runs them; docs/performance.md says what is measured, and how to read it. Every figure
is a ratio to the obvious hand-written NumPy of the same workload in the same run; rounds are
interleaved, and all implementations must compute the same numbers.

    options.py      the command line
    run.py          what `python -m benchmarks` does with it
    suite.py        the list of workloads
    network.py …    the workloads themselves: data, NumPy by hand, gradx
    peers/          the same workloads in other libraries, as their own users write them
    measure.py      interleaved rounds, the check, memory
    statistics.py   from the seconds of the rounds to medians, ratios and intervals
    machine.py      what it ran on
    goals.py        what gradx should reach, and whether it does
    report.py       tables and a chart for the documents, from JSON files of runs
"""
