/* Layouts: how the instances of one class of records are taken apart and made.

   `_record_type` in gradx/values/builtin.py says in Python what is done, and does it for all
   instances that a layout leaves: those of subclasses, with a field that was never set, with
   attributes beside the fields, or with weak references to them. Only classes that
   gradx.values.rebuild calls fast have a layout. */

#include "speedups.h"
#include "layout.h"

/* The marks of fields (gradx/values/fields.py), by their first letters. */
#define ALWAYS 'p'
#define UNLESS_INT 'a'

/* --- Reading ------------------------------------------------------------------------------------ */

/* The dict of an instance whose attributes are read from it: a new reference. NULL without an error
   for any other value. */
static PyObject *
attributes_of(const Layout *layout, PyObject *x)
{
    if (Py_TYPE(x) != layout->cls || layout->cls->tp_getattro != PyObject_GenericGetAttr) {
        return NULL;
    }
    PyObject *dict = PyObject_GenericGetDict(x, NULL);
    if (dict != NULL && !PyDict_CheckExact(dict)) {
        Py_CLEAR(dict);
    }
    return dict;
}

/* Whether each of some names is in a dict. */
static int
has_all(PyObject *dict, PyObject *names)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        int found = PyDict_Contains(dict, PyTuple_GET_ITEM(names, i));
        if (found <= 0) {
            return found;
        }
    }
    return 1;
}

/* Whether an instance has all of its fields and nothing besides. */
int
has_fields_only(const Layout *layout, PyObject *x)
{
    PyObject *dict = attributes_of(layout, x);
    if (dict == NULL) {
        return PyErr_Occurred() ? -1 : 0;
    }
    int alone = PyDict_GET_SIZE(dict) == layout->count;
    alone = alone ? has_all(dict, layout->names) : 0;
    alone = alone > 0 ? has_all(dict, layout->fixed) : alone;
    Py_DECREF(dict);
    return alone;
}

/* The names and the parts of an instance with all of its fields and nothing besides, each a new
   reference: 1; 0 if it is another one. */
int
read_fields(const Layout *layout, PyObject *x, PyObject **names, PyObject **parts)
{
    PyObject *dict = attributes_of(layout, x), *found = NULL, *kept = NULL;
    int done = dict == NULL && PyErr_Occurred() ? -1 : 0;
    if (dict == NULL || PyDict_GET_SIZE(dict) != layout->count) {
        goto end;
    }
    done = has_all(dict, layout->fixed);
    if (done <= 0) {
        goto end;
    }
    Py_ssize_t n = PyTuple_GET_SIZE(layout->names), ints = 0;
    const char *marks = PyBytes_AS_STRING(layout->marks);
    done = -1;
    found = PyList_New(n);
    if (found == NULL) {
        goto end;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *part = PyDict_GetItemWithError(dict, PyTuple_GET_ITEM(layout->names, i));
        int is_int = part != NULL && marks[i] != ALWAYS && PyLong_CheckExact(part);
        if (part == NULL || (marks[i] != ALWAYS && marks[i] != UNLESS_INT && !is_int)) {
            done = PyErr_Occurred() ? -1 : 0;
            goto end;
        }
        ints += is_int;
        PyList_SET_ITEM(found, i, Py_NewRef(part));
    }
    if (ints) { /* which are static */
        kept = PyList_New(0);
        for (Py_ssize_t i = n - 1; kept != NULL && i >= 0; i--) {
            int is_int = marks[i] != ALWAYS && PyLong_CheckExact(PyList_GET_ITEM(found, i));
            if (is_int ? PyList_SetSlice(found, i, i + 1, NULL) < 0
                       : PyList_Append(kept, PyTuple_GET_ITEM(layout->names, i)) < 0) {
                goto end;
            }
        }
        if (kept == NULL || PyList_Reverse(kept) < 0) {
            goto end;
        }
    }
    *names = kept == NULL ? Py_NewRef(layout->names) : PyList_AsTuple(kept);
    if (*names == NULL) {
        goto end;
    }
    *parts = Py_NewRef(found);
    done = 1;
end:
    Py_XDECREF(dict);
    Py_XDECREF(found);
    Py_XDECREF(kept);
    return done;
}

/* --- Making ------------------------------------------------------------------------------------- */

