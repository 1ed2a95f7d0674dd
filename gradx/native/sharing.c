/* Sharing: whether some containers are all different objects, with nothing besides their parts.

   `all_apart` in gradx/reverse/copies.py says it in Python. */

#include "speedups.h"
#include "identities.h"
#include "layout.h"

/* Whether it is a plain list, tuple or dict, or a record with its fields and nothing besides. */
static int
has_parts_only(PyObject *x, PyTypeObject **type, Layout **layout)
{
    if (PyList_CheckExact(x) || PyTuple_CheckExact(x) || PyDict_CheckExact(x)) {
        return 1;
    }
    if (Py_TYPE(x) != *type) {
        PyObject *entry = entry_of_class((PyObject *)Py_TYPE(x));
        if (entry == NULL) {
            return -1;
        }
        *layout = layout_of_entry(entry);
        *type = Py_TYPE(x); /* kept, as the layout is, while an instance of it is in the list */
        Py_DECREF(entry);
    }
    return *layout == NULL ? 0 : has_fields_only(*layout, x);
}

/* unshared(noted): of a list of containers, each followed by its copy. */
PyObject *
unshared(PyObject *Py_UNUSED(module), PyObject *noted)
{
    if (!PyList_CheckExact(noted) || known.find == NULL || known.ValueType == NULL) {
        PyErr_SetString(PyExc_TypeError, "internal error: unshared was given another argument than its own");
        return NULL;
    }
    PyTypeObject *type = NULL;
    Layout *layout = NULL;
    Identities met;
    int apart = 1;
    identities_begin(&met);
    for (Py_ssize_t i = 0; apart == 1 && i < PyList_GET_SIZE(noted); i += 2) {
        PyObject *x = PyList_GET_ITEM(noted, i);
        int again = identities_add(&met, x);
        apart = again == 0 ? has_parts_only(x, &type, &layout) : again < 0 ? -1 : 0;
    }
    identities_end(&met);
    return apart < 0 ? NULL : PyBool_FromLong(apart);
}
