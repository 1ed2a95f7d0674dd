/* The operands of a user's op: what is below a run of their leaves.

   `operand_below` in gradx/reverse/linkage.py, and `expected_of` in gradx/core/check_cotangents.py, do
   it for any value. */

#include "operands.h"
#include "layout.h"

static int
is_inexact_array(PyObject *x)
{
    return PyArray_CheckExact(x) &&
           (PyArray_ISFLOAT((PyArrayObject *)x) || PyArray_ISCOMPLEX((PyArrayObject *)x));
}

static int take(Taking *taking, PyObject *x, PyObject **below, PyObject **expected, int depth);

/* What a check of a cotangent needs of an array: all but its numbers. A new reference. */
static PyObject *
shape_alone(PyObject *x)
{
    PyTypeObject *type = (PyTypeObject *)known.Shape;
    PyObject *shape = type->tp_alloc(type, 0);
    if (shape != NULL && (SLOT(shape, known.shape_shape) = shape_of(x)) == NULL) {
        Py_CLEAR(shape);
    }
    if (shape != NULL) {
        SLOT(shape, known.shape_dtype) = Py_NewRef((PyObject *)PyArray_DESCR((PyArrayObject *)x));
        SLOT(shape, known.shape_device) = Py_NewRef(known.CPU);
    }
    return shape;
}

/* Takes a number or an array, of a variable or not. */
static int
take_value(Taking *taking, PyObject *x, PyObject *target, PyObject **below, PyObject **expected)
{
    int is_array = is_inexact_array(x);
    if (!is_array && !PyFloat_CheckExact(x) && Py_TYPE(x) != &PyDoubleArrType_Type) {
        return 0;
    }
    if (is_array && identities_add(&taking->arrays, x) < 0) {
        return -1;
    }
    *expected = is_array ? shape_alone(x) : Py_NewRef(x);
    *below = Py_NewRef(x);
    return *expected == NULL || PyList_Append(taking->targets, target) < 0 ? -1 : 1;
}

/* Takes the variable of a run that goes on, the same for all of them. */
static int
take_variable(Taking *taking, PyObject *v, PyObject **below, PyObject **expected)
{
    if (standing_of(v) != PLAIN || !is_filled(v) || nodes_of(SLOT(v, known.v_run)) == NULL ||
        (taking->run != NULL && taking->run != SLOT(v, known.v_run))) {
        return 0;
    }
    if (taking->run == NULL) {
        taking->run = Py_NewRef(SLOT(v, known.v_run));
    }
    /* A finalizer may write into the variable meanwhile. */
    PyObject *value = Py_NewRef(SLOT(v, known.v_value)), *node = Py_NewRef(SLOT(v, known.v_node));
    int took = take_value(taking, value, node, below, expected);
    Py_DECREF(value);
    Py_DECREF(node);
    return took;
}

/* Takes all parts of a list or tuple, as two lists. */
static int
take_parts(Taking *taking, PyObject *parts, PyObject **below, PyObject **expected, int depth)
{
    Py_ssize_t n = PySequence_Fast_GET_SIZE(parts);
    *below = PyList_New(n);
    *expected = *below == NULL ? NULL : PyList_New(n);
    int took = *expected == NULL ? -1 : 1;
    for (Py_ssize_t i = 0; took == 1 && i < n; i++) {
        if (PySequence_Fast_GET_SIZE(parts) != n) { /* a user's code was called */
            return 0;
        }
        PyObject *part = Py_NewRef(PySequence_Fast_GET_ITEM(parts, i)), *one = NULL, *other = NULL;
        took = take(taking, part, &one, &other, depth);
        Py_DECREF(part);
        PyList_SET_ITEM(*below, i, one);
        PyList_SET_ITEM(*expected, i, other);
    }
    return took;
}

static int
take_values(Taking *taking, PyObject *dict, PyObject **below, PyObject **expected, int depth)
{
    PyObject *copy = dict_copy(dict); /* which no user's code changes */
    PyObject *keys = copy == NULL ? NULL : PyDict_Keys(copy);
    PyObject *parts = keys == NULL ? NULL : PyDict_Values(copy), *ones = NULL, *others = NULL;
    int took = parts == NULL ? -1 : take_parts(taking, parts, &ones, &others, depth);
    *below = took == 1 ? PyDict_New() : NULL;
    *expected = *below == NULL ? NULL : PyDict_New();
    took = took == 1 && *expected == NULL ? -1 : took;
    for (Py_ssize_t i = 0; took == 1 && i < PyList_GET_SIZE(keys); i++) {
        PyObject *key = PyList_GET_ITEM(keys, i);
        took = PyUnicode_CheckExact(key) || PyLong_CheckExact(key);
        if (took && (PyDict_SetItem(*below, key, PyList_GET_ITEM(ones, i)) < 0 ||
                     PyDict_SetItem(*expected, key, PyList_GET_ITEM(others, i)) < 0)) {
            took = -1;
        }
    }
    Py_XDECREF(copy);
    Py_XDECREF(keys);
    Py_XDECREF(parts);
    Py_XDECREF(ones);
    Py_XDECREF(others);
    return took;
}

/* Takes a record that has nothing but parts, and whole numbers. */
static int
take_fields(Taking *taking, PyObject *x, PyObject *entry, PyObject **below, PyObject **expected, int depth)
{
    Layout *layout = layout_of_entry(entry);
    PyObject *names = NULL, *parts = NULL, *ones = NULL, *others = NULL;
    if (layout == NULL || PyTuple_GET_SIZE(layout->fixed) != 0 || is_watched(x)) {
        return 0;
    }
    int took = read_fields(layout, x, &names, &parts);
    took = took == 1 ? take_parts(taking, parts, &ones, &others, depth) : took;
    if (took == 1) {
        *below = with_fields(layout, x, names, ones);
        *expected = *below == NULL ? NULL : with_fields(layout, x, names, others);
        took = *expected == NULL ? -1 : 1;
    }
    Py_XDECREF(names);
    Py_XDECREF(parts);
    Py_XDECREF(ones);
    Py_XDECREF(others);
    return took;
}

