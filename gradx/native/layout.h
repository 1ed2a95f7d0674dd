/* Layouts of classes of records; see layout.c. */

#ifndef GRADX_LAYOUT_H
#define GRADX_LAYOUT_H

typedef struct {
    PyObject_HEAD
    PyTypeObject *cls;
    PyObject *names;   /* the fields that may be parts: a tuple */
    PyObject *marks;   /* the first letter of each one's mark: bytes */
    PyObject *fixed;   /* the fields that are static: a tuple */
    PyObject *parts;   /* what takes other instances apart, in Python */
    PyObject *rebuild; /* what makes them */
    Py_ssize_t count;  /* of all fields */
} Layout;

extern PyTypeObject LayoutType;

PyObject *entry_of_class(PyObject *cls);
Layout *layout_of_entry(PyObject *entry);
int is_watched(PyObject *x);
int has_fields_only(const Layout *layout, PyObject *x);
int read_fields(const Layout *layout, PyObject *x, PyObject **names, PyObject **parts);
PyObject *with_fields(const Layout *layout, PyObject *template, PyObject *names, PyObject *parts);

#endif
