/* The search for variables in a value, where it has nothing but containers, numbers and arrays.

   `look_through` in gradx/core/hidden.py does it for any value, and says which variables may be
   where. */

#include "speedups.h"
#include "identities.h"
#include "layout.h"

typedef struct {
    PyObject *waiting; /* the values to look at: a list */
    PyObject *found;   /* the variables: a list */
    Identities met;
    PyTypeObject *type; /* the last type of records, and its layout */
    Layout *layout;
} Search;

static int
is_plain_leaf(PyObject *x)
{
    if (PyFloat_CheckExact(x) || PyUnicode_CheckExact(x) || x == Py_None) {
        return 1;
    }
    if (PyArray_CheckExact(x)) {
        return !PyDataType_REFCHK(PyArray_DESCR((PyArrayObject *)x));
    }
    return PySet_Contains(known.PLAIN_LEAVES, (PyObject *)Py_TYPE(x));
}

/* Whether another variable says nothing that the last one does not: it is a plain one of its run. */
static int
is_like_the_last(PyObject *found, PyObject *v)
{
    PyObject *type = (PyObject *)Py_TYPE(v);
    Py_ssize_t n = PyList_GET_SIZE(found);
    if (n == 0 || !(type == known.ArrayVar || type == known.NumberVar || type == known.ScalarVar)) {
        return 0;
    }
    PyObject *last = PyList_GET_ITEM(found, n - 1);
    return PyObject_TypeCheck(last, (PyTypeObject *)known.BVar) &&
           SLOT(last, known.v_run) == SLOT(v, known.v_run);
}

/* Whether the type of a value has an entry: that of its builtin class, unless it is registered anew. */
static int
has_entry(PyObject *x, PyObject *entry)
{
    PyObject *found = entry_of_class((PyObject *)Py_TYPE(x));
    Py_XDECREF(found); /* which the registry keeps */
    return found == NULL ? -1 : found == entry;
}

/* Puts a part among the values to look at, unless nothing can be in it. */
static int
add_part(Search *search, PyObject *part)
{
    Py_INCREF(part); /* the hash of a class may be a user's code, which takes the part away */
    int plain = is_plain_leaf(part);
    int added = plain != 0 ? plain : PyList_Append(search->waiting, part) < 0 ? -1 : 1;
    Py_DECREF(part);
    return added;
}

static int
add_values(Search *search, PyObject *dict)
{
    PyObject *key, *part;
    Py_ssize_t position = 0;
    int added = 1;
    while (added == 1 && PyDict_Next(dict, &position, &key, &part)) {
        added = PyUnicode_CheckExact(key) ? 1 : PySet_Contains(known.PLAIN_LEAVES, (PyObject *)Py_TYPE(key));
        added = added == 1 ? add_part(search, part) : added;
    }
    return added;
}

/* Puts the parts of a record among the values to look at, if it has nothing else. */
static int
add_fields(Search *search, PyObject *x)
{
    if (Py_TYPE(x) != search->type) {
        PyObject *entry = entry_of_class((PyObject *)Py_TYPE(x));
        if (entry == NULL) {
            return -1;
        }
        search->layout = layout_of_entry(entry);
        search->type = Py_TYPE(x);
        Py_DECREF(entry);
    }
    Layout *layout = search->layout;
    int added = layout != NULL && PyTuple_GET_SIZE(layout->fixed) == 0 ? has_fields_only(layout, x) : 0;
    PyObject *fields = added == 1 ? PyObject_GenericGetDict(x, NULL) : NULL;
    if (added == 1) {
        added = fields == NULL ? -1 : add_values(search, fields);
    }
    Py_XDECREF(fields);
    return added;
}

/* Puts the parts of a container among the values to look at: 1; 0 for what is no such container. */
static int
add_parts(Search *search, PyObject *x)
{
    int is_list = PyList_CheckExact(x), is_dict = PyDict_CheckExact(x);
    if (!is_list && !is_dict && !PyTuple_CheckExact(x)) {
        return add_fields(search, x);
    }
    int added = has_entry(x, is_list ? known.LIST : is_dict ? known.DICT : known.TUPLE);
    if (added == 1 && is_dict) {
        return add_values(search, x);
    }
    for (Py_ssize_t i = 0; added == 1 && i < PySequence_Fast_GET_SIZE(x); i++) {
        added = add_part(search, PySequence_Fast_GET_ITEM(x, i));
    }
    return added;
}

/* Looks at a value: 1; 0 if there is more to it than is looked at here. */
static int
look_at(Search *search, PyObject *x)
{
    int plain = is_plain_leaf(x);
    if (plain != 0) {
        return plain;
    }
    if (PyObject_TypeCheck(x, (PyTypeObject *)known.Lifted)) {
        return is_like_the_last(search->found, x) || PyList_Append(search->found, x) == 0 ? 1 : -1;
    }
    int again = identities_add(&search->met, x); /* it may be a cycle */
    return again != 0 ? -(again < 0) : add_parts(search, x);
}

/* variables_of(x): the variables in a value, at least one of each run; None if there is more to it. */
PyObject *
variables_of(PyObject *Py_UNUSED(module), PyObject *x)
{
    if (known.Lifted == NULL || known.PLAIN_LEAVES == NULL || known.LIST == NULL || known.ArrayVar == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "internal error: native.use() was not called");
        return NULL;
    }
    Search search = {.waiting = PyList_New(0), .found = PyList_New(0)};
    identities_begin(&search.met);
    int looked = search.waiting == NULL || search.found == NULL ? -1 : look_at(&search, x);
    while (looked == 1 && PyList_GET_SIZE(search.waiting) > 0) {
        Py_ssize_t last = PyList_GET_SIZE(search.waiting) - 1;
        PyObject *next = Py_NewRef(PyList_GET_ITEM(search.waiting, last));
        looked = PyList_SetSlice(search.waiting, last, last + 1, NULL) < 0 ? -1 : look_at(&search, next);
        Py_DECREF(next); /* what holds it is in the value still */
    }
    identities_end(&search.met);
    Py_XDECREF(search.waiting);
    if (looked == 1) {
        return search.found;
    }
    Py_XDECREF(search.found);
    return looked < 0 ? NULL : Py_NewRef(Py_None);
}
