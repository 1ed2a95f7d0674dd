/* Products of rank one, and what is subtracted from an array, in one pass over memory.

   NumPy makes the matrix of all products of two vectors as an elementwise product with broadcasting,
   or as a matrix product, each at a fraction of the speed at which memory can be written, and it
   cannot add one into a matrix. `x -= rate * g` are two passes and an array between them. */

#include "speedups.h"
#include "identities.h"
#include "vectors.h"

enum { LINE = 64 }; /* bytes of a line of the cache */

/* How many items come before the first that starts a line of the cache. */
static inline npy_intp
before_line(const void *at, size_t size, npy_intp n)
{
    npy_intp count = (npy_intp)((LINE - (npy_uintp)at % LINE) % LINE / size);
    return count < n ? count : n;
}

/* One loop for the items before the first line, and the fast one for the rest. */
#if defined(__GNUC__)
#define ONE_BY_ONE __asm__("") /* not worth vectors */
#else
#define ONE_BY_ONE (void)0
#endif
#define ROW(real, assignment, product)                                                             \
    do {                                                                                           \
        real *restrict line = to + i * n;                                                          \
        npy_intp j = 0, first = before_line(line, sizeof(real), n);                                \
        for (; j < first; j++) {                                                                   \
            line[j] assignment product;                                                            \
            ONE_BY_ONE;                                                                            \
        }                                                                                          \
        for (; j < n; j++) {                                                                       \
            line[j] assignment product;                                                            \
        }                                                                                          \
    } while (0)

#define DEFINE_KERNELS(real)                                                                       \
    EACH_PROCESSOR static void outer_##real(real *restrict to, const real *restrict column,        \
                                            const real *restrict row, npy_intp m, npy_intp n)      \
    {                                                                                              \
        for (npy_intp i = 0; i < m; i++) {                                                         \
            real c = column[i];                                                                    \
            ROW(real, =, c * row[j]);                                                              \
        }                                                                                          \
    }                                                                                              \
    EACH_PROCESSOR static void subtract_##real(real *restrict to, real rate,                       \
                                               const real *restrict column,                        \
                                               const real *restrict row, npy_intp m, npy_intp n)   \
    {                                                                                              \
        for (npy_intp i = 0; i < m; i++) {                                                         \
            real c = column[i];                                                                    \
            ROW(real, -=, rate * (c * row[j]));                                                    \
        }                                                                                          \
    }

DEFINE_KERNELS(double)
DEFINE_KERNELS(float)

/* Does it without the GIL; returns the floating-point errors that occurred. Of a rate that is cast NumPy
   says that it is too large, but not that it is too small. */
static int
run(int type, void *to, const double *rate, const void *column, const void *row, npy_intp m, npy_intp n)
{
    int errors;
    volatile float single = rate == NULL ? 0 : (float)*rate; /* before the errors are cleared */
    Py_BEGIN_ALLOW_THREADS;
    PyUFunc_clearfperr();
    if (type == NPY_FLOAT64) {
        rate == NULL ? outer_double(to, column, row, m, n)
                     : subtract_double(to, *rate, column, row, m, n);
    }
    else {
        rate == NULL ? outer_float(to, column, row, m, n)
                     : subtract_float(to, single, column, row, m, n);
    }
    errors = PyUFunc_getfperr(); /* which clears them */
    Py_END_ALLOW_THREADS;
    int too_large = type == NPY_FLOAT32 && rate != NULL && isinf(single) && !isinf(*rate);
    return too_large ? errors | NPY_FPE_OVERFLOW : errors;
}

/* Warns of floating-point errors, or raises them, as np.errstate says. */
static int
given(const char *name, int errors)
{
    return errors == 0 ? 0 : PyUFunc_GiveFloatingpointErrors(name, errors);
}

/* Room for a copy of a row; NULL with an error. */
static char *
room_for(npy_intp bytes)
{
    char *room = PyMem_Malloc((size_t)bytes + 2 * LINE);
    if (room == NULL) {
        PyErr_NoMemory();
    }
    return room;
}

/* Does `to = outer(column, row)`, or `to -= rate * outer(column, row)`; returns the floating-point
   errors. Where every row of the matrix starts at the same place of a line, so does the copy of `row`
   that is used: memory is then read and written by whole lines, which is a quarter faster. */
static int
compute(PyArrayObject *to, const double *rate, PyArrayObject *column, PyArrayObject *row, char *room)
{
    npy_intp m = PyArray_DIM(to, 0), n = PyArray_DIM(to, 1), bytes = PyArray_NBYTES(row);
    void *out = PyArray_DATA(to), *c = PyArray_DATA(column);
    void *r = room + ((npy_uintp)out - (npy_uintp)room) % LINE;
    memcpy(r, PyArray_DATA(row), (size_t)bytes);
    return run(PyArray_TYPE(to), out, rate, c, r, m, n);
}

