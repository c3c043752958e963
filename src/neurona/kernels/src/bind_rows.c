/* Bindings: softmax with crossentropy, dropout, gathering rows. */
#include "bind.h"

/* What is expected of each row: labels (integers) or targets (floats, as many as logits). */
typedef struct {
    const int64_t *labels;
    int64_t *copy;
    const float *targets;
} expected;

/* 1: understood; 0: not its case; -1: a label out of range. */
static int read_expected(PyObject *o, PyObject *logits, expected *e) {
    *e = (expected){0};
    if (nk_is_floats(o, 2) && nk_same_shape(o, logits)) {
        e->targets = FLOATS(o);
        return 1;
    }
    if (!PyArray_CheckExact(o) || PyArray_NDIM((PyArrayObject *)o) != 1 || ROWS(o) != ROWS(logits)) return 0;
    return nk_places(o, COLUMNS(logits), "label", "classes", &e->labels, &e->copy);
}

/* softmax_crossentropy(logits[N, C], labels[N] | targets[N, C]) -> (loss[N], probs[N, C]) */
static PyObject *softmax_crossentropy(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    if (!nk_expect("softmax_crossentropy", count, 2)) return NULL;
    expected e;
    if (!nk_is_floats(args[0], 2) || COLUMNS(args[0]) == 0) return nk_not_its_case();
    const int read = read_expected(args[1], args[0], &e);
    if (read <= 0) return read < 0 ? NULL : nk_not_its_case();
    const ptrdiff_t n = ROWS(args[0]), c = COLUMNS(args[0]);
    PyObject *result = NULL, *loss = nk_new1(n), *probs = nk_new2(n, c);
    if (loss != NULL && probs != NULL) {
        NK_WITHOUT_LOCK((double)n * c * 8, nk_kernels->softmax_loss(n, c, FLOATS(args[0]), e.labels, e.targets,
                                                                    FLOATS(loss), FLOATS(probs)));
        result = PyTuple_Pack(2, loss, probs);
    }
    Py_XDECREF(loss);
    Py_XDECREF(probs);
    PyMem_Free(e.copy);
    return result;
}

/* softmax_crossentropy_backward(g[N], probs[N, C], labels[N] | targets[N, C]) -> dlogits[N, C] */
static PyObject *softmax_crossentropy_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    if (!nk_expect("softmax_crossentropy_backward", count, 3)) return NULL;
    expected e;
    if (!nk_is_floats(args[1], 2) || !nk_is_vector(args[0], ROWS(args[1]))) return nk_not_its_case();
    const int read = read_expected(args[2], args[1], &e);
    if (read <= 0) return read < 0 ? NULL : nk_not_its_case();
    const ptrdiff_t n = ROWS(args[1]), c = COLUMNS(args[1]);
    PyObject *dx = nk_new2(n, c);
    if (dx != NULL)
        NK_WITHOUT_LOCK((double)n * c, nk_kernels->softmax_loss_backward(n, c, FLOATS(args[0]), FLOATS(args[1]),
                                                                         e.labels, e.targets, FLOATS(dx)));
    PyMem_Free(e.copy);
    return dx;
}

/* dropout(x, rate, key0, key1) -> y; the gradient is the same function of g. */
static PyObject *dropout(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double rate;
    uint32_t key0, key1;
    if (!nk_expect("dropout", count, 4) || !nk_double(args[1], &rate) || !nk_key(args[2], &key0) ||
        !nk_key(args[3], &key1))
        return NULL;
    if (!nk_is_floats(args[0], -1) || !(rate >= 0.0 && rate <= 1.0)) return nk_not_its_case();
    PyObject *y = nk_new_like(args[0]);
    if (y == NULL) return NULL;
    const size_t n = (size_t)PyArray_SIZE((PyArrayObject *)args[0]);
    const double threshold = nearbyint(rate * 4294967296.0);
    if (threshold > 4294967295.0) { /* no hash reaches 2^32: everything goes */
        memset(FLOATS(y), 0, n * sizeof(float));
        return y;
    }
    const float scale = (float)(1.0 / (1.0 - rate));
    NK_WITHOUT_LOCK(n, nk_kernels->dropout(n, FLOATS(args[0]), (uint32_t)threshold, scale, key0, key1, FLOATS(y)));
    return y;
}

/* gather_rows(src[N, D] float32 | uint8, index[B], scale) -> float32 rows[B, D] */
static PyObject *gather_rows(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double scale;
    if (!nk_expect("gather_rows", count, 3) || !nk_double(args[2], &scale)) return NULL;
    if (!PyArray_CheckExact(args[0])) return nk_not_its_case();
    PyArrayObject *src = (PyArrayObject *)args[0];
    const int bytes = PyArray_TYPE(src) == NPY_UINT8;
    if ((!bytes && PyArray_TYPE(src) != NPY_FLOAT32) || PyArray_NDIM(src) != 2 || !PyArray_ISCARRAY_RO(src))
        return nk_not_its_case();
    const int64_t *index;
    int64_t *copy;
    const int read = nk_places(args[1], ROWS(src), "index", "rows", &index, &copy);
    if (read <= 0) return read < 0 ? NULL : nk_not_its_case();
    const ptrdiff_t rows = ROWS(args[1]), d = COLUMNS(src);
    PyObject *out = nk_new2(rows, d);
    if (out != NULL && rows * d > 0) {
        if (bytes)
            NK_WITHOUT_LOCK((double)rows * d, nk_kernels->gather_byte(rows, d, PyArray_DATA(src), index, (float)scale,
                                                                      FLOATS(out)));
        else
            NK_WITHOUT_LOCK((double)rows * d, nk_kernels->gather_float(rows, d, PyArray_DATA(src), index, (float)scale,
                                                                       FLOATS(out)));
    }
    PyMem_Free(copy);
    return out;
}

PyMethodDef nk_rows_methods[] = {
    {"softmax_crossentropy", (PyCFunction)(void (*)(void))softmax_crossentropy, METH_FASTCALL,
     "softmax_crossentropy(logits, expected) -> (loss, probs); expected: integer labels [N] or targets [N, C]."},
    {"softmax_crossentropy_backward", (PyCFunction)(void (*)(void))softmax_crossentropy_backward, METH_FASTCALL,
     "softmax_crossentropy_backward(g, probs, expected) -> dlogits."},
    {"dropout", (PyCFunction)(void (*)(void))dropout, METH_FASTCALL,
     "dropout(x, rate, key0, key1) -> x / (1 - rate) where the hash of the element's place keeps it, else 0."},
    {"dropout_backward", (PyCFunction)(void (*)(void))dropout, METH_FASTCALL,
     "dropout_backward(g, rate, key0, key1) -> dx: dropout is linear, so its gradient is itself."},
    {"gather_rows", (PyCFunction)(void (*)(void))gather_rows, METH_FASTCALL,
     "gather_rows(src, index, scale) -> float32 rows src[index] * scale; src may be float32 or uint8."},
    {NULL, NULL, 0, NULL},
};
