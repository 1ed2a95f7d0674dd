/* Recorders: the fast path that records an operation on plain numbers and arrays.

   gradx/reverse/recorders.py says the same in Python. Operands of other types go to the general
   functions of gradx: `apply`, `cotangent_spec` and `commit`. */

#include "speedups.h"
#include <structmember.h>

enum { MOST_RESIDUALS = 6 };

/* The operators that are called directly, without Python's function. */
typedef enum { CALLED, ADD, SUBTRACT, MULTIPLY, DIVIDE, NEGATIVE, DOT } Operator;

typedef struct {
    PyObject *pull;
    int count;
    char residuals[MOST_RESIDUALS]; /* a, b and y are themselves, A, B and Y their shapes */
} Residuals;

typedef struct Recorder {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *op, *function;
    Operator operator;
    int broadcasts;
    Residuals rules[2];
} Recorder;

/* --- Results ------------------------------------------------------------------------------------ */

/* Appends a node and hands out its variable; takes over the references of the two. */
static PyObject *
committed(PyObject *run, PyObject *node, PyObject *y, PyObject *a, PyObject *b)
{
    PyObject *v = NULL;
    if (node == NULL || y == NULL) {
        goto end;
    }
    PyObject *nodes = nodes_of(run);
    if (is_plain_number_or_array(y) && nodes != NULL) {
        if (PyList_Append(nodes, node) < 0) {
            goto end;
        }
        return new_variable(run, node, y);
    }
    PyObject *args[] = {NULL, run, node, y, a, b};
    size_t count = b == NULL ? 4 : 5;
    v = PyObject_Vectorcall(known.commit, args + 1, count | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
end:
    Py_XDECREF(node);
    Py_XDECREF(y);
    return v;
}

/* The shape and dtype to cast a cotangent of x to; None if one like y fits. A new reference. */
static PyObject *
cotangent_spec(const Recorder *recorder, PyObject *x, PyObject *y)
{
    int broadcasts = recorder->broadcasts, is_of_one = recorder->rules[1].pull == NULL;
    if (PyFloat_CheckExact(y) && (is_of_one || PyFloat_CheckExact(x))) {
        return Py_NewRef(Py_None);
    }
    if (PyFloat_CheckExact(x)) {
        /* The result of a function of one number is repeated no more than it, and as real. */
        int fits = is_of_one && Py_TYPE(y) == &PyDoubleArrType_Type;
        return Py_NewRef(fits ? Py_None : known.number_spec);
    }
    if (PyArray_CheckExact(x)) {
        PyArrayObject *a = (PyArrayObject *)x;
        if (PyArray_CheckExact(y)) {
            if (same_dtype(PyArray_DESCR(a), PyArray_DESCR((PyArrayObject *)y)) &&
                (!broadcasts || same_shape(x, y))) {
                return Py_NewRef(Py_None);
            }
        }
        else if (Py_TYPE(y) == &PyDoubleArrType_Type && is_float64(PyArray_DESCR(a)) &&
                 (!broadcasts || PyArray_NDIM(a) == 0)) {
            return Py_NewRef(Py_None);
        }
    }
    else if (Py_TYPE(x) == &PyDoubleArrType_Type && Py_TYPE(y) == Py_TYPE(x)) {
        return Py_NewRef(Py_None);
    }
    PyObject *args[] = {NULL, x, y, broadcasts ? Py_True : Py_False};
    return PyObject_Vectorcall(known.cotangent_spec, args + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* Whether a variable, operand 'a' or 'b', goes the general way: its slots do not say what it is, or
   its run writes into what a rule would keep. */
static int
goes_on(const Recorder *recorder, PyObject *v, char operand)
{
    Standing standing = standing_of(v);
    const Residuals *rules = recorder->rules;
    return standing == ASK ||
           (standing == WRITTEN && (memchr(rules[0].residuals, operand, (size_t)rules[0].count) ||
                                    memchr(rules[1].residuals, operand, (size_t)rules[1].count)));
}

/* What of an operand a rule keeps: a tuple. `known_to_gc` is set if a cycle may go through it. */
static PyObject *
residuals_of(const Residuals *rule, PyObject *a, PyObject *b, PyObject *y, int *known_to_gc)
{
    PyObject *residuals = PyTuple_New(rule->count);
    int ignorable = 1;
    for (int k = 0; residuals != NULL && k < rule->count; k++) {
        char what = rule->residuals[k];
        PyObject *x = what == 'a' || what == 'A' ? a : what == 'b' || what == 'B' ? b : y;
        ignorable = ignorable && (what < 'a' || gc_can_ignore(x)); /* a shape is a tuple of numbers */
        x = what < 'a' ? shape_of(x) : Py_NewRef(x);
        if (x == NULL) {
            Py_CLEAR(residuals);
            break;
        }
        PyTuple_SET_ITEM(residuals, k, x);
    }
    if (residuals != NULL && ignorable) {
        PyObject_GC_UnTrack(residuals);
    }
    *known_to_gc |= !ignorable;
    return residuals;
}

/* Writes an edge into a node at a place: target, pull, residuals, spec, op. */
static int
put_edge(const Recorder *recorder, int i, PyObject *target, PyObject *const *aby, PyObject *node,
         Py_ssize_t at, int *known_to_gc)
{
    const Residuals *rule = &recorder->rules[i];
    PyObject *residuals = residuals_of(rule, aby[0], aby[1], aby[2], known_to_gc);
    PyObject *spec = residuals == NULL ? NULL : cotangent_spec(recorder, aby[i], aby[2]);
    if (spec == NULL) {
        Py_XDECREF(residuals);
        return -1;
    }
    *known_to_gc |= !gc_can_ignore(target) && (PyObject *)Py_TYPE(target) != known.InputNode;
    PyTuple_SET_ITEM(node, at, Py_NewRef(target));
    PyTuple_SET_ITEM(node, at + 1, Py_NewRef(rule->pull));
    PyTuple_SET_ITEM(node, at + 2, residuals);
    PyTuple_SET_ITEM(node, at + 3, spec);
    PyTuple_SET_ITEM(node, at + 4, Py_NewRef(recorder->op));
    return 0;
}

/* The node of an operation on a and b with the result y: an edge for each operand that has a target.
   The collector, which would go through a long tape again and again (see decision 0022), is told
   nothing of a node from which nothing it knows can be reached: by the rule that it has for tuples
   itself, but for the pull and the op, which are of gradx's tables. */
static PyObject *
node_of(const Recorder *recorder, PyObject *const *targets, PyObject *a, PyObject *b, PyObject *y)
{
    PyObject *aby[] = {a, b, y};
    PyObject *node = PyTuple_New(targets[0] != NULL && targets[1] != NULL ? 10 : 5);
    int known_to_gc = 0, at = 0;
    for (int i = 0; node != NULL && i < 2; i++) {
        if (targets[i] != NULL && put_edge(recorder, i, targets[i], aby, node, at, &known_to_gc) < 0) {
            Py_CLEAR(node);
        }
        at += targets[i] == NULL ? 0 : 5;
    }
    if (node != NULL && !known_to_gc) {
        PyObject_GC_UnTrack(node);
    }
    return node;
}

/* --- Operations --------------------------------------------------------------------------------- */

static PyObject *
applied(const Recorder *recorder, PyObject *a, PyObject *b)
{
    PyObject *operands = b == NULL ? PyTuple_Pack(1, a) : PyTuple_Pack(2, a, b);
    PyObject *y = operands == NULL
                      ? NULL
                      : PyObject_CallFunctionObjArgs(known.apply, recorder->op, operands, NULL);
    Py_XDECREF(operands);
    return y;
}

/* The general operation; NotImplemented if the op does not take the other operand. */
static PyObject *
applied_if_operand(const Recorder *recorder, PyObject *a, PyObject *b, PyObject *other)
{
    PyObject *v = other == b ? a : b;
    PyObject *is = PyObject_CallFunctionObjArgs(known.takes, v, other, recorder->op, NULL);
    int yes = is == NULL ? -1 : PyObject_IsTrue(is);
    Py_XDECREF(is);
    if (yes <= 0) {
        return yes < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    }
    return applied(recorder, a, b);
}

static PyObject *
forward(const Recorder *recorder, PyObject *a, PyObject *b)
{
    PyObject *args[] = {NULL, a, b};
    switch (recorder->operator) {
    case ADD: return PyNumber_Add(a, b);
    case SUBTRACT: return PyNumber_Subtract(a, b);
    case MULTIPLY: return PyNumber_Multiply(a, b);
    case DIVIDE: return PyNumber_TrueDivide(a, b);
    case DOT:
        if (PyArray_CheckExact(a) && PyArray_CheckExact(b)) { /* past NumPy's look for overrides */
            return PyArray_Return((PyArrayObject *)PyArray_MatrixProduct2(a, b, NULL));
        }
        break;
    default: break;
    }
    return PyObject_Vectorcall(recorder->function, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* Whether a plain operand needs no look-up; -1 for an error. */
static int
is_constant(PyObject *x)
{
    if (PyArray_CheckExact(x) && PyArray_TYPE((PyArrayObject *)x) == NPY_OBJECT) {
        return 0; /* there may be variables in it */
    }
    return is_plain_number_or_array(x) || PyLong_CheckExact(x) ? 1
                                                  : PySet_Contains(known.CONSTANTS, (PyObject *)Py_TYPE(x));
}

/* The value of a variable: a new reference, since the user's code may change the variable. */
typedef struct {
    PyObject *run, *node, *value;
} Held;

static inline Held
hold(PyObject *v)
{
    return (Held){Py_NewRef(SLOT(v, known.v_run)), Py_NewRef(SLOT(v, known.v_node)),
                  Py_NewRef(SLOT(v, known.v_value))};
}

static inline void
release(Held held)
{
    Py_DECREF(held.run);
    Py_DECREF(held.node);
    Py_DECREF(held.value);
}

static PyObject *
refuse(const Recorder *recorder)
{
    PyErr_Format(PyExc_TypeError, "the recorder of %R was given other operands than its own", recorder->op);
    return NULL;
}

static PyObject *
two_variables(const Recorder *recorder, PyObject *v, PyObject *w)
{
    if (!is_filled(w)) {
        return refuse(recorder);
    }
    if (SLOT(w, known.v_run) != SLOT(v, known.v_run) || !is_on_host(SLOT(v, known.v_value)) ||
        !is_on_host(SLOT(w, known.v_value))) {
        return applied(recorder, v, w);
    }
    Held one = hold(v), other = hold(w);
    PyObject *a = one.value, *b = other.value, *made = NULL;
    PyObject *y = forward(recorder, a, b);
    if (y != NULL) {
        PyObject *targets[] = {one.node, other.node};
        made = committed(one.run, node_of(recorder, targets, a, b, y), y, a, b);
    }
    release(one);
    release(other);
    return made;
}

/* The operation on one variable, the operand number i, and a plain operand. */
static PyObject *
with_constant(const Recorder *recorder, int i, PyObject *v, PyObject *constant)
{
    Held held = hold(v);
    PyObject *a = i == 0 ? held.value : constant, *b = i == 0 ? constant : held.value;
    PyObject *y = forward(recorder, a, b), *made = NULL;
    if (y != NULL) {
        PyObject *targets[] = {i == 0 ? held.node : NULL, i == 0 ? NULL : held.node};
        made = committed(held.run, node_of(recorder, targets, a, b, y), y, a, b);
    }
    release(held);
    return made;
}

/* The method of a binary operator, `v op other`. */
static PyObject *
record_forward(const Recorder *recorder, PyObject *v, PyObject *other)
{
    int ours = !goes_on(recorder, v, 'a');
    if (ours && is_variable(other)) {
        return goes_on(recorder, other, 'b') ? applied(recorder, v, other)
                                             : two_variables(recorder, v, other);
    }
    int constant = ours && is_on_host(SLOT(v, known.v_value)) ? is_constant(other) : 0;
    if (constant <= 0) {
        return constant < 0 ? NULL : applied_if_operand(recorder, v, other, other);
    }
    return with_constant(recorder, 0, v, other);
}

/* The reflected method, `other op v`. */
static PyObject *
record_reflected(const Recorder *recorder, PyObject *v, PyObject *other)
{
    int constant = !goes_on(recorder, v, 'b') && is_on_host(SLOT(v, known.v_value)) ? is_constant(other) : 0;
    if (constant <= 0) {
        return constant < 0 ? NULL : applied_if_operand(recorder, other, v, other);
    }
    return with_constant(recorder, 1, v, other);
}

/* A function of one operand, or an operator of one. */
static PyObject *
record_one(const Recorder *recorder, PyObject *v)
{
    if (goes_on(recorder, v, 'a') || !is_plain_number_or_array(SLOT(v, known.v_value))) {
        return applied(recorder, v, NULL);
    }
    Held held = hold(v);
    PyObject *x = held.value, *made = NULL;
    PyObject *y = recorder->operator == NEGATIVE ? PyNumber_Negative(x)
                                                 : PyObject_CallOneArg(recorder->function, x);
    if (y != NULL) {
        PyObject *targets[] = {held.node, NULL};
        made = committed(held.run, node_of(recorder, targets, x, x, y), y, x, NULL);
    }
    release(held);
    return made;
}

/* --- The type ----------------------------------------------------------------------------------- */

static int
is_variable_instance(PyObject *v)
{
    return PyObject_TypeCheck(v, (PyTypeObject *)known.BVar) && is_filled(v);
}

static PyObject *
call_forward(PyObject *self, PyObject *const *args, size_t count, PyObject *names)
{
    int ours = PyVectorcall_NARGS(count) == 2 && names == NULL && is_variable_instance(args[0]);
    return ours ? record_forward((Recorder *)self, args[0], args[1]) : refuse((Recorder *)self);
}

static PyObject *
call_reflected(PyObject *self, PyObject *const *args, size_t count, PyObject *names)
{
    int ours = PyVectorcall_NARGS(count) == 2 && names == NULL && is_variable_instance(args[0]);
    return ours ? record_reflected((Recorder *)self, args[0], args[1]) : refuse((Recorder *)self);
}

/* A ufunc of two operands, of which either may be the variable. */
static PyObject *
call_either(PyObject *self, PyObject *const *args, size_t count, PyObject *names)
{
    Recorder *recorder = (Recorder *)self;
    if (PyVectorcall_NARGS(count) != 2 || names != NULL) {
        return refuse(recorder);
    }
    if (is_variable(args[0])) {
        return is_filled(args[0]) ? record_forward(recorder, args[0], args[1]) : refuse(recorder);
    }
    if (is_variable(args[1])) {
        return is_filled(args[1]) ? record_reflected(recorder, args[1], args[0]) : refuse(recorder);
    }
    return Py_NewRef(Py_NotImplemented);
}

static PyObject *
call_one(PyObject *self, PyObject *const *args, size_t count, PyObject *names)
{
    int ours = PyVectorcall_NARGS(count) == 1 && names == NULL && is_variable_instance(args[0]);
    return ours ? record_one((Recorder *)self, args[0]) : refuse((Recorder *)self);
}

static PyObject *
bound(PyObject *self, PyObject *instance, PyObject *Py_UNUSED(type))
{
    return instance == NULL ? Py_NewRef(self) : PyMethod_New(self, instance);
}

/* Fills in a rule: its pull, and what it keeps as a string such as "aB". */
static int
set_rule(Residuals *rule, PyObject *pull, const char *residuals)
{
    size_t count = strlen(residuals);
    if (count > MOST_RESIDUALS || strspn(residuals, "abyABY") != count) {
        PyErr_Format(PyExc_ValueError, "a rule cannot keep %s", residuals);
        return -1;
    }
    rule->pull = Py_NewRef(pull);
    rule->count = (int)count;
    memcpy(rule->residuals, residuals, count);
    return 0;
}

static int
is_operator(PyObject *function, const char *module, const char *name)
{
    PyObject *where = PyImport_ImportModule(module);
    PyObject *its = where == NULL ? NULL : PyObject_GetAttrString(where, name);
    Py_XDECREF(where);
    Py_XDECREF(its);
    PyErr_Clear();
    return its != NULL && its == function;
}

static void
set_operator(Recorder *recorder)
{
    static const struct {
        const char *module, *name;
        Operator operator;
    } operators[] = {
        {"_operator", "add", ADD},         {"_operator", "sub", SUBTRACT},
        {"_operator", "mul", MULTIPLY},    {"_operator", "truediv", DIVIDE},
        {"_operator", "neg", NEGATIVE},    {"numpy", "dot", DOT},
    };
    recorder->operator = CALLED;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (is_operator(recorder->function, operators[i].module, operators[i].name)) {
            recorder->operator = operators[i].operator;
        }
    }
}

/* Recorder(form, op, forward, broadcasts, pull, residuals[, pull, residuals]) */
static PyObject *
recorder_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(names))
{
    const char *form, *residuals[2] = {"", ""};
    PyObject *op, *function, *pulls[2] = {NULL, NULL};
    int broadcasts;
    if (!PyArg_ParseTuple(args, "sOOpOs|Os", &form, &op, &function, &broadcasts, &pulls[0],
                          &residuals[0], &pulls[1], &residuals[1])) {
        return NULL;
    }
    vectorcallfunc call = strcmp(form, "forward") == 0     ? call_forward
                          : strcmp(form, "reflected") == 0 ? call_reflected
                          : strcmp(form, "either") == 0    ? call_either
                          : strcmp(form, "one") == 0       ? call_one
                                                           : NULL;
    if (call == NULL || (call != call_one) != (pulls[1] != NULL)) {
        PyErr_Format(PyExc_ValueError, "no recorder of the form %s with these rules", form);
        return NULL;
    }
    Recorder *recorder = (Recorder *)type->tp_alloc(type, 0);
    if (recorder == NULL) {
        return NULL;
    }
    recorder->call = call;
    recorder->op = Py_NewRef(op);
    recorder->function = Py_NewRef(function);
    recorder->broadcasts = broadcasts;
    set_operator(recorder);
    for (int i = 0; i < 2 && pulls[i] != NULL; i++) {
        if (set_rule(&recorder->rules[i], pulls[i], residuals[i]) < 0) {
            Py_DECREF(recorder);
            return NULL;
        }
    }
    return (PyObject *)recorder;
}

static void
recorder_dealloc(PyObject *self)
{
    Recorder *recorder = (Recorder *)self;
    Py_XDECREF(recorder->op);
    Py_XDECREF(recorder->function);
    Py_XDECREF(recorder->rules[0].pull);
    Py_XDECREF(recorder->rules[1].pull);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *
recorder_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<recorder of %R>", ((Recorder *)self)->op);
}

PyTypeObject RecorderType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "gradx.native._native.Recorder",
    .tp_doc = "A function or method that does an op on variables and writes its node.",
    .tp_basicsize = sizeof(Recorder),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_new = recorder_new,
    .tp_dealloc = recorder_dealloc,
    .tp_repr = recorder_repr,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(Recorder, call),
    .tp_descr_get = bound,
};
