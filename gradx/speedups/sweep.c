/* The reverse sweep, `gradx.cotangent.sweep`, whose Python text says what it does and why.

   A cotangent that only the sweep knows has one reference, its own: there a rule of arithmetic
   writes into it, and a sum goes into the cotangent known so far. */

#include "speedups.h"

enum { LARGE = 1 << 13 }; /* bytes from which on it pays to write into an array of ours */

/* --- Cotangents, by the identity of their node ------------------------------------------------- */

typedef struct {
    void *node;
    PyObject *cotangent;
} Entry;

typedef struct {
    Entry *entries; /* open addressing; a free entry has no node */
    size_t mask;    /* one less than their number, a power of two */
    size_t used;
} Table;

static inline size_t
home_of(const Table *table, void *node)
{
    size_t bits = (size_t)node >> 4; /* objects are aligned */
    return (bits ^ (bits >> 12)) & table->mask;
}

static Entry *
entry_of(const Table *table, void *node)
{
    size_t i = home_of(table, node);
    while (table->entries[i].node != NULL && table->entries[i].node != node) {
        i = (i + 1) & table->mask;
    }
    return &table->entries[i];
}

static int
table_grow(Table *table)
{
    size_t size = table->entries == NULL ? 64 : 2 * (table->mask + 1);
    Entry *old = table->entries;
    size_t old_size = old == NULL ? 0 : table->mask + 1;
    Entry *entries = PyMem_Calloc(size, sizeof(Entry));
    if (entries == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    table->entries = entries;
    table->mask = size - 1;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].node != NULL) {
            *entry_of(table, old[i].node) = old[i];
        }
    }
    PyMem_Free(old);
    return 0;
}

/* Takes out the cotangent of a node: a new reference, or NULL if it has none. */
static PyObject *
table_take(Table *table, void *node)
{
    Entry *entry = entry_of(table, node);
    PyObject *cotangent = entry->cotangent;
    if (entry->node == NULL) {
        return NULL;
    }
    size_t hole = (size_t)(entry - table->entries), i = hole;
    for (;;) { /* what was put further on because of it moves up */
        i = (i + 1) & table->mask;
        if (table->entries[i].node == NULL) {
            break;
        }
        size_t home = home_of(table, table->entries[i].node);
        if (((i - home) & table->mask) >= ((i - hole) & table->mask)) {
            table->entries[hole] = table->entries[i];
            hole = i;
        }
    }
    table->entries[hole].node = NULL;
    table->entries[hole].cotangent = NULL;
    table->used--;
    return cotangent;
}

/* Puts in a cotangent, whose reference is taken over, for a node that has none. */
static int
table_put(Table *table, void *node, PyObject *cotangent)
{
    if (table->entries == NULL || 2 * table->used > table->mask) {
        if (table_grow(table) < 0) {
            Py_DECREF(cotangent);
            return -1;
        }
    }
    Entry *entry = entry_of(table, node);
    entry->node = node;
    entry->cotangent = cotangent;
    table->used++;
    return 0;
}

static void
table_free(Table *table)
{
    Entry *entries = table->entries;
    table->entries = NULL;
    for (size_t i = 0; entries != NULL && i <= table->mask; i++) {
        Py_XDECREF(entries[i].cotangent);
    }
    PyMem_Free(entries);
}

static PyObject *
table_as_dict(const Table *table)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i <= table->mask; i++) {
        Entry *entry = &table->entries[i];
        if (entry->node != NULL) {
            PyObject *key = PyLong_FromVoidPtr(entry->node);
            if (key == NULL || PyDict_SetItem(dict, key, entry->cotangent) < 0) {
                Py_CLEAR(dict);
            }
            Py_XDECREF(key);
        }
    }
    return dict;
}

/* --- Rules ------------------------------------------------------------------------------------- */

/* A cotangent as a plain value: a new reference. */
static PyObject *
dense(PyObject *g)
{
    if (is_familiar(g)) {
        return Py_NewRef(g);
    }
    return PyObject_CallOneArg(known.dense, g);
}

