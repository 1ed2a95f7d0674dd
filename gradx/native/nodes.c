/* The nodes that recorders write: what the rules keep, and how the cotangents are to be cast. */

#include "recorders.h"

/* Appends a node and hands out its variable; takes over the references of the two. */
PyObject *
committed(PyObject *run, PyObject *node, PyObject *y, PyObject *a, PyObject *b)
{
    PyObject *v = NULL;
    if (node == NULL || y == NULL) {
        goto end;
    }
    PyObject *nodes = nodes_of(run);
    if (is_plain_number_or_array(y) && nodes != NULL) {
        if (PyList_Append(nodes, node) < 0) {
            goto end;
        }
        return new_variable(run, node, y);
    }
    PyObject *args[] = {NULL, run, node, y, a, b};
    size_t count = b == NULL ? 4 : 5;
    v = PyObject_Vectorcall(known.commit, args + 1, count | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
end:
    Py_XDECREF(node);
    Py_XDECREF(y);
    return v;
}

static PyObject *
spec_of(PyArrayObject *a)
{
    PyObject *shape = PyArray_IntTupleFromIntp(PyArray_NDIM(a), PyArray_DIMS(a));
    PyObject *spec = shape == NULL ? NULL : PyTuple_Pack(2, shape, PyArray_DESCR(a));
    Py_XDECREF(shape);
    return spec;
}

/* The shape and dtype to cast a cotangent of x to; None if one like y fits. A new reference. */
static PyObject *
cotangent_spec(const Recorder *recorder, PyObject *x, PyObject *y)
{
    int broadcasts = recorder->broadcasts, is_of_one = recorder->rules[1].pull == NULL;
    if (PyFloat_CheckExact(y) && (is_of_one || PyFloat_CheckExact(x))) {
        return Py_NewRef(Py_None);
    }
    if (PyFloat_CheckExact(x)) {
        /* The result of a function of one number is repeated no more than it, and as real. */
        int fits = is_of_one && Py_TYPE(y) == &PyDoubleArrType_Type;
        return Py_NewRef(fits ? Py_None : known.number_spec);
    }
    if (PyArray_CheckExact(x)) {
        PyArrayObject *a = (PyArrayObject *)x;
        if (PyArray_CheckExact(y) && same_dtype(PyArray_DESCR(a), PyArray_DESCR((PyArrayObject *)y))) {
            return !broadcasts || same_shape(x, y) ? Py_NewRef(Py_None) : spec_of(a);
        }
        if (Py_TYPE(y) == &PyDoubleArrType_Type && is_float64(PyArray_DESCR(a)) &&
            (!broadcasts || PyArray_NDIM(a) == 0)) {
            return Py_NewRef(Py_None);
        }
    }
    else if (Py_TYPE(x) == &PyDoubleArrType_Type) {
        if (Py_TYPE(y) == Py_TYPE(x)) {
            return Py_NewRef(Py_None);
        }
        if (broadcasts && PyArray_CheckExact(y) && PyArray_NDIM((PyArrayObject *)y) > 0) {
            return Py_NewRef(known.scalar_spec);
        }
    }
    PyObject *args[] = {NULL, x, y, broadcasts ? Py_True : Py_False};
    return PyObject_Vectorcall(known.cotangent_spec, args + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* What of an operand a rule keeps: a tuple. `known_to_gc` is set if a cycle may go through it. */
static PyObject *
residuals_of(const Residuals *rule, PyObject *a, PyObject *b, PyObject *y, int *known_to_gc)
{
    PyObject *residuals = PyTuple_New(rule->count);
    int ignorable = 1;
    for (int k = 0; residuals != NULL && k < rule->count; k++) {
        char what = rule->residuals[k];
        PyObject *x = what == 'a' || what == 'A' ? a : what == 'b' || what == 'B' ? b : y;
        ignorable = ignorable && (what < 'a' || gc_can_ignore(x)); /* a shape is a tuple of numbers */
        x = what < 'a' ? shape_of(x) : Py_NewRef(x);
        if (x == NULL) {
            Py_CLEAR(residuals);
            break;
        }
        PyTuple_SET_ITEM(residuals, k, x);
    }
    if (residuals != NULL && ignorable) {
        PyObject_GC_UnTrack(residuals);
    }
    *known_to_gc |= !ignorable;
    return residuals;
}

/* Writes an edge into a node at a place: target, pull, residuals, spec, op. */
static int
put_edge(const Recorder *recorder, int i, PyObject *target, PyObject *const *aby, PyObject *node,
         Py_ssize_t at, int *known_to_gc)
{
    const Residuals *rule = &recorder->rules[i];
    PyObject *residuals = residuals_of(rule, aby[0], aby[1], aby[2], known_to_gc);
    PyObject *spec = residuals == NULL ? NULL : cotangent_spec(recorder, aby[i], aby[2]);
    if (spec == NULL) {
        Py_XDECREF(residuals);
        return -1;
    }
    *known_to_gc |= !gc_can_ignore(target) && (PyObject *)Py_TYPE(target) != known.InputNode;
    PyTuple_SET_ITEM(node, at, Py_NewRef(target));
    PyTuple_SET_ITEM(node, at + 1, Py_NewRef(rule->pull));
    PyTuple_SET_ITEM(node, at + 2, residuals);
    PyTuple_SET_ITEM(node, at + 3, spec);
    PyTuple_SET_ITEM(node, at + 4, Py_NewRef(recorder->op));
    return 0;
}

/* The node of an operation on a and b with the result y: an edge for each operand that has a target.
   The collector, which would go through a long tape again and again (see decision 0022), is told
   nothing of a node from which nothing it knows can be reached: by the rule that it has for tuples
   itself, but for the pull and the op, which are of gradx's tables. */
PyObject *
node_of(const Recorder *recorder, PyObject *const *targets, PyObject *a, PyObject *b, PyObject *y)
{
    PyObject *aby[] = {a, b, y};
    PyObject *node = PyTuple_New(targets[0] != NULL && targets[1] != NULL ? 10 : 5);
    int known_to_gc = 0, at = 0;
    for (int i = 0; node != NULL && i < 2; i++) {
        if (targets[i] != NULL && put_edge(recorder, i, targets[i], aby, node, at, &known_to_gc) < 0) {
            Py_CLEAR(node);
        }
        at += targets[i] == NULL ? 0 : 5;
    }
    if (node != NULL && !known_to_gc) {
        PyObject_GC_UnTrack(node);
    }
    return node;
}