/* The same for one matrix, with what np.errstate says of the errors. */
static int
compute_alone(PyArrayObject *to, const double *rate, PyArrayObject *column, PyArrayObject *row)
{
    char *room = room_for(PyArray_NBYTES(row));
    if (room == NULL) {
        return -1;
    }
    int errors = compute(to, rate, column, row, room);
    PyMem_Free(room);
    return given(rate == NULL ? "multiply" : "subtract", errors);
}

/* A plain vector of float32 or float64 whose items lie side by side: its type, or -1. */
static int
type_of_vector(PyObject *x)
{
    if (!PyArray_CheckExact(x)) {
        return -1;
    }
    PyArrayObject *a = (PyArrayObject *)x;
    int type = PyArray_TYPE(a);
    int known_type = type == NPY_FLOAT64 || type == NPY_FLOAT32;
    return known_type && PyArray_NDIM(a) == 1 && PyArray_ISCARRAY_RO(a) ? type : -1;
}

/* outer(column, row): (m,) and (n,) give (m, n), or None where the vectors are not for it. */
PyObject *
outer(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    int type = count == 2 ? type_of_vector(args[0]) : -1;
    if (type < 0 || type_of_vector(args[1]) != type) {
        Py_RETURN_NONE;
    }
    PyArrayObject *column = (PyArrayObject *)args[0], *row = (PyArrayObject *)args[1];
    npy_intp shape[] = {PyArray_DIM(column, 0), PyArray_DIM(row, 0)};
    PyArrayObject *out = (PyArrayObject *)PyArray_SimpleNew(2, shape, type);
    if (out == NULL) {
        return NULL;
    }
    if (compute_alone(out, NULL, column, row) < 0) {
        Py_CLEAR(out);
    }
    return (PyObject *)out;
}

/* Whether two plain arrays share memory. The row that is used is a copy. */
static int
overlap(PyArrayObject *a, PyArrayObject *b)
{
    const char *first = PyArray_BYTES(a), *second = PyArray_BYTES(b);
    return first < second + PyArray_NBYTES(b) && second < first + PyArray_NBYTES(a);
}

/* Whether `x -= rate * outer(column, row)` can be done here. */
static int
takes_outer(PyObject *x, PyObject *column, PyObject *row)
{
    int type = type_of_vector(column);
    if (type < 0 || type_of_vector(row) != type || !PyArray_CheckExact(x)) {
        return 0;
    }
    PyArrayObject *a = (PyArrayObject *)x, *c = (PyArrayObject *)column, *r = (PyArrayObject *)row;
    return PyArray_TYPE(a) == type && PyArray_ISCARRAY(a) && PyArray_NDIM(a) == 2 &&
           PyArray_DIM(a, 0) == PyArray_DIM(c, 0) && PyArray_DIM(a, 1) == PyArray_DIM(r, 0) && !overlap(a, c);
}

/* subtract_outer(x, rate, column, row): whether `x -= rate * outer(column, row)` was done. With None
   for the rate nothing is written, and the answer is whether it can be done. */
PyObject *
subtract_outer(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 4) {
        Py_RETURN_FALSE;
    }
    int asked = args[1] == Py_None;
    double rate = asked ? 0.0 : PyFloat_AsDouble(args[1]); /* may call code of the user's */
    if (rate == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    if (!takes_outer(args[0], args[2], args[3])) {
        Py_RETURN_FALSE;
    }
    PyArrayObject *x = (PyArrayObject *)args[0], *column = (PyArrayObject *)args[2], *row = (PyArrayObject *)args[3];
    if (!asked && compute_alone(x, &rate, column, row) < 0) {
        return NULL;
    }
    Py_RETURN_TRUE;
}

/* Whether `x -= rate * g` can be done here. */
static int
takes_scaled(PyObject *x, PyObject *g)
{
    if (!are_alike(x, g)) {
        return 0;
    }
    PyArrayObject *a = (PyArrayObject *)x;
    int type = PyArray_TYPE(a), is_real = type == NPY_FLOAT64 || type == NPY_FLOAT32;
    return is_real && PyArray_ISCARRAY(a) && PyArray_ISCARRAY_RO((PyArrayObject *)g);
}

/* Does `x -= rate * g`; returns the floating-point errors. */
static int
subtract_one(PyArrayObject *x, double rate, PyArrayObject *g)
{
    double one_double = 1.0;
    float one_float = 1.0f;
    const void *one = PyArray_TYPE(x) == NPY_FLOAT64 ? (void *)&one_double : (void *)&one_float;
    return run(PyArray_TYPE(x), PyArray_DATA(x), &rate, one, PyArray_DATA(g), 1, PyArray_SIZE(x));
}

