"""The job: a training run that has been checked and is ready to begin."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gradx._version import __version__
from gradx.backends import Backend, Device, resolve
from gradx.cli.digits import Digits
from gradx.cli.failures import device_failures
from gradx.cli.log import settings_of
from gradx.cli.options import refuse_hidden
from gradx.cli.own import Own
from gradx.cli.shared import placed, refuse_inputs, same_file, seen_from, why_auto
from gradx.cli.subject import Loaded, Subject
from gradx.files.names import Names
from gradx.native import native
from gradx.parallel import ALONE, Group, launch_of
from gradx.train import (
    Agreement,
    Checkpoint,
    ModelFileError,
    OptionError,
    Options,
    OutputError,
    Plan,
    State,
    check_names,
    check_writable,
    facts_of,
    load_program,
    shared,
)

# Options that decide what the parameters are: loaded ones have them already.
_OF_THE_MODEL = ("hidden", "dtype", "seed")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command line asks for.

    Attributes:
        model: ``MODEL.py`` or ``module:Class``; None for the network for digits.
        device: a device's name.
        data: where the data is; None for the usual place.
        save_to: a file for the model.
        load_from: a model to go on from.
        json_to: a file for the log.
        wanted: options by name, those that were given.
        group: the processes that share the run.
        agreement: whether they stop.
    """

    model: str | None
    device: str
    data: Path | None
    save_to: Path | None
    load_from: Path | None
    json_to: Path | None
    wanted: Mapping[str, Any]
    group: Group = ALONE
    agreement: Agreement = field(default_factory=Agreement)

    def seen_from(self, folder: Path) -> Asked:
        """The same with paths as they were given in a folder."""
        paths = {name: getattr(self, name) for name in ("data", "save_to", "load_from", "json_to")}
        given: dict[str, Any] = {k: path and seen_from(folder, path) for k, path in paths.items()}
        return replace(self, **given)

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.group.rank == 0


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run that has been checked and is ready to begin.

    Attributes:
        asked: what it comes from.
        subject: what is trained.
        options: how.
        plan: the same for the loop.
        state: where it begins.
        loaded: the data as it was read.
        backend: the library of the device.
        device: where it runs.
        note: something that the user should know before it begins.
    """

    asked: Asked
    subject: Subject
    options: Options
    plan: Plan
    state: State
    loaded: Loaded
    backend: Backend
    device: Device
    note: str | None = None

    @property
    def device_words(self) -> str:
        """Where it runs, in words."""
        dtype = "" if self.options.dtype is None else f", {self.options.dtype}"
        return f"{self.device} ({self.backend.name}{why_auto(self.asked.device)}){dtype}"


def prepare(asked: Asked) -> Job:
    """Check everything that can be checked before the first step."""
    here = Path.cwd()
    subject: Subject = Digits() if asked.model is None else Own(load_program(asked.model))
    asked = asked.seen_from(here)
    if asked.model is not None:
        refuse_hidden(asked.model, asked.wanted)
    options = subject.defaults().changed(asked.wanted)
    path, checkpoint, note = asked.load_from, None, None
    if path is None:
        options.check()
    else:
        checkpoint = subject.load(path)
        options, note = _go_on(checkpoint, path, asked.wanted)
    if asked.writes:
        _check_outputs(asked, subject)
    backend, there = resolve(asked.device)
    _check_ranks(asked.group, there)
    from_file = None if checkpoint is None else (path, checkpoint)
    loaded = subject.read(asked.data, options, there, from_file)
    if "batch_size" not in asked.wanted:  # a usual one, for data that may be smaller
        options = replace(options, batch_size=min(options.batch_size, loaded.samples))
    options.check_batch(loaded.samples)
    if checkpoint is None:
        state = State(subject.first(options, loaded))
    else:
        state = checkpoint.state
        if state.position and loaded.fingerprint != checkpoint.data:
            raise ModelFileError(
                f"{path}: stands {state.position:,} samples into an epoch over other data than "
                f"{loaded.origin}; go on with the data it was trained on"
            )
    if asked.save_to is not None:
        check_names(state.params, asked.save_to)
    with device_failures(backend, there, lambda: "while the data was brought there"):
        best = state.best  # it stays on the host, for the file
        state = replace(placed(replace(state, best=None), backend, there), best=best)
        plan = subject.plan(options, state.params, loaded, backend, there)
        state, other = _remembering(state, plan, options, path)
    gradients = shared(plan.gradients, asked.group, asked.agreement, options.blocks)
    return Job(
        asked=asked.seen_from(here),  # data() may have gone elsewhere
        subject=subject,
        options=options,
        plan=replace(plan, gradients=gradients),
        state=state,
        loaded=loaded,
        backend=backend,
        device=there,
        note="\n".join(filter(None, (_alone(asked.group), other or note))) or None,
    )


def facts(job: Job) -> dict[str, str]:
    """What must be the same on all processes that share a run, in words."""
    options = {
        f"--{name.replace('_', '-')}": _words(value)
        for name, value in settings_of(job.options).items()
    }
    return {
        "the version of gradx": __version__,
        "the version of NumPy": np.__version__,
        "the speedups": "speedups" if native else "no speedups",
        "what they train": job.subject.mark,
        **options,
        **facts_of(job.plan, job.state),
    }


def _go_on(
    checkpoint: Checkpoint, path: Path, wanted: Mapping[str, Any]
) -> tuple[Options, str | None]:
    """The options of a run that goes on: the file's, but for what is asked for now; and a note."""
    before = checkpoint.options
    for name in _OF_THE_MODEL:
        there = getattr(before, name)
        if name in wanted and wanted[name] != there:
            raise OptionError(
                f"{name} {_words(wanted[name])}: {path} has {name} {_words(there)}, which cannot "
                "change; leave the option out to go on with that model"
            )
    options = before.changed(wanted)
    behind = checkpoint.state.epoch
    if options.epochs <= behind:
        if "epochs" in wanted:
            raise OptionError(
                f"epochs {options.epochs}: {path} has {behind} behind it, and the number counts "
                f"from the very first; use {behind + 1} or more"
            )
        options = replace(options, epochs=behind + 1)
    options.check()
    notes = []
    if options.patience is not None and checkpoint.state.best is None:
        notes.append(f"Patience counts from here: {path} knows of no best model before.")
    horizon = (options.epochs, options.batch_size)
    if options.recipe.by_horizon and horizon != (before.epochs, before.batch_size):
        notes.append(
            f"The schedule {options.schedule} now ends with epoch {options.epochs}, not "
            f"{before.epochs}: the numbers differ from those of a run that was not stopped."
        )
    return options, "\n".join(notes) or None


