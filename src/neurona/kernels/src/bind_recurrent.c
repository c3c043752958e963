/* Bindings: LSTM, GRU and plain recurrent neurons over whole sequences. */
#include "bind.h"

#define DIM(array, axis) ((ptrdiff_t)PyArray_DIM((PyArrayObject *)(array), axis))

static int is_shape(PyObject *o, int ndim, const ptrdiff_t *shape) {
    if (!nk_is_floats(o, ndim)) return 0;
    for (int i = 0; i < ndim; i++)
        if (DIM(o, i) != shape[i]) return 0;
    return 1;
}

static int is2(PyObject *o, ptrdiff_t m, ptrdiff_t n) { return is_shape(o, 2, (ptrdiff_t[]){m, n}); }

static int is3(PyObject *o, ptrdiff_t n, ptrdiff_t t, ptrdiff_t u) {
    return is_shape(o, 3, (ptrdiff_t[]){n, t, u});
}

/* An array of this shape, or None, for which the pointer is NULL. */
static int floats3_or_none(PyObject *o, ptrdiff_t n, ptrdiff_t t, ptrdiff_t u, const float **out) {
    *out = NULL;
    if (Py_IsNone(o)) return 1;
    if (!is3(o, n, t, u)) return 0;
    *out = FLOATS(o);
    return 1;
}

static int floats2_or_none(PyObject *o, ptrdiff_t m, ptrdiff_t n, const float **out) {
    *out = NULL;
    if (Py_IsNone(o)) return 1;
    if (!is2(o, m, n)) return 0;
    *out = FLOATS(o);
    return 1;
}

/* A mask (n, t) of bools, or None. */
static int mask_or_none(PyObject *o, ptrdiff_t n, ptrdiff_t t, const uint8_t **out) {
    *out = NULL;
    if (Py_IsNone(o)) return 1;
    if (!PyArray_CheckExact(o)) return 0;
    PyArrayObject *a = (PyArrayObject *)o;
    if (PyArray_TYPE(a) != NPY_BOOL || PyArray_NDIM(a) != 2 || !PyArray_ISCARRAY_RO(a)) return 0;
    if (DIM(o, 0) != n || DIM(o, 1) != t) return 0;
    *out = PyArray_DATA(a);
    return 1;
}

static PyObject *new3(ptrdiff_t n, ptrdiff_t t, ptrdiff_t u) { return nk_new(3, (npy_intp[]){n, t, u}); }

/* A new array, or None where it is not wanted. */
static PyObject *new2_if(int wanted, ptrdiff_t m, ptrdiff_t n) { return wanted ? nk_new2(m, n) : Py_NewRef(Py_None); }

static float *floats_of(PyObject *o) { return Py_IsNone(o) ? NULL : FLOATS(o); }

/* So many that no size computed from them can overflow. */
static int too_large(ptrdiff_t n, ptrdiff_t t, ptrdiff_t d, ptrdiff_t u) {
    const ptrdiff_t most = INT32_MAX / 64;
    return n > most || t > most || d > most || u > most;
}

/* The sizes and what both directions read, for `parts` gates; 0 where it is not their case. */
static int layer_of(int parts, PyObject *x, PyObject *kernel, PyObject *recurrent, PyObject *h0, PyObject *mask,
                    PyObject *kept, nk_recurrent *p) {
    if (!nk_is_floats(x, 3) || !nk_is_floats(recurrent, 2)) return 0;
    p->n = DIM(x, 0);
    p->t = DIM(x, 1);
    p->d = DIM(x, 2);
    p->u = DIM(recurrent, 0);
    if (p->d == 0 || p->u == 0 || too_large(p->n, p->t, p->d, p->u)) return 0;
    if (!is2(recurrent, p->u, parts * p->u) || !is2(kernel, p->d, parts * p->u) || !is2(h0, p->n, p->u)) return 0;
    if (!mask_or_none(mask, p->n, p->t, &p->mask) || !floats2_or_none(kept, p->n, p->u, &p->kept)) return 0;
    p->x = FLOATS(x);
    p->kernel = FLOATS(kernel);
    p->recurrent = FLOATS(recurrent);
    p->h0 = FLOATS(h0);
    return 1;
}

static double work_of(const nk_recurrent *p, int parts) {
    return (double)p->n * (double)p->t * (double)(p->d + p->u) * parts * (double)p->u;
}

/* The arrays that leave on the way back; None where not wanted, as dc0 is by all but the LSTM. */
enum { DX, DKERNEL, DRECURRENT, DBIAS, DH0, DC0, DKEPT, RESULTS };

