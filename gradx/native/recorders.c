/* Recorders: the fast path that records an operation on plain numbers and arrays.

   gradx/reverse/recorders.py says the same in Python. Operands of other types go to the general
   functions of gradx: `apply`, `cotangent_spec` and `commit`. */

#include "recorders.h"
#include <structmember.h>

/* --- Operations --------------------------------------------------------------------------------- */

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

/* Whether it is 1 or 1.0, of Python's own types. */
static int
is_one(PyObject *x)
{
    int overflow;
    return PyFloat_CheckExact(x) ? PyFloat_AS_DOUBLE(x) == 1.0
                                 : PyLong_CheckExact(x) && PyLong_AsLongAndOverflow(x, &overflow) == 1;
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

/* The reflected method, `other op v`; `1 / v` keeps only its result for the backward sweep. */
static PyObject *
record_reflected(const Recorder *recorder, PyObject *v, PyObject *other)
{
    if (recorder->operator == DIVIDE && is_one(other) && PyArray_CheckExact(SLOT(v, known.v_value))) {
        return record_one((const Recorder *)known.one_over_recorder, v);
    }
    int constant = !goes_on(recorder, v, 'b') && is_on_host(SLOT(v, known.v_value)) ? is_constant(other) : 0;
    if (constant <= 0) {
        return constant < 0 ? NULL : applied_if_operand(recorder, other, v, other);
    }
    return with_constant(recorder, 1, v, other);
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
