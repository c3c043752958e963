/* Bindings: sums over an axis that is not the last, and the way back. */
#include "bind.h"

#define LENGTH(array, axis) ((ptrdiff_t)PyArray_DIM((PyArrayObject *)(array), axis))

/* sum_rows(x[A, R, C], scale) -> scale x the sums over R: y[A, C] */
static PyObject *sum_rows(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double scale;
    if (!nk_expect("sum_rows", count, 2) || !nk_double(args[1], &scale)) return NULL;
    PyObject *x = args[0];
    if (!nk_is_floats(x, 3) || PyArray_SIZE((PyArrayObject *)x) == 0) return nk_not_its_case();
    const ptrdiff_t outer = LENGTH(x, 0), rows = LENGTH(x, 1), inner = LENGTH(x, 2);
    PyObject *y = nk_new2(outer, inner);
    float *partial = nk_take((size_t)(outer * nk_sum_blocks(rows, inner) * inner) * sizeof(float));
    if (partial == NULL && y != NULL) PyErr_NoMemory();
    if (partial == NULL)
        Py_CLEAR(y);
    else if (y != NULL)
        NK_WITHOUT_LOCK((double)outer * rows * inner,
                        nk_kernels->sum_rows(outer, rows, inner, FLOATS(x), (float)scale, FLOATS(y), partial));
    nk_give(partial);
    return y;
}

/* repeat_rows(g[A, C], rows, scale) -> dx[A, rows, C], scale g in each row */
static PyObject *repeat_rows(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double scale;
    if (!nk_expect("repeat_rows", count, 3) || !nk_double(args[2], &scale)) return NULL;
    const Py_ssize_t rows = PyLong_AsSsize_t(args[1]);
    if (rows == -1 && PyErr_Occurred()) return NULL;
    PyObject *g = args[0];
    if (!nk_is_floats(g, 2) || PyArray_SIZE((PyArrayObject *)g) == 0 || rows < 1) return nk_not_its_case();
    const ptrdiff_t outer = ROWS(g), inner = COLUMNS(g);
    PyObject *dx = nk_new(3, (npy_intp[]){outer, rows, inner});
    if (dx != NULL)
        NK_WITHOUT_LOCK((double)outer * rows * inner,
                        nk_kernels->repeat_rows(outer, rows, inner, FLOATS(g), (float)scale, FLOATS(dx)));
    return dx;
}

PyMethodDef nk_reduce_methods[] = {
    {"sum_rows", (PyCFunction)(void (*)(void))sum_rows, METH_FASTCALL,
     "sum_rows(x[A, R, C], scale) -> scale * x.sum(axis=1)."},
    {"repeat_rows", (PyCFunction)(void (*)(void))repeat_rows, METH_FASTCALL,
     "repeat_rows(g[A, C], rows, scale) -> dx[A, rows, C], scale * g in each row."},
    {NULL, NULL, 0, NULL},
};