static int
set_all(PyObject *new, PyObject *attributes)
{
    PyObject *name, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(attributes, &position, &name, &value)) {
        if (PyObject_GenericSetAttr(new, name, value) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Whether there are weak references to an instance. */
int
is_watched(PyObject *x)
{
    return Py_TYPE(x)->tp_weaklistoffset != 0 && *PyObject_GET_WEAKREFS_LISTPTR(x) != NULL;
}

/* An instance with these parts, a list, made without its `__init__`; of the template, which has its
   fields and nothing besides, it takes the other fields. */
PyObject *
with_fields(const Layout *layout, PyObject *template, PyObject *names, PyObject *parts)
{
    PyObject *nothing = PyTuple_New(0);
    PyObject *new = nothing == NULL ? NULL : PyBaseObject_Type.tp_new(layout->cls, nothing, NULL);
    Py_XDECREF(nothing);
    if (new != NULL && PyTuple_GET_SIZE(names) != layout->count) {
        PyObject *theirs = PyObject_GenericGetDict(template, NULL);
        if (theirs == NULL || set_all(new, theirs) < 0) {
            Py_CLEAR(new);
        }
        Py_XDECREF(theirs);
    }
    for (Py_ssize_t i = 0; new != NULL && i < PyTuple_GET_SIZE(names); i++) {
        if (PyObject_GenericSetAttr(new, PyTuple_GET_ITEM(names, i), PyList_GET_ITEM(parts, i)) < 0) {
            Py_CLEAR(new);
        }
    }
    return new;
}

/* --- The type ----------------------------------------------------------------------------------- */

/* The entry of a class, as `Registry.find` gives it: a new reference. */
PyObject *
entry_of_class(PyObject *cls)
{
    PyObject *entry = PyDict_GetItemWithError(known.found, cls);
    if (entry != NULL || PyErr_Occurred()) {
        return Py_XNewRef(entry);
    }
    PyObject *weak = PyWeakref_NewRef(cls, NULL);
    if (weak == NULL) {
        return NULL;
    }
    PyObject *found = PyDict_GetItemWithError(known.found_of_classes, weak);
    Py_DECREF(weak);
    entry = found == NULL ? NULL : PyObject_CallNoArgs(found); /* which is a weak reference */
    if (entry == Py_None) {
        Py_CLEAR(entry);
    }
    return entry != NULL || PyErr_Occurred() ? entry : PyObject_CallOneArg(known.find, cls);
}

/* The layout by which values of a type are taken apart, or NULL. */
Layout *
layout_of_entry(PyObject *entry)
{
    PyObject *parts = (PyObject *)Py_TYPE(entry) == known.ValueType ? SLOT(entry, known.type_parts) : NULL;
    if (parts == NULL || !PyCFunction_CheckExact(parts)) {
        return NULL;
    }
    PyObject *self = PyCFunction_GET_SELF(parts);
    return self != NULL && Py_IS_TYPE(self, &LayoutType) ? (Layout *)self : NULL;
}

static PyObject *
layout_parts(Layout *self, PyObject *x)
{
    PyObject *names, *parts;
    int read = read_fields(self, x, &names, &parts);
    if (read == 0) {
        return PyObject_CallOneArg(self->parts, x);
    }
    return read < 0 ? NULL : Py_BuildValue("(NN)", names, parts);
}

static PyObject *
layout_rebuild(Layout *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 3) {
        return PyErr_Format(PyExc_TypeError, "rebuild takes a template, names and parts");
    }
    PyObject *names = args[1], *parts = args[2];
    int alone = PyTuple_CheckExact(names) && PyList_CheckExact(parts) &&
                PyTuple_GET_SIZE(names) == PyList_GET_SIZE(parts) && !is_watched(args[0]);
    alone = alone ? has_fields_only(self, args[0]) : 0;
    if (alone == 0) {
        return PyObject_Vectorcall(self->rebuild, args, 3, NULL);
    }
    return alone < 0 ? NULL : with_fields(self, args[0], names, parts);
}

static PyObject *
layout_new(PyTypeObject *type, PyObject *args, PyObject *named)
{
    PyObject *cls, *names, *marks, *fixed, *parts, *rebuild;
    if (named != NULL && PyDict_GET_SIZE(named) != 0) {
        return PyErr_Format(PyExc_TypeError, "a Layout takes its arguments by position");
    }
    if (!PyArg_ParseTuple(args, "O!O!SO!OO:Layout", &PyType_Type, &cls, &PyTuple_Type, &names, &marks,
                          &PyTuple_Type, &fixed, &parts, &rebuild)) {
        return NULL;
    }
    if (PyBytes_GET_SIZE(marks) != PyTuple_GET_SIZE(names)) {
        return PyErr_Format(PyExc_ValueError, "a Layout takes a mark for each name");
    }
    Layout *self = (Layout *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->cls = (PyTypeObject *)Py_NewRef(cls);
        self->names = Py_NewRef(names);
        self->marks = Py_NewRef(marks);
        self->fixed = Py_NewRef(fixed);
        self->parts = Py_NewRef(parts);
        self->rebuild = Py_NewRef(rebuild);
        self->count = PyTuple_GET_SIZE(names) + PyTuple_GET_SIZE(fixed);
    }
    return (PyObject *)self;
}

static int
layout_traverse(Layout *self, visitproc visit, void *arg)
{
    Py_VISIT(self->cls);
    Py_VISIT(self->names);
    Py_VISIT(self->marks);
    Py_VISIT(self->fixed);
    Py_VISIT(self->parts);
    Py_VISIT(self->rebuild);
    return 0;
}

static void
layout_dealloc(Layout *self)
{
    PyObject_GC_UnTrack(self);
    Py_XDECREF(self->cls);
    Py_XDECREF(self->names);
    Py_XDECREF(self->marks);
    Py_XDECREF(self->fixed);
    Py_XDECREF(self->parts);
    Py_XDECREF(self->rebuild);
    Py_TYPE(self)->tp_free(self);
}

static PyMethodDef methods[] = {
    {"parts", (PyCFunction)layout_parts, METH_O, "The names and the parts of an instance."},
    {"rebuild", (PyCFunction)(void (*)(void))layout_rebuild, METH_FASTCALL,
     "An instance with other parts, made without its __init__."},
    {NULL, NULL, 0, NULL},
};

PyTypeObject LayoutType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gradx.native._native.Layout",
    .tp_basicsize = sizeof(Layout),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "How the instances of a class of records are taken apart and made.",
    .tp_new = layout_new,
    .tp_dealloc = (destructor)layout_dealloc,
    .tp_traverse = (traverseproc)layout_traverse,
    .tp_methods = methods,
};
