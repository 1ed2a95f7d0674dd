/* Ops of users: done below the run of their operands, recorded, and the check of the cotangents that
   their pullbacks give.

   `lift_op` in gradx/reverse/user_ops.py and `record_done` in gradx/reverse/tape.py do it for all
   operands and results, `checked_leaves` in gradx/core/check_cotangents.py for all cotangents. */

#include "operands.h"
#include "layout.h"

/* The arity of an op; -2 for what is not an op, or one that is not filled. */
static long
arity_of(PyObject *op)
{
    if (!PyObject_TypeCheck(op, (PyTypeObject *)known.Op)) {
        return -2;
    }
    PyObject *arity = SLOT(op, known.op_arity);
    int filled = arity != NULL && PyLong_CheckExact(arity) && SLOT(op, known.op_forward) != NULL;
    return filled ? PyLong_AsLong(arity) : -2;
}

/* --- Forward ------------------------------------------------------------------------------------ */

/* What an op's function gives for operands: a pair of the result and the pullback. */
static PyObject *
pair_of(PyObject *op, PyObject *const *xs, Py_ssize_t n)
{
    PyObject *forward = Py_NewRef(SLOT(op, known.op_forward));
    PyObject *pair = PyObject_Vectorcall(forward, xs, (size_t)n, NULL);
    Py_DECREF(forward);
    int fits = pair != NULL && PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2;
    if (pair != NULL && !(fits && PyCallable_Check(PyTuple_GET_ITEM(pair, 1)))) {
        PyObject *args[] = {NULL, op, pair};
        size_t two = 2 | PY_VECTORCALL_ARGUMENTS_OFFSET;
        Py_SETREF(pair, PyObject_Vectorcall(known.check_pair, args + 1, two, NULL)); /* which raises */
    }
    return pair;
}

/* Whether a result is a number or an array of its own, which shows none of the operands. */
static int
is_apart(Taking *taking, PyObject *y)
{
    if (!PyArray_CheckExact(y)) {
        return is_plain_number_or_array(y);
    }
    PyArrayObject *a = (PyArrayObject *)y;
    if (PyArray_BASE(a) != NULL || PyArray_TYPE(a) == NPY_OBJECT) {
        return 0;
    }
    int met = identities_add(&taking->arrays, y);
    return met < 0 ? -1 : !met;
}

/* The node of an op that was done: one edge for all operands. */
static PyObject *
joint_node(PyObject *op, Taking *taking, PyObject *pullback)
{
    PyObject *targets = PyList_AsTuple(taking->targets);
    PyObject *fits = targets == NULL ? NULL : PyTuple_New(PyTuple_GET_SIZE(targets));
    for (Py_ssize_t i = 0; fits != NULL && i < PyTuple_GET_SIZE(targets); i++) {
        PyTuple_SET_ITEM(fits, i, Py_NewRef(Py_None)); /* the check has fitted them */
    }
    PyObject *both = fits == NULL ? NULL : PyTuple_Pack(2, targets, fits);
    PyObject *residuals = both == NULL ? NULL : PyTuple_Pack(4, op, pullback, taking->expected, targets);
    PyObject *node = NULL;
    if (residuals != NULL) {
        node = PyTuple_Pack(5, known.SHARED_PULLBACK, known.checked_leaves, residuals, both, op);
    }
    Py_XDECREF(targets);
    Py_XDECREF(fits);
    Py_XDECREF(both);
    Py_XDECREF(residuals);
    return node;
}

