"""Imports form layers and point downward, counting deferred and TYPE_CHECKING ones."""

from collections.abc import Mapping, Sequence

import pytest

from tests.architecture.sources import (
    ROOT,
    Module,
    assert_none,
    cycle,
    extension_modules,
    imports,
    package_modules,
    synthetic,
)

# From the bottom up. A row holds names of equal rank: a module imports from lower rows only.
# ``name`` stands for gradx/name.py; ``name.*`` for a package, whose modules may also import one
# another. ``native._native`` is the C extension. ``gradx`` is the package's own __init__, which
# re-exports the library: what stands above it uses gradx as any other program would.
LAYERS: Sequence[Sequence[str]] = (
    ("_interrupts", "_version", "errors", "native.*"),
    ("devices.*",),
    ("values.*",),
    ("core.*",),
    ("ops.*",),
    ("math", "numpy.*"),
    ("cmath",),
    ("scipy.*",),
    ("nn.*", "surface.*"),
    ("abstract.*",),
    ("reverse.*",),
    ("batch.*",),
    ("forward.*",),
    ("operators.*", "series.*"),
    ("sparse.*",),
    ("lens.*",),
    ("records.*",),
    ("control.*",),
    ("adoption.*", "debugging.*", "optim.*", "prelude.*"),
    ("backends.*", "blas", "extension", "parallel.*"),
    ("files.*",),
    ("testing.*",),
    ("gradx",),
    ("autograd.*", "hmatrix.*", "mnist.*"),
    ("train.*",),
    ("report.*",),
    ("cli.*",),
    ("__main__",),
)

# Where a function may import: commands that start fast because they load only what they use.
MAY_DEFER = ("gradx.cli",)


def entry_of(module: str, layers: Sequence[Sequence[str]]) -> tuple[int, str] | None:
    """The rank and the table's entry of a module."""
    _, _, inner = module.partition(".")
    for rank, row in enumerate(layers):
        for entry in row:
            package, star, _ = entry.partition(".*")
            if inner == package or (star and inner.startswith(package + ".")):
                return rank, entry
            if not inner and entry == module:
                return rank, entry
    return None


def violations(modules: Mapping[str, Module], layers: Sequence[Sequence[str]]) -> list[str]:
    """What is wrong with the modules' imports, a line each."""
    places = {name: entry_of(name, layers) for name in modules}
    wrong = [
        f"{name} has no row in the table of layers"
        for name, place in places.items()
        if place is None
    ]
    for link in imports(modules):
        importer, imported = places[link.importer], places[link.imported]
        if importer is None or imported is None:
            continue
        same_package = importer == imported and importer[1].endswith(".*")
        if imported[0] >= importer[0] and not same_package:
            wrong.append(str(link))
    return wrong


def import_graph(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {name: set() for name in modules}
    for link in imports(modules):
        graph[link.importer].add(link.imported)
    return graph


def all_modules() -> dict[str, Module]:
    return package_modules("gradx") | extension_modules("gradx")


def test_imports_point_downward():
    assert_none(violations(all_modules(), LAYERS))


def test_imports_form_no_cycle():
    assert_none(cycle(import_graph(all_modules())) or [])


def test_the_table_names_only_what_exists():
    modules = all_modules()
    used = {entry_of(name, LAYERS) for name in modules}
    unused = [
        entry for rank, row in enumerate(LAYERS) for entry in row if (rank, entry) not in used
    ]
    assert_none(unused)


def test_the_reading_order_is_the_list_of_rooms():
    text = (ROOT / "docs" / "reading-order.md").read_text(encoding="utf-8")
    rooms = [name for row in LAYERS for name in row if name not in ("gradx", "__main__")]
    written = [name.replace(".*", "/") if ".*" in name else f"{name}.py" for name in rooms]
    assert_none(name for name in written if f"`{name}`" not in text)


def test_functions_do_not_import():
    deferred = [
        str(link)
        for link in imports(all_modules())
        if link.deferred and not link.importer.startswith(MAY_DEFER)
    ]
    assert_none(deferred)


# ---- the tester, tested on small synthetic packages -------------------------------------------

TABLE = (("low",), ("mid.*",), ("p",), ("high", "twin"))


@pytest.mark.parametrize(
    "text",
    [
        "import p.high",
        "import p.high as h",
        "from p import high",
        "from p.high import x",
        "from . import high",
        "from .high import x",
        "def f():\n    from .high import x",
        "class C:\n    def f(self):\n        import p.high",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .high import X",
        "try:\n    from .high import x\nexcept ImportError:\n    pass",
        "from importlib import import_module\nm = import_module('p.high')",
        "import importlib\nT = {'x': 'p.high'}\ndef f(x):\n    importlib.import_module(T[x])",
        "import importlib\nm = importlib.import_module('.high', __package__)",
        "from p import something",
        "import p",
    ],
)
def test_an_upward_import_is_found(text):
    modules = synthetic({"p": "", "p.low": text, "p.high": "x = 1"})
    assert len(violations(modules, TABLE)) == 1


@pytest.mark.parametrize(
    ("importer", "text"),
    [
        ("p.high", "from .low import x"),
        ("p.high", "from p import x"),
        ("p.high", "import numpy, os.path\nfrom numpy import low"),
        ("p.mid.a", "from .b import y"),
        ("p.mid.a", "from . import b"),
        ("p.mid", "from .a import z"),
        ("p.mid", "from ..low import x"),
        ("p.mid.b", "from .. import low"),
        ("p", "from .low import x\nfrom .mid import y"),
    ],
)
def test_a_downward_import_and_one_within_a_package_pass(importer, text):
    names = ("p", "p.low", "p.mid", "p.mid.a", "p.mid.b", "p.high")
    modules = synthetic({name: text if name == importer else "" for name in names})
    assert violations(modules, TABLE) == []


def test_a_twin_may_not_be_imported():
    modules = synthetic({"p": "", "p.high": "", "p.twin": "from .high import x"})
    assert violations(modules, TABLE) == ["p.twin, line 1: imports p.high"]


def test_a_deferred_import_says_so():
    modules = synthetic({"p": "", "p.low": "def f():\n    import p.high", "p.high": ""})
    assert violations(modules, TABLE) == ["p.low, line 2: imports p.high (inside a function)"]


def test_a_module_without_a_row_is_found():
    modules = synthetic({"p": "", "p.stray": ""})
    assert violations(modules, TABLE) == ["p.stray has no row in the table of layers"]


def test_a_cycle_within_a_package_is_found():
    texts = {"p.mid.a": "from .b import y", "p.mid.b": "def f():\n    from . import a"}
    modules = synthetic({"p": "", "p.mid": "", **texts})
    assert violations(modules, TABLE) == []
    assert cycle(import_graph(modules)) == ["p.mid.a", "p.mid.b", "p.mid.a"]


def test_a_diamond_is_no_cycle():
    assert cycle({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}) is None


def test_a_module_that_imports_itself_by_its_package_is_a_cycle():
    modules = synthetic({"p": "from .low import x", "p.low": "import p"})
    assert cycle(import_graph(modules)) == ["p", "p.low", "p"]