static PyObject *
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

/* Whether a result can go into this array, to which we have one reference, and it is worth it. */
static int
is_large_and_ours(PyObject *x)
{
    return is_spare(x) && PyArray_NBYTES((PyArrayObject *)x) >= LARGE;
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

/* An array of a float64 repeated; takes it over. */
static PyObject *
repeated(PyObject *g, PyObject *shape)
{
    PyArray_Dims dims = {NULL, 0};
    PyObject *array = NULL;
    if (PyArray_IntpConverter(shape, &dims)) {
        array = PyArray_SimpleNew(dims.len, dims.ptr, NPY_DOUBLE);
        if (array != NULL && PyArray_FillWithScalar((PyArrayObject *)array, g) < 0) {
            Py_CLEAR(array);
        }
        PyDimMem_FREE(dims.ptr);
    }
    Py_DECREF(g);
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
static PyObject *
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
            return repeated(g, x);
        }
        if (pull == known.reciprocal_rule) {
            return negated(combined(MULTIPLY, combined(MULTIPLY, g, x, 0), x, 0));
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

/* --- The sweep ----------------------------------------------------------------------------------*/

/* The sum of the cotangent known so far and one more; takes over both. */
static PyObject *
summed(PyObject *so_far, PyObject *h)
{
    PyObject *sum;
    if (PyFloat_CheckExact(so_far) && PyFloat_CheckExact(h)) {
        sum = PyFloat_FromDouble(PyFloat_AS_DOUBLE(so_far) + PyFloat_AS_DOUBLE(h));
    }
    else if (are_alike(so_far, h)) {
        sum = is_large_and_ours(so_far) ? PyNumber_InPlaceAdd(so_far, h)
              : is_large_and_ours(h)    ? PyNumber_InPlaceAdd(h, so_far)
                                        : arithmetic(ADD, so_far, h);
    }
    else {
        PyObject *args[] = {NULL, so_far, h};
        sum = PyObject_Vectorcall(known.merge, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    Py_DECREF(so_far);
    Py_DECREF(h);
    return sum;
}

/* Adds a cotangent, whose reference is taken over, to that of a node. */
static int
contribute(Table *table, PyObject *target, PyObject *h)
{
    if (h == NULL) {
        return -1;
    }
    if (h == Py_None) {
        Py_DECREF(h);
        return 0;
    }
    Entry *entry = entry_of(table, target);
    if (entry->node == NULL) {
        return table_put(table, target, h);
    }
    PyObject *so_far = entry->cotangent;
    entry->cotangent = NULL;
    PyObject *sum = summed(so_far, h);
    /* Code that was called may have swept other tapes, but not put anything into this table. */
    entry->cotangent = sum == NULL ? Py_NewRef(Py_None) : sum;
    return sum == NULL ? -1 : 0;
}

static int
has_shape(PyArrayObject *array, PyObject *shape)
{
    int n = PyArray_NDIM(array);
    int same = n == PyTuple_GET_SIZE(shape);
    for (int i = 0; same && i < n; i++) {
        PyObject *length = PyTuple_GET_ITEM(shape, i); /* of a user's array it may be anything */
        same = PyLong_CheckExact(length) && PyLong_AsSsize_t(length) == PyArray_DIM(array, i);
    }
    PyErr_Clear(); /* of an integer that is no length */
    return same;
}

/* A cotangent cast to the shape and dtype of its value; takes it over. */
static PyObject *
fitted(PyObject *h, PyObject *like)
{
    if (h == NULL || h == Py_None) {
        return h;
    }
    if (PyTuple_CheckExact(like) && PyTuple_GET_SIZE(like) == 2) {
        PyObject *shape = PyTuple_GET_ITEM(like, 0), *dtype = PyTuple_GET_ITEM(like, 1);
        if (PyFloat_CheckExact(h) && dtype == (PyObject *)&PyFloat_Type) {
            return h;
        }
        if (PyArray_CheckExact(h) && (PyObject *)PyArray_DESCR((PyArrayObject *)h) == dtype &&
            PyTuple_CheckExact(shape)) {
            PyArrayObject *array = (PyArrayObject *)h;
            int n = PyArray_NDIM(array);
            if (n > 0 && PyTuple_GET_SIZE(shape) == 0 && (n == 1 || PyArray_IS_C_CONTIGUOUS(array))) {
                /* A number that was repeated. Others would be summed in another order than NumPy's. */
                PyObject *sum = PyArray_Sum(array, NPY_RAVEL_AXIS, NPY_NOTYPE, NULL);
                Py_DECREF(h);
                return sum == NULL || !PyArray_Check(sum) ? sum : PyArray_Return((PyArrayObject *)sum);
            }
            if (n > 0 && has_shape(array, shape)) {
                return h;
            }
        }
    }
    PyObject *args[] = {NULL, h, like};
    PyObject *fit = PyObject_Vectorcall(known.fit, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(h);
    return fit;
}

/* Adds the cotangents that one pull gave for several operands. */
static int
contribute_all(Table *table, PyObject *parts, PyObject *like)
{
    PyObject *each[3] = {NULL, NULL, NULL};
    int done = -1;
    each[0] = PySequence_Tuple(parts); /* tuples, which do not change */
    each[1] = each[0] == NULL ? NULL : PySequence_Tuple(PyTuple_GET_ITEM(like, 0));
    each[2] = each[1] == NULL ? NULL : PySequence_Tuple(PyTuple_GET_ITEM(like, 1));
    if (each[0] == NULL || each[1] == NULL || each[2] == NULL) {
        goto end;
    }
    Py_ssize_t n = PyTuple_GET_SIZE(each[0]);
    if (PyTuple_GET_SIZE(each[1]) != n || PyTuple_GET_SIZE(each[2]) != n) {
        PyErr_SetString(PyExc_ValueError, "a joint rule gave cotangents for another number of operands");
        goto end;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *h = PyTuple_GET_ITEM(each[0], i);
        PyObject *target = PyTuple_GET_ITEM(each[1], i);
        PyObject *fit = PyTuple_GET_ITEM(each[2], i);
        if (target == Py_None || h == Py_None) {
            continue;
        }
        h = Py_NewRef(h);
        if (contribute(table, target, fit == Py_None ? h : fitted(h, fit)) < 0) {
            goto end;
        }
    }
    done = 0;
end:
    Py_XDECREF(each[0]);
    Py_XDECREF(each[1]);
    Py_XDECREF(each[2]);
    return done;
}

/* One more part of a container that has some already: 1 if that is what it was, -1 for an error. */
static int
joins_fields(Table *table, PyObject *target, PyObject *g, PyObject *kept)
{
    Entry *entry = entry_of(table, target);
    if (entry->node == NULL || (PyObject *)Py_TYPE(entry->cotangent) != known.Fields) {
        return 0;
    }
    PyObject *parts = SLOT(entry->cotangent, known.fields_parts), *key = PyTuple_GET_ITEM(kept, 1);
    if (parts == NULL || !PyDict_CheckExact(parts)) {
        return 0;
    }
    Py_INCREF(parts); /* a key may be the user's, and so may its comparison */
    int there = PyDict_Contains(parts, key);
    int joined = there != 0 ? (there < 0 ? -1 : 0) : PyDict_SetItem(parts, key, g) < 0 ? -1 : 1;
    Py_DECREF(parts);
    return joined;
}

static int
is_pair(PyObject *x)
{
    return PyTuple_CheckExact(x) && PyTuple_GET_SIZE(x) == 2;
}

/* Pulls a cotangent through an edge. `g` is the caller's reference: it is taken over, and set to
   NULL, if this is the last edge of its node. */
static int
pull_edge(Table *table, PyObject *edge, PyObject **g, int last)
{
    if (!PyTuple_CheckExact(edge) || PyTuple_GET_SIZE(edge) != 4) {
        PyErr_SetString(PyExc_TypeError, "an edge of a tape is a tuple of four");
        return -1;
    }
    PyObject *target = PyTuple_GET_ITEM(edge, 0), *pull = PyTuple_GET_ITEM(edge, 1);
    PyObject *kept = PyTuple_GET_ITEM(edge, 2), *like = PyTuple_GET_ITEM(edge, 3);
    PyObject *h;
    if (!PyTuple_CheckExact(kept) || (target == known.JOINT && !is_pair(like))) {
        PyErr_SetString(PyExc_TypeError, "an edge keeps a tuple, and a joint one fits to a pair");
        return -1;
    }
    if (like == known.STRUCTURAL) {
        if (pull == known.view_rule && is_pair(kept)) {
            int joined = joins_fields(table, target, *g, kept);
            if (joined != 0) {
                return joined < 0 ? -1 : 0;
            }
        }
        return contribute(table, target, call_rule(pull, *g, kept));
    }
    PyObject *whole = dense(*g);
    if (whole == NULL) {
        return -1;
    }
    if (like == Py_None) {
        Py_SETREF(*g, Py_NewRef(whole)); /* so that the other edges need not make it again */
        if (last) {
            Py_CLEAR(*g);
        }
        return contribute(table, target, pulled(pull, whole, kept));
    }
    h = call_rule(pull, whole, kept);
    Py_DECREF(whole);
    if (target == known.JOINT) {
        int done = h == NULL ? -1 : contribute_all(table, h, like);
        Py_XDECREF(h);
        return done;
    }
    return contribute(table, target, fitted(h, like));
}

static int
pull_node(Table *table, PyObject *node)
{
    PyObject *g = table_take(table, node);
    int done = 0;
    if (g == NULL || g == Py_None) {
        Py_XDECREF(g);
        return 0;
    }
    if (PyTuple_CheckExact(node)) {
        done = pull_edge(table, node, &g, 1);
    }
    else if (PyList_CheckExact(node)) {
        Py_ssize_t n = PyList_GET_SIZE(node);
        for (Py_ssize_t i = 0; done == 0 && i < n && i < PyList_GET_SIZE(node); i++) {
            PyObject *edge = Py_NewRef(PyList_GET_ITEM(node, i));
            done = pull_edge(table, edge, &g, i + 1 == n);
            Py_DECREF(edge);
        }
    }
    else {
        PyErr_SetString(PyExc_TypeError, "a node of a tape is an edge or a list of edges");
        done = -1;
    }
    Py_XDECREF(g);
    return done;
}

/* sweep(nodes, output, seed): the cotangents of the inputs, by the identity of their nodes. */
PyObject *
sweep(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    Table table = {NULL, 0, 0};
    PyObject *result = NULL, *node;
    unsigned swept = 0;
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "sweep takes the nodes, the output and its cotangent");
        return NULL;
    }
    if (known.negative == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "gradx has not told yet what it is made of");
        return NULL;
    }
    void *output = PyLong_AsVoidPtr(args[1]);
    if (output == NULL && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "no node has the identity 0");
    }
    PyObject *nodes = PyErr_Occurred() ? NULL : PyObject_GetIter(args[0]);
    if (nodes == NULL || table_put(&table, output, Py_NewRef(args[2])) < 0) {
        goto end;
    }
    while ((node = PyIter_Next(nodes)) != NULL) {
        int done = pull_node(&table, node);
        Py_DECREF(node);
        /* A sweep may run no Python code at all, and asking costs as much as a small node. */
        if (done < 0 || (++swept % 16 == 0 && PyErr_CheckSignals() < 0)) {
            goto end;
        }
    }
    if (!PyErr_Occurred()) {
        result = table_as_dict(&table);
    }
end:
    Py_XDECREF(nodes);
    table_free(&table);
    return result;
}
