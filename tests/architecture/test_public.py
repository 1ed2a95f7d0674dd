"""The public API: pinned by name, documented and annotated throughout."""

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from inspect import ismodule

import pytest

import gradx
from tests.architecture.sources import assert_none, package_modules

# A name that comes or goes here is a change of the API, for CHANGELOG.md.
PUBLIC = (
    "AdoptionError",
    "Affine",
    "AliasError",
    "AssignmentError",
    "BVar",
    "BlasThreadsError",
    "ConversionError",
    "CotangentError",
    "CycleError",
    "Device",
    "DeviceError",
    "DeviceMismatchError",
    "DeviceUnavailableError",
    "EmptyFocusError",
    "EscapedVarError",
    "Field",
    "FileError",
    "GradxError",
    "Iso",
    "InPlaceError",
    "Lens",
    "LoopError",
    "NoGradientError",
    "NonFiniteError",
    "NonScalarError",
    "NotDifferentiableError",
    "NotLiftedError",
    "NumTuple",
    "Op",
    "OpError",
    "Record",
    "OpticError",
    "OverwrittenError",
    "Prism",
    "RecomputeError",
    "Sparsity",
    "StructureError",
    "T2",
    "T3",
    "Traversal",
    "UnknownDeviceError",
    "UnregisteredTypeError",
    "__version__",
    "add",
    "adopt",
    "at_instances_of",
    "backprop",
    "backprop_with",
    "bp_op",
    "checkpoint",
    "check_grads",
    "cmath",
    "coerce_var",
    "collect_var",
    "blas_threads",
    "compose",
    "compose_op",
    "cond",
    "curve_fit",
    "debug",
    "custom_jvp",
    "custom_vjp",
    "dense",
    "descend",
    "device_of",
    "devices",
    "each",
    "elementwise_grad",
    "eval_bp",
    "expect",
    "filtered",
    "fold_tree",
    "fori_loop",
    "freeze",
    "from_dlpack",
    "ggnvp",
    "grad",
    "grad_bp",
    "hessian",
    "hessian_diag",
    "holomorphic_grad",
    "hvp",
    "id_op",
    "implicit",
    "instance",
    "iso",
    "iso_var",
    "ix",
    "jacfwd",
    "jacobian",
    "jacrev",
    "join",
    "just",
    "jvp",
    "least_squares",
    "lens",
    "lift",
    "lift_op",
    "lift_op1",
    "lift_op2",
    "lift_op3",
    "linearize",
    "load",
    "log_softmax",
    "logistic",
    "math",
    "minimize",
    "no_grad",
    "no_grad1",
    "numeric_ops",
    "numpy",
    "one",
    "op0",
    "op1",
    "op2",
    "op3",
    "op_coerce",
    "op_const",
    "op_iso",
    "op_iso2",
    "op_iso3",
    "op_iso_n",
    "op_lens",
    "op_n",
    "op_tup",
    "optim",
    "over",
    "parallel",
    "param",
    "prelude",
    "preview",
    "prism",
    "profile",
    "ravel",
    "record",
    "register",
    "register_array",
    "register_number",
    "register_static",
    "relu",
    "replace",
    "review",
    "root",
    "root_scalar",
    "save",
    "scan",
    "scipy",
    "sequence_var",
    "show",
    "softmax",
    "softmax_cross_entropy",
    "sparse_jacobian",
    "sparsity",
    "split",
    "static",
    "stop_gradient",
    "taylor",
    "tied",
    "to_device",
    "to_list",
    "traversal",
    "tree",
    "updates",
    "value",
    "value_and_grad",
    "value_and_jacobian",
    "view",
    "vjp",
    "vmap",
    "while_loop",
    "zero",
)
OPTIM = (
    "Method",
    "MethodError",
    "Minimum",
    "Schedule",
    "accumulate",
    "adagrad",
    "adam",
    "adamw",
    "average",
    "averaged",
    "by_part",
    "clip_by_norm",
    "clip_by_value",
    "constant",
    "cosine",
    "frozen",
    "lamb",
    "lbfgs",
    "levenberg_marquardt",
    "lion",
    "one_cycle",
    "piecewise",
    "rmsprop",
    "sgd",
    "step",
    "warmup",
)
# Public too, but a star import must not hide the builtin of that name.
NOT_BY_STAR = ("map", "set")


