/* The walk through a value: `map_leaves` of gradx/values/leaves.py, which says what is done.

   Lists, tuples, dicts and records with a layout (layout.c) are taken apart and made here, all other
   values by the functions of their types. It does not recurse: what it is inside of stands in frames. */

#include "speedups.h"
#include "identities.h"
#include "layout.h"

typedef struct {
    PyObject *x, *spec; /* the container and the entry of its type */
    PyObject *keys;     /* of its parts; NULL where the index or the dict says it */
    PyObject *key;      /* borrowed from a dict: that of the part that is worked on */
    PyObject *new;      /* a list or dict of the parts, which the new ones replace; a tuple of the new */
    Layout *layout;     /* of a record that it has read; NULL for any other container */
    Py_ssize_t next, count;
} Frame;

#define CACHED 16 /* types, a power of two */

typedef struct {
    PyObject *leaf, *root, *fixed, *met, *noted; /* as in Python, NULL for none; `fixed` is `static` */
    PyObject *found;                             /* gets the leaves, and nothing is made; NULL for none */
    int own, atoms;
    Frame *frames, few[16];
    Py_ssize_t depth, room, checked; /* `checked`: the depth at which to look for a cycle next */
    unsigned visited;
    struct {
        PyTypeObject *type;
        PyObject *entry;
    } cache[CACHED];
} Walk;

/* --- Paths, for errors -------------------------------------------------------------------------- */

static PyObject *
key_of(const Frame *frame)
{
    if (frame->keys != NULL) {
        return PySequence_GetItem(frame->keys, frame->next - 1);
    }
    return frame->key != NULL ? Py_NewRef(frame->key) : PyLong_FromSsize_t(frame->next - 1);
}

/* What Python's functions make a path of: a list of entries of types, each with a key. */
static PyObject *
way_of(const Walk *walk)
{
    PyObject *way = PyList_New(walk->depth);
    for (Py_ssize_t i = 0; way != NULL && i < walk->depth; i++) {
        PyObject *key = key_of(&walk->frames[i]);
        PyObject *step = key == NULL ? NULL : PyTuple_Pack(2, walk->frames[i].spec, key);
        Py_XDECREF(key);
        if (step == NULL) {
            Py_CLEAR(way);
        }
        else {
            PyList_SET_ITEM(way, i, step);
        }
    }
    return way;
}

/* What a function of Python's gives for an object and the way to it. */
static PyObject *
told(const Walk *walk, PyObject *function, PyObject *about)
{
    PyObject *way = way_of(walk);
    PyObject *told = way == NULL ? NULL : PyObject_CallFunctionObjArgs(function, about, walk->root, way, NULL);
    Py_XDECREF(way);
    return told;
}

static Frame *
raise_cycle(const Walk *walk, PyObject *x)
{
    PyObject *chain = PyList_New(0);
    for (Py_ssize_t i = 0; chain != NULL && i < walk->depth; i++) {
        if (PyList_Append(chain, walk->frames[i].x) < 0) {
            Py_CLEAR(chain);
        }
    }
    if (chain != NULL && PyList_Append(chain, x) == 0) {
        Py_XDECREF(told(walk, known.cycle_along, chain));
    }
    Py_XDECREF(chain);
    return NULL;
}

/* The error that is set, which is cleared: a new reference. */
static PyObject *
taken_error(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return error;
#endif
}

/* The error of a container that cannot be made gets its path, if it is one of gradx's for that. */
static void
add_path(const Walk *walk)
{
    if (PyErr_ExceptionMatches(known.NotDifferentiableError) ||
        PyErr_ExceptionMatches(known.UnregisteredTypeError)) {
        PyObject *error = taken_error();
        Py_XDECREF(told(walk, known.error_at, error));
        Py_DECREF(error);
    }
}

/* --- Types -------------------------------------------------------------------------------------- */

/* The entry of the class of a value: a new reference. */
static PyObject *
looked_up(const Walk *walk, PyObject *x)
{
    PyObject *entry = entry_of_class((PyObject *)Py_TYPE(x));
    if (entry == Py_None) {
        Py_SETREF(entry, told(walk, known.value_type_at, x)); /* which raises, with the path */
    }
    return entry;
}

static int
is_real_array(PyObject *x)
{
    return PyArray_CheckExact(x) && PyArray_ISFLOAT((PyArrayObject *)x);
}

