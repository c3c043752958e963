/* Bindings: pooling of pictures x[N, D, H, W, C]; fewer spatial axes are lifted with axes of length 1. */
#include "bind.h"

/* `count` whole numbers from `least` up to a billion in a tuple; 0 when it is something else. */
static int whole_numbers(PyObject *o, int count, ptrdiff_t least, ptrdiff_t *out) {
    if (!PyTuple_CheckExact(o) || PyTuple_GET_SIZE(o) != count) return 0;
    for (int i = 0; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(o, i);
        if (!PyLong_Check(item)) return 0;
        int overflow;
        const long long value = PyLong_AsLongLongAndOverflow(item, &overflow);
        if (overflow != 0 || value < least || value > 1000000000) return 0;
        out[i] = (ptrdiff_t)value;
    }
    return 1;
}

/* Sizes, strides and pads; and from the lengths of the picture's axes how many windows there are. Every window must hold
 * a place of the picture: pads are smaller than the window. */
static int read_windows(nk_windows *s, const npy_intp *space, PyObject *size, PyObject *strides, PyObject *pads) {
    ptrdiff_t around[6];
    if (!whole_numbers(size, 3, 1, s->size) || !whole_numbers(strides, 3, 1, s->strides) ||
        !whole_numbers(pads, 6, 0, around))
        return 0;
    if ((double)s->size[0] * (double)s->size[1] * (double)s->size[2] > (double)INT32_MAX) return 0;
    for (int i = 0; i < 3; i++) {
        const ptrdiff_t before = around[2 * i], after = around[2 * i + 1];
        const ptrdiff_t wide = (ptrdiff_t)space[i] + before + after - s->size[i];
        if (space[i] < 1 || before >= s->size[i] || after >= s->size[i] || wide < 0) return 0;
        s->space[i] = (ptrdiff_t)space[i];
        s->before[i] = before;
        s->out[i] = wide / s->strides[i] + 1;
    }
    return 1;
}

/* Loads that a region takes, to decide about the interpreter's lock. */
static double work_of(const nk_windows *s) {
    const double places = (double)s->n * (double)s->c * (double)s->space[0] * (double)s->space[1] * (double)s->space[2];
    return 2.0 * places;
}

/* n, c and the windows from x. */
static int windows_of(PyObject *x, nk_windows *s, PyObject *size, PyObject *strides, PyObject *pads) {
    if (!nk_is_floats(x, 5)) return 0;
    const npy_intp *shape = PyArray_DIMS((PyArrayObject *)x);
    s->n = (ptrdiff_t)shape[0];
    s->c = (ptrdiff_t)shape[4];
    s->source = FLOATS(x);
    return read_windows(s, shape + 1, size, strides, pads);
}

/* The same from the gradient of the result, which must have the shape of the windows. */
static int windows_behind(PyObject *g, nk_windows *s, PyObject *space, PyObject *size, PyObject *strides,
                          PyObject *pads) {
    ptrdiff_t lengths[3];
    if (!nk_is_floats(g, 5) || !whole_numbers(space, 3, 1, lengths)) return 0;
    const npy_intp *shape = PyArray_DIMS((PyArrayObject *)g), given[3] = {lengths[0], lengths[1], lengths[2]};
    s->n = (ptrdiff_t)shape[0];
    s->c = (ptrdiff_t)shape[4];
    s->source = FLOATS(g);
    if (!read_windows(s, given, size, strides, pads)) return 0;
    return s->out[0] == shape[1] && s->out[1] == shape[2] && s->out[2] == shape[3];
}

static PyObject *new_result(const nk_windows *s, int type, const ptrdiff_t *space) {
    return nk_new_of(type, 5, (npy_intp[]){s->n, space[0], space[1], space[2], s->c});
}

