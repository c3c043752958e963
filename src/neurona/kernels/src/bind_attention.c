/* Bindings: attention and its gradients. */
#include "bind.h"

/* query (N, T, heads, D), key (N, S, K, D), value (N, S, K, F), mask: None or bools that are broadcast to (N, heads, T, S).
 * 1: ready; 0: not its case. */
static int read_attention(nk_arguments args, nk_attention *p) {
    for (int i = 0; i < 3; i++)
        if (!nk_is_floats(args[i], 4) || PyArray_SIZE((PyArrayObject *)args[i]) == 0) return 0;
    const npy_intp *q = PyArray_DIMS((PyArrayObject *)args[0]), *k = PyArray_DIMS((PyArrayObject *)args[1]);
    const npy_intp *v = PyArray_DIMS((PyArrayObject *)args[2]);
    if (q[3] != k[3] || q[0] != k[0] || q[2] % k[2] != 0) return 0;
    for (int i = 0; i < 3; i++)
        if (k[i] != v[i]) return 0;
    *p = (nk_attention){.n = q[0], .t = q[1], .s = k[1], .heads = q[2], .groups = q[2] / k[2], .d = q[3], .f = v[3],
                        .q = FLOATS(args[0]), .k = FLOATS(args[1]), .v = FLOATS(args[2])};
    if (Py_IsNone(args[3])) return 1;
    if (!PyArray_CheckExact(args[3])) return 0;
    PyArrayObject *mask = (PyArrayObject *)args[3];
    if (PyArray_TYPE(mask) != NPY_BOOL || PyArray_NDIM(mask) != 4) return 0;
    const ptrdiff_t scores[4] = {p->n, p->heads, p->t, p->s};
    for (int i = 0; i < 4; i++) {
        if (PyArray_DIM(mask, i) != 1 && PyArray_DIM(mask, i) != scores[i]) return 0;
        p->mask_step[i] = PyArray_DIM(mask, i) == 1 ? 0 : PyArray_STRIDE(mask, i);
    }
    p->mask = PyArray_DATA(mask);
    return 1;
}

static double work_of(const nk_attention *p) {
    return (double)p->n * (double)p->heads * (double)p->t * (double)p->s * (double)(p->d + p->f);
}

/* attention(query, key, value, mask | None, scale, causal) -> y (N, T, heads, F) */
static PyObject *attention(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_attention p;
    double scale;
    int causal;
    if (!nk_expect("attention", count, 6) || !nk_double(args[4], &scale) || !nk_flag(args[5], &causal)) return NULL;
    if (!read_attention(args, &p)) return nk_not_its_case();
    p.scale = (float)scale;
    p.causal = causal;
    PyObject *y = nk_new(4, (npy_intp[]){p.n, p.t, p.heads, p.f});
    if (y == NULL) return NULL;
    p.y = FLOATS(y);
    int failed = 0;
    NK_WITHOUT_LOCK(work_of(&p), failed = nk_kernels->attention(&p));
    if (failed) {
        Py_DECREF(y);
        return PyErr_NoMemory();
    }
    return y;
}

/* attention_backward(g, query, key, value, mask | None, scale, causal) -> (dquery, dkey, dvalue) */
static PyObject *attention_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_attention p;
    double scale;
    int causal;
    if (!nk_expect("attention_backward", count, 7) || !nk_double(args[5], &scale) || !nk_flag(args[6], &causal)) return NULL;
    if (!nk_is_floats(args[0], 4) || !read_attention(args + 1, &p)) return nk_not_its_case();
    const npy_intp wanted[4] = {p.n, p.t, p.heads, p.f};
    if (!PyArray_CompareLists(PyArray_DIMS((PyArrayObject *)args[0]), wanted, 4)) return nk_not_its_case();
    p.scale = (float)scale;
    p.causal = causal;
    PyObject *result = NULL;
    PyObject *dq = nk_new_like(args[1]), *dk = nk_new_like(args[2]), *dv = nk_new_like(args[3]);
    if (dq == NULL || dk == NULL || dv == NULL) goto done;
    p.g = FLOATS(args[0]);
    p.dq = FLOATS(dq);
    p.dk = FLOATS(dk);
    p.dv = FLOATS(dv);
    int failed = 0;
    NK_WITHOUT_LOCK(work_of(&p), failed = nk_kernels->attention_backward(&p));
    if (failed)
        PyErr_NoMemory();
    else
        result = PyTuple_Pack(3, dq, dk, dv);
done:
    Py_XDECREF(dq);
    Py_XDECREF(dk);
    Py_XDECREF(dv);
    return result;
}

PyMethodDef nk_attention_methods[] = {
    {"attention", (PyCFunction)(void (*)(void))attention, METH_FASTCALL,
     "attention(query, key, value, mask, scale, causal) -> softmax(query key' scale) value; mask may be None."},
    {"attention_backward", (PyCFunction)(void (*)(void))attention_backward, METH_FASTCALL,
     "attention_backward(g, query, key, value, mask, scale, causal) -> (dquery, dkey, dvalue)."},
    {NULL, NULL, 0, NULL},
};
