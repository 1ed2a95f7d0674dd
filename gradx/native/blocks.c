/* Formulas of single items, done block by block: what gradx/optim/blocks.py does with NumPy's
   functions, without a call of Python's for each block and operation. */

#include "speedups.h"
#include "vectors.h"

#include <math.h>

enum { ITEMS = 512 };     /* of a block: a dozen of doubles fit into the first cache */
enum { MOST_ARRAYS = 8 };
enum { MOST_CELLS = 64 };

enum { ADD, SUBTRACT, MULTIPLY, DIVIDE, SQRT, POSITIVE, OPERATIONS };

/* One operation: what it does, where its operands are and where its result goes. Places count
   arrays first, then temporaries, then numbers. */
typedef struct {
    unsigned char operation, x, y, z;
} Step;

/* A result may go where an operand is, item by item. */
#if defined(__clang__)
#define ITEM_BY_ITEM _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define ITEM_BY_ITEM _Pragma("GCC ivdep")
#else
#define ITEM_BY_ITEM
#endif
#define EACH_ITEM(expression)                                                                      \
    ITEM_BY_ITEM                                                                                   \
    for (npy_intp i = 0; i < n; i++) {                                                             \
        z[i] = (expression);                                                                       \
    }                                                                                              \
    break

#define DEFINE_KERNELS(real, root)                                                                 \
    EACH_PROCESSOR static void step_##real(int operation, const real *x, const real *y, real *z,   \
                                           npy_intp n)                                             \
    {                                                                                              \
        switch (operation) {                                                                       \
        case ADD: EACH_ITEM(x[i] + y[i]);                                                          \
        case SUBTRACT: EACH_ITEM(x[i] - y[i]);                                                     \
        case MULTIPLY: EACH_ITEM(x[i] * y[i]);                                                     \
        case DIVIDE: EACH_ITEM(x[i] / y[i]);                                                       \
        case SQRT: EACH_ITEM(root(x[i]));                                                          \
        default: EACH_ITEM(x[i]);                                                                  \
        }                                                                                          \
    }                                                                                              \
    static void run_##real(const Step *steps, Py_ssize_t count, char **arrays, Py_ssize_t given,   \
                           const double *numbers, Py_ssize_t constants, Py_ssize_t temporaries,    \
                           char *room, npy_intp size)                                              \
    {                                                                                              \
        real *cells[MOST_CELLS], *at = (real *)room;                                               \
        for (Py_ssize_t k = given; k < given + temporaries + constants; k++, at += ITEMS) {        \
            cells[k] = at;                                                                         \
            for (npy_intp i = 0; i < ITEMS && k >= given + temporaries; i++) {                     \
                at[i] = (real)numbers[k - given - temporaries];                                    \
            }                                                                                      \
        }                                                                                          \
        for (npy_intp start = 0; start < size; start += ITEMS) {                                   \
            npy_intp n = size - start < ITEMS ? size - start : ITEMS;                              \
            for (Py_ssize_t k = 0; k < given; k++) {                                               \
                cells[k] = (real *)arrays[k] + start;                                              \
            }                                                                                      \
            for (const Step *s = steps; s < steps + count; s++) {                                  \
                step_##real(s->operation, cells[s->x], cells[s->y], cells[s->z], n);               \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_KERNELS(double, sqrt)
DEFINE_KERNELS(float, sqrtf)

/* Whether steps can be done on as many arrays, temporaries and numbers. */
static int
are_sound(const Step *steps, Py_ssize_t count, Py_ssize_t written, Py_ssize_t all)
{
    for (const Step *s = steps; s < steps + count; s++) {
        if (s->operation >= OPERATIONS || s->x >= all || s->y >= all || s->z >= written) {
            return 0;
        }
    }
    return 1;
}

/* Whether something is a plain array of a type and size whose items lie side by side. */
static int
is_vector(PyObject *x, int type, npy_intp size)
{
    return PyArray_CheckExact(x) && PyArray_TYPE((PyArrayObject *)x) == type &&
           PyArray_ISCARRAY_RO((PyArrayObject *)x) && PyArray_SIZE((PyArrayObject *)x) == size;
}

/* blockwise(steps, temporaries, numbers, asked, *arrays): whether the steps were done; if asked,
   whether they can be. The steps are bytes, four for each; the numbers are an array of float64. */
PyObject *
blockwise(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    Py_ssize_t given = count - 4;
    if (given < 1 || given > MOST_ARRAYS || !PyBytes_CheckExact(args[0]) ||
        !PyLong_CheckExact(args[1]) || !PyArray_CheckExact(args[2]) ||
        !PyArray_CheckExact(args[4])) {
        Py_RETURN_FALSE;
    }
    PyArrayObject *numbers = (PyArrayObject *)args[2], *first = (PyArrayObject *)args[4];
    Py_ssize_t temporaries = PyLong_AsSsize_t(args[1]), constants = PyArray_SIZE(numbers);
    if (temporaries == -1 && PyErr_Occurred()) {
        return NULL;
    }
    int type = PyArray_TYPE(first);
    npy_intp size = PyArray_SIZE(first);
    if ((type != NPY_DOUBLE && type != NPY_FLOAT) || !is_vector(args[2], NPY_DOUBLE, constants) ||
        temporaries < 0 || temporaries > MOST_CELLS || constants > MOST_CELLS ||
        given + temporaries + constants > MOST_CELLS) {
        Py_RETURN_FALSE;
    }
    const Step *steps = (const Step *)PyBytes_AS_STRING(args[0]);
    Py_ssize_t length = PyBytes_GET_SIZE(args[0]) / (Py_ssize_t)sizeof(Step);
    if (!are_sound(steps, length, given + temporaries, given + temporaries + constants)) {
        Py_RETURN_FALSE;
    }
    char *arrays[MOST_ARRAYS];
    for (Py_ssize_t k = 0; k < given; k++) {
        if (!is_vector(args[4 + k], type, size)) {
            Py_RETURN_FALSE;
        }
        arrays[k] = PyArray_BYTES((PyArrayObject *)args[4 + k]);
    }
    for (const Step *s = steps; s < steps + length; s++) {
        if (s->z < given && !PyArray_ISWRITEABLE((PyArrayObject *)args[4 + s->z])) {
            Py_RETURN_FALSE;
        }
    }
    if (args[3] == Py_True) {
        Py_RETURN_TRUE;
    }
    size_t cells = (size_t)(temporaries + constants + 1);
    char *room = PyMem_Malloc(cells * ITEMS * sizeof(double));
    if (room == NULL) {
        return PyErr_NoMemory();
    }
    int errors;
    Py_BEGIN_ALLOW_THREADS;
    PyUFunc_clearfperr();
    (type == NPY_DOUBLE ? run_double : run_float)(steps, length, arrays, given,
                                                  PyArray_DATA(numbers), constants, temporaries,
                                                  room, size);
    errors = PyUFunc_getfperr(); /* which clears them */
    Py_END_ALLOW_THREADS;
    PyMem_Free(room);
    if (errors != 0 && PyUFunc_GiveFloatingpointErrors("a step in place", errors) < 0) {
        return NULL;
    }
    Py_RETURN_TRUE;
}
