/* Products of rank one, and what is subtracted from an array, in one pass over memory.

   NumPy makes the matrix of all products of two vectors as an elementwise product with broadcasting,
   or as a matrix product, each at a fraction of the speed at which memory can be written, and it
   cannot add one into a matrix. `x -= rate * g` are two passes and an array between them. */

#include "speedups.h"
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

/* Does it without the GIL; returns the floating-point errors that occurred. */
static int
run(int type, void *to, const double *rate, const void *column, const void *row, npy_intp m, npy_intp n)
{
    int errors;
    Py_BEGIN_ALLOW_THREADS;
    PyUFunc_clearfperr();
    if (type == NPY_FLOAT64) {
        rate == NULL ? outer_double(to, column, row, m, n)
                     : subtract_double(to, *rate, column, row, m, n);
    }
    else {
        rate == NULL ? outer_float(to, column, row, m, n)
                     : subtract_float(to, (float)*rate, column, row, m, n);
    }
    errors = PyUFunc_getfperr(); /* which clears them */
    Py_END_ALLOW_THREADS;
    return errors;
}

/* Warns of floating-point errors, or raises them, as np.errstate says. */
static int
given(const char *name, int errors)
{
    return errors == 0 ? 0 : PyUFunc_GiveFloatingpointErrors(name, errors);
}

/* Does `to = outer(column, row)`, or `to -= rate * outer(column, row)`. Where every row of the
   matrix starts at the same place of a line, so does the copy of `row` that is used: memory is
   then read and written by whole lines, which is a quarter faster. */
static int
compute(PyArrayObject *to, const double *rate, PyArrayObject *column, PyArrayObject *row)
{
    npy_intp m = PyArray_DIM(to, 0), n = PyArray_DIM(to, 1), bytes = PyArray_NBYTES(row);
    char *room = PyMem_Malloc((size_t)bytes + 2 * LINE);
    if (room == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    void *out = PyArray_DATA(to), *c = PyArray_DATA(column);
    void *r = room + ((npy_uintp)out - (npy_uintp)room) % LINE;
    memcpy(r, PyArray_DATA(row), (size_t)bytes);
    int errors = run(PyArray_TYPE(to), out, rate, c, r, m, n);
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
    if (compute(out, NULL, column, row) < 0) {
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
    int type = type_of_vector(args[2]);
    if (type < 0 || type_of_vector(args[3]) != type || !PyArray_CheckExact(args[0])) {
        Py_RETURN_FALSE;
    }
    PyArrayObject *x = (PyArrayObject *)args[0];
    PyArrayObject *column = (PyArrayObject *)args[2], *row = (PyArrayObject *)args[3];
    npy_intp m = PyArray_DIM(column, 0), n = PyArray_DIM(row, 0);
    if (PyArray_TYPE(x) != type || !PyArray_ISCARRAY(x) || PyArray_NDIM(x) != 2 ||
        PyArray_DIM(x, 0) != m || PyArray_DIM(x, 1) != n || overlap(x, column)) {
        Py_RETURN_FALSE;
    }
    if (!asked && compute(x, &rate, column, row) < 0) {
        return NULL;
    }
    Py_RETURN_TRUE;
}

/* subtract_scaled(x, rate, g): whether `x -= rate * g` was done, for arrays of any shape; or, with
   None for the rate, whether it can be done. */
PyObject *
subtract_scaled(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || !are_alike(args[0], args[2])) {
        Py_RETURN_FALSE;
    }
    PyArrayObject *x = (PyArrayObject *)args[0], *g = (PyArrayObject *)args[2];
    int type = PyArray_TYPE(x), is_real = type == NPY_FLOAT64 || type == NPY_FLOAT32;
    if (!is_real || !PyArray_ISCARRAY(x) || !PyArray_ISCARRAY_RO(g)) {
        Py_RETURN_FALSE;
    }
    if (args[1] == Py_None) {
        Py_RETURN_TRUE;
    }
    double rate = PyFloat_AsDouble(args[1]), one_double = 1.0;
    float one_float = 1.0f;
    if (rate == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    const void *one = type == NPY_FLOAT64 ? (void *)&one_double : (void *)&one_float;
    int errors = run(type, PyArray_DATA(x), &rate, one, PyArray_DATA(g), 1, PyArray_SIZE(x));
    if (given("subtract", errors) < 0) {
        return NULL;
    }
    Py_RETURN_TRUE;
}
