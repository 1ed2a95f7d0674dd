/* Rules: how a cotangent is pulled through an operation. Those of arithmetic, of a few functions and
   of products with vectors are done here; any other is called. */

#include "speedups.h"
#include "flags.h"
#include "vectors.h"

/* --- In one pass -------------------------------------------------------------------------------- */

/* The rules of a quotient, a reciprocal, a square and a hyperbolic tangent are of a few operations
   each. On float64 arrays they are done at once; the results are those of one by one. */

#define DEFINE_RULE(name, result)                                                                  \
    EACH_PROCESSOR static void name(double *out, const double *gs, int uniform, const double *as,  \
                                    const double *bs, npy_intp n)                                  \
    {                                                                                              \
        for (npy_intp i = 0; uniform && i < n; i++) {                                              \
            double g = gs[0], a = as[i], b = bs[i];                                                \
            (void)b;                                                                               \
            out[i] = result;                                                                       \
        }                                                                                          \
        for (npy_intp i = 0; !uniform && i < n; i++) {                                             \
            double g = gs[i], a = as[i], b = bs[i];                                                \
            (void)b;                                                                               \
            out[i] = result;                                                                       \
        }                                                                                          \
    }

DEFINE_RULE(divisor, -(g * b) / a)
DEFINE_RULE(reciprocal, -(g * a * a))
DEFINE_RULE(square, g * (2 * a))
DEFINE_RULE(hyperbolic_tangent, g * (1 - a * a))

typedef void (*Kernel)(double *, const double *, int, const double *, const double *, npy_intp);

static Kernel
kernel_of(PyObject *pull)
{
    return pull == known.over_b_squared    ? divisor
           : pull == known.reciprocal_rule ? reciprocal
           : pull == known.square_rule     ? square
           : pull == known.tanh_rule       ? hyperbolic_tangent
                                           : NULL;
}

/* Whether it is an array of one float64 repeated, as the rule of a sum makes it. */
static int
is_uniform(PyObject *x)
{
    PyArrayObject *a = (PyArrayObject *)x;
    int same = PyArray_CheckExact(x) && PyArray_DESCR(a) == known.float64 && PyArray_NDIM(a) > 0 &&
               PyArray_SIZE(a) > 0 && PyArray_ISALIGNED(a);
    for (int i = 0; same && i < PyArray_NDIM(a); i++) {
        same = PyArray_STRIDE(a, i) == 0;
    }
    return same;
}

/* What a rule makes of g, to which the caller has one reference and keeps it, into g itself if that
   is ours and large; NULL with no error set for other rules and other arrays. */