/* subtract_scaled(x, rate, g): whether `x -= rate * g` was done, for arrays of any shape; or, with
   None for the rate, whether it can be done. */
PyObject *
subtract_scaled(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || !takes_scaled(args[0], args[2])) {
        Py_RETURN_FALSE;
    }
    if (args[1] == Py_None) {
        Py_RETURN_TRUE;
    }
    double rate = PyFloat_AsDouble(args[1]);
    if (rate == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    if (given("subtract", subtract_one((PyArrayObject *)args[0], rate, (PyArrayObject *)args[2])) < 0) {
        return NULL;
    }
    Py_RETURN_TRUE;
}

/* --- Steps of descent --------------------------------------------------------------------------- */

/* Whether an array has memory of NumPy's that is none of some arrays'. */
static int
is_apart(Identities *arrays, PyObject *g)
{
    while (PyArray_CheckExact(g) && PyArray_BASE((PyArrayObject *)g) != NULL) {
        g = PyArray_BASE((PyArrayObject *)g);
    }
    return PyArray_CheckExact(g) && *place_of(arrays->places, arrays->mask, g) != g;
}

/* Whether a step can be done for an array; `bytes` grows to what its row needs. */
static int
takes_step(Identities *arrays, PyObject *x, PyObject *factor, npy_intp *bytes)
{
    if (!PyTuple_CheckExact(factor)) {
        return takes_scaled(x, factor) && is_apart(arrays, factor);
    }
    if (PyTuple_GET_SIZE(factor) != 2) {
        return 0;
    }
    PyObject *column = PyTuple_GET_ITEM(factor, 0), *row = PyTuple_GET_ITEM(factor, 1);
    if (!takes_outer(x, column, row) || !is_apart(arrays, column) || !is_apart(arrays, row)) {
        return 0;
    }
    npy_intp own = PyArray_NBYTES((PyArrayObject *)row);
    *bytes = own > *bytes ? own : *bytes;
    return 1;
}

/* Whether a step can be done for all arrays, which own their memory; -1 with an error. */
static int
takes_steps(PyObject *xs, PyObject *factors, npy_intp *bytes)
{
    Identities arrays;
    Py_ssize_t n = PyTuple_GET_SIZE(xs);
    int takes = PyTuple_GET_SIZE(factors) == n;
    identities_begin(&arrays);
    for (Py_ssize_t i = 0; takes == 1 && i < n; i++) {
        PyObject *x = PyTuple_GET_ITEM(xs, i);
        takes = PyArray_CheckExact(x) && PyArray_BASE((PyArrayObject *)x) == NULL;
        takes = takes && identities_add(&arrays, x) < 0 ? -1 : takes;
    }
    for (Py_ssize_t i = 0; takes == 1 && i < n; i++) {
        takes = takes_step(&arrays, PyTuple_GET_ITEM(xs, i), PyTuple_GET_ITEM(factors, i), bytes);
    }
    identities_end(&arrays);
    return takes;
}

/* descend(arrays, rate, factors): does `x -= rate * g` for each array, where a factor is g, or a pair of
   which g is the outer product; returns the floating-point errors, flags as of np.seterrcall. With None for
   the rate nothing is written, and the answer is whether all can be done. Between the arrays nothing else
   is done. */
PyObject *
descend(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || !(args[1] == Py_None || PyFloat_CheckExact(args[1]))) {
        return wrong_arguments("descend");
    }
    PyObject *xs = PySequence_Tuple(args[0]); /* which nobody changes */
    PyObject *factors = xs == NULL ? NULL : PySequence_Tuple(args[2]), *result = NULL;
    npy_intp bytes = 0;
    int takes = factors == NULL ? -1 : takes_steps(xs, factors, &bytes), errors = 0;
    if (takes >= 0 && args[1] == Py_None) {
        result = PyBool_FromLong(takes);
    }
    else if (takes == 0) {
        wrong_arguments("descend");
    }
    char *room = takes == 1 && result == NULL ? room_for(bytes) : NULL;
    if (room != NULL) {
        double rate = PyFloat_AS_DOUBLE(args[1]);
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(xs); i++) {
            PyArrayObject *x = (PyArrayObject *)PyTuple_GET_ITEM(xs, i);
            PyObject *g = PyTuple_GET_ITEM(factors, i);
            errors |= PyTuple_CheckExact(g) ? compute(x, &rate, (PyArrayObject *)PyTuple_GET_ITEM(g, 0),
                                                      (PyArrayObject *)PyTuple_GET_ITEM(g, 1), room)
                                            : subtract_one(x, rate, (PyArrayObject *)g);
        }
        PyMem_Free(room);
        result = PyLong_FromLong(errors);
    }
    Py_XDECREF(xs);
    Py_XDECREF(factors);
    return result;
}
