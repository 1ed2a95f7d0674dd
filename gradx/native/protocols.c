/* NumPy's protocols on a variable: the calls that have a recorder, `np.exp(v)`, `np.sum(v)` and
   `np.dot(v, x)`, go straight to it. All others go to the Python methods of the class, which are
   kept for that, and from which the recorders come. */

#include "speedups.h"

/* A recorder's result, or NULL with no error set if the recorder does not take the operands. */
static PyObject *
recorded(PyObject *recorder, PyObject *const *operands, Py_ssize_t count)
{
    PyObject *y = PyObject_Vectorcall(recorder, operands, (size_t)count, NULL);
    if (y == Py_NotImplemented) {
        Py_CLEAR(y);
    }
    return y;
}

/* v.__array_ufunc__(ufunc, method, *operands, **options) */
static PyObject *
array_ufunc(PyObject *v, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    PyObject *y = NULL;
    if (count > 2 && names == NULL && PyUnicode_CheckExact(args[1]) &&
        PyUnicode_CompareWithASCIIString(args[1], "__call__") == 0) {
        PyObject *recorder = PyDict_GetItemWithError(known.UFUNC_RECORDERS, args[0]);
        if (recorder != NULL && recorder != Py_None) {
            Py_INCREF(recorder);
            y = recorded(recorder, args + 2, count - 2);
            Py_DECREF(recorder);
        }
        if (y != NULL || PyErr_Occurred()) {
            return y;
        }
    }
    PyObject *small[8], **all = small;
    Py_ssize_t every = count + 1 + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    if (every > 8 && (all = PyMem_Malloc((size_t)every * sizeof(PyObject *))) == NULL) {
        return PyErr_NoMemory();
    }
    all[0] = v;
    memcpy(all + 1, args, (size_t)(every - 1) * sizeof(PyObject *));
    y = PyObject_Vectorcall(known.array_ufunc, all, (size_t)(count + 1), names);
    if (all != small) {
        PyMem_Free(all);
    }
    return y;
}

/* How many axes a plain array, or the variable of one, has; 0 for anything else. */
static int
axes_of(PyObject *x)
{
    if (is_variable(x)) {
        x = SLOT(x, known.v_value);
    }
    return x != NULL && PyArray_CheckExact(x) ? PyArray_NDIM((PyArrayObject *)x) : 0;
}

/* v.__array_function__(function, types, args, options) */
static PyObject *
array_function(PyObject *v, PyObject *const *args, Py_ssize_t count)
{
    if (count == 4 && PyTuple_CheckExact(args[2]) && PyDict_CheckExact(args[3]) &&
        PyDict_GET_SIZE(args[3]) == 0) {
        PyObject **operands = &PyTuple_GET_ITEM(args[2], 0), *y = NULL;
        Py_ssize_t n = PyTuple_GET_SIZE(args[2]);
        if (args[0] == known.np_sum && n == 1 && operands[0] == v && is_variable(v) && is_filled(v) &&
            PyArray_CheckExact(SLOT(v, known.v_value))) {
            y = recorded(known.sum_recorder, operands, 1);
        }
        else if (args[0] == known.np_dot && n == 2) {
            int a = axes_of(operands[0]), b = axes_of(operands[1]);
            if (a == 1 && b == 1) {
                y = recorded(known.vector_dot_recorder, operands, 2);
            }
            else if ((a == 1 || a == 2) && (b == 1 || b == 2)) {
                y = recorded(known.dot_recorder, operands, 2);
            }
        }
        if (y != NULL || PyErr_Occurred()) {
            return y;
        }
    }
    PyObject *all[6] = {NULL, v};
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "__array_function__ takes a function, types, args and options");
        return NULL;
    }
    memcpy(all + 2, args, 4 * sizeof(PyObject *));
    return PyObject_Vectorcall(known.array_function, all + 1, 5 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

static PyMethodDef protocols[] = {
    {"__array_ufunc__", (PyCFunction)(void (*)(void))array_ufunc, METH_FASTCALL | METH_KEYWORDS,
     "A ufunc of variables."},
    {"__array_function__", (PyCFunction)(void (*)(void))array_function, METH_FASTCALL,
     "A function of NumPy on variables."},
};

/* protocol_methods(): the two methods for the class of variables. */
PyObject *
protocol_methods(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyTypeObject *type = (PyTypeObject *)known.BVar;
    if (type == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "gradx has not told yet which is the class of variables");
        return NULL;
    }
    PyObject *first = PyDescr_NewMethod(type, &protocols[0]);
    PyObject *second = first == NULL ? NULL : PyDescr_NewMethod(type, &protocols[1]);
    PyObject *both = second == NULL ? NULL : PyTuple_Pack(2, first, second);
    Py_XDECREF(first);
    Py_XDECREF(second);
    return both;
}