static PyObject *
fused_rule(PyObject *pull, PyObject *g, PyObject *kept)
{
    Kernel kernel = kernel_of(pull);
    Py_ssize_t count = PyTuple_GET_SIZE(kept);
    int uniform = kernel != NULL && is_uniform(g), ours = is_large_and_ours(g), errors;
    if (kernel == NULL || count < 1 || count > 2 || !(uniform || is_row_of_doubles(g))) {
        return NULL;
    }
    PyArrayObject *like = (PyArrayObject *)g;
    const double *each[2];
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *x = PyTuple_GET_ITEM(kept, i);
        if (!is_row_of_doubles(x) || !same_shape(g, x)) {
            return NULL;
        }
        each[i] = PyArray_DATA((PyArrayObject *)x);
    }
    PyObject *out = ours ? Py_NewRef(g)
                         : PyArray_SimpleNew(PyArray_NDIM(like), PyArray_DIMS(like), NPY_DOUBLE);
    if (out == NULL) {
        return NULL;
    }
    double *to = PyArray_DATA((PyArrayObject *)out);
    npy_intp n = PyArray_SIZE(like);
    NPY_BEGIN_THREADS_DEF;
    NPY_BEGIN_THREADS_THRESHOLDED(n);
    clear_flags();
    kernel(to, PyArray_DATA(like), uniform, each[0], each[count - 1], n);
    errors = errors_flagged();
    clear_flags();
    NPY_END_THREADS;
    if (errors != 0 && !ours) {
        Py_CLEAR(out); /* the operations are done one by one, and warn of what they do */
    }
    else if (errors != 0) {
        const char *name = kernel == divisor ? "divide" : "multiply";
        if (PyUFunc_GiveFloatingpointErrors(name, errors) < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

/* --- One by one --------------------------------------------------------------------------------- */

/* A cotangent as a plain value: a new reference. */
PyObject *
dense(PyObject *g)
{
    if (is_familiar(g)) {
        return Py_NewRef(g);
    }
    return PyObject_CallOneArg(known.dense, g);
}

PyObject *
call_rule(PyObject *pull, PyObject *g, PyObject *kept)
{
    PyObject *args[8];
    Py_ssize_t n = PyTuple_GET_SIZE(kept);
    if (n < 7) {
        args[1] = g; /* the first place is the callee's, for a self */
        for (Py_ssize_t i = 0; i < n; i++) {
            args[i + 2] = PyTuple_GET_ITEM(kept, i);
        }
        size_t count = (size_t)(n + 1) | PY_VECTORCALL_ARGUMENTS_OFFSET;
        return PyObject_Vectorcall(pull, args + 1, count, NULL);
    }
    PyObject *all = PyTuple_New(n + 1);
    if (all == NULL) {
        return NULL;
    }
    PyTuple_SET_ITEM(all, 0, Py_NewRef(g));
    for (Py_ssize_t i = 0; i < n; i++) {
        PyTuple_SET_ITEM(all, i + 1, Py_NewRef(PyTuple_GET_ITEM(kept, i)));
    }
    PyObject *h = PyObject_Call(pull, all, NULL);
    Py_DECREF(all);
    return h;
}

/* -x, into x if that is an array of ours. Takes over the reference. */
static PyObject *
negated(PyObject *x)
{
    PyObject *out[] = {x, x};
    PyObject *y = x == NULL              ? NULL
                  : is_large_and_ours(x) ? PyObject_Vectorcall(known.negative, out, 2, NULL)
                                         : negative_of(x);
    Py_XDECREF(x);
    return y;
}

/* `g op x`, or `x op g` if reflected, into g if that is an array of ours. Takes over g. */
static PyObject *
combined(Operation operation, PyObject *g, PyObject *x, int reflected)
{
    PyObject *y = NULL;
    if (g == NULL) {
        return NULL;
    }
    if (!is_large_and_ours(g) || !are_alike(g, x)) {
        y = reflected ? arithmetic(operation, x, g) : arithmetic(operation, g, x);
    }
    else {
        y = operation == DIVIDE ? PyNumber_InPlaceTrueDivide(g, x) : PyNumber_InPlaceMultiply(g, x);
    }
    Py_DECREF(g);
    return y;
}

/* A short array of a float64 repeated, or NULL with no error set for a long one. */
static PyObject *
repeated(PyObject *g, PyObject *shape)
{
    PyArray_Dims dims = {NULL, 0};
    PyObject *array = NULL;
    if (PyArray_IntpConverter(shape, &dims)) {
        if (PyArray_MultiplyList(dims.ptr, dims.len) > SHORT) {
            PyDimMem_FREE(dims.ptr);
            return NULL;
        }
        array = PyArray_SimpleNew(dims.len, dims.ptr, NPY_DOUBLE);
        if (array != NULL && PyArray_FillWithScalar((PyArrayObject *)array, g) < 0) {
            Py_CLEAR(array);
        }
        PyDimMem_FREE(dims.ptr);
    }
    return array;
}

static PyObject *
list_of(PyObject *x)
{
    PyObject *list = PyList_New(1);
    if (list != NULL) {
        PyList_SET_ITEM(list, 0, Py_NewRef(x));
    }
    return list;
}

/* The pair that stands for the product of a column and a row. */
static PyObject *
outer_of(PyObject *column, PyObject *row)
{
    PyObject *columns = list_of(column), *rows = list_of(row);
    PyTypeObject *type = (PyTypeObject *)known.Outer;
    PyObject *pair = columns == NULL || rows == NULL ? NULL : type->tp_alloc(type, 0);
    if (pair == NULL) {
        Py_XDECREF(columns);
        Py_XDECREF(rows);
        return NULL;
    }
    SLOT(pair, known.outer_columns) = columns;
    SLOT(pair, known.outer_rows) = rows;
    return pair;
}

/* The rules of a product of vectors, or of a matrix and a vector, where g is an array or a number
   and `other` an array; NULL with no error set for other products. */
static PyObject *
pulled_through_product(PyObject *g, PyObject *other, PyObject *shape, int left)
{
    if (!PyArray_CheckExact(other) || !PyTuple_CheckExact(shape) || !is_familiar(g)) {
        return NULL;
    }
    int n = PyArray_NDIM((PyArrayObject *)other);
    Py_ssize_t own = PyTuple_GET_SIZE(shape);
    if (n == 1 && own == 1) {
        return left ? arithmetic(MULTIPLY, g, other) : arithmetic(MULTIPLY, other, g);
    }
    if (n == 1 && own == 2) {
        return left ? outer_of(g, other) : outer_of(other, g);
    }
    if (n == 2 && own == 1) {
        return left ? PyNumber_MatrixMultiply(other, g) : PyNumber_MatrixMultiply(g, other);
    }
    return NULL;
}

/* The function that writes a rule's result into g, if there is one for what it keeps: borrowed. */
static PyObject *
in_place_of(PyObject *pull, PyObject *g, PyObject *kept)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kept); i++) {
        if (!are_alike(g, PyTuple_GET_ITEM(kept, i))) {
            return NULL;
        }
    }
    PyObject *key = PyLong_FromVoidPtr(pull);
    PyObject *function = key == NULL ? NULL : PyDict_GetItemWithError(known.IN_PLACE, key);
    Py_XDECREF(key);
    return function;
}

