/* The leaves of inputs: a variable for each when a run starts, and the gradient of each at its end.

   `Tape.lifter` and `gradx.reverse.gradients.settle` say in Python what is done, and do it for all
   leaves that are not floats or plain arrays. */

#include "speedups.h"

/* Whether it is exactly a float, a float64 or an array of numbers. */
static int
is_plain_leaf(PyObject *x)
{
    return is_plain_number_or_array(x) &&
           !(PyArray_CheckExact(x) && !PyTypeNum_ISNUMBER(PyArray_TYPE((PyArrayObject *)x)));
}

/* lifted(run, nodes, general, x, spec): the variable of a leaf, whose node is appended; of any
   other leaf what `general(run, nodes, x, spec)` gives. */
PyObject *
lifted(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 5 || !PyList_CheckExact(args[1]) || known.InputNode == NULL || known.BVar == NULL) {
        return wrong_arguments("lifted");
    }
    PyObject *run = args[0], *nodes = args[1], *x = args[3];
    if (!is_plain_leaf(x)) {
        PyObject *all[] = {NULL, run, nodes, x, args[4]};
        return PyObject_Vectorcall(args[2], all + 1, 4 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    PyTypeObject *type = (PyTypeObject *)known.InputNode;
    PyObject *node = type->tp_alloc(type, 0);
    if (node == NULL || PyList_Append(nodes, node) < 0) {
        Py_XDECREF(node);
        return NULL;
    }
    return new_variable(run, node, Py_NewRef(x));
}

#define MANY 10000 /* parts from which on the collector is paused: see the benchmark row "a million numbers" */

/* An input with a variable for each of its leaves. */
static PyObject *
lifted_input(PyObject *x, PyObject *name, PyObject *leaf, PyObject *fixed, PyObject *noted)
{
    int sized = PyList_CheckExact(x) || PyTuple_CheckExact(x) || PyDict_CheckExact(x);
    /* There will be many objects and no garbage. */
    int paused = sized && PyObject_Size(x) >= MANY && PyGC_Disable();
    Py_ssize_t before = PyList_GET_SIZE(noted);
    PyObject *args[] = {x, leaf, name, fixed, Py_False, Py_None, noted, Py_False};
    PyObject *new = map_leaves(NULL, args, 8);
    if (paused) {
        PyGC_Enable();
    }
    int alone = new != NULL && PyList_GET_SIZE(noted) == before;
    if (alone && (new == x || !is_plain_leaf(x))) { /* static, or a function */
        PyObject *about[] = {NULL, x, name};
        size_t two = 2 | PY_VECTORCALL_ARGUMENTS_OFFSET;
        PyObject *checked = PyObject_Vectorcall(known.check_differentiable, about + 1, two, NULL);
        if (checked == NULL) {
            Py_CLEAR(new);
        }
        Py_XDECREF(checked);
    }
    return new;
}

/* lifted_inputs(inputs, names, leaf, static, noted): a list, as in gradx.reverse.lift. */
PyObject *
lifted_inputs(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 5 || !PyList_CheckExact(args[4]) || known.check_differentiable == NULL) {
        return wrong_arguments("lifted_inputs");
    }
    PyObject *inputs = PySequence_Tuple(args[0]);
    PyObject *names = inputs == NULL ? NULL : PySequence_Tuple(args[1]);
    Py_ssize_t n = names == NULL ? 0 : PyTuple_GET_SIZE(inputs);
    PyObject *result = names == NULL ? NULL : PyList_New(0);
    if (result != NULL && PyTuple_GET_SIZE(names) < n) {
        Py_CLEAR(result);
        wrong_arguments("lifted_inputs");
    }
    for (Py_ssize_t i = 0; result != NULL && i < n; i++) {
        PyObject *x = PyTuple_GET_ITEM(inputs, i), *name = PyTuple_GET_ITEM(names, i);
        PyObject *new = lifted_input(x, name, args[2], args[3], args[4]);
        if (new == NULL || PyList_Append(result, new) < 0) {
            Py_CLEAR(result);
        }
        Py_XDECREF(new);
    }
    Py_XDECREF(inputs);
    Py_XDECREF(names);
    return result;
}

/* --- Ownership ---------------------------------------------------------------------------------- */

/* Whether an array owns writable memory that nothing else knows, when its only owner is asked. */
static int
is_alone(PyObject *g)
{
    if (Py_REFCNT(g) != 1 || !PyArray_CheckExact(g)) {
        return 0;
    }
    PyArrayObject *a = (PyArrayObject *)g;
    PyObject *base = PyArray_BASE(a);
    return base == NULL && PyArray_ISWRITEABLE(a) && PyArray_CHKFLAGS(a, NPY_ARRAY_OWNDATA);
}

/* Whether a cotangent may be the gradient of a leaf as it is. */
static int
is_gradient(PyObject *g, PyObject *x)
{
    return are_alike(g, x) && PyArray_ISFLOAT((PyArrayObject *)g) && is_alone(g) &&
           PyArray_DESCR((PyArrayObject *)g) == PyArray_DESCR((PyArrayObject *)x);
}

/* settled(cotangents, general, x, spec): the gradient of a leaf from the last of the cotangents,
   which is taken away, if it is that cotangent; of any other leaf what `general(cotangents, x, spec)`
   gives. */
PyObject *
settled(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 4 || !PyList_CheckExact(args[0])) {
        return wrong_arguments("settled");
    }
    PyObject *cotangents = args[0], *x = args[2];
    Py_ssize_t last = PyList_GET_SIZE(cotangents) - 1;
    PyObject *g = last < 0 ? NULL : PyList_GET_ITEM(cotangents, last);
    int number = g != NULL && PyFloat_CheckExact(x) && (PyFloat_CheckExact(g) || g == Py_None);
    if (!number && (g == NULL || !is_gradient(g, x))) {
        PyObject *all[] = {NULL, cotangents, x, args[3]};
        return PyObject_Vectorcall(args[1], all + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    g = g == Py_None ? PyFloat_FromDouble(0.0) : Py_NewRef(g);
    if (g != NULL && PyList_SetSlice(cotangents, last, last + 1, NULL) < 0) {
        Py_CLEAR(g);
    }
    return g;
}
