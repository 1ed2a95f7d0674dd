"""Training: any parameters on any data, and the announcement's network on handwritten digits.

The pieces are functions and frozen records, and know nothing of the command line:

    data = place(gradx.mnist.load(), options.dtype, backend, device)
    state = State(init_net((784, *options.hidden, 10), options.dtype, options.seed))
    for event in train(plan_of(options, data), state):
        ...

`fit` does all of it in one call, for any parameters and any data.
"""

from gradx.train.checkpoint import Checkpoint, load, save
from gradx.train.data import Batches, Nothing, Rows, Source, batches, source_of
from gradx.train.digits import measure_net, plan_of, task_of
from gradx.train.errors import (
    DataError,
    DivergedError,
    ModelFileError,
    OptionError,
    OutputError,
    TrainError,
)
from gradx.train.evaluation import Score, evaluate
from gradx.train.fit import Fit, fit
from gradx.train.gradients import Agreement, Blocks, Gradients, Piece
from gradx.train.loop import Begun, Plan, Report, Reported, Stopped, train
from gradx.train.model import (
    Layer,
    Net,
    count_parameters,
    cross_entropy,
    init_net,
    logistic,
    map_net,
    net_err,
    net_err_rows,
    run_net,
    run_net_rows,
    sizes_of,
    soft_max,
    step_net,
    step_net_rows,
)
from gradx.train.options import Options
from gradx.train.outputs import JsonLines, check_writable, write_whole
from gradx.train.samples import Data, Samples, check_memory, fingerprint, place, place_split
from gradx.train.state import State
from gradx.train.step import stepper
from gradx.train.task import Task
from gradx.train.threads import threads_for
from gradx.train.values import cast_floats, own

__all__ = [
    "Agreement",
    "Batches",
    "Begun",
    "Blocks",
    "Checkpoint",
    "Data",
    "DataError",
    "DivergedError",
    "Fit",
    "Gradients",
    "JsonLines",
    "Layer",
    "ModelFileError",
    "Net",
    "Nothing",
    "OptionError",
    "Options",
    "OutputError",
    "Piece",
    "Plan",
    "Report",
    "Reported",
    "Rows",
    "Samples",
    "Score",
    "Source",
    "State",
    "Stopped",
    "Task",
    "TrainError",
    "batches",
    "cast_floats",
    "check_memory",
    "check_writable",
    "count_parameters",
    "cross_entropy",
    "evaluate",
    "fingerprint",
    "fit",
    "init_net",
    "load",
    "logistic",
    "map_net",
    "measure_net",
    "net_err",
    "net_err_rows",
    "own",
    "place",
    "place_split",
    "plan_of",
    "run_net",
    "run_net_rows",
    "save",
    "sizes_of",
    "soft_max",
    "source_of",
    "step_net",
    "step_net_rows",
    "stepper",
    "task_of",
    "threads_for",
    "train",
    "write_whole",
]
