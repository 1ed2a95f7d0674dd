/* The reverse sweep, `gradx.sweeping.sweep`, whose Python text says what it does and why.

   A cotangent goes with a mark that says whether it is an array that the sweep made itself and has
   handed to nobody: into such a one it writes sums and products. */

#include "speedups.h"
#include "table.h"

/* --- Kernels ------------------------------------------------------------------------------------ */

/* Of a kernel of two such values, a result that is an array is a new one. */
static inline int
is_plain(PyObject *x)
{
    return is_familiar(x) || PyLong_CheckExact(x);
}

static inline Cotangent
new_of(PyObject *value, PyObject *g, PyObject *x)
{
    int made = value != NULL && PyArray_CheckExact(value) && is_plain(g) && is_plain(x);
    return (Cotangent){value, made};
}

/* `g op x`, into g if that is the sweep's own. */
static Cotangent
combined(binaryfunc operation, binaryfunc in_place, Cotangent g, PyObject *x)
{
    if (g.made && are_alike(g.value, x)) {
        return (Cotangent){in_place(g.value, x), 1};
    }
    return new_of(operation(g.value, x), g.value, x);
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

/* What a rule makes of a dense cotangent; the kernels of gradx/linear.py are done here. `g` is the
   caller's, which needs it no more if this is its last edge. */
static Cotangent
pulled(PyObject *pull, Cotangent *g, PyObject *kept, int last)
{
    Py_ssize_t n = PyTuple_GET_SIZE(kept);
    Cotangent own = {g->value, g->made && last};
    if (n == 0 && pull == known.passed) {
        g->made = 0;
        own.value = Py_NewRef(own.value);
        return own;
    }
    if (n == 0 && pull == known.negated) {
        return new_of(PyNumber_Negative(own.value), own.value, own.value);
    }
    if (n == 1 && pull == known.product) {
        return combined(PyNumber_Multiply, PyNumber_InPlaceMultiply, own, PyTuple_GET_ITEM(kept, 0));
    }
    if (n == 1 && pull == known.quotient) {
        return combined(PyNumber_TrueDivide, PyNumber_InPlaceTrueDivide, own, PyTuple_GET_ITEM(kept, 0));
    }
    g->made = 0; /* a rule may keep what it is given */
    return (Cotangent){call_rule(pull, own.value, kept), 0};
}

/* A cotangent as a plain value: a new reference. */
static PyObject *
dense(PyObject *g)
{
    if (is_familiar(g)) {
        return Py_NewRef(g);
    }
    return PyObject_CallOneArg(known.dense, g);
}

/* --- Sums --------------------------------------------------------------------------------------- */

/* The sum of the cotangent known so far and one more; takes over both. */
static Cotangent
summed(Cotangent so_far, Cotangent h)
{
    Cotangent sum = {NULL, 0};
    PyObject *a = so_far.value, *b = h.value;
    if (PyFloat_CheckExact(a) && PyFloat_CheckExact(b)) {
        sum.value = PyFloat_FromDouble(PyFloat_AS_DOUBLE(a) + PyFloat_AS_DOUBLE(b));
    }
    else if (are_alike(a, b)) {
        sum.value = so_far.made ? PyNumber_InPlaceAdd(a, b)
                    : h.made    ? PyNumber_InPlaceAdd(b, a)
                                : PyNumber_Add(a, b);
        sum = new_of(sum.value, a, b);
    }
    else {
        PyObject *args[] = {NULL, a, b};
        sum.value = PyObject_Vectorcall(known.merge, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    Py_DECREF(a);
    Py_DECREF(b);
    return sum;
}

/* Adds a cotangent, whose reference is taken over, to that of a node. */
static int
contribute(Table *table, PyObject *target, Cotangent h)
{
    if (h.value == NULL) {
        return -1;
    }
    if (h.value == Py_None) {
        Py_DECREF(h.value);
        return 0;
    }
    Entry *entry = entry_of(table, target);
    if (entry->node == NULL) {
        return table_put(table, target, h);
    }
    Cotangent so_far = entry->cotangent;
    entry->cotangent = (Cotangent){NULL, 0};
    Cotangent sum = summed(so_far, h);
    /* Code that was called may have swept other tapes, but not put anything into this table. */
    entry->cotangent = sum.value == NULL ? (Cotangent){Py_NewRef(Py_None), 0} : sum;
    return sum.value == NULL ? -1 : 0;
}

/* --- Fitting ------------------------------------------------------------------------------------ */

/* Whether it is a pair of a shape and a dtype. */
static int
is_fit(PyObject *like)
{
    return PyTuple_CheckExact(like) && PyTuple_GET_SIZE(like) == 2 &&
           PyTuple_CheckExact(PyTuple_GET_ITEM(like, 0));
}

/* Whether a shape, of a user's array perhaps, says for an axis that it is of this length. */
static int
has_length(PyObject *shape, Py_ssize_t axis, npy_intp length)
{
    PyObject *item = PyTuple_GET_ITEM(shape, axis);
    int same = PyLong_CheckExact(item) && PyLong_AsSsize_t(item) == length;
    PyErr_Clear(); /* of an integer that is no length */
    return same;
}

static int
has_shape(PyArrayObject *a, PyObject *shape)
{
    int n = PyArray_NDIM(a), same = n == PyTuple_GET_SIZE(shape);
    for (int i = 0; same && i < n; i++) {
        same = has_length(shape, i, PyArray_DIM(a, i));
    }
    return same;
}

/* The sum of an array over what was repeated to make it: a number, a row of a matrix, or a column;
   NULL with no error set if it was something else. */
static PyObject *
unrepeated(PyArrayObject *a, PyObject *shape)
{
    int n = PyArray_NDIM(a);
    Py_ssize_t own = PyTuple_GET_SIZE(shape);
    PyObject *sum = NULL;
    /* In another order of memory it would be summed in another order than NumPy's. */
    if (n > 0 && own == 0 && (n == 1 || PyArray_IS_C_CONTIGUOUS(a))) {
        sum = PyArray_Sum(a, NPY_RAVEL_AXIS, NPY_NOTYPE, NULL);
        return sum != NULL && PyArray_Check(sum) ? PyArray_Return((PyArrayObject *)sum) : sum;
    }
    if (n != 2 || PyArray_DIM(a, 0) < 2 || PyArray_DIM(a, 1) < 2) {
        return NULL;
    }
    if (own == 1 && has_length(shape, 0, PyArray_DIM(a, 1))) {
        return PyArray_Sum(a, 0, NPY_NOTYPE, NULL);
    }
    if (own == 2 && has_length(shape, 0, PyArray_DIM(a, 0)) && has_length(shape, 1, 1)) {
        sum = PyArray_Sum(a, 1, NPY_NOTYPE, NULL);
        PyObject *column = sum == NULL ? NULL : PyArray_Reshape((PyArrayObject *)sum, shape);
        Py_XDECREF(sum);
        return column;
    }
    return NULL;
}

/* A cotangent cast to the shape and dtype of its value; takes it over. */
static PyObject *
fitted(PyObject *h, PyObject *like)
{
    if (h == NULL || h == Py_None) {
        return h;
    }
    PyObject *shape = PyTuple_GET_ITEM(like, 0), *dtype = PyTuple_GET_ITEM(like, 1);
    if (PyFloat_CheckExact(h) && dtype == (PyObject *)&PyFloat_Type) {
        return h;
    }
    PyArrayObject *a = (PyArrayObject *)h;
    if (PyArray_CheckExact(h) && PyArray_DescrCheck(dtype) &&
        same_dtype(PyArray_DESCR(a), (PyArray_Descr *)dtype) &&
        (PyArray_ISFLOAT(a) || PyArray_ISCOMPLEX(a))) {
        if (PyArray_NDIM(a) > 0 && has_shape(a, shape)) {
            return h;
        }
        PyObject *sum = unrepeated(a, shape);
        if (sum != NULL || PyErr_Occurred()) {
            Py_DECREF(h);
            return sum;
        }
    }
    PyObject *args[] = {NULL, h, like};
    PyObject *fit = PyObject_Vectorcall(known.fit, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(h);
    return fit;
}

/* --- Edges -------------------------------------------------------------------------------------- */

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
        if (contribute(table, target, (Cotangent){is_fit(fit) ? fitted(h, fit) : h, 0}) < 0) {
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
    if (entry->node == NULL || (PyObject *)Py_TYPE(entry->cotangent.value) != known.Fields) {
        return 0;
    }
    PyObject *parts = SLOT(entry->cotangent.value, known.fields_parts), *key = PyTuple_GET_ITEM(kept, 1);
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

/* Pulls a cotangent, of which there is more to come if this is not the last edge, through an edge. */
static int
pull_edge(Table *table, PyObject *edge, Cotangent *g, int last)
{
    if (!PyTuple_CheckExact(edge) || PyTuple_GET_SIZE(edge) != 4) {
        PyErr_SetString(PyExc_TypeError, "an edge of a tape is a tuple of four");
        return -1;
    }
    PyObject *target = PyTuple_GET_ITEM(edge, 0), *pull = PyTuple_GET_ITEM(edge, 1);
    PyObject *kept = PyTuple_GET_ITEM(edge, 2), *like = PyTuple_GET_ITEM(edge, 3);
    if (!PyTuple_CheckExact(kept) || (target == known.JOINT && !is_pair(like))) {
        PyErr_SetString(PyExc_TypeError, "an edge keeps a tuple, and a joint one fits to a pair");
        return -1;
    }
    if (like == known.STRUCTURAL) {
        g->made = 0;
        if (pull == known.view_rule && is_pair(kept)) {
            int joined = joins_fields(table, target, g->value, kept);
            if (joined != 0) {
                return joined < 0 ? -1 : 0;
            }
        }
        return contribute(table, target, (Cotangent){call_rule(pull, g->value, kept), 0});
    }
    PyObject *whole = dense(g->value);
    if (whole == NULL) {
        return -1;
    }
    Py_SETREF(g->value, whole); /* so that the other edges need not make it again */
    if (like == Py_None) {
        return contribute(table, target, pulled(pull, g, kept, last));
    }
    if (target != known.JOINT && !is_fit(like)) {
        PyErr_SetString(PyExc_TypeError, "an edge's last item is None, a mark, or a shape and a dtype");
        return -1;
    }
    g->made = 0;
    PyObject *h = call_rule(pull, whole, kept);
    if (target == known.JOINT) {
        int done = h == NULL ? -1 : contribute_all(table, h, like);
        Py_XDECREF(h);
        return done;
    }
    return contribute(table, target, (Cotangent){fitted(h, like), 0});
}

static int
pull_node(Table *table, PyObject *node)
{
    Cotangent g = table_take(table, node);
    int done = 0;
    if (g.value == NULL || g.value == Py_None) {
        Py_XDECREF(g.value);
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
    Py_XDECREF(g.value);
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
    if (known.merge == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "gradx has not told yet what it is made of");
        return NULL;
    }
    void *output = PyLong_AsVoidPtr(args[1]);
    if (output == NULL && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "no node has the identity 0");
    }
    PyObject *nodes = PyErr_Occurred() ? NULL : PyObject_GetIter(args[0]);
    if (nodes == NULL || table_put(&table, output, (Cotangent){Py_NewRef(args[2]), 0}) < 0) {
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