/* What is known of the type of a value: a new reference. */
static PyObject *
spec_of(Walk *walk, PyObject *x)
{
    PyTypeObject *type = Py_TYPE(x);
    size_t i = ((size_t)type >> 4 ^ (size_t)type >> 9) & (CACHED - 1);
    PyObject *entry = walk->cache[i].entry;
    if (walk->cache[i].type != type) {
        entry = looked_up(walk, x);
        if (entry == NULL) {
            return NULL;
        }
        PyTypeObject *before = walk->cache[i].type;
        PyObject *its = walk->cache[i].entry;
        walk->cache[i].type = (PyTypeObject *)Py_NewRef(type);
        walk->cache[i].entry = entry;
        Py_XDECREF(before);
        Py_XDECREF(its);
    }
    if ((PyObject *)Py_TYPE(entry) == known.ValueType) {
        return Py_NewRef(entry);
    }
    if (entry == known.ndarray_entry && is_real_array(x)) {
        return Py_NewRef(known.ARRAY);
    }
    Py_INCREF(entry);
    PyObject *spec = PyObject_CallOneArg(entry, x); /* it goes by the value */
    Py_DECREF(entry);
    if (spec == NULL && PyErr_ExceptionMatches(known.NotDifferentiableError)) {
        PyErr_Clear();
        spec = told(walk, known.value_type_at, x); /* which raises it with the path */
    }
    if (spec != NULL && (PyObject *)Py_TYPE(spec) != known.ValueType) {
        PyErr_Format(PyExc_TypeError, "the entry of a type gave %R and not a ValueType", spec);
        Py_CLEAR(spec);
    }
    return spec;
}

/* --- Containers --------------------------------------------------------------------------------- */

/* Whether a value is one of those that it is in, or one of these is in itself; -1 with an error. */
static int
is_in_itself(const Walk *walk, PyObject *x)
{
    Identities met;
    identities_begin(&met);
    int again = identities_add(&met, x);
    for (Py_ssize_t i = 0; again == 0 && i < walk->depth; i++) {
        again = identities_add(&met, walk->frames[i].x);
    }
    identities_end(&met);
    return again;
}

/* A frame more; NULL with an error. All that a value is in is looked at only where the walk gets to a
   depth for the first time that is a power of two: in a value that contains itself it gets to any. The
   value that is the first there need not be of the circle itself. */
static Frame *
push(Walk *walk, PyObject *x)
{
    if (walk->depth == walk->checked) {
        int again = is_in_itself(walk, x);
        if (again != 0) {
            return again < 0 ? NULL : raise_cycle(walk, x);
        }
        walk->checked *= 2;
    }
    if (walk->depth == walk->room) {
        size_t size = 2 * walk->room * sizeof(Frame);
        Frame *frames = walk->frames == walk->few ? PyMem_Malloc(size) : PyMem_Realloc(walk->frames, size);
        if (frames == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        if (walk->frames == walk->few) {
            memcpy(frames, walk->few, sizeof walk->few);
        }
        walk->frames = frames;
        walk->room *= 2;
    }
    Frame *frame = &walk->frames[walk->depth];
    memset(frame, 0, sizeof *frame);
    return frame;
}

/* Takes the parts of a value of any type by Python's functions. */
static int
take_apart(Frame *frame, PyObject *x, PyObject *parts)
{
    PyObject *args[] = {NULL, x, frame->spec};
    PyObject *pair = parts != Py_None
                         ? PyObject_CallOneArg(parts, x)
                         : PyObject_Vectorcall(known.taken_apart, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    if (pair != NULL && (!PyTuple_CheckExact(pair) || PyTuple_GET_SIZE(pair) != 2)) {
        PyErr_SetString(PyExc_TypeError, "a value is taken apart into a pair of its keys and its parts");
        Py_CLEAR(pair);
    }
    if (pair == NULL) {
        return -1;
    }
    frame->keys = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
    frame->new = PySequence_List(PyTuple_GET_ITEM(pair, 1));
    Py_DECREF(pair);
    return frame->new == NULL ? -1 : 0;
}

/* Whether the keys of a dict are such that each is found again whatever user code does: the hash of
   others may have changed since they were put in. */
static int
has_lasting_keys(PyObject *dict)
{
    PyObject *key, *part;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict, &position, &key, &part)) {
        if (!PyUnicode_CheckExact(key) && !PyLong_CheckExact(key)) {
            return 0;
        }
    }
    return 1;
}

