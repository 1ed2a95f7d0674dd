"""The table from Haskell's names to gradx's is complete; `test_tables` runs it."""

import pytest

from tests.docs.tables import code_of, rows_of, text_of

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


ROWS = list(rows_of(text_of("from-haskell.md")))


@pytest.mark.parametrize("heading", NAMES)
def test_every_name_of_haskell_is_in_its_table(heading):
    firsts = [cells[0] for where, cells in ROWS if where == heading]
    listed = {code.split()[0] for cell in firsts for code in code_of(cell)}
    assert sorted(set(NAMES[heading].split()) - listed) == []
