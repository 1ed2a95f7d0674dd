"""Training: any parameters on any data, and the announcement's network on handwritten digits.

The pieces are functions and frozen records, and know nothing of the command line:

    data = place(gradx.mnist.load(), options.dtype, backend, device)
    state = State(init_net((784, *options.hidden, 10), options.dtype, options.seed))
    for event in train(plan_of(options, data), state):
        ...

`fit` does all of it in one call, for any parameters and any data.
"""

from gradx.files.errors import OutputError
from gradx.files.lines import JsonLines
from gradx.files.writing import check_writable, write_whole
from gradx.train.checkpoint import (
    Checkpoint,
    check_names,
    load,
    names_of_nan,
    read_parameters,
    save,
)
from gradx.train.data import Batches, Nothing, Rows, Source, batches, source_of
from gradx.train.digits import measure_net, plan_of, task_of
from gradx.train.errors import (
    DataError,
    DivergedError,
    ModelFileError,
    OptionError,
    ProgramError,
    TrainError,
)
from gradx.train.evaluation import Score, evaluate
from gradx.train.fit import Fit, Patience, fit
from gradx.train.gradients import Agreement, Blocks, Gradients, Piece, shared
from gradx.train.heading import Heading
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
from gradx.train.program import Program, faults_told, load_program
from gradx.train.rehearsal import (
    ProgramData,
    check_loss,
    count_numbers,
    first_params,
    integer_arrays,
    read_data,
)
from gradx.train.sameness import facts_of
from gradx.train.samples import Data, Samples, check_memory, fingerprint, place, place_split
from gradx.train.state import Best, State
from gradx.train.step import stepper
from gradx.train.task import Task
from gradx.train.threads import threads_for
from gradx.train.values import cast_floats, map_arrays, mark_of, own

__all__ = [
    "Agreement",
    "Batches",
    "Begun",
    "Best",
    "Blocks",
    "Checkpoint",
    "Data",
    "DataError",
    "DivergedError",
    "Fit",
    "Gradients",
    "Heading",
    "JsonLines",
    "Layer",
    "ModelFileError",
    "Net",
    "Nothing",
    "OptionError",
    "Options",
    "OutputError",
    "Patience",
    "Piece",
    "Plan",
    "Program",
    "ProgramData",
    "ProgramError",
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
    "check_loss",
    "check_memory",
    "check_names",
    "check_writable",
    "count_numbers",
    "count_parameters",
    "cross_entropy",
    "evaluate",
    "facts_of",
    "faults_told",
    "fingerprint",
    "first_params",
    "fit",
    "init_net",
    "integer_arrays",
    "load",
    "load_program",
    "logistic",
    "map_arrays",
    "map_net",
    "mark_of",
    "measure_net",
    "names_of_nan",
    "net_err",
    "net_err_rows",
    "own",
    "place",
    "place_split",
    "plan_of",
    "read_data",
    "read_parameters",
    "run_net",
    "run_net_rows",
    "save",
    "shared",
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
