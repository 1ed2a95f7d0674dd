"""Benchmarks: what gradx costs beside plain NumPy written by hand, and beside its peers.

`make bench` runs them. Every figure is a ratio to the obvious hand-written NumPy of the same
workload in the same run; rounds are interleaved, and all implementations must compute the same
numbers.
"""
