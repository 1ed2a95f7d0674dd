/* The reverse sweep, `gradx.reverse.backward.sweep`, whose Python text says what it does and why.

   A cotangent that is a sum or a product which the sweep made itself, and has handed to nobody, is
   marked so in the table: more is added into it in place. */

#include "speedups.h"
#include "table.h"

/* --- Kernels ------------------------------------------------------------------------------------ */

static PyObject *
call_rule(PyObject *pull, PyObject *g, PyObject *residuals)
{
    PyObject *args[8];
    Py_ssize_t n = PyTuple_GET_SIZE(residuals);
    if (n < 7) {
        args[1] = g; /* the first place is the callee's, for a self */
        for (Py_ssize_t i = 0; i < n; i++) {
            args[i + 2] = PyTuple_GET_ITEM(residuals, i);
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
        PyTuple_SET_ITEM(all, i + 1, Py_NewRef(PyTuple_GET_ITEM(residuals, i)));
    }
    PyObject *h = PyObject_Call(pull, all, NULL);
    Py_DECREF(all);
    return h;
}

/* What a rule that the sweep does itself makes of a cotangent and a factor, which is NULL for a rule
   of none; NULL with no error set for any other rule. */
static PyObject *
pulled_here(PyObject *pull, PyObject *g, PyObject *x)
{
    if (x == NULL) {
        return pull == known.negated ? PyNumber_Negative(g) : NULL;
    }
    if (pull == known.multiplied) {
        PyObject *h = short_product(g, x);
        return h != NULL || PyErr_Occurred() ? h : PyNumber_Multiply(g, x);
    }
    if (pull == known.scaled || pull == known.factored) {
        return without_nan(PyNumber_Multiply, pull, g, x);
    }
    return pull == known.divided ? without_nan(PyNumber_TrueDivide, pull, g, x) : NULL;
}

/* What a rule makes of a dense cotangent. `made` is set if that is an array of the sweep's own, which
   no other code has seen. */
static PyObject *
pulled(PyObject *pull, PyObject *g, PyObject *residuals, Made *made)
{
    Py_ssize_t n = PyTuple_GET_SIZE(residuals);
    PyObject *x = n == 1 ? PyTuple_GET_ITEM(residuals, 0) : NULL;
    if (n == 0 && pull == known.passed) {
        return Py_NewRef(g);
    }
    PyObject *h = n > 1 ? NULL : pulled_here(pull, g, x);
    if (h == NULL) {
        return PyErr_Occurred() ? NULL : call_rule(pull, g, residuals);
    }
    int plain = is_plain_number_or_array(g) && (x == NULL || is_plain_number_or_array(x));
    *made = plain && PyArray_CheckExact(h) ? PRODUCT : NOT;
    return h;
}

/* A cotangent as a plain value: a new reference. */
static PyObject *
dense(PyObject *g)
{
    if (is_plain_number_or_array(g)) {
        return Py_NewRef(g);
    }
    return PyObject_CallOneArg(known.dense, g);
}

/* --- Sums --------------------------------------------------------------------------------------- */

/* Whether two arrays of one shape lie in the same order in memory, so that a sum of them does. */
static int
lie_alike(PyObject *a, PyObject *b)
{
    PyArrayObject *x = (PyArrayObject *)a, *y = (PyArrayObject *)b;
    return (PyArray_IS_C_CONTIGUOUS(x) && PyArray_IS_C_CONTIGUOUS(y)) ||
           (PyArray_IS_F_CONTIGUOUS(x) && PyArray_IS_F_CONTIGUOUS(y)) ||
           PyArray_CompareLists(PyArray_STRIDES(x), PyArray_STRIDES(y), PyArray_NDIM(x));
}

/* The sum of a cotangent known so far and one more. `made` says what the first is to the sweep, and is
   set to what the result is. Into a product it adds in place only where a new sum would lie in memory
   as the product does, so that a gradient lies there as it does without this code. */
static PyObject *
summed(PyObject *so_far, PyObject *h, Made *made)
{
    if (PyFloat_CheckExact(so_far) && PyFloat_CheckExact(h)) {
        return PyFloat_FromDouble(PyFloat_AS_DOUBLE(so_far) + PyFloat_AS_DOUBLE(h));
    }
    if (are_alike(so_far, h)) {
        int in_place = *made == SUM || (*made == PRODUCT && lie_alike(so_far, h));
        if (in_place && short_sum_in_place(so_far, NULL, h)) {
            *made = SUM;
            return Py_NewRef(so_far);
        }
        PyObject *sum = in_place ? NULL : short_sum(so_far, h);
        if (sum == NULL && !PyErr_Occurred()) {
            sum = in_place ? PyNumber_InPlaceAdd(so_far, h) : PyNumber_Add(so_far, h);
        }
        *made = sum != NULL && PyArray_CheckExact(sum) ? SUM : NOT; /* without axes it is a number */
        return sum;
    }
    PyObject *args[] = {NULL, so_far, h};
    *made = NOT;
    return PyObject_Vectorcall(known.merge, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* Adds a cotangent, whose reference is taken over, to that of a node. */
static int
contribute(Table *table, PyObject *target, PyObject *h, Made made)
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
        return table_put(table, target, h, made);
    }
    PyObject *so_far = entry->cotangent;
    entry->cotangent = NULL;
    PyObject *sum = summed(so_far, h, &entry->made);
    Py_DECREF(so_far);
    Py_DECREF(h);
    /* Code that was called may have swept other tapes, but not put anything into this table. */
    entry->cotangent = sum == NULL ? Py_NewRef(Py_None) : sum;
    return sum == NULL ? -1 : 0;
}

/* --- Fitting ------------------------------------------------------------------------------------ */

/* Whether it is a pair of a shape and a dtype. */
static int
is_fit(PyObject *spec)
{
    return PyTuple_CheckExact(spec) && PyTuple_GET_SIZE(spec) == 2 &&
           PyTuple_CheckExact(PyTuple_GET_ITEM(spec, 0));
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
fitted(PyObject *h, PyObject *spec)
{
    if (h == NULL || h == Py_None) {
        return h;
    }
    PyObject *shape = PyTuple_GET_ITEM(spec, 0), *dtype = PyTuple_GET_ITEM(spec, 1);
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
    PyObject *args[] = {NULL, h, spec};
    PyObject *fit = PyObject_Vectorcall(known.unbroadcast_and_cast, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(h);
    return fit;
}

/* --- Edges -------------------------------------------------------------------------------------- */

/* Adds the cotangents that one pull gave for several operands. */
static int
contribute_all(Table *table, PyObject *parts, PyObject *spec)
{
    PyObject *each[3] = {NULL, NULL, NULL};
    int done = -1;
    each[0] = PySequence_Tuple(parts); /* tuples, which do not change */
    each[1] = each[0] == NULL ? NULL : PySequence_Tuple(PyTuple_GET_ITEM(spec, 0));
    each[2] = each[1] == NULL ? NULL : PySequence_Tuple(PyTuple_GET_ITEM(spec, 1));
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
        if (contribute(table, target, is_fit(fit) ? fitted(h, fit) : h, NOT) < 0) {
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

static int
is_pair(PyObject *x)
{
    return PyTuple_CheckExact(x) && PyTuple_GET_SIZE(x) == 2;
}

/* Whether a number times a vector was added into what a node has already, where that is the sweep's
   own: the products of `x @ x` with itself, and of any vector in several of them. */
static int
added_in_place(Table *table, PyObject *target, PyObject *g, PyObject *residuals)
{
    Entry *entry = entry_of(table, target);
    if (entry->node == NULL || entry->made == NOT || PyTuple_GET_SIZE(residuals) != 1 ||
        !short_sum_in_place(entry->cotangent, g, PyTuple_GET_ITEM(residuals, 0))) {
        return 0;
    }
    entry->made = SUM;
    return 1;
}

/* Pulls a cotangent through an edge. Of a structured one it leaves the whole in its place. */
static int
pull_edge(Table *table, PyObject *const *edge, PyObject **g)
{
    PyObject *target = edge[0], *pull = edge[1], *residuals = edge[2], *spec = edge[3];
    if (!PyTuple_CheckExact(residuals) || (target == known.SHARED_PULLBACK && !is_pair(spec))) {
        PyErr_SetString(PyExc_TypeError, "an edge keeps a tuple, and a joint one fits to a pair");
        return -1;
    }
    if (spec == known.KEEPS_STRUCTURE) {
        return contribute(table, target, call_rule(pull, *g, residuals), NOT);
    }
    if (spec == Py_None && (PyObject *)Py_TYPE(*g) == known.Multiple) {
        PyObject *h = PyObject_CallMethod(*g, "through", "OO", pull, residuals);
        if (h != Py_None) {
            return contribute(table, target, h, NOT);
        }
        Py_DECREF(h);
    }
    PyObject *whole = dense(*g);
    if (whole == NULL) {
        return -1;
    }
    Py_SETREF(*g, whole); /* so that the other edges need not make it again */
    if (spec == Py_None) {
        if (pull == known.multiplied && added_in_place(table, target, whole, residuals)) {
            return 0;
        }
        Made made = NOT;
        PyObject *h = pulled(pull, whole, residuals, &made);
        return contribute(table, target, h, made);
    }
    if (target != known.SHARED_PULLBACK && !is_fit(spec)) {
        PyErr_SetString(PyExc_TypeError, "an edge fits to None, a mark, or a shape and a dtype");
        return -1;
    }
    PyObject *h = call_rule(pull, whole, residuals);
    if (target == known.SHARED_PULLBACK) {
        int done = h == NULL ? -1 : contribute_all(table, h, spec);
        Py_XDECREF(h);
        return done;
    }
    return contribute(table, target, fitted(h, spec), NOT);
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
    Py_ssize_t items = PyTuple_CheckExact(node) ? PyTuple_GET_SIZE(node) : 0;
    if (items > 0 && items % 5 == 0) {
        for (Py_ssize_t i = 0; done == 0 && i < items; i += 5) {
            done = pull_edge(table, &PyTuple_GET_ITEM(node, i), &g);
        }
    }
    else {
        PyErr_SetString(PyExc_TypeError, "a node of a tape is a tuple of edges of five items each");
        done = -1;
    }
    Py_XDECREF(g);
    return done;
}

/* sweep(nodes, cotangents): the cotangents of the inputs from those of the outputs, each by the
   identity of its node; the dict is emptied. */
PyObject *
sweep(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    Table table = {NULL, 0, 0};
    PyObject *result = NULL, *nodes = NULL, *node, *key, *seed;
    Py_ssize_t position = 0;
    unsigned swept = 0;
    if (count != 2 || !PyDict_CheckExact(args[1])) {
        PyErr_SetString(PyExc_TypeError, "sweep takes the nodes and a dict of cotangents");
        return NULL;
    }
    if (known.merge == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "internal error: native.use() was not called");
        return NULL;
    }
    if (table_grow(&table) < 0) {
        return NULL;
    }
    while (PyDict_Next(args[1], &position, &key, &seed)) {
        void *output = PyLong_AsVoidPtr(key);
        if (output == NULL && !PyErr_Occurred()) {
            PyErr_SetString(PyExc_ValueError, "no node has the identity 0");
        }
        if (PyErr_Occurred() || table_put(&table, output, Py_NewRef(seed), NOT) < 0) {
            goto end;
        }
    }
    PyDict_Clear(args[1]);
    nodes = PyObject_GetIter(args[0]);
    if (nodes == NULL) {
        goto end;
    }
    while ((node = PyIter_Next(nodes)) != NULL) {
        int done = pull_node(&table, node);
        Py_DECREF(node);
        /* A sweep may run no Python code at all, so signals are checked here; not at each node,
           since a check costs as much as a small node. */
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
