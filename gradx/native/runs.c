/* A run of a function, from its inputs to what came out: `Execution` in gradx/reverse/run.py, for runs
   that nobody watches and inputs of which nothing is to be known but their leaves; and its sweep. */

#include "speedups.h"

/* --- The tape and the inputs -------------------------------------------------------------------- */

static PyObject *
new_tape(PyObject *inputs, PyObject *names)
{
    PyTypeObject *type = (PyTypeObject *)known.Tape;
    PyObject *tape = type->tp_alloc(type, 0);
    if (tape == NULL) {
        return NULL;
    }
    SLOT(tape, known.tape_level) = PyObject_CallNoArgs(known.next_level);
    SLOT(tape, known.tape_nodes) = PyList_New(0);
    SLOT(tape, known.tape_placed) = Py_NewRef(Py_False);
    SLOT(tape, known.tape_capture) = Py_NewRef(Py_None);
    SLOT(tape, known.tape_inputs) = PyTuple_Pack(2, inputs, names);
    SLOT(tape, known.tape_raised) = Py_NewRef(Py_None);
    SLOT(tape, known.tape_kept) = PyList_New(0);
    SLOT(tape, known.tape_shared) = PyList_New(0);
    if (PyErr_Occurred() || PyList_Append(SLOT(tape, known.tape_nodes), Py_None) < 0) {
        Py_CLEAR(tape);
    }
    return tape;
}

/* The variable of a leaf, of the run and with the list of nodes that are bound to it. */
static PyObject *
leaf_of_run(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2) {
        return wrong_arguments("leaf_of_run");
    }
    PyObject *run = PyTuple_GET_ITEM(self, 0), *nodes = PyTuple_GET_ITEM(self, 1);
    PyObject *all[] = {run, nodes, known.lifted_in_general, args[0], args[1]};
    return lifted(NULL, all, 5);
}

static PyMethodDef leaf_method = {
    "leaf_of_run", (PyCFunction)(void (*)(void))leaf_of_run, METH_FASTCALL, NULL,
};

/* The inputs with variables for their leaves: a list; None if a function is among them, which may have to
   be bound to a part of them. `lifting` is set to what knows the copies of objects that stand at several
   paths or carry something, NULL where there are none. */
