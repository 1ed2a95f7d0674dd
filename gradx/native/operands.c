/* The operands of a user's op: what is below a run of their leaves, and the check of the cotangents
   that its pullback gives.

   `operand_below` in gradx/reverse/linkage.py, and `expected_of` and `checked_leaves` in
   gradx/core/check_cotangents.py, do it for any value. */

#include "speedups.h"
#include "layout.h"

#define DEEPEST 100 /* parts of parts that are compared here */

static int
is_inexact_array(PyObject *x)
{
    return PyArray_CheckExact(x) &&
           (PyArray_ISFLOAT((PyArrayObject *)x) || PyArray_ISCOMPLEX((PyArrayObject *)x));
}

/* lowered(run, found, general, x, spec): what is below a run of a leaf; `found` gets the leaf if it is
   a variable of the run, else None. Of any other leaf what `general(x, spec)` gives. */
PyObject *
lowered(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 5 || !PyList_CheckExact(args[1]) || known.BVar == NULL) {
        return wrong_arguments("lowered");
    }
    PyObject *run = args[0], *found = args[1], *x = args[3], *type = (PyObject *)Py_TYPE(x);
    if (type == known.ArrayVar || type == known.NumberVar || type == known.ScalarVar) {
        if (SLOT(x, known.v_run) == run && SLOT(x, known.v_value) != NULL) {
            return PyList_Append(found, x) < 0 ? NULL : Py_NewRef(SLOT(x, known.v_value));
        }
    }
    else if (PyFloat_CheckExact(x) || is_inexact_array(x)) {
        return PyList_Append(found, Py_None) < 0 ? NULL : Py_NewRef(x);
    }
    return in_general(args[2], x, args[4]);
}

/* expected(general, x, spec): what a check of a cotangent needs of a leaf. */
PyObject *
expected(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || known.Shape == NULL || known.CPU == NULL) {
        return wrong_arguments("expected");
    }
    PyObject *x = args[1];
    if (PyFloat_CheckExact(x)) {
        return Py_NewRef(x);
    }
    if (!is_inexact_array(x)) {
        return in_general(args[0], x, args[2]);
    }
    PyTypeObject *type = (PyTypeObject *)known.Shape;
    PyObject *shape = type->tp_alloc(type, 0);
    if (shape == NULL || (SLOT(shape, known.shape_shape) = shape_of(x)) == NULL) {
        Py_XDECREF(shape);
        return NULL;
    }
    SLOT(shape, known.shape_dtype) = Py_NewRef((PyObject *)PyArray_DESCR((PyArrayObject *)x));
    SLOT(shape, known.shape_device) = Py_NewRef(known.CPU);
    return shape;
}

/* --- Cotangents --------------------------------------------------------------------------------- */

static int
fits_shape(PyObject *shape, PyObject *g)
{
    PyObject *lengths = SLOT(shape, known.shape_shape);
    PyArrayObject *array = (PyArrayObject *)g;
    if (SLOT(shape, known.shape_device) != known.CPU || lengths == NULL || !PyTuple_CheckExact(lengths) ||
        SLOT(shape, known.shape_dtype) != (PyObject *)PyArray_DESCR(array) ||
        PyTuple_GET_SIZE(lengths) != PyArray_NDIM(array)) {
        return 0;
    }
    for (int i = 0; i < PyArray_NDIM(array); i++) {
        if (PyLong_AsSsize_t(PyTuple_GET_ITEM(lengths, i)) != PyArray_DIM(array, i)) {
            return PyErr_Occurred() ? -1 : 0;
        }
    }
    return 1;
}

static int fits(PyObject *x, PyObject *g, PyObject *out, int depth);

static int
parts_fit(PyObject *x, PyObject *g, PyObject *out, int depth)
{
    if (Py_TYPE(x) != Py_TYPE(g) || depth == DEEPEST) {
        return 0;
    }
    PyObject *entry = entry_of_class((PyObject *)Py_TYPE(x));
    Layout *layout = entry == NULL ? NULL : layout_of_entry(entry);
    PyObject *read[] = {NULL, NULL, NULL, NULL};
    int fit = entry == NULL ? -1 : 0;
    if (layout != NULL) {
        fit = read_fields(layout, x, &read[0], &read[1]);
        fit = fit == 1 ? read_fields(layout, g, &read[2], &read[3]) : fit;
        fit = fit == 1 ? PyObject_RichCompareBool(read[0], read[2], Py_EQ) : fit;
        for (Py_ssize_t i = 0; fit == 1 && i < PyList_GET_SIZE(read[1]); i++) {
            fit = fits(PyList_GET_ITEM(read[1], i), PyList_GET_ITEM(read[3], i), out, depth + 1);
        }
    }
    for (int i = 0; i < 4; i++) {
        Py_XDECREF(read[i]);
    }
    Py_XDECREF(entry);
    return fit;
}

/* Whether a cotangent fits to a value as it is; `out` gets those of its leaves. */
static int
fits(PyObject *x, PyObject *g, PyObject *out, int depth)
{
    int fit = 0;
    if (PyArray_CheckExact(g) && (PyObject *)Py_TYPE(x) == known.Shape) {
        fit = fits_shape(x, g);
    }
    else if (PyFloat_CheckExact(x) && PyFloat_CheckExact(g)) {
        fit = 1;
    }
    else {
        return parts_fit(x, g, out, depth);
    }
    return fit == 1 && PyList_Append(out, g) < 0 ? -1 : fit;
}

/* alike(x, g, out): whether a cotangent fits as it is to what `expected_of` has kept of a value, so that
   its leaves are those of the value; if it does, `out` gets them. */
PyObject *
alike(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || !PyList_CheckExact(args[2]) || known.Shape == NULL || known.find == NULL) {
        return wrong_arguments("alike");
    }
    Py_ssize_t before = PyList_GET_SIZE(args[2]);
    int fit = fits(args[0], args[1], args[2], 0);
    if (fit == 0 && PyList_SetSlice(args[2], before, PyList_GET_SIZE(args[2]), NULL) < 0) {
        fit = -1;
    }
    return fit < 0 ? NULL : PyBool_FromLong(fit);
}