/* need: of x, the weights, the bias, kept. 0 with an exception when memory is out. */
static int make_results(nk_recurrent_backward *b, int parts, const int *need, PyObject **made) {
    const nk_recurrent *p = &b->layer;
    const ptrdiff_t wide = parts * p->u;
    const int weights = need[1] || need[2]; /* the bias's sums come with them */
    made[DX] = need[0] ? new3(p->n, p->t, p->d) : Py_NewRef(Py_None);
    made[DKERNEL] = new2_if(weights, p->d, wide);
    made[DRECURRENT] = new2_if(weights, p->u, wide);
    if (p->reset_after)
        made[DBIAS] = new2_if(need[2], 2, wide);
    else
        made[DBIAS] = need[2] ? nk_new1(wide) : Py_NewRef(Py_None);
    made[DH0] = nk_new2(p->n, p->u);
    made[DC0] = new2_if(p->c0 != NULL, p->n, p->u);
    made[DKEPT] = new2_if(need[3] && p->kept != NULL, p->n, p->u);
    float **out[RESULTS] = {&b->dx, &b->dkernel, &b->drecurrent, &b->dbias, &b->dh0, &b->dc0, &b->dkept};
    for (int i = 0; i < RESULTS; i++) {
        if (made[i] == NULL) return 0;
        *out[i] = floats_of(made[i]);
    }
    return 1;
}

static PyObject *pack_results(int failed, PyObject **made) {
    if (failed) return PyErr_NoMemory();
    return PyTuple_Pack(RESULTS, made[DX], made[DKERNEL], made[DRECURRENT], made[DBIAS], made[DH0], made[DC0], made[DKEPT]);
}

static int four_flags(nk_arguments args, int *need) {
    for (int i = 0; i < 4; i++)
        if (!nk_flag(args[i], need + i)) return 0;
    return 1;
}

static int cell_of(PyObject *c0, nk_recurrent *p) {
    if (!is2(c0, p->n, p->u)) return 0;
    p->c0 = FLOATS(c0);
    return 1;
}

/* lstm(x, kernel, recurrent, bias | None, h0, c0, mask | None, kept | None, backwards) -> (h, c, gates) */
static PyObject *lstm(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_recurrent p = {0};
    if (!nk_expect("lstm", count, 9) || !nk_flag(args[8], &p.backwards)) return NULL;
    if (!layer_of(4, args[0], args[1], args[2], args[4], args[6], args[7], &p) || !cell_of(args[5], &p))
        return nk_not_its_case();
    if (!Py_IsNone(args[3])) {
        if (!nk_is_vector(args[3], 4 * p.u)) return nk_not_its_case();
        p.bias = FLOATS(args[3]);
    }
    PyObject *result = NULL, *h = new3(p.n, p.t, p.u), *c = new3(p.n, p.t, p.u), *gates = new3(p.n, p.t, 4 * p.u);
    if (h == NULL || c == NULL || gates == NULL) goto done;
    p.h = FLOATS(h);
    p.c = FLOATS(c);
    p.gates = FLOATS(gates);
    int failed = 0;
    NK_WITHOUT_LOCK(work_of(&p, 4), failed = nk_kernels->lstm(&p));
    if (failed)
        PyErr_NoMemory();
    else
        result = PyTuple_Pack(3, h, c, gates);
done:
    Py_XDECREF(h);
    Py_XDECREF(c);
    Py_XDECREF(gates);
    return result;
}

/* lstm_backward(gh | None, gc | None, ggates | None, h, c, gates, x, kernel, recurrent, h0, c0, mask | None, kept | None,
 * backwards, need_x, need_weights, need_bias, need_kept) -> (dx, dkernel, drecurrent, dbias, dh0, dc0, dkept) */