/* Records an op that was done, and hands out the variable of its result. */
static PyObject *
recorded(PyObject *op, PyObject *operands, Taking *taking, PyObject *pair)
{
    PyObject *y = PyTuple_GET_ITEM(pair, 0), *node = NULL, *nodes;
    int plain = PyDict_GET_SIZE(known.PLACES) == 0 ? is_apart(taking, y) : 0;
    if (plain == 1) {
        node = joint_node(op, taking, PyTuple_GET_ITEM(pair, 1));
        plain = node == NULL ? -1 : 1;
    }
    nodes = nodes_of(taking->run); /* now: any code of the user's may have ended the run */
    if (plain == 0 || (plain == 1 && nodes == NULL)) {
        Py_XDECREF(node);
        PyObject *given = PyTuple_Pack(3, taking->below, taking->targets, taking->expected);
        PyObject *args[] = {NULL, taking->run, op, operands, given, pair};
        PyObject *v = NULL;
        if (given != NULL) {
            v = PyObject_Vectorcall(known.record_done, args + 1, 5 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
        }
        Py_XDECREF(given);
        return v;
    }
    if (node == NULL || PyList_Append(nodes, node) < 0) {
        Py_XDECREF(node);
        return NULL;
    }
    return new_variable(taking->run, node, Py_NewRef(y));
}

/* user_op(op, operands): the result of a user's op, on plain operands or recorded on an open tape;
   NotImplemented for operands that are left to Python, with which nothing was done. */
PyObject *
user_op(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyTuple_CheckExact(args[1]) || known.record_done == NULL || known.checked_leaves == NULL) {
        return wrong_arguments("user_op");
    }
    PyObject *op = args[0], *operands = args[1], *pair = NULL, *result = NULL;
    Py_ssize_t n = PyTuple_GET_SIZE(operands);
    long arity = arity_of(op);
    if (arity == -2 || (arity >= 0 && arity != n)) {
        return Py_NewRef(Py_NotImplemented);
    }
    Taking taking;
    int took = take_operands(operands, &taking);
    if (took == 1 && (taking.run == NULL || SLOT(taking.run, known.tape_capture) != Py_None)) {
        took = 0;
    }
    if (took == 0) {
        result = Py_NewRef(Py_NotImplemented);
    }
    else if (took == 2) {
        pair = pair_of(op, &PyTuple_GET_ITEM(operands, 0), n);
        result = pair == NULL ? NULL : Py_NewRef(PyTuple_GET_ITEM(pair, 0));
    }
    else if (took == 1) {
        pair = pair_of(op, &PyList_GET_ITEM(taking.below, 0), n);
        result = pair == NULL ? NULL : recorded(op, operands, &taking, pair);
    }
    Py_XDECREF(pair);
    end_taking(&taking);
    return result;
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

/* How many leaves a value has, of which `expected_of` has kept this; 0 if that is left to Python. */
static Py_ssize_t
leaves_in(PyObject *x)
{
    if (PyFloat_CheckExact(x) || (PyObject *)Py_TYPE(x) == known.Shape) {
        return 1;
    }
    PyObject *entry = entry_of_class((PyObject *)Py_TYPE(x));
    Layout *layout = entry == NULL ? NULL : layout_of_entry(entry);
    PyObject *leaves = layout == NULL ? NULL : leaves_of(NULL, x);
    Py_ssize_t n = leaves != NULL ? PyList_GET_SIZE(leaves) : PyErr_Occurred() ? -1 : 0;
    Py_XDECREF(entry);
    Py_XDECREF(leaves);
    return n;
}

/* Whether one of some leaves is wanted. */
static int
is_wanted(PyObject *targets, Py_ssize_t first, Py_ssize_t n)
{
    for (Py_ssize_t i = first; i < first + n; i++) {
        if (PySequence_Fast_GET_ITEM(targets, i) != Py_None) {
            return 1;
        }
    }
    return 0;
}

/* Computes a cotangent that is delayed, in its place, if it is wanted: 1; 2 for one that is not wanted,
   whose leaves are none; 0 for what is left to Python, with nothing done. */
static int
compute(PyObject *parts, Py_ssize_t i, PyObject *x, PyObject *targets, PyObject *out)
{
    PyObject *part = PyList_GET_ITEM(parts, i);
    if (!PyFunction_Check(part)) {
        return 1;
    }
    PyCodeObject *code = (PyCodeObject *)PyFunction_GET_CODE(part);
    int takes_nothing = code->co_argcount == 0 && code->co_kwonlyargcount == 0;
    Py_ssize_t first = PyList_GET_SIZE(out), n = leaves_in(x);
    if (n <= 0 || first + n > PySequence_Fast_GET_SIZE(targets) || !takes_nothing) {
        return n < 0 ? -1 : 0;
    }
    if (!is_wanted(targets, first, n)) {
        while (n-- > 0) {
            if (PyList_Append(out, Py_None) < 0) {
                return -1;
            }
        }
        return 2;
    }
    PyObject *h = PyObject_CallNoArgs(part);
    return h == NULL ? -1 : PyList_SetItem(parts, i, h) < 0 ? -1 : 1;
}

/* What a pullback gave, as a list of a cotangent for each of so many operands; NULL with no error set for
   anything else. */
static PyObject *
one_for_each(PyObject *given, int alone, Py_ssize_t n)
{
    if (alone) {
        PyObject *parts = PyList_New(1);
        if (parts != NULL) {
            PyList_SET_ITEM(parts, 0, Py_NewRef(given));
        }
        return parts;
    }
    if (!(PyTuple_CheckExact(given) || PyList_CheckExact(given)) || PySequence_Fast_GET_SIZE(given) != n) {
        return NULL;
    }
    return PySequence_List(given);
}

/* What Python says of the cotangents that a pullback gave; those that were delayed for the first operands
   are computed already, and not once more. */
static PyObject *
checked_by_python(PyObject *parts, PyObject *op, PyObject *operands, PyObject *targets, Py_ssize_t computed)
{
    PyObject *so_many = PyLong_FromSsize_t(computed), *leaves = NULL;
    if (so_many != NULL) {
        PyObject *args[] = {NULL, parts, op, operands, targets, so_many};
        size_t five = 5 | PY_VECTORCALL_ARGUMENTS_OFFSET;
        leaves = PyObject_Vectorcall(known.checked_parts, args + 1, five, NULL);
        Py_DECREF(so_many);
    }
    return leaves;
}

/* The leaves of what a pullback gave, all of which fit; of anything else what Python says. */
static PyObject *
leaves_given(PyObject *given, PyObject *op, PyObject *operands, PyObject *targets)
{
    Py_ssize_t n = PyList_GET_SIZE(operands);
    int alone = arity_of(op) == 1 && n == 1;
    PyObject *parts = one_for_each(given, alone, n), *out = NULL;
    if (parts == NULL && PyErr_Occurred()) {
        return NULL;
    }
    Py_ssize_t computed = 0;
    int fit = parts != NULL;
    if (fit && (out = PyList_New(0)) == NULL) {
        fit = -1;
    }
    for (Py_ssize_t i = 0; fit == 1 && i < n && i < PyList_GET_SIZE(operands); i++) {
        PyObject *x = Py_NewRef(PyList_GET_ITEM(operands, i));
        fit = compute(parts, i, x, targets, out);
        computed += fit != 0;
        fit = fit == 1 ? fits(x, PyList_GET_ITEM(parts, i), out, 0) : fit == 2 ? 1 : fit;
        Py_DECREF(x);
    }
    if (fit == 0) {
        PyObject *now = parts == NULL ? given : alone ? PyList_GET_ITEM(parts, 0) : parts;
        Py_XSETREF(out, checked_by_python(now, op, operands, targets, computed));
    }
    else if (fit < 0) {
        Py_CLEAR(out);
    }
    Py_XDECREF(parts);
    return out;
}

/* A cotangent that may be handed to a user's code: an array as a view that is not written into. */
static PyObject *
guarded(PyObject *g)
{
    if (!PyArray_CheckExact(g)) {
        return Py_NewRef(g);
    }
    PyObject *view = PyArray_View((PyArrayObject *)g, NULL, NULL);
    if (view != NULL) {
        PyArray_CLEARFLAGS((PyArrayObject *)view, NPY_ARRAY_WRITEABLE);
    }
    return view;
}

/* Has Python add to the error that a pullback raised how to write it, where that is known. */
static void
explain(PyObject *op)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *args[] = {NULL, error, op};
    size_t two = 2 | PY_VECTORCALL_ARGUMENTS_OFFSET;
    PyObject *done = PyObject_Vectorcall(known.note_read_only, args + 1, two, NULL);
    if (done == NULL) { /* such as an interrupt */
        raise_in_context_of(type, error, traceback);
        return;
    }
    Py_DECREF(done);
    PyErr_Restore(type, error, traceback);
}

/* checked_leaves(g, op, pullback, operands, targets): as in gradx.core.check_cotangents. */
PyObject *
checked_leaves(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 5 || known.checked_parts == NULL || known.Op == NULL || known.Shape == NULL || known.find == NULL) {
        return wrong_arguments("checked_leaves");
    }
    PyObject *g = args[0], *op = args[1], *operands = args[3], *targets = args[4];
    int is_list = PyList_CheckExact(targets) || PyTuple_CheckExact(targets);
    if (!is_plain_number_or_array(g) || !PyList_CheckExact(operands) || !is_list || arity_of(op) == -2) {
        return PyObject_Vectorcall(known.checked_leaves_in_general, args, 5, NULL);
    }
    PyObject *own = guarded(g);
    PyObject *given = own == NULL ? NULL : PyObject_CallOneArg(args[2], own);
    PyObject *leaves = given == NULL ? NULL : leaves_given(given, op, operands, targets);
    Py_XDECREF(own);
    Py_XDECREF(given);
    if (leaves == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        explain(op);
    }
    return leaves;
}
