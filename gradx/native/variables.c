/* Variables: what is asked of their values, and those of views. */

#include "speedups.h"

PyObject *
shape_of(PyObject *x)
{
    if (PyArray_CheckExact(x)) {
        PyArrayObject *a = (PyArrayObject *)x;
        return PyArray_IntTupleFromIntp(PyArray_NDIM(a), PyArray_DIMS(a));
    }
    return PyObject_CallOneArg(known.shape_of, x);
}

/* class_of(v): the class of the value that a variable stands for, as `Lifted.__class__`. */
PyObject *
class_of(PyObject *Py_UNUSED(module), PyObject *v)
{
    PyObject *x = known.BVar != NULL && is_variable(v) ? SLOT(v, known.v_value) : NULL;
    if (x != NULL && is_plain_number_or_array(x)) {
        return Py_NewRef((PyObject *)Py_TYPE(x));
    }
    return PyObject_CallOneArg(known.class_of, v);
}

/* view_of(base, op, params, node, value, cls=ViewVar): as gradx.reverse.variables.view_of. */
PyObject *
view_of(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    PyTypeObject *views = (PyTypeObject *)known.ViewHandle;
    PyTypeObject *type = (PyTypeObject *)(count == 6 ? args[5] : known.ViewVar);
    if (count < 5 || count > 6 || views == NULL || type == NULL || !PyType_Check(type) ||
        !PyType_IsSubtype(type, views) || !PyObject_TypeCheck(args[0], (PyTypeObject *)known.BVar) ||
        !is_filled(args[0])) {
        PyErr_SetString(PyExc_TypeError, "internal error: view_of was given other arguments than its own");
        return NULL;
    }
    PyObject *base = args[0], *root = base, *before = Py_None, *made_at = SLOT(base, known.v_node);
    if (PyObject_TypeCheck(base, views)) { /* a view of a view shows the same array */
        root = SLOT(base, known.view_base);
        before = SLOT(base, known.view_step);
        made_at = SLOT(base, known.view_made_at);
        if (root == NULL || before == NULL || made_at == NULL) {
            PyErr_SetString(PyExc_TypeError, "internal error: view_of was given an empty view");
            return NULL;
        }
    }
    PyObject *shape = shape_of(SLOT(base, known.v_value));
    PyObject *step = shape == NULL ? NULL : PyTuple_Pack(4, args[1], args[2], shape, before);
    PyObject *v = step == NULL ? NULL : type->tp_alloc(type, 0);
    Py_XDECREF(shape);
    if (v == NULL) {
        Py_XDECREF(step);
        return NULL;
    }
    SLOT(v, known.v_run) = Py_NewRef(SLOT(base, known.v_run));
    SLOT(v, known.v_node) = Py_NewRef(args[3]);
    SLOT(v, known.v_value) = Py_NewRef(args[4]);
    SLOT(v, known.view_base) = Py_NewRef(root);
    SLOT(v, known.view_made_at) = Py_NewRef(made_at);
    SLOT(v, known.view_step) = step;
    return v;
}
