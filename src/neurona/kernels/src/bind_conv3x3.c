/* Bindings: the 3 x 3 convolution (stride 1) with bias, relu and 2 x 2 max pooling, and its gradients. */
#include "bind.h"

#include <stdatomic.h>

/* The largest Winograd tile that the automatic choice may take: 4, 2, or 0 for none. */
static atomic_int winograd = 4;

typedef struct {
    ptrdiff_t n, h, w, c, f, oh, ow;
    ptrdiff_t pads[4]; /* top, bottom, left, right */
    int relu, pool;
    long method;
} layer;

/* The automatic choice. It looks at the channels only, so a picture's result does not depend on the batch. Three
 * channels are too few for products to pay for the transforms; `least`: channels that the products sum over (or, for
 * the gradient to the kernel, the smaller side of their result). */
static int choose_method(long method, ptrdiff_t least) {
    if (method != 0) return (int)method;
    const int largest = atomic_load(&winograd);
    return largest == 0 || least < 8 ? NK_DIRECT : largest;
}

static ptrdiff_t axis(PyObject *o, int i) { return (ptrdiff_t)PyArray_DIM((PyArrayObject *)o, i); }

/* 1: fits; 0: not its case; -1: an exception. */
static int read_layer(PyObject *x, PyObject *kernel, PyObject *pads, PyObject *activation, int pool, PyObject *method,
                      layer *s) {
    s->method = PyLong_AsLong(method);
    if (s->method == -1 && PyErr_Occurred()) return -1;
    const long act = PyLong_AsLong(activation);
    if (act == -1 && PyErr_Occurred()) return -1;
    if (s->method != 0 && s->method != NK_DIRECT && s->method != 2 && s->method != 4) {
        PyErr_Format(nk_argument_error, "Expected a method of 0, 1, 2 or 4. Received: %ld", s->method);
        return -1;
    }
    if (!PyTuple_Check(pads) || PyTuple_GET_SIZE(pads) != 4) return 0;
    for (int i = 0; i < 4; i++) {
        const long pad = PyLong_AsLong(PyTuple_GET_ITEM(pads, i));
        if (pad == -1 && PyErr_Occurred()) return -1;
        if (pad < 0 || pad > 2) return 0;
        s->pads[i] = pad;
    }
    if (act != NK_LINEAR && act != NK_RELU) return 0;
    if (!nk_is_floats(x, 4) || !nk_is_floats(kernel, 4)) return 0;
    s->n = axis(x, 0), s->h = axis(x, 1), s->w = axis(x, 2), s->c = axis(x, 3), s->f = axis(kernel, 3);
    if (axis(kernel, 0) != 3 || axis(kernel, 1) != 3 || axis(kernel, 2) != s->c) return 0;
    s->oh = s->h + s->pads[0] + s->pads[1] - 2;
    s->ow = s->w + s->pads[2] + s->pads[3] - 2;
    s->relu = act == NK_RELU;
    s->pool = pool;
    return s->oh >= 0 && s->ow >= 0;
}

static int has_shape(PyObject *o, const npy_intp *shape) {
    for (int i = 0; i < 4; i++)
        if (axis(o, i) != shape[i]) return 0;
    return 1;
}

static double work_of(const layer *s) { return (double)s->n * s->oh * s->ow * 9 * s->c * s->f + 1e5 * (s->n > 0); }

/* conv3x3(x, kernel, bias | None, pads, activation, pool, method) -> y, or (y, where) */
static PyObject *conv3x3(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    layer s;
    int pool;
    if (!nk_expect("conv3x3", count, 7) || !nk_flag(args[5], &pool)) return NULL;
    const int fits = read_layer(args[0], args[1], args[3], args[4], pool, args[6], &s);
    if (fits < 0) return NULL;
    if (fits == 0 || (!Py_IsNone(args[2]) && !nk_is_vector(args[2], s.f))) return nk_not_its_case();

    const npy_intp shape[4] = {s.n, pool ? s.oh / 2 : s.oh, pool ? s.ow / 2 : s.ow, s.f};
    PyObject *y = nk_new(4, shape), *where = pool ? PyArray_EMPTY(4, shape, NPY_UINT8, 0) : Py_NewRef(Py_None);
    int failed = y == NULL || where == NULL;
    if (!failed) {
        const nk_conv3x3 p = {.n = s.n, .h = s.h, .w = s.w, .c = s.c, .f = s.f, .top = s.pads[0], .bottom = s.pads[1],
                              .left = s.pads[2], .right = s.pads[3], .relu = s.relu, .pool = pool,
                              .method = choose_method(s.method, s.c), .x = FLOATS(args[0]),
                              .kernel = FLOATS(args[1]), .bias = Py_IsNone(args[2]) ? NULL : FLOATS(args[2]),
                              .y = FLOATS(y), .where = pool ? PyArray_DATA((PyArrayObject *)where) : NULL};
        NK_WITHOUT_LOCK(work_of(&s), failed = nk_kernels->conv3x3(&p));
        if (failed) PyErr_NoMemory();
    }
    PyObject *result = failed ? NULL : pool ? PyTuple_Pack(2, y, where) : Py_NewRef(y);
    Py_XDECREF(y);
    Py_XDECREF(where);
    return result;
}

