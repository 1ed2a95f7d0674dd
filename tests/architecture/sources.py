"""The project's own source files as the architecture tests see them: paths, modules, imports."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("gradx", "gradx_cuda", "tests", "scripts", "examples", "benchmarks")


def assert_none(found: Iterable[object]) -> None:
    """Fails with what was found, a line each."""
    lines = [str(each) for each in found]
    assert not lines, "\n" + "\n".join(lines)


FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> list[Path]:
    """All Python files of the folders named, those that exist, in a fixed order."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@dataclass(frozen=True)
class Module:
    """A module's dotted name and its text."""

    name: str
    source: str
    is_package: bool = False

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)


def package_modules(package: str, root: Path = ROOT) -> dict[str, Module]:
    """Every Python module of the package, by its dotted name."""
    return _modules(sorted((root / package).rglob("*.py")), root)


def extension_modules(package: str, root: Path = ROOT) -> dict[str, Module]:
    """Every C module of the package, built or not: what its stub says of it."""
    return _modules(sorted((root / package).rglob("*.pyi")), root)


def _modules(paths: Iterable[Path], root: Path) -> dict[str, Module]:
    modules = {}
    for path in paths:
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        modules[name] = Module(name, path.read_text(encoding="utf-8"), is_package)
    return modules


def synthetic(sources: Mapping[str, str]) -> dict[str, Module]:
    """Modules made of the texts given; a name with others below it is a package."""
    return {
        name: Module(name, text, any(other.startswith(name + ".") for other in sources))
        for name, text in sources.items()
    }


@dataclass(frozen=True)
class Import:
    """One import of a module of the same project by another."""

    importer: str
    imported: str
    line: int
    deferred: bool

    def __str__(self) -> str:
        when = " (inside a function)" if self.deferred else ""
        return f"{self.importer}, line {self.line}: imports {self.imported}{when}"


def imports(modules: Mapping[str, Module]) -> list[Import]:
    """Every import among the modules, wherever it stands.

    Imports inside functions and under ``if TYPE_CHECKING`` count like all others. So does, in a
    module that calls ``import_module``, every text that is a module's name.  ``from p import name``
    is an import of the module ``p.name`` where there is one.
    """
    found = []
    for module in modules.values():
        nodes = list(_walk(module.tree, deferred=False))
        dynamic = any(_is_dynamic_import(node) for node, _ in nodes)
        for node, deferred in nodes:
            for name in _imported_names(node, module, dynamic):
                target = _known(name, modules)
                if target is not None and target != module.name:
                    found.append(Import(module.name, target, node.lineno, deferred))
    return found


def _walk(node: ast.AST, deferred: bool) -> Iterator[tuple[ast.AST, bool]]:
    """All nodes below this one, and whether each stands inside a function."""
    inside = deferred or isinstance(node, FunctionNode | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield child, inside
        yield from _walk(child, inside)


def _is_dynamic_import(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    return called in {"import_module", "__import__"}


def _imported_names(node: ast.AST, module: Module, dynamic: bool) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = _base(node, module)
        return [f"{base}.{alias.name}" if base else alias.name for alias in node.names]
    if dynamic and isinstance(node, ast.Constant) and isinstance(node.value, str):
        package = module.name if module.is_package else module.name.rpartition(".")[0]
        if re.fullmatch(r"\.\w+(\.\w+)*", node.value):
            return [package + node.value]
        if re.fullmatch(r"\w+(\.\w+)+", node.value):
            return [node.value]
    return []


def _base(node: ast.ImportFrom, module: Module) -> str:
    """The dotted name that the names of a ``from`` import stand under."""
    if node.level == 0:
        return node.module or ""
    up = node.level - 1 if module.is_package else node.level
    parts = module.name.split(".")
    parts = parts[: len(parts) - up]
    return ".".join([*parts, node.module] if node.module else parts)


def _known(name: str, modules: Mapping[str, Module]) -> str | None:
    """The module that an imported dotted name belongs to, or None for a foreign one."""
    while name:
        if name in modules:
            return name
        name = name.rpartition(".")[0]
    return None


def cycle(edges: Mapping[str, set[str]]) -> list[str] | None:
    """A cycle of the graph, first node repeated at the end, or None."""
    done: set[str] = set()
    for start in edges:
        path: list[str] = [start]
        pending = [iter(sorted(edges[start]))]
        while path:
            node = next(pending[-1], None)
            if node is None:
                pending.pop()
                done.add(path.pop())
            elif node in path:
                return [*path[path.index(node) :], node]
            elif node not in done:
                path.append(node)
                pending.append(iter(sorted(edges.get(node, ()))))
    return None


def functions(tree: ast.Module) -> Iterator[FunctionNode]:
    """All functions and methods, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, FunctionNode))