/* Opens a container. */
static int
open_frame(Walk *walk, PyObject *x, PyObject *spec)
{
    Frame *frame = push(walk, x);
    if (frame == NULL) {
        return -1;
    }
    frame->x = Py_NewRef(x);
    frame->spec = Py_NewRef(spec);
    walk->depth++;
    if (spec == known.LIST && PyList_CheckExact(x)) {
        frame->count = PyList_GET_SIZE(x);
        frame->new = PyList_GetSlice(x, 0, frame->count);
    }
    else if (spec == known.TUPLE && PyTuple_CheckExact(x)) {
        frame->count = PyTuple_GET_SIZE(x);
        frame->new = PyTuple_New(frame->count);
    }
    else if (spec == known.DICT && PyDict_CheckExact(x) && has_lasting_keys(x)) {
        frame->new = dict_copy(x);
    }
    else {
        PyObject *parts = SLOT(spec, known.type_parts);
        Layout *layout = layout_of_entry(spec);
        int read = layout == NULL ? 0 : read_fields(layout, x, &frame->keys, &frame->new);
        if (read < 0 || (read == 0 && take_apart(frame, x, layout == NULL ? parts : layout->parts) < 0)) {
            return -1;
        }
        frame->layout = read ? layout : NULL;
        frame->count = PyList_GET_SIZE(frame->new);
    }
    return frame->new == NULL ? -1 : 0;
}

/* The next part of a container: a new reference, or NULL, with an error or without. */
static PyObject *
next_part(Frame *frame)
{
    if (PyDict_CheckExact(frame->new)) {
        PyObject *part;
        return PyDict_Next(frame->new, &frame->next, &frame->key, &part) ? Py_NewRef(part) : NULL;
    }
    if (frame->next >= frame->count) {
        return NULL;
    }
    Py_ssize_t i = frame->next++;
    return Py_NewRef(PyTuple_CheckExact(frame->new) ? PyTuple_GET_ITEM(frame->x, i)
                                                    : PyList_GET_ITEM(frame->new, i));
}

/* Puts the new part in its place; takes it over. */
static int
put(Frame *frame, PyObject *part)
{
    if (PyDict_CheckExact(frame->new)) {
        int failed = PyDict_SetItem(frame->new, frame->key, part);
        Py_DECREF(part);
        return failed;
    }
    if (PyTuple_CheckExact(frame->new)) {
        PyTuple_SET_ITEM(frame->new, frame->next - 1, part);
        return 0;
    }
    return PyList_SetItem(frame->new, frame->next - 1, part);
}

static void
drop(Frame *frame)
{
    Py_XDECREF(frame->x);
    Py_XDECREF(frame->spec);
    Py_XDECREF(frame->keys);
    Py_XDECREF(frame->new);
}

