/* The operands of a user's op, taken below the run of their variables; see operands.c. */

#ifndef GRADX_OPERANDS_H
#define GRADX_OPERANDS_H

#include "speedups.h"
#include "identities.h"

#define DEEPEST 100 /* parts of parts that are looked at */

/* What is taken of the operands. A container that is met again is left to Python: a value that contains
   one twice at each level has 2 to the power of its depth parts. */
typedef struct {
    PyObject *run;      /* that of the variables in them, NULL while there are none */
    PyObject *targets;  /* for each leaf the node of its variable, or None: a list */
    PyObject *below;    /* the operands with the values of the variables: a list */
    PyObject *expected; /* what checks of the cotangents need of each: a list */
    Identities met;     /* the containers */
    Identities arrays;  /* the arrays below */
} Taking;

int take_operands(PyObject *operands, Taking *taking);
void end_taking(Taking *taking);

#endif
