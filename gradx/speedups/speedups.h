/* What the files of gradx.speedups._native share. See module.c for what they are for. */

#ifndef GRADX_SPEEDUPS_H
#define GRADX_SPEEDUPS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_1_API_VERSION /* which is that of 2.2 too */
#define PY_ARRAY_UNIQUE_SYMBOL gradx_speedups_array_api
#ifndef GRADX_SPEEDUPS_MODULE
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#define PY_UFUNC_UNIQUE_SYMBOL gradx_speedups_ufunc_api
#ifndef GRADX_SPEEDUPS_MODULE
#define NO_IMPORT_UFUNC
#endif
#include <numpy/ufuncobject.h>

#ifdef Py_GIL_DISABLED
#error "the speedups count references and need the GIL; gradx works without them"
#endif

/* Functions and classes of gradx that the code here calls or knows by identity. They are given once,
   by `use`, when the Python modules that have them are imported, and never let go of. The names are
   those of the Python objects. */
#define GRADX_NAMES(EACH)                                                                          \
    EACH(Structured) EACH(JOINT) EACH(STRUCTURAL) EACH(passed) EACH(times_a)          \
    EACH(times_b) EACH(times_y) EACH(over_b) EACH(over_b_squared) EACH(over_x) EACH(Outer)         \
    EACH(matmul_left) EACH(matmul_right) EACH(negated) EACH(dense) EACH(fit)       \
    EACH(merge) EACH(negative) EACH(Variable) EACH(InputNode) EACH(Tape) EACH(CONSTANTS)           \
    EACH(apply) EACH(commit) EACH(is_operand) EACH(like_of) EACH(record_unary) EACH(shape_of)      \
    EACH(number_like) EACH(UFUNC_RECORDERS) EACH(array_ufunc)     \
    EACH(array_function) EACH(np_sum) EACH(np_dot) EACH(sum_recorder) EACH(matmul_recorder)        \
    EACH(sum_rule) EACH(divide) EACH(one_over) EACH(reciprocal_rule) EACH(square_rule)             \
    EACH(tanh_rule) EACH(IN_PLACE)

typedef struct {
#define GRADX_FIELD(name) PyObject *name;
    GRADX_NAMES(GRADX_FIELD)
#undef GRADX_FIELD
    /* Where instances have their slots, in bytes from their start. */
    Py_ssize_t v_run, v_node, v_value, tape_nodes;
    Py_ssize_t outer_columns, outer_rows;
    PyArray_Descr *float64; /* NumPy's one object for it */
} Known;

extern Known known;

#define SLOT(object, offset) (*(PyObject **)((char *)(object) + (offset)))

/* Whether it is exactly a NumPy array, a float64 or a Python float. */
static inline int
is_familiar(PyObject *x)
{
    return PyFloat_CheckExact(x) || PyArray_CheckExact(x) || Py_TYPE(x) == &PyDoubleArrType_Type;
}

static inline int
same_shape(PyObject *a, PyObject *b)
{
    PyArrayObject *x = (PyArrayObject *)a, *y = (PyArrayObject *)b;
    return PyArray_NDIM(x) == PyArray_NDIM(y) &&
           PyArray_CompareLists(PyArray_DIMS(x), PyArray_DIMS(y), PyArray_NDIM(x));
}

/* Whether both are exactly NumPy arrays of one shape and dtype. */
static inline int
are_alike(PyObject *a, PyObject *b)
{
    return PyArray_CheckExact(a) && PyArray_CheckExact(b) &&
           PyArray_DESCR((PyArrayObject *)a) == PyArray_DESCR((PyArrayObject *)b) &&
           same_shape(a, b);
}

/* Whether it is exactly a NumPy array of the plain float64, its numbers side by side. */
static inline int
is_row_of_doubles(PyObject *x)
{
    PyArrayObject *a = (PyArrayObject *)x;
    return PyArray_CheckExact(x) && PyArray_DESCR(a) == known.float64 && PyArray_NDIM(a) > 0 &&
           PyArray_ISCARRAY_RO(a);
}

/* Whether an array may be written into, given that the caller has one reference to it: there is no
   other, it owns its memory, and what is computed from it would be an array again. Memory without a
   base may still be lent, by a library that will use it again. */
static inline int
is_spare(PyObject *x)
{
    PyArrayObject *a = (PyArrayObject *)x;
    return Py_REFCNT(x) == 1 && PyArray_CheckExact(x) && PyArray_NDIM(a) > 0 &&
           PyArray_BASE(a) == NULL && PyArray_CHKFLAGS(a, NPY_ARRAY_OWNDATA) &&
           PyArray_ISWRITEABLE(a) &&
           (PyArray_ISFLOAT(a) || PyArray_ISCOMPLEX(a));
}

/* Whether a variable has what every variable has: one that no run made has empty slots. */
static inline int
is_filled(PyObject *v)
{
    return SLOT(v, known.v_run) != NULL && SLOT(v, known.v_node) != NULL &&
           SLOT(v, known.v_value) != NULL;
}

enum { SHORT = 1024 }; /* numbers; from here on it is the arithmetic that takes the time */
enum { LARGE = 1 << 13 }; /* bytes from which on it pays to write into an array of ours */

/* Whether a result can go into this array, to which we have one reference, and it is worth it. */
static inline int
is_large_and_ours(PyObject *x)
{
    return is_spare(x) && PyArray_NBYTES((PyArrayObject *)x) >= LARGE;
}

/* The list of nodes of a run of ours that goes on; NULL for any other. */
static inline PyObject *
nodes_of(PyObject *run)
{
    PyObject *nodes = (PyObject *)Py_TYPE(run) == known.Tape ? SLOT(run, known.tape_nodes) : NULL;
    return nodes != NULL && PyList_CheckExact(nodes) ? nodes : NULL;
}

/* The variable of a number or array; takes over the node and the value, also if it fails. */
static inline PyObject *
new_variable(PyObject *run, PyObject *node, PyObject *value)
{
    PyTypeObject *type = (PyTypeObject *)known.Variable;
    PyObject *v = type->tp_alloc(type, 0);
    if (v == NULL) {
        Py_DECREF(node);
        Py_DECREF(value);
        return NULL;
    }
    SLOT(v, known.v_run) = Py_NewRef(run);
    SLOT(v, known.v_node) = node;
    SLOT(v, known.v_value) = value;
    return v;
}

/* The operators of arithmetic; NumPy's arrays of any size, and whatever else has them. */
typedef enum { ADD, SUBTRACT, MULTIPLY, DIVIDE } Operation;

PyObject *arithmetic(Operation operation, PyObject *a, PyObject *b);
PyObject *negative_of(PyObject *x);
PyObject *dense(PyObject *g);
PyObject *call_rule(PyObject *pull, PyObject *g, PyObject *kept);
PyObject *pulled(PyObject *pull, PyObject *g, PyObject *kept);

extern PyTypeObject RecorderType;

PyObject *sweep(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *protocol_methods(PyObject *module, PyObject *none);
PyObject *outer(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *subtract_scaled(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *subtract_outer(PyObject *module, PyObject *const *args, Py_ssize_t count);

#endif