static PyObject *lstm_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_recurrent_backward b = {0};
    nk_recurrent *p = &b.layer;
    int need[4];
    if (!nk_expect("lstm_backward", count, 18) || !nk_flag(args[13], &p->backwards) || !four_flags(args + 14, need))
        return NULL;
    if (!layer_of(4, args[6], args[7], args[8], args[9], args[11], args[12], p) || !cell_of(args[10], p))
        return nk_not_its_case();
    if (!floats3_or_none(args[0], p->n, p->t, p->u, &b.gh) || !floats3_or_none(args[1], p->n, p->t, p->u, &b.gc) ||
        !floats3_or_none(args[2], p->n, p->t, 4 * p->u, &b.ggates))
        return nk_not_its_case();
    if (!is3(args[3], p->n, p->t, p->u) || !is3(args[4], p->n, p->t, p->u) || !is3(args[5], p->n, p->t, 4 * p->u))
        return nk_not_its_case();
    p->h = FLOATS(args[3]);
    p->c = FLOATS(args[4]);
    p->gates = FLOATS(args[5]);
    PyObject *result = NULL, *made[RESULTS] = {NULL};
    if (make_results(&b, 4, need, made)) {
        int failed = 0;
        NK_WITHOUT_LOCK(work_of(p, 4), failed = nk_kernels->lstm_backward(&b));
        result = pack_results(failed, made);
    }
    for (int i = 0; i < RESULTS; i++) Py_XDECREF(made[i]);
    return result;
}

/* gru(x, kernel, recurrent, bias | None, h0, mask | None, kept | None, reset_after, backwards) -> (h, gates, inner) */
static PyObject *gru(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_recurrent p = {0};
    if (!nk_expect("gru", count, 9) || !nk_flag(args[7], &p.reset_after) || !nk_flag(args[8], &p.backwards)) return NULL;
    if (!layer_of(3, args[0], args[1], args[2], args[4], args[5], args[6], &p)) return nk_not_its_case();
    if (!Py_IsNone(args[3])) {
        if (p.reset_after ? !is2(args[3], 2, 3 * p.u) : !nk_is_vector(args[3], 3 * p.u)) return nk_not_its_case();
        p.bias = FLOATS(args[3]);
    }
    PyObject *result = NULL, *h = new3(p.n, p.t, p.u), *gates = new3(p.n, p.t, 3 * p.u), *inner = new3(p.n, p.t, p.u);
    if (h == NULL || gates == NULL || inner == NULL) goto done;
    p.h = FLOATS(h);
    p.gates = FLOATS(gates);
    p.inner = FLOATS(inner);
    int failed = 0;
    NK_WITHOUT_LOCK(work_of(&p, 3), failed = nk_kernels->gru(&p));
    if (failed)
        PyErr_NoMemory();
    else
        result = PyTuple_Pack(3, h, gates, inner);
done:
    Py_XDECREF(h);
    Py_XDECREF(gates);
    Py_XDECREF(inner);
    return result;
}

/* gru_backward(gh | None, ggates | None, ginner | None, h, gates, inner, x, kernel, recurrent, h0, mask | None, kept | None,
 * reset_after, backwards, need_x, need_weights, need_bias, need_kept) -> (dx, dkernel, drecurrent, dbias, dh0, None, dkept) */
static PyObject *gru_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_recurrent_backward b = {0};
    nk_recurrent *p = &b.layer;
    int need[4];
    if (!nk_expect("gru_backward", count, 18) || !nk_flag(args[12], &p->reset_after) ||
        !nk_flag(args[13], &p->backwards) || !four_flags(args + 14, need))
        return NULL;
    if (!layer_of(3, args[6], args[7], args[8], args[9], args[10], args[11], p)) return nk_not_its_case();
    if (!floats3_or_none(args[0], p->n, p->t, p->u, &b.gh) || !floats3_or_none(args[1], p->n, p->t, 3 * p->u, &b.ggates) ||
        !floats3_or_none(args[2], p->n, p->t, p->u, &b.ginner))
        return nk_not_its_case();
    if (!is3(args[3], p->n, p->t, p->u) || !is3(args[4], p->n, p->t, 3 * p->u) || !is3(args[5], p->n, p->t, p->u))
        return nk_not_its_case();
    p->h = FLOATS(args[3]);
    p->gates = FLOATS(args[4]);
    p->inner = FLOATS(args[5]);
    PyObject *result = NULL, *made[RESULTS] = {NULL};
    if (make_results(&b, 3, need, made)) {
        int failed = 0;
        NK_WITHOUT_LOCK(work_of(p, 3), failed = nk_kernels->gru_backward(&b));
        result = pack_results(failed, made);
    }
    for (int i = 0; i < RESULTS; i++) Py_XDECREF(made[i]);
    return result;
}

static int activation_of(PyObject *o, int *out) {
    const long value = PyLong_AsLong(o);
    if (value == -1 && PyErr_Occurred()) return 0;
    if (value < NK_LINEAR || value > NK_SIGMOID) {
        PyErr_Format(nk_argument_error, "Expected an activation from 0 to 3. Received: %ld", value);
        return 0;
    }
    *out = (int)value;
    return 1;
}