static PyObject *
lifted_or_none(PyObject *tape, PyObject *leaves, PyObject *inputs, PyObject *names, PyObject **lifting)
{
    PyObject *bound = PyTuple_Pack(2, tape, leaves);
    PyObject *leaf = bound == NULL ? NULL : PyCFunction_New(&leaf_method, bound);
    PyObject *noted = leaf == NULL ? NULL : PyList_New(0), *apart = NULL, *result = NULL;
    if (noted != NULL) {
        PyObject *args[] = {inputs, names, leaf, known.no_function, noted};
        result = lifted_inputs(NULL, args, 5);
    }
    if (result != NULL) {
        apart = unshared(NULL, noted);
        if (apart == Py_False) {
            PyObject *args[] = {NULL, leaf, inputs, names, noted};
            *lifting = PyObject_Vectorcall(known.lifting_of, args + 1, 4 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
        }
        if (apart == NULL || (apart == Py_False && *lifting == NULL)) {
            Py_CLEAR(result);
        }
    }
    else if (PyErr_ExceptionMatches(known.FunctionMetError) || PyErr_ExceptionMatches(known.ObjectArrayMetError)) {
        PyErr_Clear();
        result = Py_NewRef(Py_None);
    }
    Py_XDECREF(bound);
    Py_XDECREF(leaf);
    Py_XDECREF(noted);
    Py_XDECREF(apart);
    return result;
}

/* --- The result and the end --------------------------------------------------------------------- */

/* Puts something into a slot of an execution; takes it over. */
static int
fill(PyObject *execution, Py_ssize_t slot, PyObject *x)
{
    Py_XSETREF(SLOT(execution, slot), x);
    return x == NULL ? -1 : 0;
}

static PyObject *
list_of_one(PyObject *x)
{
    PyObject *list = x == NULL ? NULL : PyList_New(1);
    if (list == NULL) {
        Py_XDECREF(x);
        return NULL;
    }
    PyList_SET_ITEM(list, 0, x);
    return list;
}

/* Keeps of a result its value, and of each leaf what it is of the run. */
static int
keep_result(PyObject *execution, PyObject *tape, PyObject *result)
{
    PyObject *type = (PyObject *)Py_TYPE(result);
    int of_one = type == known.NumberVar || type == known.ScalarVar || type == known.ArrayVar;
    if (of_one && is_filled(result) && SLOT(result, known.v_run) == tape &&
        is_plain_number_or_array(SLOT(result, known.v_value))) {
        PyObject *y = Py_NewRef(SLOT(result, known.v_value));
        PyObject *output = PyLong_FromVoidPtr(SLOT(result, known.v_node)); /* as id() gives it */
        int failed = fill(execution, known.x_outputs, list_of_one(output)) < 0 ||
                     fill(execution, known.x_primals, list_of_one(Py_NewRef(y))) < 0;
        fill(execution, known.x_value, y);
        return -failed;
    }
    PyObject *args[] = {NULL, execution, result};
    PyObject *done = PyObject_Vectorcall(known.take_apart, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* Ends the recording: the nodes, which are handed over. An error that is set stays. */
static PyObject *
nodes_at_end(PyObject *tape)
{
    PyObject *nodes = SLOT(tape, known.tape_nodes), *shared = SLOT(tape, known.tape_shared);
    if (SLOT(tape, known.tape_raised) == Py_None && nodes != NULL && PyList_CheckExact(nodes) &&
        shared != NULL && PyList_CheckExact(shared) && PyList_GET_SIZE(shared) == 0) {
        SLOT(tape, known.tape_nodes) = Py_NewRef(Py_None);
        return nodes;
    }
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    nodes = PyObject_CallOneArg(known.close, tape);
    if (type != NULL) {
        PyErr_Restore(type, error, traceback); /* which is the first */
    }
    return nodes;
}

/* Raises if the run changed an object that stands at several paths, which is then the reason for an error. */
static int
check_aliases(PyObject *lifting)
{
    PyObject *type, *error, *traceback;
    if (lifting == NULL || (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception))) {
        return PyErr_Occurred() ? -1 : 0;
    }
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *checked = PyObject_CallMethod(lifting, "check_aliases", NULL);
    if (checked != NULL) {
        Py_DECREF(checked);
        PyErr_Restore(type, error, traceback);
        return type == NULL ? 0 : -1;
    }
    if (type != NULL) { /* what the change led to */
        raise_in_context_of(type, error, traceback);
    }
    return -1;
}

/* Has Python say more of the error that is set, or which one to raise instead. */
static void
explain(void)
{
    if (!PyErr_ExceptionMatches(known.NOTED)) {
        return;
    }
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(error, traceback);
    }
    PyObject *args[] = {NULL, error, traceback == NULL ? Py_None : traceback};
    PyObject *other = PyObject_Vectorcall(known.explained, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    if (other == NULL) { /* one that the explanation raised is the one */
        raise_in_context_of(type, error, traceback);
        return;
    }
    if (other == Py_None) {
        Py_DECREF(other);
        PyErr_Restore(type, error, traceback);
        return;
    }
    PyException_SetContext(other, Py_NewRef(error));
    PyException_SetCause(other, error);
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(other)), other, NULL);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
}

/* The run of a function on lifted inputs, the tape of which is closed. */
static PyObject *
run_on(PyObject *call, PyObject *lifted, PyObject *lifting, PyObject *tape, PyObject *leaves, PyObject *inputs,
       PyObject *names)
{
    PyTypeObject *type = (PyTypeObject *)known.Execution;
    PyObject *execution = type->tp_alloc(type, 0), *result = NULL;
    if (execution == NULL) {
        return NULL;
    }
    SLOT(execution, known.x_inputs) = Py_NewRef(inputs);
    SLOT(execution, known.x_names) = Py_NewRef(names);
    SLOT(execution, known.x_aux) = Py_NewRef(Py_None);
    SLOT(execution, known.x_tape) = Py_NewRef(tape);
    SLOT(execution, known.x_leaves) = Py_NewRef(leaves);
    result = PyObject_Vectorcall(call, &PyList_GET_ITEM(lifted, 0), (size_t)PyList_GET_SIZE(lifted), NULL);
    int failed = result == NULL || keep_result(execution, tape, result) < 0;
    failed = check_aliases(lifting) < 0 || failed;
    if (fill(execution, known.x_nodes, nodes_at_end(tape)) < 0 || failed) {
        Py_CLEAR(execution);
    }
    Py_XDECREF(result);
    return execution;
}

/* executed(call, inputs, names): the finished run of a function; None, with nothing done but calls of
   the functions of types, for what is left to Python. */