/* The new container of a frame, whose parts are all there: a new reference. */
static PyObject *
made(const Frame *frame)
{
    if (frame->layout != NULL && !is_watched(frame->x)) {
        return with_fields(frame->layout, frame->x, frame->keys, frame->new);
    }
    if (frame->keys == NULL) {
        return Py_NewRef(frame->new);
    }
    PyObject *args[] = {NULL, frame->x, frame->keys, frame->new};
    PyObject *rebuild = SLOT(frame->spec, known.type_rebuild);
    return PyObject_Vectorcall(rebuild, args + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

/* Ends the container that is worked on: a new reference to what takes its place. */
static PyObject *
close_frame(Walk *walk)
{
    Frame frame = walk->frames[--walk->depth];
    PyObject *new = walk->found != NULL ? Py_NewRef(Py_None) : made(&frame);
    if (new == NULL) {
        add_path(walk);
    }
    else if (walk->met != NULL) {
        PyObject *args[] = {NULL, frame.x, new};
        Py_SETREF(new, PyObject_Vectorcall(walk->met, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL));
    }
    if (new != NULL && walk->noted != NULL &&
        (PyList_Append(walk->noted, frame.x) < 0 || PyList_Append(walk->noted, new) < 0)) {
        Py_CLEAR(new);
    }
    drop(&frame);
    return new;
}

/* --- The walk ----------------------------------------------------------------------------------- */

/* Whether it is None, a truth value or text, which nobody can change. */
static int
is_atom(PyObject *x)
{
    return x == Py_None || PyBool_Check(x) || PyUnicode_CheckExact(x) || PyBytes_CheckExact(x);
}

/* Works on one value: 1 if it is a container, which is opened, 0 if the result is there. */
static int
visit(Walk *walk, PyObject *x, PyObject **result)
{
    if (++walk->visited % 1024 == 0 && PyErr_CheckSignals() < 0) { /* no Python code may run here */
        return -1;
    }
    PyObject *spec = spec_of(walk, x);
    if (spec == NULL) {
        return -1;
    }
    int outcome = 0;
    if (SLOT(spec, known.type_children) != Py_None &&
        (walk->own || SLOT(spec, known.type_zero) == Py_None)) {
        outcome = open_frame(walk, x, spec) < 0 ? -1 : 1;
    }
    else {
        int fixed = SLOT(spec, known.type_static) == Py_True;
        PyObject *function = !fixed ? walk->leaf : walk->atoms || !is_atom(x) ? walk->fixed : NULL;
        PyObject *args[] = {NULL, x, spec};
        int noted = walk->found == NULL || fixed ? 0 : PyList_Append(walk->found, x);
        *result = noted < 0 ? NULL
                  : function == NULL
                      ? Py_NewRef(x)
                      : PyObject_Vectorcall(function, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
        outcome = *result == NULL ? -1 : 0;
    }
    Py_DECREF(spec);
    return outcome;
}

static PyObject *
walked(Walk *walk, PyObject *value)
{
    PyObject *x = Py_NewRef(value), *result = NULL;
    for (;;) {
        int opened = visit(walk, x, &result);
        Py_DECREF(x);
        if (opened < 0) {
            return NULL;
        }
        for (;;) {
            if (!opened && (walk->depth == 0 || put(&walk->frames[walk->depth - 1], result) < 0)) {
                return walk->depth == 0 ? result : NULL;
            }
            x = next_part(&walk->frames[walk->depth - 1]);
            if (x != NULL) {
                break;
            }
            opened = 0;
            result = PyErr_Occurred() ? NULL : close_frame(walk);
            if (result == NULL) {
                return NULL;
            }
        }
    }
}

/* The whole walk, whose options are set. */
static PyObject *
done(Walk *walk, PyObject *value)
{
    walk->frames = walk->few;
    walk->checked = 8; /* few values are so deep */
    walk->room = sizeof walk->few / sizeof *walk->few;
    PyObject *result = walked(walk, value);
    while (walk->depth > 0) {
        drop(&walk->frames[--walk->depth]);
    }
    if (walk->frames != walk->few) {
        PyMem_Free(walk->frames);
    }
    for (size_t i = 0; i < CACHED; i++) {
        Py_XDECREF(walk->cache[i].type);
        Py_XDECREF(walk->cache[i].entry);
    }
    return result;
}

static PyObject *
unless_none(PyObject *x)
{
    return x == Py_None ? NULL : x;
}

/* map_leaves(value, leaf, root, static, own, met, noted, atoms): as in gradx.values.leaves. */
PyObject *
map_leaves(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t count)
{
    if (count != 8 || known.LIST == NULL || known.cycle_along == NULL ||
        !(args[6] == Py_None || PyList_CheckExact(args[6]))) {
        PyErr_SetString(PyExc_TypeError, "internal error: map_leaves was given other arguments than its own");
        return NULL;
    }
    Walk walk = {.leaf = args[1], .root = args[2], .fixed = unless_none(args[3])};
    walk.own = args[4] == Py_True;
    walk.met = unless_none(args[5]);
    walk.noted = unless_none(args[6]);
    walk.atoms = args[7] == Py_True;
    return done(&walk, args[0]);
}

/* leaves_of(value): as in gradx.values.operations. */
PyObject *
leaves_of(PyObject *Py_UNUSED(module), PyObject *value)
{
    PyObject *root = PyUnicode_FromString("value");
    Walk walk = {.root = root, .found = PyList_New(0)};
    PyObject *result = root == NULL || walk.found == NULL ? NULL : done(&walk, value);
    if (result == NULL) {
        Py_CLEAR(walk.found);
    }
    Py_XDECREF(result);
    Py_XDECREF(root);
    return walk.found;
}
