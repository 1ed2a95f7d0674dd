"""The table from Haskell's names to gradx's: complete, its names exist, and its examples run."""

import doctest
import importlib
import re
import sys
import types

import pytest

import gradx as gx
from tests.architecture.sources import ROOT
from tests.docs.blocks import FLAGS, python_blocks

DOCUMENT = (ROOT / "docs" / "from-haskell.md").read_text(encoding="utf-8")
HEADER = "| Haskell | gradx | example, or why there is none |"

# All that `backprop` exports or has exported, by the headings of the document.
NAMES = {
    "Types": (
        "BVar W Reifies Backprop ABP runABP NumBP runNumBP Op BVGroup Num Fractional Floating Eq "
        "Ord compare NFData Typeable IsoHKD + - * negate abs signum fromInteger / recip "
        "fromRational pi exp log sqrt ** logBase sin cos tan asin acos atan sinh cosh tanh asinh "
        "acosh atanh"
    ),
    "Running": (
        "backprop evalBP gradBP backpropWith backprop2 evalBP2 gradBP2 backpropWith2 backpropN "
        "evalBPN gradBPN backpropWithN evalBP0"
    ),
    "Variables": (
        "constVar auto coerceVar ^^. viewVar .~~ setVar %~~ overVar ^^? previewVar ^^?! ^^.. "
        "toListOfVar sequenceVar collectVar T2 T3 isoVar isoVar2 isoVar3 isoVarN liftOp liftOp1 "
        "liftOp2 liftOp3 splitBV joinBV BV"
    ),
    "Ops": (
        "Op runOpWith runOp evalOp gradOp gradOpWith op0 op1 op2 op3 opConst opConst' idOp bpOp "
        "opCoerce opTup opIso opIso2 opIso3 opIsoN opLens noGrad1 noGrad composeOp composeOp1 ~. "
        "composeOp' composeOp1' Rec :& RNil Prod Tuple I :> only head' ::< only_ +. -. *. "
        "negateOp absOp signumOp /. recipOp expOp logOp sqrtOp **. logBaseOp sinOp cosOp tanOp "
        "asinOp acosOp atanOp sinhOp coshOp tanhOp asinhOp acoshOp atanhOp"
    ),
    "The class": (
        "zero add one zeroNum addNum oneNum zeroVec addVec oneVec zeroVecNum oneVecNum "
        "zeroFunctor oneFunctor addIsList addAsList genericZero genericAdd genericOne NumVec "
        "GZero GAdd GOne Int Integer Natural Word Word8 Word16 Word32 Word64 Ratio Complex Float "
        "Double Vector [] NonEmpty Seq Maybe () Identity Proxy Const Void Map IntMap K1 M1 :*: "
        ":.: V1 U1 Sum Product First Last Dual Option Arg Compose Kleisli Rec ARec SRec XRec "
        "Thunk Lift ElField XData SField Label BVar"
    ),
    "Numeric.Backprop.Explicit": (
        "ZeroFunc ZF runZF AddFunc AF runAF OneFunc OF runOF zfNum afNum ofNum zfNums afNums "
        "ofNums zeroFunc addFunc oneFunc zeroFuncs addFuncs oneFuncs zfFunctor ofFunctor "
        "RPureConstrained"
    ),
    "Numeric.Backprop.Internal": (
        "_bvRef _bvVal wRef debugSTN debugIR TapeNode TN _tnInputs _tnGrad SomeTapeNode STN BRef "
        "BRInp BRIx BRC Runner R _rDelta _rInputs InpRef IR _irIx _irAdd _irEmbed initWengert "
        "insertNode bvConst forceBVar forceInpRef forceSomeTapeNode forceTapeNode fillWengert "
        "bumpMaybe initRunner gradRunner"
    ),
    "Prelude.Backprop": (
        "sum product length minimum maximum traverse toList mapAccumL mapAccumR foldr foldl' fmap "
        "<$> pure liftA2 liftA3 fmapConst <$ $> fromIntegral realToFrac round fromIntegral' "
        "coerce"
    ),
    "Numeric.Backprop.Tuple": (
        "T2 t2Tup tupT2 uncurryT2 curryT2 t2_1 t2_2 T3 t3Tup tupT3 t3_1 t3_2 t3_3 uncurryT3 "
        "curryT3 T0 T"
    ),
    "What the announcement's program takes from elsewhere": (
        "makeLenses gPlus gMinus gTimes gNegate gAbs gSignum gFromInteger gDivide gRecip "
        "gFromRational logistic konst norm_1V #> <.> R L"
    ),
}


def rows_of(document):
    """The rows of the tables: the heading above, and the three cells."""
    heading, inside = "", False
    for line in document.splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        inside = line == HEADER or (inside and line.startswith("|"))
        if inside and line != HEADER and not line.startswith("|---"):
            yield heading, [cell.strip() for cell in line.strip("|").split(" | ")]


def code_of(cell):
    return re.findall(r"`([^`]+)`", cell)


ROWS = list(rows_of(DOCUMENT))
EXAMPLES = [
    pytest.param(source, wanted, id=f"{(code_of(cells[0]) or cells)[0]}-{i}")
    for _, cells in ROWS
    for i, (source, wanted) in enumerate(re.findall(r"`([^`]+)` gives `([^`]+)`", cells[2]))
]


@pytest.fixture(scope="module")
def namespace():
    module = types.ModuleType("__document__")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)  # dataclasses look it up
        exec(next(python_blocks(DOCUMENT)).text, vars(module))
        yield vars(module)


@pytest.mark.parametrize("heading", NAMES)
def test_every_name_of_haskell_is_in_its_table(heading):
    firsts = [cells[0] for where, cells in ROWS if where == heading]
    listed = {code.split()[0] for cell in firsts for code in code_of(cell)}
    assert sorted(set(NAMES[heading].split()) - listed) == []


def test_every_row_has_an_example_or_a_reason():
    short = [cells for _, cells in ROWS if len(cells) != 3 or not all(cells)]
    assert short == []
    neither = [cells for _, cells in ROWS if " gives " not in cells[2] and len(cells[2]) < 8]
    assert neither == []


def test_every_name_of_gradx_exists():
    for _, cells in ROWS:
        for path in re.findall(r"\bgx((?:\.\w+)+)", " ".join(cells)):
            part = gx
            for name in path.split(".")[1:]:
                if isinstance(part, types.ModuleType) and not hasattr(part, name):
                    importlib.import_module(f"{part.__name__}.{name}")
                part = getattr(part, name)
                if isinstance(part, gx.Lens):  # what follows is a path into a value
                    break


@pytest.mark.parametrize(("source", "wanted"), EXAMPLES)
def test_the_example_gives_what_it_says(source, wanted, namespace):
    given = repr(eval(source, dict(namespace)))
    assert doctest.OutputChecker().check_output(f"{wanted}\n", f"{given}\n", FLAGS), given


# ---- the tester, tested ------------------------------------------------------------------------


def test_rows_are_read():
    row = "| `a`, `b` | `gx.one` | `1` gives `1` |"
    text = f"## One\n\n{HEADER}\n|---|---|---|\n{row}\n\n| `c` | x | y |\n"
    assert list(rows_of(text)) == [("One", ["`a`, `b`", "`gx.one`", "`1` gives `1`"])]


def test_there_are_examples():
    assert len(EXAMPLES) > 100