/* Turns two lists of parts into tuples. */
static int
make_tuples(PyObject **below, PyObject **expected)
{
    Py_SETREF(*below, PyList_AsTuple(*below));
    Py_SETREF(*expected, PyList_AsTuple(*expected));
    return *below == NULL || *expected == NULL ? -1 : 1;
}

/* Takes None, a truth value or text, unless its type was registered anew. */
static int
take_atom(PyObject *x, PyObject **below, PyObject **expected)
{
    PyObject *entry = entry_of_class((PyObject *)Py_TYPE(x));
    if (entry == NULL) {
        return -1;
    }
    int fixed = (PyObject *)Py_TYPE(entry) == known.ValueType && SLOT(entry, known.type_static) == Py_True;
    *below = fixed ? Py_NewRef(x) : NULL;
    *expected = fixed ? Py_NewRef(x) : NULL;
    Py_DECREF(entry);
    return fixed;
}

/* Takes a value: 1; 0 for what is left to Python; -1 with an error. What is set is the caller's. */
static int
take(Taking *taking, PyObject *x, PyObject **below, PyObject **expected, int depth)
{
    if (PyObject_TypeCheck(x, (PyTypeObject *)known.BVar)) {
        return take_variable(taking, x, below, expected);
    }
    int took = take_value(taking, x, Py_None, below, expected);
    if (took != 0 || depth == DEEPEST || PyObject_TypeCheck(x, (PyTypeObject *)known.Lifted)) {
        return took;
    }
    if (x == Py_None || PyUnicode_CheckExact(x) || PyBool_Check(x)) {
        return take_atom(x, below, expected);
    }
    int again = identities_add(&taking->met, x);
    PyObject *entry = again != 0 ? NULL : entry_of_class((PyObject *)Py_TYPE(x));
    if (entry == NULL) {
        return again == 1 ? 0 : -1;
    }
    if (entry == known.LIST && PyList_CheckExact(x)) {
        took = take_parts(taking, x, below, expected, depth + 1);
    }
    else if (entry == known.TUPLE && PyTuple_CheckExact(x)) {
        took = take_parts(taking, x, below, expected, depth + 1);
        took = took == 1 ? make_tuples(below, expected) : took;
    }
    else if (entry == known.DICT && PyDict_CheckExact(x)) {
        took = take_values(taking, x, below, expected, depth + 1);
    }
    else {
        took = take_fields(taking, x, entry, below, expected, depth + 1);
    }
    Py_DECREF(entry);
    return took;
}

/* Whether a variable may be in a value: 0 if it is made of containers, records, numbers and arrays. */
static int
may_vary(Identities *met, PyObject *x, int depth)
{
    if (PyFloat_CheckExact(x) || is_inexact_array(x) || x == Py_None || PyUnicode_CheckExact(x)) {
        return 0;
    }
    if (depth == DEEPEST || PyObject_TypeCheck(x, (PyTypeObject *)known.Lifted)) {
        return 1;
    }
    int again = identities_add(met, x);
    PyObject *entry = again != 0 ? NULL : entry_of_class((PyObject *)Py_TYPE(x));
    if (entry == NULL) {
        return again == 1 ? 0 : -1;
    }
    int sequence = (entry == known.LIST && PyList_CheckExact(x)) || (entry == known.TUPLE && PyTuple_CheckExact(x));
    Layout *layout = sequence ? NULL : layout_of_entry(entry);
    PyObject *names = NULL, *parts = sequence ? Py_NewRef(x) : NULL;
    int read = sequence;
    if (layout != NULL && PyTuple_GET_SIZE(layout->fixed) == 0) {
        read = read_fields(layout, x, &names, &parts);
    }
    int varies = read < 0 ? -1 : !read;
    for (Py_ssize_t i = 0; varies == 0 && i < PySequence_Fast_GET_SIZE(parts); i++) {
        PyObject *part = Py_NewRef(PySequence_Fast_GET_ITEM(parts, i));
        varies = may_vary(met, part, depth + 1);
        Py_DECREF(part);
    }
    Py_XDECREF(names);
    Py_XDECREF(parts);
    Py_DECREF(entry);
    return varies;
}

/* Takes all operands: 1; 2 if there is no variable in them; 0 for what is left to Python; -1 with an
   error. What is set is the caller's, and to be ended by `end_taking`. */
int
take_operands(PyObject *operands, Taking *taking)
{
    memset(taking, 0, sizeof *taking);
    identities_begin(&taking->met);
    identities_begin(&taking->arrays);
    int varies = may_vary(&taking->met, operands, 0);
    if (varies <= 0) {
        return varies < 0 ? -1 : 2;
    }
    identities_end(&taking->met);
    identities_begin(&taking->met);
    taking->targets = PyList_New(0);
    return taking->targets == NULL ? -1 : take_parts(taking, operands, &taking->below, &taking->expected, 0);
}

void
end_taking(Taking *taking)
{
    identities_end(&taking->met);
    identities_end(&taking->arrays);
    Py_XDECREF(taking->run);
    Py_XDECREF(taking->targets);
    Py_XDECREF(taking->below);
    Py_XDECREF(taking->expected);
}
