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
   which is taken away, if it is that cotangent; of any other leaf what `general(x, spec)` gives. */
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
        return in_general(args[1], x, args[3]);
    }
    g = g == Py_None ? PyFloat_FromDouble(0.0) : Py_NewRef(g);
    if (g != NULL && PyList_SetSlice(cotangents, last, last + 1, NULL) < 0) {
        Py_CLEAR(g);
    }
    return g;
}
