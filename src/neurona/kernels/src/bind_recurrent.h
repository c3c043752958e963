/* What the bindings of the recurrent layers share: looking at their arguments, and making the arrays that leave. */
#ifndef NEURONA_BIND_RECURRENT_H
#define NEURONA_BIND_RECURRENT_H

#include "bind.h"

#define DIM(array, axis) ((ptrdiff_t)PyArray_DIM((PyArrayObject *)(array), axis))

static inline int is_shape(PyObject *o, int ndim, const ptrdiff_t *shape) {
    if (!nk_is_floats(o, ndim)) return 0;
    for (int i = 0; i < ndim; i++)
        if (DIM(o, i) != shape[i]) return 0;
    return 1;
}

static inline int is2(PyObject *o, ptrdiff_t m, ptrdiff_t n) { return is_shape(o, 2, (ptrdiff_t[]){m, n}); }

static inline int is3(PyObject *o, ptrdiff_t n, ptrdiff_t t, ptrdiff_t u) {
    return is_shape(o, 3, (ptrdiff_t[]){n, t, u});
}

/* An array of this shape, or None, for which the pointer is NULL. */
static inline int floats3_or_none(PyObject *o, ptrdiff_t n, ptrdiff_t t, ptrdiff_t u, const float **out) {
    *out = NULL;
    if (Py_IsNone(o)) return 1;
    if (!is3(o, n, t, u)) return 0;
    *out = FLOATS(o);
    return 1;
}

static inline int floats2_or_none(PyObject *o, ptrdiff_t m, ptrdiff_t n, const float **out) {
    *out = NULL;
    if (Py_IsNone(o)) return 1;
    if (!is2(o, m, n)) return 0;
    *out = FLOATS(o);
    return 1;
}

/* A mask (n, t) of bools, or None. */
static inline int mask_or_none(PyObject *o, ptrdiff_t n, ptrdiff_t t, const uint8_t **out) {
    *out = NULL;
    if (Py_IsNone(o)) return 1;
    if (!PyArray_CheckExact(o)) return 0;
    PyArrayObject *a = (PyArrayObject *)o;
    if (PyArray_TYPE(a) != NPY_BOOL || PyArray_NDIM(a) != 2 || !PyArray_ISCARRAY_RO(a)) return 0;
    if (DIM(o, 0) != n || DIM(o, 1) != t) return 0;
    *out = PyArray_DATA(a);
    return 1;
}

static inline PyObject *new3(ptrdiff_t n, ptrdiff_t t, ptrdiff_t u) { return nk_new(3, (npy_intp[]){n, t, u}); }

/* A new array, or None where it is not wanted. */
static inline PyObject *new2_if(int wanted, ptrdiff_t m, ptrdiff_t n) { return wanted ? nk_new2(m, n) : Py_NewRef(Py_None); }

static inline float *floats_of(PyObject *o) { return Py_IsNone(o) ? NULL : FLOATS(o); }

/* So many that no size computed from them can overflow. */
static inline int too_large(ptrdiff_t n, ptrdiff_t t, ptrdiff_t d, ptrdiff_t u) {
    const ptrdiff_t most = INT32_MAX / 64;
    return n > most || t > most || d > most || u > most;
}

#endif
