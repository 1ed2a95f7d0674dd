/* gradx.native._native: what gradx does for every operation, done in C.

   A step through a value (walk.c), lifting a leaf (leaves.c), opening and ending a run (runs.c),
   recording an operation (recorders.c, user_ops.c), NumPy's calls of it (protocols.c) and the reverse
   sweep (sweep.c) are a few comparisons, two tuples and a list entry each: in Python that takes longer
   than the arithmetic of a hundred numbers. Here the same is done with the same tuples on the same tape.
   The code knows no derivative, only how to pass, negate, multiply and divide a cotangent
   (gradx/core/linear.py, gradx/ops/scaling.py), and makes no decision: values that are not plain
   numbers or arrays go to the Python code.

   gradx works without this module. GRADX_SPEEDUPS=0 leaves it out. */

#define GRADX_SPEEDUPS_MODULE
#include "speedups.h"
#include "layout.h"
#include <structmember.h>

#ifndef GRADX_SOURCE
#define GRADX_SOURCE 0UL /* compiled by hand: it fits no sources, and is not used */
#endif

Known known;

static const struct {
    const char *name;
    size_t offset;
} names[] = {
#define GRADX_PLACE(name) {#name, offsetof(Known, name)},
    GRADX_NAMES(GRADX_PLACE)
#undef GRADX_PLACE
};

/* Where instances of a class have one of its slots; -1 with an error if it has no such slot. */
static Py_ssize_t
offset_of(PyObject *cls, const char *name)
{
    PyObject *slot = PyType_Check(cls) ? PyObject_GetAttrString(cls, name) : NULL;
    Py_ssize_t offset = -1;
    if (slot != NULL && Py_TYPE(slot) == &PyMemberDescr_Type &&
        PyType_IsSubtype((PyTypeObject *)cls, ((PyDescrObject *)slot)->d_type)) {
        PyMemberDef *member = ((PyMemberDescrObject *)slot)->d_member;
        offset = member->type == T_OBJECT_EX ? member->offset : -1;
    }
    if (offset < 0 && !PyErr_Occurred()) {
        PyErr_Format(PyExc_TypeError, "%R has no slot %s", cls, name);
    }
    Py_XDECREF(slot);
    return offset;
}

static int
find_slots(Known *of)
{
    const struct {
        PyObject *cls;
        const char *name;
        Py_ssize_t *place;
    } slots[] = {
        {of->BVar, "_run", &of->v_run},
        {of->BVar, "_node", &of->v_node},
        {of->BVar, "_value", &of->v_value},
        {of->ViewVar, "_base", &of->view_base},
        {of->ViewVar, "_made_at", &of->view_made_at},
        {of->ViewVar, "_step", &of->view_step},
        {of->Tape, "level", &of->tape_level},
        {of->Tape, "nodes", &of->tape_nodes},
        {of->Tape, "placed", &of->tape_placed},
        {of->Tape, "capture", &of->tape_capture},
        {of->Tape, "inputs", &of->tape_inputs},
        {of->Tape, "raised", &of->tape_raised},
        {of->Tape, "kept", &of->tape_kept},
        {of->Tape, "shared", &of->tape_shared},
        {of->Execution, "aux", &of->x_aux},
        {of->Execution, "inputs", &of->x_inputs},
        {of->Execution, "leaves", &of->x_leaves},
        {of->Execution, "names", &of->x_names},
        {of->Execution, "nodes", &of->x_nodes},
        {of->Execution, "outputs", &of->x_outputs},
        {of->Execution, "primals", &of->x_primals},
        {of->Execution, "tape", &of->x_tape},
        {of->Execution, "value", &of->x_value},
        {of->Op, "arity", &of->op_arity},
        {of->Op, "forward", &of->op_forward},
        {of->Shape, "shape", &of->shape_shape},
        {of->Shape, "dtype", &of->shape_dtype},
        {of->Shape, "device", &of->shape_device},
        {of->ValueType, "zero", &of->type_zero},
        {of->ValueType, "children", &of->type_children},
        {of->ValueType, "rebuild", &of->type_rebuild},
        {of->ValueType, "parts", &of->type_parts},
        {of->ValueType, "static", &of->type_static},
    };
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        if (slots[i].cls != NULL && (*slots[i].place = offset_of(slots[i].cls, slots[i].name)) < 0) {
            return -1;
        }
    }
    return 0;
}

/* use(**objects): the functions and classes of gradx, under the names of GRADX_NAMES. An error
   leaves everything as it was. */
