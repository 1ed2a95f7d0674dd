/* A recorder, and the nodes that it writes (nodes.c). */

#ifndef GRADX_RECORDERS_H
#define GRADX_RECORDERS_H

#include "speedups.h"

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

/* Appends a node and hands out its variable; takes over the references of the two. */
PyObject *committed(PyObject *run, PyObject *node, PyObject *y, PyObject *a, PyObject *b);

/* The node of an operation on a and b with the result y: an edge for each operand that has a target. */
PyObject *node_of(const Recorder *recorder, PyObject *const *targets, PyObject *a, PyObject *b, PyObject *y);

#endif