def _remembering(
    state: State, plan: Plan, options: Options, path: Path | None
) -> tuple[State, str | None]:
    """A state with what its method remembers, if the method is still of that kind; and a note.

    A method that begins anew counts its steps anew, which its schedule cannot.
    """
    if state.method is None or path is None:
        return state, None
    anew = plan.method.init(state.params)
    there, wanted = (Names(x, path, ModelFileError).leaves.keys() for x in (state.method, anew))
    if type(anew) is type(state.method) and there == wanted:
        return state, None
    if options.schedule != "constant":
        raise OptionError(
            f"method {options.method}: {path} has no memory of this kind, and a method that begins "
            f"anew counts its steps anew; leave the method as it is, or use --schedule constant "
            f"instead of {options.schedule}"
        )
    best = state.best and replace(state.best, state=replace(state.best.state, method=None))
    return replace(state, method=None, best=best), (
        f"The method begins anew, since {path} has no memory of its kind."
    )


def _words(value: Any) -> str:
    if value is None:
        return "as it is"  # such as the dtype of a program
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _alone(group: Group) -> str | None:
    """A note if this is one of several processes that share nothing."""
    launch = launch_of(os.environ)
    if launch is None or launch.size == 1 or group.size > 1:
        return None
    return (
        f"Each of the {launch.size} processes that were started together trains a model of its "
        "own; with --parallel they share one."
    )


def _check_ranks(group: Group, device: Device) -> None:
    if group.size > 1 and device.kind != "cpu":
        raise OptionError(
            f"device {device}: --parallel shares a batch between processors; use --device cpu, or "
            "start one process without mpiexec"
        )


def _check_outputs(asked: Asked, subject: Subject) -> None:
    inputs = {"the model file": subject.file, "the data": asked.data}
    for option, output in (("save", asked.save_to), ("json", asked.json_to)):
        refuse_inputs(output, f"--{option}", inputs)
    if asked.save_to is not None:
        check_writable(asked.save_to, whole=True)
    if asked.json_to is not None:
        check_writable(asked.json_to, whole=False)
        for option, other in (("save", asked.save_to), ("load", asked.load_from)):
            if other is not None and same_file(other, asked.json_to):
                raise OutputError(
                    f"{asked.json_to}: cannot be both the model (--{option}) and the reports "
                    "(--json); name two files"
                )