static PyObject *
use(PyObject *Py_UNUSED(module), PyObject *args, PyObject *objects)
{
    if (PyTuple_GET_SIZE(args) != 0 || objects == NULL) {
        PyErr_SetString(PyExc_TypeError, "use takes its objects by name");
        return NULL;
    }
    Known more = known;
    PyObject *key, *object;
    Py_ssize_t position = 0;
    while (PyDict_Next(objects, &position, &key, &object)) {
        size_t i = 0, n = sizeof names / sizeof *names;
        while (i < n && PyUnicode_CompareWithASCIIString(key, names[i].name) != 0) {
            i++;
        }
        if (i == n) {
            PyErr_Format(PyExc_TypeError, "nothing here is called %U", key);
            return NULL;
        }
        *(PyObject **)((char *)&more + names[i].offset) = object;
    }
    if (find_slots(&more) < 0) {
        return NULL;
    }
    position = 0;
    while (PyDict_Next(objects, &position, &key, &object)) {
        Py_INCREF(object); /* for good, since code that knows an earlier one may be running */
    }
    known = more;
    Py_RETURN_NONE;
}

#define FAST(name) #name, (PyCFunction)(void (*)(void))name, METH_FASTCALL

static PyMethodDef methods[] = {
    {"use", (PyCFunction)(void (*)(void))use, METH_VARARGS | METH_KEYWORDS,
     "Give the module the functions and classes that it calls or knows by identity."},
    {FAST(sweep),
     "sweep(nodes, cotangents): as gradx.reverse.backward.sweep."},
    {FAST(lifted), "lifted(run, nodes, general, x, spec): the variable of a leaf of an input."},
    {FAST(executed), "executed(call, inputs, names): a finished run, or None for one that is left to Python."},
    {FAST(cotangents), "cotangents(execution, nodes, seeds): as `Execution.cotangents`, or None."},
    {FAST(lifted_inputs),
     "lifted_inputs(inputs, names, leaf, static, noted): the inputs of a run with lifted leaves."},
    {FAST(settled), "settled(cotangents, general, x, spec): the gradient of a leaf of an input."},
    {FAST(map_leaves), "map_leaves(value, leaf, root, static, own, met, noted, atoms)."},
    {"leaves_of", leaves_of, METH_O, "leaves_of(value): as gradx.values.operations.leaves_of."},
    {"unshared", unshared, METH_O, "unshared(noted): as gradx.reverse.copies.all_apart."},
    {"variables_of", variables_of, METH_O,
     "variables_of(x): the variables in a value, at least one of each run; None if there may be more."},
    {FAST(user_op), "user_op(op, operands): a user's op, done and recorded, or NotImplemented."},
    {FAST(checked_leaves),
     "checked_leaves(g, op, pullback, operands, targets): as in gradx.core.check_cotangents."},
    {FAST(alike), "alike(x, g, out): whether a cotangent fits to a value as it is."},
    {"class_of", class_of, METH_O, "class_of(v): the class of what a variable stands for."},
    {FAST(view_of), "view_of(base, op, params, node, value): the variable of a view."},
    {"protocol_methods", protocol_methods, METH_NOARGS,
     "The methods __array_ufunc__ and __array_function__ of the class of variables."},
    {FAST(scaled), "scaled(g, d): as gradx.ops.scaling.scaled."},
    {FAST(divided), "divided(g, b): as gradx.ops.scaling.divided."},
    {FAST(outer),
     "outer(column, row): the matrix of all products, or None for other operands than plain vectors."},
    {FAST(subtract_outer),
     "subtract_outer(x, rate, column, row): whether x -= rate * outer(column, row) was done."},
    {FAST(subtract_scaled),
     "subtract_scaled(x, rate, g): whether x -= rate * g was done."},
    {FAST(descend),
     "descend(arrays, rate, factors): the errors of x -= rate * g for each; or whether that can be done."},
    {FAST(blockwise),
     "blockwise(steps, temporaries, numbers, asked, *arrays): whether the steps were done."},
    {NULL, NULL, 0, NULL},
};

static int
execute(PyObject *module)
{
    import_array1(-1);
    if (PyUFunc_ImportUFuncAPI() < 0) {
        return -1;
    }
    if (PyModule_AddType(module, &RecorderType) < 0 || PyModule_AddType(module, &LayoutType) < 0) {
        return -1;
    }
    PyObject *source = PyLong_FromUnsignedLong(GRADX_SOURCE); /* what setup.py built it from */
    int failed = PyModule_AddObjectRef(module, "SOURCE", source);
    Py_XDECREF(source);
    return failed;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "gradx.native._native",
    .m_doc = "What gradx does for every operation, done in C.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
