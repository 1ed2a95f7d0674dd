/* The leaves of inputs: a variable for each when a run starts, and the gradient of each at its end.

   `Tape.lifter` and `gradx.reverse.gradients.settle` say in Python what is done, and do it for all
   leaves that are not floats or plain arrays. */

#include "speedups.h"

static PyObject *
wrong_arguments(const char *name)
{
    PyErr_Format(PyExc_TypeError, "internal error: %s was given other arguments than its own", name);
    return NULL;
}

static PyObject *
in_general(PyObject *general, PyObject *x, PyObject *spec)
{
    PyObject *args[] = {NULL, x, spec};
    return PyObject_Vectorcall(general, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* Whether it is exactly a float, a float64 or an array of numbers. */
static int
is_plain_leaf(PyObject *x)
{
    return is_plain_number_or_array(x) &&
           !(PyArray_CheckExact(x) && !PyTypeNum_ISNUMBER(PyArray_TYPE((PyArrayObject *)x)));
}

/* lifted(run, nodes, general, x, spec): the variable of a leaf, whose node is appended; of any
   other leaf what `general(x, spec)` gives. */
PyObject *
lifted(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 5 || !PyList_CheckExact(args[1]) || known.InputNode == NULL || known.BVar == NULL) {
        return wrong_arguments("lifted");
    }
    PyObject *run = args[0], *nodes = args[1], *x = args[3];
    if (!is_plain_leaf(x)) {
        return in_general(args[2], x, args[4]);
    }
    PyTypeObject *type = (PyTypeObject *)known.InputNode;
    PyObject *node = type->tp_alloc(type, 0);
    if (node == NULL || PyList_Append(nodes, node) < 0) {
        Py_XDECREF(node);
        return NULL;
    }
    return new_variable(run, node, Py_NewRef(x));
}

/* view_of(base, op, params, node, value): as gradx.reverse.variables.view_of. */
PyObject *
view_of(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    PyTypeObject *type = (PyTypeObject *)known.ViewVar;
    if (count != 5 || type == NULL || !PyObject_TypeCheck(args[0], (PyTypeObject *)known.BVar) ||
        !is_filled(args[0])) {
        return wrong_arguments("view_of");
    }
    PyObject *base = args[0], *shape = shape_of(SLOT(base, known.v_value));
    PyObject *step = shape == NULL ? NULL : PyTuple_Pack(3, args[1], args[2], shape);
    PyObject *v = step == NULL ? NULL : type->tp_alloc(type, 0);
    Py_XDECREF(shape);
    if (v == NULL) {
        Py_XDECREF(step);
        return NULL;
    }
    SLOT(v, known.v_run) = Py_NewRef(SLOT(base, known.v_run));
    SLOT(v, known.v_node) = Py_NewRef(args[3]);
    SLOT(v, known.v_value) = Py_NewRef(args[4]);
    SLOT(v, known.view_base) = Py_NewRef(base);
    SLOT(v, known.view_made_at) = Py_NewRef(SLOT(base, known.v_node));
    SLOT(v, known.view_step) = step;
    return v;
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
