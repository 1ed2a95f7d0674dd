"""The announcement's network for handwritten digits, as the subject of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import gradx.mnist as mnist
from gradx.backends import Backend, Device
from gradx.cli.reporter import AnnouncementReporter, Reporter
from gradx.cli.shared import check_pixels, describe_net
from gradx.cli.subject import Loaded, Subject, method_of
from gradx.train import (
    Checkpoint,
    Net,
    Options,
    Plan,
    check_memory,
    count_parameters,
    fingerprint,
    init_net,
    load,
    place,
    plan_of,
    sizes_of,
)
from gradx.train.heading import DIGITS


class Digits(Subject):
    """The network for digits."""

    label: ClassVar[str] = "network"
    reporter: ClassVar[type[Reporter]] = AnnouncementReporter

    @property
    def name(self) -> str:
        """See `Subject`."""
        return DIGITS

    @property
    def argument(self) -> str:
        """See `Subject`: it goes without saying."""
        return ""

    def defaults(self) -> Options:
        """See `Subject`: the announcement's experiment."""
        return Options()

    def load(self, path: Path) -> Checkpoint:
        """See `Subject`."""
        return load(path, method=method_of)

    def read(self, path: Path | None, options: Options, device: Device, checkpoint: Any) -> Loaded:
        """See `Subject`: IDX files; sizes are looked at before an image is unpacked."""

        def check(shapes: mnist.Shapes) -> None:
            options.check_against(shapes.train[0], shapes.pixels, mnist.CLASSES)
            check_memory(shapes, options.precision, device)
            if checkpoint is not None:
                file, there = checkpoint
                check_pixels(file, there.state.params, shapes)

        data = mnist.load(path, check)
        counts = f"{len(data.train):,} training and {len(data.test):,} test images"
        return Loaded(data, data.source, counts, len(data.train), fingerprint(data.train))

    def first(self, options: Options, loaded: Loaded) -> Net:
        """See `Subject`."""
        sizes = (loaded.data.train.images[0].size, *options.hidden, mnist.CLASSES)
        return init_net(sizes, options.precision, options.seed)

    def plan(
        self, options: Options, params: Any, loaded: Loaded, backend: Backend, device: Device
    ) -> Plan:
        """See `Subject`."""
        return plan_of(options, place(loaded.data, options.precision, backend, device))

    def count(self, params: Any) -> int:
        """See `Subject`."""
        return count_parameters(sizes_of(params))

    def describe(self, params: Any) -> str:
        """See `Subject`: its layers and its size."""
        return describe_net(params)