/* conv3x3_backward(g, y, where | None, x, kernel, pads, activation, needs_dx, needs_dkernel, needs_dbias, method) */
static PyObject *conv3x3_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    layer s;
    int needs[3];
    if (!nk_expect("conv3x3_backward", count, 11)) return NULL;
    for (int i = 0; i < 3; i++)
        if (!nk_flag(args[7 + i], &needs[i])) return NULL;
    PyObject *g = args[0], *y = args[1], *where = args[2];
    const int fits = read_layer(args[3], args[4], args[5], args[6], !Py_IsNone(where), args[10], &s);
    if (fits < 0) return NULL;
    if (fits == 0 || !nk_is_floats(g, 4)) return nk_not_its_case();
    const npy_intp shape[4] = {s.n, s.pool ? s.oh / 2 : s.oh, s.pool ? s.ow / 2 : s.ow, s.f};
    if (!has_shape(g, shape)) return nk_not_its_case();
    if (s.pool) {
        if (!PyArray_CheckExact(where) || PyArray_TYPE((PyArrayObject *)where) != NPY_UINT8 ||
            PyArray_NDIM((PyArrayObject *)where) != 4 || !PyArray_IS_C_CONTIGUOUS((PyArrayObject *)where) ||
            !has_shape(where, shape))
            return nk_not_its_case();
    } else if (s.relu && (!nk_is_floats(y, 4) || !has_shape(y, shape))) {
        return nk_not_its_case();
    }

    PyObject *dx = needs[0] ? nk_new_like(args[3]) : Py_NewRef(Py_None);
    PyObject *dkernel = needs[1] ? nk_new_like(args[4]) : Py_NewRef(Py_None);
    PyObject *dbias = needs[2] ? nk_new1(s.f) : Py_NewRef(Py_None);
    int failed = dx == NULL || dkernel == NULL || dbias == NULL;
    if (!failed) {
        const nk_conv3x3_backward p = {
            .n = s.n, .h = s.h, .w = s.w, .c = s.c, .f = s.f, .top = s.pads[0], .bottom = s.pads[1],
            .left = s.pads[2], .right = s.pads[3], .relu = s.relu && !s.pool, .pool = s.pool,
            .method_dx = choose_method(s.method, s.f),
            .method_dkernel = choose_method(s.method, s.c < s.f ? s.c : s.f),
            .g = FLOATS(g), .y = s.relu && !s.pool ? FLOATS(y) : NULL,
            .where = s.pool ? PyArray_DATA((PyArrayObject *)where) : NULL, .x = FLOATS(args[3]),
            .kernel = FLOATS(args[4]), .dx = needs[0] ? FLOATS(dx) : NULL, .dkernel = needs[1] ? FLOATS(dkernel) : NULL,
            .dbias = needs[2] ? FLOATS(dbias) : NULL};
        NK_WITHOUT_LOCK(work_of(&s), failed = nk_kernels->conv3x3_backward(&p));
        if (failed) PyErr_NoMemory();
    }
    PyObject *result = failed ? NULL : PyTuple_Pack(3, dx, dkernel, dbias);
    Py_XDECREF(dx);
    Py_XDECREF(dkernel);
    Py_XDECREF(dbias);
    return result;
}

/* set_winograd(4 | 2 | 0) */
static PyObject *set_winograd(PyObject *module, PyObject *wanted) {
    (void)module;
    const long tile = PyLong_AsLong(wanted);
    if (tile == -1 && PyErr_Occurred()) return NULL;
    if (tile != 0 && tile != 2 && tile != 4) {
        PyErr_Format(nk_argument_error, "Expected a Winograd tile of 4, 2 or 0 (none). Received: %ld", tile);
        return NULL;
    }
    atomic_store(&winograd, (int)tile);
    Py_RETURN_NONE;
}

static PyObject *get_winograd(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyLong_FromLong(atomic_load(&winograd));
}

PyMethodDef nk_conv3x3_methods[] = {
    {"conv3x3", (PyCFunction)(void (*)(void))conv3x3, METH_FASTCALL,
     "conv3x3(x, kernel, bias, pads, activation, pool, method) -> y, or (y, where) with pool.\n\n"
     "x (N, H, W, C), kernel (3, 3, C, F), pads (top, bottom, left, right) of 0 to 2; activation: 0 linear, 1 relu; "
     "method: 0 automatic, 1 direct, 2 or 4 Winograd with that tile. where: 0 to 3, the place in the 2 x 2 window; "
     "4: relu's zero."},
    {"conv3x3_backward", (PyCFunction)(void (*)(void))conv3x3_backward, METH_FASTCALL,
     "conv3x3_backward(g, y, where, x, kernel, pads, activation, needs_dx, needs_dkernel, needs_dbias, method) -> "
     "(dx, dkernel, dbias), None where not needed."},
    {"set_winograd", set_winograd, METH_O,
     "set_winograd(tile): the largest Winograd tile of the automatic choice: 4, 2, or 0 for none."},
    {"get_winograd", get_winograd, METH_NOARGS, "get_winograd() -> 4, 2 or 0."},
    {NULL, NULL, 0, NULL},
};