PyObject *
executed(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || known.Execution == NULL || known.Tape == NULL || known.lifting_of == NULL) {
        return wrong_arguments("executed");
    }
    PyObject *watch = NULL;
    if (PyContextVar_Get(known.WATCH, Py_None, &watch) < 0) {
        return NULL;
    }
    Py_DECREF(watch);
    if (watch != Py_None) {
        return Py_NewRef(Py_None);
    }
    PyObject *tape = new_tape(args[1], args[2]);
    PyObject *leaves = tape == NULL ? NULL : PyList_New(0);
    PyObject *lifting = NULL, *lifted = NULL, *execution = NULL;
    if (leaves != NULL) {
        lifted = lifted_or_none(tape, leaves, args[1], args[2], &lifting);
    }
    if (lifted == Py_None) {
        execution = Py_NewRef(Py_None);
    }
    else if (lifted != NULL) {
        execution = run_on(args[0], lifted, lifting, tape, leaves, args[1], args[2]);
    }
    if (execution == NULL) {
        explain();
    }
    Py_XDECREF(tape);
    Py_XDECREF(leaves);
    Py_XDECREF(lifted);
    Py_XDECREF(lifting);
    return execution;
}

/* --- The sweep ---------------------------------------------------------------------------------- */

/* The seeds by the identity of the output that each belongs to: a dict; None where two have the same. */
static PyObject *
seeds_by_output(PyObject *outputs, PyObject *seeds)
{
    PyObject *known_of = PyDict_New();
    Py_ssize_t taken = 0;
    for (Py_ssize_t i = 0; known_of != NULL && i < PyList_GET_SIZE(outputs); i++) {
        PyObject *output = PyList_GET_ITEM(outputs, i);
        if (output == Py_None) {
            continue;
        }
        int again = taken >= PyList_GET_SIZE(seeds) || !PyLong_CheckExact(output);
        again = again ? 1 : PyDict_Contains(known_of, output);
        if (again != 0) {
            Py_SETREF(known_of, again < 0 ? NULL : Py_NewRef(Py_None));
            return known_of;
        }
        if (PyDict_SetItem(known_of, output, PyList_GET_ITEM(seeds, taken++)) < 0) {
            Py_CLEAR(known_of);
        }
    }
    return known_of;
}

/* The cotangents of the inputs' leaves, in order, which are taken out of the dict. */
static PyObject *
of_leaves(PyObject *known_of, PyObject *leaves)
{
    Py_ssize_t n = PyList_GET_SIZE(leaves);
    PyObject *cotangents = PyList_New(n);
    for (Py_ssize_t i = 0; cotangents != NULL && i < n; i++) {
        PyObject *key = PyLong_FromVoidPtr(PyList_GET_ITEM(leaves, i));
        PyObject *g = key == NULL ? NULL : PyDict_GetItemWithError(known_of, key);
        Py_XINCREF(g);
        if (key == NULL || PyErr_Occurred() || (g != NULL && PyDict_DelItem(known_of, key) < 0)) {
            Py_XDECREF(g);
            Py_CLEAR(cotangents);
        }
        else {
            PyList_SET_ITEM(cotangents, i, g == NULL ? Py_NewRef(Py_None) : g);
        }
        Py_XDECREF(key);
    }
    return cotangents;
}

/* Whether the slots of an execution hold what is gone by here. */
static int
is_in_order(PyObject *execution)
{
    PyObject *tape = SLOT(execution, known.x_tape), *outputs = SLOT(execution, known.x_outputs);
    PyObject *leaves = SLOT(execution, known.x_leaves);
    return tape != NULL && (PyObject *)Py_TYPE(tape) == known.Tape && SLOT(tape, known.tape_placed) == Py_False &&
           outputs != NULL && PyList_CheckExact(outputs) && leaves != NULL && PyList_CheckExact(leaves);
}

/* cotangents(execution, nodes, seeds): those of the inputs' leaves, a list, from those of the result's,
   which are used up; None, with nothing done, for a run that is left to Python. */
PyObject *
cotangents(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || (PyObject *)Py_TYPE(args[0]) != known.Execution || !PyList_CheckExact(args[2]) ||
        known.merge == NULL) {
        return wrong_arguments("cotangents");
    }
    PyObject *execution = args[0], *seeds = args[2], *found = NULL;
    if (!is_in_order(execution)) {
        return Py_NewRef(Py_None);
    }
    PyObject *known_of = seeds_by_output(SLOT(execution, known.x_outputs), seeds);
    if (known_of == NULL || known_of == Py_None) {
        return known_of;
    }
    if (PyList_SetSlice(seeds, 0, PyList_GET_SIZE(seeds), NULL) == 0) { /* so that each is let go of */
        if (PyDict_GET_SIZE(known_of) > 0) {
            PyObject *sweeping[] = {args[1], known_of};
            Py_SETREF(known_of, sweep(NULL, sweeping, 2));
        }
        found = known_of == NULL ? NULL : of_leaves(known_of, SLOT(execution, known.x_leaves));
    }
    Py_XDECREF(known_of);
    return found;
}
