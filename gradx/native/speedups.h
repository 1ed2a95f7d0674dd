/* What the files of gradx.native._native share. See module.c for what they are for. */

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

/* Functions and classes of gradx that the code here calls, or compares by identity. `use` sets them
   once, when the Python modules that define them are imported; they are never released. The names
   are those of the Python objects. */
#define GRADX_NAMES(EACH)                                                                          \
    EACH(SHARED_PULLBACK) EACH(KEEPS_STRUCTURE) EACH(passed) EACH(negated) EACH(multiplied)        \
    EACH(scaled) EACH(factored) EACH(divided) EACH(scaled_in_general) EACH(divided_in_general)     \
    EACH(without_zero_times_infinity) EACH(dense) EACH(unbroadcast_and_cast) EACH(merge)           \
    EACH(BVar) EACH(NumberVar) EACH(ScalarVar) EACH(ArrayVar) EACH(InputNode) EACH(Tape)           \
    EACH(CONSTANTS) EACH(apply) EACH(commit) EACH(takes) EACH(cotangent_spec) EACH(PLACES)         \
    EACH(shape_of) EACH(number_spec) EACH(UFUNC_RECORDERS) EACH(array_ufunc)                       \
    EACH(array_function) EACH(np_sum) EACH(np_dot) EACH(sum_recorder) EACH(dot_recorder)           \
    EACH(vector_dot_recorder) EACH(ViewVar) EACH(ViewHandle) EACH(WrittenVar)                     \
    EACH(ValueType) EACH(LIST) EACH(TUPLE) EACH(DICT) EACH(ARRAY) EACH(ndarray_entry) EACH(found)  \
    EACH(find) EACH(taken_apart) EACH(value_type_at) EACH(cycle_along) EACH(error_at)              \
    EACH(NotDifferentiableError) EACH(UnregisteredTypeError) EACH(Lifted) EACH(PLAIN_LEAVES)       \
    EACH(Shape) EACH(CPU) EACH(found_of_classes) EACH(scalar_spec) EACH(one_over_recorder)          \
    EACH(class_of) EACH(Op) EACH(check_pair) EACH(record_done) EACH(checked_leaves)                \
    EACH(checked_leaves_in_general) EACH(checked_parts) EACH(note_read_only)                       \
    EACH(check_differentiable) EACH(Execution) EACH(WATCH) EACH(next_level)                        \
    EACH(lifted_in_general) EACH(no_function) EACH(FunctionMetError) EACH(ObjectArrayMetError)     \
    EACH(take_apart) EACH(close) EACH(explained) EACH(NOTED) EACH(lifting_of) EACH(Multiple)

typedef struct {
#define GRADX_FIELD(name) PyObject *name;
    GRADX_NAMES(GRADX_FIELD)
#undef GRADX_FIELD
    /* Where instances have their slots, in bytes from their start. */
    Py_ssize_t v_run, v_node, v_value, view_base, view_made_at, view_step;
    Py_ssize_t tape_level, tape_nodes, tape_placed, tape_capture, tape_inputs, tape_raised;
    Py_ssize_t tape_kept, tape_shared;
    Py_ssize_t x_aux, x_inputs, x_leaves, x_names, x_nodes, x_outputs, x_primals, x_tape, x_value;
    Py_ssize_t type_zero, type_children, type_rebuild, type_parts, type_static;
    Py_ssize_t shape_shape, shape_dtype, shape_device, op_arity, op_forward;
} Known;

extern Known known;

#define SLOT(object, offset) (*(PyObject **)((char *)(object) + (offset)))

/* Whether it is exactly a NumPy array, a float64 or a Python float. */
static inline int
is_plain_number_or_array(PyObject *x)
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

/* Whether two dtypes are one. What pickle made has a dtype object of its own, so numbers go by the
   number of their type. */
static inline int
same_dtype(const PyArray_Descr *a, const PyArray_Descr *b)
{
    return a == b || (a->type_num == b->type_num && PyTypeNum_ISNUMBER(a->type_num) &&
                      PyArray_ISNBO(a->byteorder) && PyArray_ISNBO(b->byteorder));
}

static inline int
is_float64(const PyArray_Descr *dtype)
{
    return dtype->type_num == NPY_DOUBLE && PyArray_ISNBO(dtype->byteorder);
}

/* Whether both are exactly NumPy arrays of one shape and dtype. */
static inline int
are_alike(PyObject *a, PyObject *b)
{
    return PyArray_CheckExact(a) && PyArray_CheckExact(b) &&
           same_dtype(PyArray_DESCR((PyArrayObject *)a), PyArray_DESCR((PyArrayObject *)b)) &&
           same_shape(a, b);
}

/* How far the slots of a variable say what it is now. */
typedef enum {
    ASK,    /* not a variable of a number or array, or a view whose array has moved on */
    PLAIN,  /* they do, and what it holds never changes */
    WRITTEN /* they do, and its run writes into the array that it holds */
} Standing;

static inline Standing
standing_of(PyObject *v)
{
    if ((PyObject *)Py_TYPE(v) == known.ViewVar) {
        PyObject *base = SLOT(v, known.view_base);
        if (base == NULL || SLOT(v, known.view_made_at) == NULL ||
            SLOT(base, known.v_node) != SLOT(v, known.view_made_at)) {
            return ASK;
        }
        v = base;
    }
    PyObject *type = (PyObject *)Py_TYPE(v);
    if (type == known.ArrayVar || type == known.NumberVar || type == known.ScalarVar) {
        return PLAIN;
    }
    return type == known.WrittenVar ? WRITTEN : ASK;
}