/* max_pool(x, size, strides, pads) -> (y, where) */
static PyObject *max_pool(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    if (!nk_expect("max_pool", count, 4)) return NULL;
    nk_windows s = {0};
    if (!windows_of(args[0], &s, args[1], args[2], args[3])) return nk_not_its_case();
    PyObject *result = NULL, *y = new_result(&s, NPY_FLOAT32, s.out), *where = new_result(&s, NPY_INT32, s.out);
    if (y != NULL && where != NULL) {
        s.result = FLOATS(y);
        s.places = PyArray_DATA((PyArrayObject *)where);
        NK_WITHOUT_LOCK(work_of(&s), nk_kernels->max_pool(&s));
        result = PyTuple_Pack(2, y, where);
    }
    Py_XDECREF(y);
    Py_XDECREF(where);
    return result;
}

/* max_pool_backward(g, where, (D, H, W), size, strides, pads) -> dx */
static PyObject *max_pool_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    if (!nk_expect("max_pool_backward", count, 6)) return NULL;
    nk_windows s = {0};
    if (!windows_behind(args[0], &s, args[2], args[3], args[4], args[5])) return nk_not_its_case();
    if (!PyArray_CheckExact(args[1])) return nk_not_its_case();
    PyArrayObject *where = (PyArrayObject *)args[1];
    if (!PyTypeNum_ISSIGNED(PyArray_TYPE(where)) || PyArray_ITEMSIZE(where) != 4 || !PyArray_ISCARRAY_RO(where) ||
        !nk_same_shape(args[0], args[1]))
        return nk_not_its_case();
    PyObject *dx = new_result(&s, NPY_FLOAT32, s.space);
    if (dx == NULL) return NULL;
    s.where = PyArray_DATA(where);
    s.result = FLOATS(dx);
    NK_WITHOUT_LOCK(work_of(&s), nk_kernels->max_pool_backward(&s));
    return dx;
}

/* average_pool(x, size, strides, pads) -> y */
static PyObject *average_pool(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    if (!nk_expect("average_pool", count, 4)) return NULL;
    nk_windows s = {0};
    if (!windows_of(args[0], &s, args[1], args[2], args[3])) return nk_not_its_case();
    PyObject *y = new_result(&s, NPY_FLOAT32, s.out);
    if (y == NULL) return NULL;
    s.result = FLOATS(y);
    NK_WITHOUT_LOCK(work_of(&s), nk_kernels->average_pool(&s));
    return y;
}

/* average_pool_backward(g, (D, H, W), size, strides, pads) -> dx */
static PyObject *average_pool_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    if (!nk_expect("average_pool_backward", count, 5)) return NULL;
    nk_windows s = {0};
    if (!windows_behind(args[0], &s, args[1], args[2], args[3], args[4])) return nk_not_its_case();
    PyObject *dx = new_result(&s, NPY_FLOAT32, s.space);
    if (dx == NULL) return NULL;
    s.result = FLOATS(dx);
    NK_WITHOUT_LOCK(work_of(&s), nk_kernels->average_pool_backward(&s));
    return dx;
}

#define FASTCALL(function) (PyCFunction)(void (*)(void))function, METH_FASTCALL

PyMethodDef nk_pool_methods[] = {
    {"max_pool", FASTCALL(max_pool),
     "max_pool(x, size, strides, pads) -> (y, where): x[N, D, H, W, C], three sizes and strides, six pads (front, back, "
     "top, bottom, left, right); where: the int32 place of the first largest in its window, row by row."},
    {"max_pool_backward", FASTCALL(max_pool_backward),
     "max_pool_backward(g, where, (D, H, W), size, strides, pads) -> dx."},
    {"average_pool", FASTCALL(average_pool), "average_pool(x, size, strides, pads) -> y; padding is not counted."},
    {"average_pool_backward", FASTCALL(average_pool_backward),
     "average_pool_backward(g, (D, H, W), size, strides, pads) -> dx."},
    {NULL, NULL, 0, NULL},
};