/* What a rule makes of a dense cotangent, whose reference is taken over. */
PyObject *
pulled(PyObject *pull, PyObject *g, PyObject *kept)
{
    Py_ssize_t n = PyTuple_GET_SIZE(kept);
    PyObject *h = NULL;
    if (n == 0 && pull == known.passed) {
        return g;
    }
    if (n == 0 && pull == known.negated) {
        return negated(g);
    }
    if ((h = fused_rule(pull, g, kept)) != NULL || PyErr_Occurred()) {
        Py_DECREF(g);
        return h;
    }
    if (n == 1) {
        PyObject *x = PyTuple_GET_ITEM(kept, 0);
        if (pull == known.times_b || pull == known.times_y) {
            return combined(MULTIPLY, g, x, 0);
        }
        if (pull == known.times_a) {
            return combined(MULTIPLY, g, x, 1);
        }
        if (pull == known.over_b || pull == known.over_x) {
            return combined(DIVIDE, g, x, 0);
        }
        if (pull == known.sum_rule && Py_TYPE(g) == &PyDoubleArrType_Type) {
            h = repeated(g, x);
        }
    }
    else if (n == 2) {
        PyObject *x = PyTuple_GET_ITEM(kept, 0), *y = PyTuple_GET_ITEM(kept, 1);
        if (pull == known.over_b_squared) {
            return combined(DIVIDE, negated(combined(MULTIPLY, g, y, 0)), x, 0);
        }
        if (pull == known.matmul_left) {
            h = pulled_through_product(g, y, x, 1);
        }
        else if (pull == known.matmul_right) {
            h = pulled_through_product(g, x, y, 0);
        }
    }
    if (h == NULL && !PyErr_Occurred()) {
        PyObject *in_place = is_large_and_ours(g) ? in_place_of(pull, g, kept) : NULL;
        if (in_place != NULL || !PyErr_Occurred()) {
            Py_XINCREF(in_place);
            h = call_rule(in_place == NULL ? pull : in_place, g, kept);
            Py_XDECREF(in_place);
        }
    }
    Py_DECREF(g);
    return h;
}
