/* The cotangents known so far, by the identity of their node. */

#ifndef GRADX_TABLE_H
#define GRADX_TABLE_H

#include "speedups.h"

/* What a cotangent is to the sweep: an array that it made itself and has handed to nobody, or not. */
typedef enum { NOT, PRODUCT, SUM } Made;

typedef struct {
    void *node;
    PyObject *cotangent;
    Made made;
} Entry;

typedef struct {
    Entry *entries; /* open addressing; a free entry has no node */
    size_t mask;    /* one less than their number, a power of two */
    size_t used;
} Table;

/* Where the entry of a node would stand. Nodes are made one after another and swept in order, so that
   neighbours shall stay near; but not next to one another: the entries of other nodes find room between
   them, and not at the end of a long row. */
static inline size_t
home_of(const Table *table, void *node)
{
    return 5 * ((size_t)node >> 4) & table->mask; /* objects are aligned */
}

static Entry *
entry_of(const Table *table, void *node)
{
    size_t i = home_of(table, node);
    while (table->entries[i].node != NULL && table->entries[i].node != node) {
        i = (i + 1) & table->mask;
    }
    return &table->entries[i];
}

static int
table_grow(Table *table)
{
    size_t size = table->entries == NULL ? 64 : 2 * (table->mask + 1);
    Entry *old = table->entries;
    size_t old_size = old == NULL ? 0 : table->mask + 1;
    Entry *entries = PyMem_Calloc(size, sizeof(Entry));
    if (entries == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    table->entries = entries;
    table->mask = size - 1;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].node != NULL) {
            *entry_of(table, old[i].node) = old[i];
        }
    }
    PyMem_Free(old);
    return 0;
}

/* Takes out the cotangent of a node: a new reference, or NULL if it has none. */
static PyObject *
table_take(Table *table, void *node)
{
    Entry *entry = entry_of(table, node);
    PyObject *cotangent = entry->cotangent;
    if (entry->node == NULL) {
        return NULL;
    }
    size_t hole = (size_t)(entry - table->entries), i = hole;
    for (;;) { /* what was put further on because of it moves up */
        i = (i + 1) & table->mask;
        if (table->entries[i].node == NULL) {
            break;
        }
        size_t home = home_of(table, table->entries[i].node);
        if (((i - home) & table->mask) >= ((i - hole) & table->mask)) {
            table->entries[hole] = table->entries[i];
            hole = i;
        }
    }
    table->entries[hole].node = NULL;
    table->entries[hole].cotangent = NULL;
    table->entries[hole].made = NOT;
    table->used--;
    return cotangent;
}

/* Puts in a cotangent, whose reference is taken over, for a node that has none. */
static int
table_put(Table *table, void *node, PyObject *cotangent, Made made)
{
    if (table->entries == NULL || 2 * table->used > table->mask) {
        if (table_grow(table) < 0) {
            Py_DECREF(cotangent);
            return -1;
        }
    }
    Entry *entry = entry_of(table, node);
    entry->node = node;
    entry->cotangent = cotangent;
    entry->made = made;
    table->used++;
    return 0;
}

static void
table_free(Table *table)
{
    Entry *entries = table->entries;
    table->entries = NULL;
    for (size_t i = 0; entries != NULL && i <= table->mask; i++) {
        Py_XDECREF(entries[i].cotangent);
    }
    PyMem_Free(entries);
}

static PyObject *
table_as_dict(const Table *table)
{
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i <= table->mask; i++) {
        Entry *entry = &table->entries[i];
        if (entry->node != NULL) {
            PyObject *key = PyLong_FromVoidPtr(entry->node);
            if (key == NULL || PyDict_SetItem(dict, key, entry->cotangent) < 0) {
                Py_CLEAR(dict);
            }
            Py_XDECREF(key);
        }
    }
    return dict;
}

#endif
