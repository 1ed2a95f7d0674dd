/* A set of objects, known by their identity; it keeps none of them. */

#ifndef GRADX_IDENTITIES_H
#define GRADX_IDENTITIES_H

#define FEW_IDENTITIES 16 /* places that need no memory of their own: a power of two */

typedef struct {
    PyObject **places, *few[FEW_IDENTITIES]; /* open addressing; a free place is NULL */
    size_t mask, used;
} Identities;

static inline void
identities_begin(Identities *set)
{
    memset(set, 0, sizeof *set);
    set->places = set->few;
    set->mask = FEW_IDENTITIES - 1;
}

static inline void
identities_end(Identities *set)
{
    if (set->places != set->few) {
        PyMem_Free(set->places);
    }
}

static inline PyObject **
place_of(PyObject **places, size_t mask, PyObject *x)
{
    size_t i = 5 * ((size_t)x >> 4) & mask; /* as in table.h */
    while (places[i] != NULL && places[i] != x) {
        i = (i + 1) & mask;
    }
    return &places[i];
}

/* Whether an object is in it already: 1; else it is put there: 0; -1 with an error. */
static inline int
identities_add(Identities *set, PyObject *x)
{
    PyObject **place = place_of(set->places, set->mask, x);
    if (*place == x) {
        return 1;
    }
    *place = x;
    if (2 * ++set->used <= set->mask) {
        return 0;
    }
    size_t mask = 4 * (set->mask + 1) - 1;
    PyObject **places = PyMem_Calloc(mask + 1, sizeof *places);
    if (places == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i <= set->mask; i++) {
        if (set->places[i] != NULL) {
            *place_of(places, mask, set->places[i]) = set->places[i];
        }
    }
    identities_end(set);
    set->places = places;
    set->mask = mask;
    return 0;
}

#endif
