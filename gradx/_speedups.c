/* Speedups: what gradx does fastest in C. gradx/speedups.py loads it; gradx works without it too.

   It is built by setup.py, which also defines GRADX_SOURCE: the CRC-32 of this file. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <numpy/arrayobject.h>

#ifndef GRADX_SOURCE
#define GRADX_SOURCE 0UL /* compiled by hand: it fits no source, and is not used */
#endif

static PyObject *
is_plain_array(PyObject *Py_UNUSED(module), PyObject *value)
{
    return PyBool_FromLong(PyArray_CheckExact(value));
}

static PyMethodDef methods[] = {
    {"is_plain_array", is_plain_array, METH_O, "Whether a value is an array of NumPy's own class."},
    {NULL, NULL, 0, NULL},
};

static int
execute(PyObject *module)
{
    import_array1(-1);
    PyObject *source = PyLong_FromUnsignedLong(GRADX_SOURCE);
    int failed = PyModule_AddObjectRef(module, "SOURCE", source);
    Py_XDECREF(source);
    return failed;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#if PY_VERSION_HEX >= 0x030C0000
    /* NumPy itself is for the main interpreter only. */
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "gradx._speedups",
    .m_doc = "What gradx does fastest in C.",
    .m_size = 0,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__speedups(void)
{
    return PyModuleDef_Init(&definition);
}