/* simple_rnn(x, kernel, recurrent, bias | None, h0, mask | None, kept | None, activation, backwards) -> h */
static PyObject *simple_rnn(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_recurrent p = {0};
    if (!nk_expect("simple_rnn", count, 9) || !activation_of(args[7], &p.activation) || !nk_flag(args[8], &p.backwards))
        return NULL;
    if (!layer_of(1, args[0], args[1], args[2], args[4], args[5], args[6], &p)) return nk_not_its_case();
    if (!Py_IsNone(args[3])) {
        if (!nk_is_vector(args[3], p.u)) return nk_not_its_case();
        p.bias = FLOATS(args[3]);
    }
    PyObject *h = new3(p.n, p.t, p.u);
    if (h == NULL) return NULL;
    p.h = FLOATS(h);
    int failed = 0;
    NK_WITHOUT_LOCK(work_of(&p, 1), failed = nk_kernels->simple_rnn(&p));
    if (failed) {
        Py_DECREF(h);
        return PyErr_NoMemory();
    }
    return h;
}

/* simple_rnn_backward(gh, h, x, kernel, recurrent, h0, mask | None, kept | None, activation, backwards, need_x, need_weights,
 * need_bias, need_kept) -> (dx, dkernel, drecurrent, dbias, dh0, None, dkept) */
static PyObject *simple_rnn_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_recurrent_backward b = {0};
    nk_recurrent *p = &b.layer;
    int need[4];
    if (!nk_expect("simple_rnn_backward", count, 14) || !activation_of(args[8], &p->activation) ||
        !nk_flag(args[9], &p->backwards) || !four_flags(args + 10, need))
        return NULL;
    if (!layer_of(1, args[2], args[3], args[4], args[5], args[6], args[7], p)) return nk_not_its_case();
    if (!is3(args[0], p->n, p->t, p->u) || !is3(args[1], p->n, p->t, p->u)) return nk_not_its_case();
    b.gh = FLOATS(args[0]);
    p->h = FLOATS(args[1]);
    PyObject *result = NULL, *made[RESULTS] = {NULL};
    if (make_results(&b, 1, need, made)) {
        int failed = 0;
        NK_WITHOUT_LOCK(work_of(p, 1), failed = nk_kernels->simple_rnn_backward(&b));
        result = pack_results(failed, made);
    }
    for (int i = 0; i < RESULTS; i++) Py_XDECREF(made[i]);
    return result;
}

PyMethodDef nk_recurrent_methods[] = {
    {"lstm", (PyCFunction)(void (*)(void))lstm, METH_FASTCALL,
     "lstm(x, kernel, recurrent, bias, h0, c0, mask, kept, backwards) -> (h, c, gates); bias, mask and kept may be None."},
    {"lstm_backward", (PyCFunction)(void (*)(void))lstm_backward, METH_FASTCALL,
     "lstm_backward(gh, gc, ggates, h, c, gates, x, kernel, recurrent, h0, c0, mask, kept, backwards, need_x, "
     "need_weights, need_bias, need_kept) -> (dx, dkernel, drecurrent, dbias, dh0, dc0, dkept), None where not needed."},
    {"gru", (PyCFunction)(void (*)(void))gru, METH_FASTCALL,
     "gru(x, kernel, recurrent, bias, h0, mask, kept, reset_after, backwards) -> (h, gates, inner); bias, mask and kept may "
     "be None."},
    {"gru_backward", (PyCFunction)(void (*)(void))gru_backward, METH_FASTCALL,
     "gru_backward(gh, ggates, ginner, h, gates, inner, x, kernel, recurrent, h0, mask, kept, reset_after, backwards, "
     "need_x, need_weights, need_bias, need_kept) -> (dx, dkernel, drecurrent, dbias, dh0, None, dkept), None where not needed."},
    {"simple_rnn", (PyCFunction)(void (*)(void))simple_rnn, METH_FASTCALL,
     "simple_rnn(x, kernel, recurrent, bias, h0, mask, kept, activation, backwards) -> h; activation: 0 linear, 1 relu, "
     "2 tanh, 3 sigmoid; bias, mask and kept may be None."},
    {"simple_rnn_backward", (PyCFunction)(void (*)(void))simple_rnn_backward, METH_FASTCALL,
     "simple_rnn_backward(gh, h, x, kernel, recurrent, h0, mask, kept, activation, backwards, need_x, need_weights, "
     "need_bias, need_kept) -> (dx, dkernel, drecurrent, dbias, dh0, None, dkept), None where not needed."},
    {NULL, NULL, 0, NULL},
};