/* Whether it is a variable of a number or array, of any run, whose slots say what it is now. */
static inline int
is_variable(PyObject *x)
{
    return standing_of(x) != ASK;
}

/* Whether what a variable holds, through all runs, is not an array on a device, where the general
   way goes. */
static inline int
is_on_host(PyObject *x)
{
    if (is_plain_number_or_array(x) || PyDict_GET_SIZE(known.PLACES) == 0) {
        return 1;
    }
    while (x != NULL && PyObject_TypeCheck(x, (PyTypeObject *)known.BVar)) {
        x = SLOT(x, known.v_value);
    }
    return x == NULL || is_plain_number_or_array(x) ||
           !PyDict_Contains(known.PLACES, (PyObject *)Py_TYPE(x));
}

/* Whether the slots of a variable are set: a variable that no run made has empty slots. */
static inline int
is_filled(PyObject *v)
{
    return SLOT(v, known.v_run) != NULL && SLOT(v, known.v_node) != NULL &&
           SLOT(v, known.v_value) != NULL;
}

/* A copy of a dict. PyDict_Copy is wrong, before Python 3.12 at least, where the collector runs in it
   and a finalizer changes the dict. */
static inline PyObject *
dict_copy(PyObject *dict)
{
    PyObject *copy = PyDict_New();
    if (copy != NULL && PyDict_Merge(copy, dict, 1) < 0) {
        Py_CLEAR(copy);
    }
    return copy;
}

static inline PyObject *
wrong_arguments(const char *name)
{
    PyErr_Format(PyExc_TypeError, "internal error: %s was given other arguments than its own", name);
    return NULL;
}

/* Makes the error that is set one that came up while another was handled, which is taken over. */
static inline void
raise_in_context_of(PyObject *type, PyObject *error, PyObject *traceback)
{
    PyObject *kind, *reason, *where;
    PyErr_Fetch(&kind, &reason, &where); /* first: with an error set, none can be made whole */
    PyErr_NormalizeException(&type, &error, &traceback);
    PyErr_NormalizeException(&kind, &reason, &where);
    if (traceback != NULL) {
        PyException_SetTraceback(error, traceback);
    }
    if (reason != error) {
        PyException_SetContext(reason, Py_NewRef(error));
    }
    PyErr_Restore(kind, reason, where);
    Py_DECREF(error);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
}

/* What Python says of a leaf, or of an operand, that is not for the code here. */
static inline PyObject *
in_general(PyObject *general, PyObject *x, PyObject *spec)
{
    PyObject *args[] = {NULL, x, spec};
    return PyObject_Vectorcall(general, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* Whether the garbage collector can ignore a value: no cycle can go through it. */
static inline int
gc_can_ignore(PyObject *x)
{
    return !PyObject_IS_GC(x) || !PyObject_GC_IsTracked(x);
}

/* The list of nodes of an open tape; NULL for any other run. */
static inline PyObject *
nodes_of(PyObject *run)
{
    PyObject *nodes = (PyObject *)Py_TYPE(run) == known.Tape ? SLOT(run, known.tape_nodes) : NULL;
    return nodes != NULL && PyList_CheckExact(nodes) ? nodes : NULL;
}

/* The variable of a float, a float64 or an array; takes over the node and the value, also if it fails. */
static inline PyObject *
new_variable(PyObject *run, PyObject *node, PyObject *value)
{
    PyTypeObject *type = (PyTypeObject *)(PyArray_CheckExact(value)    ? known.ArrayVar
                                          : PyFloat_CheckExact(value) ? known.NumberVar
                                                                      : known.ScalarVar);
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

extern PyTypeObject RecorderType;

/* A cotangent times or over a derivative by an operator of Python's; `general` is called for what is
   no plain number or array. */
PyObject *without_nan(binaryfunc operation, PyObject *general, PyObject *g, PyObject *d);

/* The shape of a number, an array or a lifted value: a new reference. */
PyObject *shape_of(PyObject *x);

/* See short_arrays.c. */
PyObject *product_without_nan(PyObject *g, PyObject *x);
PyObject *quotient_without_nan(PyObject *g, PyObject *x);
PyObject *short_product(PyObject *g, PyObject *x);
PyObject *short_sum(PyObject *x, PyObject *y);
int short_sum_in_place(PyObject *x, PyObject *factor, PyObject *y);

PyObject *sweep(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *class_of(PyObject *module, PyObject *v);
PyObject *view_of(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *lifted(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *lifted_inputs(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *executed(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *cotangents(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *settled(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *map_leaves(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *leaves_of(PyObject *module, PyObject *value);
PyObject *unshared(PyObject *module, PyObject *noted);
PyObject *variables_of(PyObject *module, PyObject *x);
PyObject *user_op(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *checked_leaves(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *alike(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *protocol_methods(PyObject *module, PyObject *none);
PyObject *scaled(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *divided(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *outer(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *subtract_scaled(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *descend(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *blockwise(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *subtract_outer(PyObject *module, PyObject *const *args, Py_ssize_t count);

#endif
