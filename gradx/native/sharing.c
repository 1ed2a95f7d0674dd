/* Sharing: whether some containers are all different objects, with nothing besides their parts.

   `unshared` in gradx/reverse/lift.py says it in Python. */

#include "speedups.h"
#include "layout.h"

#define FEW 16 /* places for objects that need no memory of their own */

/* Whether it is a plain list, tuple or dict, or a record with its fields and nothing besides. */
static int
has_parts_only(PyObject *x, PyTypeObject **type, Layout **layout)
{
    if (PyList_CheckExact(x) || PyTuple_CheckExact(x) || PyDict_CheckExact(x)) {
        return 1;
    }
    if (Py_TYPE(x) != *type) {
        PyObject *entry = PyObject_CallOneArg(known.find, (PyObject *)Py_TYPE(x));
        if (entry == NULL) {
            return -1;
        }
        int known_type = (PyObject *)Py_TYPE(entry) == known.ValueType;
        *layout = known_type ? layout_behind(SLOT(entry, known.type_parts)) : NULL;
        *type = Py_TYPE(x); /* kept, as the entry is, while an instance of it is in the list */
        Py_DECREF(entry);
    }
    return *layout == NULL ? 0 : has_fields_only(*layout, x);
}

/* Whether an object is among some: 1; else it is put there: 0. */
static int
is_among(PyObject **objects, size_t mask, PyObject *x)
{
    size_t bits = (size_t)x >> 4, i = (bits ^ (bits >> 12)) & mask;
    while (objects[i] != NULL && objects[i] != x) {
        i = (i + 1) & mask;
    }
    int found = objects[i] == x;
    objects[i] = x;
    return found;
}

/* unshared(noted): of a list of containers, each followed by its copy. */
PyObject *
unshared(PyObject *Py_UNUSED(module), PyObject *noted)
{
    if (!PyList_CheckExact(noted) || known.find == NULL || known.ValueType == NULL) {
        PyErr_SetString(PyExc_TypeError, "internal error: unshared was given another argument than its own");
        return NULL;
    }
    size_t n = (size_t)PyList_GET_SIZE(noted), size = FEW;
    PyObject *few[FEW] = {NULL}, **objects = few;
    while (size < n) {
        size *= 2;
    }
    if (size > FEW && (objects = PyMem_Calloc(size, sizeof *objects)) == NULL) {
        return PyErr_NoMemory();
    }
    PyTypeObject *type = NULL;
    Layout *layout = NULL;
    int apart = 1;
    for (size_t i = 0; apart == 1 && i < n && i < (size_t)PyList_GET_SIZE(noted); i += 2) {
        PyObject *x = PyList_GET_ITEM(noted, (Py_ssize_t)i);
        apart = is_among(objects, size - 1, x) ? 0 : has_parts_only(x, &type, &layout);
    }
    if (objects != few) {
        PyMem_Free(objects);
    }
    return apart < 0 ? NULL : PyBool_FromLong(apart);
}