def undocumented(value: object) -> list[str]:
    """The public functions, methods and classes here that lack a docstring."""
    return [name for name, part in public_parts(value) if not inspect.getdoc(part)]


def unannotated(value: object) -> list[str]:
    """The parameters and results here that lack an annotation."""
    return [gap for name, part in public_parts(value) for gap in annotation_gaps(name, part)]


def public_parts(value: object) -> Iterator[tuple[str, object]]:
    """The value itself and, of a class, the public methods and properties that it defines."""
    yield getattr(value, "__name__", repr(value)), value
    if isinstance(value, type):
        for name, part in vars(value).items():
            if not name.startswith("_"):
                part = part.fget if isinstance(part, property) else getattr(part, "__func__", part)
                if inspect.isfunction(part):
                    yield f"{value.__name__}.{name}", part


def annotation_gaps(name: str, part: object) -> list[str]:
    if not inspect.isfunction(part):
        return []
    signature = inspect.signature(part)
    gaps = [
        f"{name}: {parameter.name}"
        for position, parameter in enumerate(signature.parameters.values())
        if parameter.annotation is inspect.Parameter.empty
        and not (position == 0 and parameter.name in {"self", "cls"})
    ]
    if signature.return_annotation is inspect.Signature.empty:
        gaps.append(f"{name}: the result")
    return gaps


CODE = [
    name
    for name in (*gradx.__all__, *NOT_BY_STAR)
    if callable(getattr(gradx, name)) or ismodule(getattr(gradx, name))
]


def test_the_public_names_are_pinned():
    assert sorted(gradx.__all__) == sorted(PUBLIC)


@pytest.mark.parametrize("name", OPTIM)
def test_the_names_of_optim_are_pinned_documented_and_annotated(name):
    assert sorted(gradx.optim.__all__) == sorted(OPTIM)
    assert_none(
        [*undocumented(getattr(gradx.optim, name)), *unannotated(getattr(gradx.optim, name))]
    )


def test_nothing_else_is_in_sight():
    pinned = {name for name in PUBLIC if not ismodule(getattr(gradx, name))}
    seen = {
        name
        for name, value in vars(gradx).items()
        if not name.startswith("_")
        and not (ismodule(value) and value.__name__.startswith("gradx."))
    }
    assert seen == {*pinned, *NOT_BY_STAR} - {"__version__"}


def test_what_is_imported_late_is_what_type_checkers_are_told():
    tree = package_modules("gradx")["gradx"].tree
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    assert ast.unparse(block.test) == "_typing.TYPE_CHECKING"
    told = {
        (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == {(module, name) for name, module in gradx._MODULE_OF.items()}
    for module, name in told:
        path = f"{module}.{name}"
        found = sys.modules.get(path) or getattr(importlib.import_module(module), name)
        assert getattr(gradx, name) is found
    assert set(gradx.__all__) <= set(dir(gradx))


def test_a_name_that_gradx_does_not_have():
    with pytest.raises(AttributeError, match="module 'gradx' has no attribute 'no_such_name'"):
        gradx.no_such_name  # noqa: B018


@pytest.mark.parametrize(
    "name", [name for name in package_modules("gradx") if not name.endswith("__main__")]
)
def test_all_is_right(name):
    module = importlib.import_module(name)
    names = getattr(module, "__all__", [])
    assert len(set(names)) == len(names)
    assert [each for each in names if not hasattr(module, each)] == []
    assert inspect.getdoc(module), f"{name} has no docstring"


@pytest.mark.parametrize("name", CODE)
def test_public_names_are_documented(name):
    assert_none(undocumented(getattr(gradx, name)))


@pytest.mark.parametrize("name", CODE)
def test_public_names_are_annotated(name):
    assert_none(unannotated(getattr(gradx, name)))


def test_the_version_is_a_version():
    assert [part.isdigit() for part in gradx.__version__.split(".")[:2]] == [True, True]


class Sample:
    """A class with a method that has no docstring and one that has no annotations."""

    def bare(self, x: int) -> int: ...

    def open(self, x, *, key=1):
        """Documented."""

    def _private(self, x): ...

    @property
    def view(self):
        """Documented."""


def test_gaps_are_found():
    assert undocumented(Sample) == ["Sample.bare"]
    assert unannotated(Sample) == [
        "Sample.open: x",
        "Sample.open: key",
        "Sample.open: the result",
        "Sample.view: the result",
    ]
