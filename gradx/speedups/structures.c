/* Variables with parts: what a gradient does for every field, gradx.structures and gradx.settling. */

#include "speedups.h"
#include <structmember.h>

/* --- Views -------------------------------------------------------------------------------------- */

/* The variable of a part that is an array of floats or a number, on the tape and remembered: a new
   reference, or NULL with no error set if that is not for here. */
static PyObject *
view_of(PyObject *v, PyObject *key, PyObject *child)
{
    PyObject *views = SLOT(v, known.v_views), *run = SLOT(v, known.v_run);
    PyObject *whole = SLOT(v, known.v_value), *nodes = nodes_of(run);
    int array = PyArray_CheckExact(child) && PyArray_ISFLOAT((PyArrayObject *)child);
    if (nodes == NULL || !PyDict_CheckExact(views) || !(array || PyFloat_CheckExact(child))) {
        return NULL;
    }
    PyObject *kept = PyTuple_Pack(2, whole, key);
    if (kept == NULL) {
        return NULL;
    }
    PyObject *node = PyTuple_Pack(4, SLOT(v, known.v_node), known.view_rule, kept, known.STRUCTURAL);
    Py_DECREF(kept);
    if (node == NULL) {
        return NULL;
    }
    PyObject *view = new_variable(run, Py_NewRef(node), Py_NewRef(child));
    if (view != NULL && (PyList_Append(nodes, node) < 0 || PyDict_SetItem(views, key, view) < 0)) {
        Py_CLEAR(view);
    }
    Py_DECREF(node);
    return view;
}

static int
has_parts(PyObject *v)
{
    return PyObject_TypeCheck(v, (PyTypeObject *)known.StructVar) && is_filled(v) &&
           SLOT(v, known.v_views) != NULL;
}

/* view(v, key, child) */
PyObject *
view(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || !has_parts(args[0])) {
        PyErr_SetString(PyExc_TypeError, "view takes a variable with parts, a key and the part");
        return NULL;
    }
    PyObject *made = view_of(args[0], args[1], args[2]);
    return made == NULL && !PyErr_Occurred() ? Py_NewRef(Py_None) : made;
}

/* struct_variable(cls, run, node, held) */
PyObject *
struct_variable(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 4 || !PyType_Check(args[0]) ||
        !PyType_IsSubtype((PyTypeObject *)args[0], (PyTypeObject *)known.StructVar)) {
        PyErr_SetString(PyExc_TypeError, "struct_variable takes a class of variables with parts");
        return NULL;
    }
    PyTypeObject *type = (PyTypeObject *)args[0];
    PyObject *views = PyDict_New();
    PyObject *v = views == NULL ? NULL : type->tp_alloc(type, 0);
    if (v == NULL) {
        Py_XDECREF(views);
        return NULL;
    }
    SLOT(v, known.v_run) = Py_NewRef(args[1]);
    SLOT(v, known.v_node) = Py_NewRef(args[2]);
    SLOT(v, known.v_value) = Py_NewRef(args[3]);
    SLOT(v, known.v_views) = views;
    return v;
}

/* The property of a class of variables for a field of the record. */
typedef struct {
    PyObject_HEAD
    PyObject *name;
    PyObject *cls; /* of the record: its instances have the field as an attribute */
    PyObject *entries, *entry; /* as long as this is its entry among those of the registry */
} Field;

/* Whether the parts of a value are its attributes: its class may have been registered anew. */
static int
is_by_attribute(const Field *field, PyObject *whole)
{
    return (PyObject *)Py_TYPE(whole) == field->cls &&
           PyDict_GetItemWithError(field->entries, field->cls) == field->entry;
}

static PyObject *
field_get(PyObject *self, PyObject *v, PyObject *Py_UNUSED(type))
{
    Field *field = (Field *)self;
    if (v == NULL) {
        return Py_NewRef(self);
    }
    if (!has_parts(v)) {
        PyErr_Format(PyExc_TypeError, "the field %R is one of variables of records", field->name);
        return NULL;
    }
    PyObject *views = SLOT(v, known.v_views), *whole = SLOT(v, known.v_value), *made = NULL;
    PyObject *view = PyDict_GetItemWithError(views, field->name);
    if (view != NULL || PyErr_Occurred()) {
        return Py_XNewRef(view);
    }
    if (is_by_attribute(field, whole)) {
        Py_INCREF(whole); /* the user's code, which may be called, may do anything to the variable */
        PyObject *child = PyObject_GetAttr(whole, field->name);
        Py_DECREF(whole);
        if (child != NULL) {
            made = has_parts(v) ? view_of(v, field->name, child) : NULL;
            Py_DECREF(child);
        }
        else if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Clear(); /* a field that was never set, which the general way tells */
        }
        if (made != NULL || PyErr_Occurred()) {
            return made;
        }
    }
    PyObject *args[] = {NULL, v, field->name};
    return PyObject_Vectorcall(known.other_view, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

static int
field_set(PyObject *Py_UNUSED(self), PyObject *v, PyObject *Py_UNUSED(value))
{
    /* A data descriptor, as a property is. StructVar.__setattr__ says more, and comes first. */
    PyErr_Format(PyExc_AttributeError, "a variable of %s does not change", Py_TYPE(v)->tp_name);
    return -1;
}

/* Field(name, cls, entries, entry) */
static PyObject *
field_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(names))
{
    PyObject *name, *cls, *entries, *entry;
    if (!PyArg_ParseTuple(args, "UOO!O", &name, &cls, &PyDict_Type, &entries, &entry)) {
        return NULL;
    }
    Field *field = (Field *)type->tp_alloc(type, 0);
    if (field != NULL) {
        field->name = Py_NewRef(name);
        field->cls = Py_NewRef(cls);
        field->entries = Py_NewRef(entries);
        field->entry = Py_NewRef(entry);
    }
    return (PyObject *)field;
}

static int
field_traverse(PyObject *self, visitproc visit, void *arg)
{
    Field *field = (Field *)self;
    Py_VISIT(field->name);
    Py_VISIT(field->cls);
    Py_VISIT(field->entries);
    Py_VISIT(field->entry);
    return 0;
}

static int
field_clear(PyObject *self)
{
    Py_CLEAR(((Field *)self)->cls); /* without which the others are not looked at */
    return 0;
}

static void
field_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Field *field = (Field *)self;
    Py_XDECREF(field->name);
    Py_XDECREF(field->cls);
    Py_XDECREF(field->entries);
    Py_XDECREF(field->entry);
    Py_TYPE(self)->tp_free(self);
}

PyTypeObject FieldType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gradx.speedups._native.Field",
    .tp_doc = "The view of a field, as an attribute of variables of a record.",
    .tp_basicsize = sizeof(Field),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = field_new,
    .tp_traverse = field_traverse,
    .tp_clear = field_clear,
    .tp_dealloc = field_dealloc,
    .tp_descr_get = field_get,
    .tp_descr_set = field_set,
};
