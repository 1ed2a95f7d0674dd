"""Training: the announcement's network on handwritten digits, and models in files.

The pieces are functions and frozen records, and know nothing of the command line:

    data = place(gradx.mnist.load(), options.dtype, backend, device)
    state = State(init_net((784, *options.hidden, 10), options.dtype, options.seed))
    for event in train(state, data, options):
        ...
"""

from gradx.files.errors import OutputError
from gradx.files.lines import JsonLines
from gradx.files.writing import check_writable, write_whole
from gradx.train.checkpoint import Checkpoint, load, save
from gradx.train.errors import (
    DivergedError,
    ModelFileError,
    OptionError,
    ProgramError,
    TrainError,
)
from gradx.train.evaluation import Score, evaluate
from gradx.train.loop import Begun, Report, Stopped, train
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
    cast,
    check_loss,
    count_numbers,
    first_params,
    read_data,
)
from gradx.train.samples import Data, Samples, check_memory, fingerprint, place, place_split
from gradx.train.state import State
from gradx.train.threads import threads_for

__all__ = [
    "Begun",
    "Checkpoint",
    "Data",
    "DivergedError",
    "JsonLines",
    "Layer",
    "ModelFileError",
    "Net",
    "OptionError",
    "Options",
    "OutputError",
    "Program",
    "ProgramData",
    "ProgramError",
    "Report",
    "Samples",
    "Score",
    "State",
    "Stopped",
    "TrainError",
    "cast",
    "check_loss",
    "check_memory",
    "check_writable",
    "count_numbers",
    "count_parameters",
    "cross_entropy",
    "evaluate",
    "faults_told",
    "fingerprint",
    "first_params",
    "init_net",
    "load",
    "load_program",
    "logistic",
    "map_net",
    "net_err",
    "net_err_rows",
    "place",
    "place_split",
    "read_data",
    "run_net",
    "run_net_rows",
    "save",
    "sizes_of",
    "soft_max",
    "step_net",
    "step_net_rows",
    "threads_for",
    "train",
    "write_whole",
]
