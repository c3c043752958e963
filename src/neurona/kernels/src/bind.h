/* What the bindings share: looking at arguments before any work, and making the arrays that leave.
 *
 * The contract: a call whose arguments are not a kernel's case (another type, another number of axes, a strided view, a
 * shape that does not fit) returns NotImplemented, and the caller takes the NumPy path, which knows how to say what is
 * wrong. Only a wrong value (a label or an index out of range) raises here.
 */
#ifndef NEURONA_BIND_H
#define NEURONA_BIND_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL neurona_native_array
#ifndef NK_IMPORTS_ARRAY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include "kernels.h"

extern const nk_table *nk_kernels;   /* of the instruction set in use */
extern PyObject *nk_argument_error;  /* neurona.errors.ArgumentError */

#define FLOATS(array) ((float *)PyArray_DATA((PyArrayObject *)(array)))
#define ROWS(array) ((ptrdiff_t)PyArray_DIM((PyArrayObject *)(array), 0))
#define COLUMNS(array) ((ptrdiff_t)PyArray_DIM((PyArrayObject *)(array), 1))

/* A float32 array in C order, aligned, in native bytes; ndim < 0: any number of axes. */
static inline int nk_is_floats(PyObject *o, int ndim) {
    if (!PyArray_CheckExact(o)) return 0;
    PyArrayObject *a = (PyArrayObject *)o;
    return PyArray_TYPE(a) == NPY_FLOAT32 && (ndim < 0 || PyArray_NDIM(a) == ndim) && PyArray_ISCARRAY_RO(a);
}

static inline int nk_is_vector(PyObject *o, ptrdiff_t length) { return nk_is_floats(o, 1) && ROWS(o) == length; }

static inline int nk_same_shape(PyObject *a, PyObject *b) {
    return PyArray_SAMESHAPE((PyArrayObject *)a, (PyArrayObject *)b);
}

static inline PyObject *nk_not_its_case(void) { return Py_NewRef(Py_NotImplemented); }

/* Raises TypeError when the number of arguments is another. */
int nk_expect(const char *name, Py_ssize_t given, Py_ssize_t expected);

/* Numbers; 0 with an exception when the object is none. */
int nk_double(PyObject *o, double *out);
int nk_flag(PyObject *o, int *out);
int nk_key(PyObject *o, uint32_t *out);

/* A new array, its memory recycled when it is large: of float32, or of another of NumPy's types. */
PyObject *nk_new(int ndim, const npy_intp *shape);
PyObject *nk_new_of(int type, int ndim, const npy_intp *shape);
PyObject *nk_new_like(PyObject *array);
static inline PyObject *nk_new1(ptrdiff_t n) { return nk_new(1, (npy_intp[]){n}); }
static inline PyObject *nk_new2(ptrdiff_t m, ptrdiff_t n) { return nk_new(2, (npy_intp[]){m, n}); }

/* Places (labels, indices) as int64, each in 0 ... limit - 1, however they are stored (int32, int64). 1: done, `*out` is
 * theirs or a copy in `*copy` (free it); 0: not a vector of integers; -1: out of range, with an ArgumentError. */
int nk_places(PyObject *o, ptrdiff_t limit, const char *what, const char *of, const int64_t **out, int64_t **copy);

/* The interpreter's lock is let go around work that takes longer than letting go does. */
#define NK_LONG_WORK 60000.0
#define NK_WITHOUT_LOCK(work, ...)                                         \
    do {                                                                   \
        PyThreadState *nk_state = NULL;                                    \
        if ((double)(work) > NK_LONG_WORK) nk_state = PyEval_SaveThread(); \
        __VA_ARGS__;                                                       \
        if (nk_state) PyEval_RestoreThread(nk_state);                      \
    } while (0)

typedef PyObject *const *nk_arguments;

extern PyMethodDef nk_attention_methods[];
extern PyMethodDef nk_reduce_methods[];
extern PyMethodDef nk_pool_methods[], nk_conv_methods[];
extern PyMethodDef nk_conv3x3_methods[];
extern PyMethodDef nk_image_methods[];
extern PyMethodDef nk_embedding_methods[];
extern PyMethodDef nk_recurrent_methods[];
extern PyMethodDef nk_dense_methods[], nk_rows_methods[], nk_norm_methods[], nk_update_methods[];

#endif
