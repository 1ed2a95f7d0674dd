"""Parallel: several processes that work on one problem, each with a part of its data.

`all_reduce` is the sum over all processes that a launcher such as ``mpiexec`` started together,
of any value and differentiable; `world` is their `Group`.
"""

from gradx.parallel.agreement import require_same
from gradx.parallel.blocks import BLOCKS, Part, parts_of, sum_of_blocks
from gradx.parallel.errors import LauncherError, ParallelError, RanksDifferError
from gradx.parallel.group import ALONE, Group
from gradx.parallel.launch import Launch, connect, launch_of, world
from gradx.parallel.reduction import all_reduce

__all__ = [
    "ALONE",
    "BLOCKS",
    "Group",
    "Launch",
    "LauncherError",
    "ParallelError",
    "Part",
    "RanksDifferError",
    "all_reduce",
    "connect",
    "launch_of",
    "parts_of",
    "require_same",
    "sum_of_blocks",
    "world",
]
