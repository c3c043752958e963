/* The bindings' helpers: see bind.h. */
#include "bind.h"

int nk_expect(const char *name, Py_ssize_t given, Py_ssize_t expected) {
    if (given == expected) return 1;
    PyErr_Format(PyExc_TypeError, "%s expects %zd arguments. Received: %zd", name, expected, given);
    return 0;
}

int nk_double(PyObject *o, double *out) {
    *out = PyFloat_AsDouble(o);
    return *out != -1.0 || !PyErr_Occurred();
}

int nk_flag(PyObject *o, int *out) {
    *out = PyObject_IsTrue(o);
    return *out >= 0;
}

int nk_key(PyObject *o, uint32_t *out) {
    unsigned long value = PyLong_AsUnsignedLong(o);
    if (value == (unsigned long)-1 && PyErr_Occurred()) return 0;
    if (value > UINT32_MAX) {
        PyErr_Format(PyExc_OverflowError, "A key is a number of 32 bits. Received: %lu", value);
        return 0;
    }
    *out = (uint32_t)value;
    return 1;
}

/* ---- memory: NumPy asks through a handler that each array keeps for the day it dies ---- */

static void *handler_malloc(void *ctx, size_t size) {
    (void)ctx;
    return nk_take(size);
}

static void *handler_calloc(void *ctx, size_t count, size_t size) {
    (void)ctx;
    if (size != 0 && count > SIZE_MAX / size) return NULL;
    void *memory = nk_take(count * size);
    if (memory != NULL) memset(memory, 0, count * size);
    return memory;
}

static void handler_free(void *ctx, void *memory, size_t size) {
    (void)ctx;
    (void)size;
    nk_give(memory);
}

static void *handler_realloc(void *ctx, void *memory, size_t size) {
    (void)ctx;
    void *grown = nk_take(size);
    if (grown == NULL || memory == NULL) return grown;
    const size_t held = nk_bytes_of(memory);
    memcpy(grown, memory, held < size ? held : size);
    nk_give(memory);
    return grown;
}

static PyDataMem_Handler handler = {
    "neurona", 1, {NULL, handler_malloc, handler_calloc, handler_realloc, handler_free}};
static PyObject *handler_capsule = NULL;

PyObject *nk_new_of(int type, int ndim, const npy_intp *shape) {
    PyArray_Descr *kind = PyArray_DescrFromType(type);
    if (kind == NULL) return NULL;
    size_t bytes = (size_t)PyDataType_ELSIZE(kind);
    Py_DECREF(kind);
    for (int i = 0; i < ndim; i++) {
        if (shape[i] != 0 && bytes > SIZE_MAX / 2 / (size_t)shape[i]) return PyErr_NoMemory();
        bytes *= (size_t)shape[i];
    }
    if (bytes < NK_RECYCLED_FROM) return PyArray_EMPTY(ndim, shape, type, 0);
    if (handler_capsule == NULL) {
        handler_capsule = PyCapsule_New(&handler, "mem_handler", NULL);
        if (handler_capsule == NULL) return NULL;
    }
    PyObject *usual = PyDataMem_SetHandler(handler_capsule);
    if (usual == NULL) return NULL;
    PyObject *array = PyArray_EMPTY(ndim, shape, type, 0);
    PyObject *ours = PyDataMem_SetHandler(usual);
    Py_DECREF(usual);
    if (ours == NULL) Py_CLEAR(array);
    Py_XDECREF(ours);
    return array;
}

PyObject *nk_new(int ndim, const npy_intp *shape) { return nk_new_of(NPY_FLOAT32, ndim, shape); }

PyObject *nk_new_like(PyObject *array) {
    return nk_new(PyArray_NDIM((PyArrayObject *)array), PyArray_DIMS((PyArrayObject *)array));
}

int nk_places(PyObject *o, ptrdiff_t limit, const char *what, const char *of, const int64_t **out, int64_t **copy) {
    *copy = NULL;
    if (!PyArray_CheckExact(o)) return 0;
    PyArrayObject *a = (PyArrayObject *)o;
    const int type = PyArray_TYPE(a);
    if (PyArray_NDIM(a) != 1 || !PyArray_ISCARRAY_RO(a)) return 0;
    /* By kind and width: int64 is `long` on one system and `long long` on another. */
    if (!PyTypeNum_ISSIGNED(type)) return 0;
    const ptrdiff_t n = ROWS(o);
    if (PyArray_ITEMSIZE(a) == 8) {
        *out = PyArray_DATA(a);
    } else if (PyArray_ITEMSIZE(a) == 4) {
        *copy = PyMem_Malloc((size_t)(n > 0 ? n : 1) * sizeof(int64_t));
        if (*copy == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        const int32_t *p = PyArray_DATA(a);
        for (ptrdiff_t i = 0; i < n; i++) (*copy)[i] = p[i];
        *out = *copy;
    } else {
        return 0;
    }
    for (ptrdiff_t i = 0; i < n; i++) {
        const int64_t place = (*out)[i];
        if (place >= 0 && place < limit) continue;
        PyErr_Format(nk_argument_error, "Expected %ss from 0 to %zd (%zd %s). Received: %s %lld at position %zd.", what,
                     (Py_ssize_t)(limit - 1), (Py_ssize_t)limit, of, what, (long long)place, (Py_ssize_t)i);
        PyMem_Free(*copy);
        *copy = NULL;
        return -1;
    }
    return 1;
}
