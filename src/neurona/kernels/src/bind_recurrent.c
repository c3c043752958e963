/* Bindings: the LSTM over whole sequences. */
#include "bind_recurrent.h"

/* The sizes and what both directions read; 0 where it is not their case. */
static int lstm_layer(PyObject *x, PyObject *kernel, PyObject *recurrent, PyObject *h0, PyObject *c0, PyObject *mask,
                      PyObject *kept, nk_lstm *p) {
    if (!nk_is_floats(x, 3) || !nk_is_floats(recurrent, 2)) return 0;
    p->n = DIM(x, 0);
    p->t = DIM(x, 1);
    p->d = DIM(x, 2);
    p->u = DIM(recurrent, 0);
    if (p->u == 0 || too_large(p->n, p->t, p->d, p->u)) return 0;
    if (!is2(recurrent, p->u, 4 * p->u) || !is2(kernel, p->d, 4 * p->u)) return 0;
    if (!is2(h0, p->n, p->u) || !is2(c0, p->n, p->u)) return 0;
    if (!mask_or_none(mask, p->n, p->t, &p->mask) || !floats2_or_none(kept, p->n, p->u, &p->kept)) return 0;
    p->x = FLOATS(x);
    p->kernel = FLOATS(kernel);
    p->recurrent = FLOATS(recurrent);
    p->h0 = FLOATS(h0);
    p->c0 = FLOATS(c0);
    return 1;
}

static double lstm_work(const nk_lstm *p) { return (double)p->n * p->t * (p->d + p->u) * 4 * p->u; }

/* lstm(x, kernel, recurrent, bias | None, h0, c0, mask | None, kept | None, backwards) -> (h, c, gates) */
static PyObject *lstm(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_lstm p = {0};
    if (!nk_expect("lstm", count, 9) || !nk_flag(args[8], &p.backwards)) return NULL;
    if (!lstm_layer(args[0], args[1], args[2], args[4], args[5], args[6], args[7], &p)) return nk_not_its_case();
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
    NK_WITHOUT_LOCK(lstm_work(&p), failed = nk_kernels->lstm(&p));
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
 * backwards, need_x, need_weights, need_bias, need_kept) -> (dx | None, dkernel | None, drecurrent | None, dbias | None,
 * dh0, dc0, dkept | None) */
static PyObject *lstm_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_lstm_backward b = {0};
    nk_lstm *p = &b.layer;
    int need_x, need_weights, need_bias, need_kept;
    if (!nk_expect("lstm_backward", count, 18) || !nk_flag(args[13], &p->backwards) || !nk_flag(args[14], &need_x) ||
        !nk_flag(args[15], &need_weights) || !nk_flag(args[16], &need_bias) || !nk_flag(args[17], &need_kept))
        return NULL;
    if (!lstm_layer(args[6], args[7], args[8], args[9], args[10], args[11], args[12], p)) return nk_not_its_case();
    if (!floats3_or_none(args[0], p->n, p->t, p->u, &b.gh) || !floats3_or_none(args[1], p->n, p->t, p->u, &b.gc) ||
        !floats3_or_none(args[2], p->n, p->t, 4 * p->u, &b.ggates))
        return nk_not_its_case();
    if (!is3(args[3], p->n, p->t, p->u) || !is3(args[4], p->n, p->t, p->u) || !is3(args[5], p->n, p->t, 4 * p->u))
        return nk_not_its_case();
    p->h = FLOATS(args[3]);
    p->c = FLOATS(args[4]);
    p->gates = FLOATS(args[5]);
    need_weights = need_weights || need_bias; /* the bias's sums come with them */
    need_kept = need_kept && p->kept != NULL;

    PyObject *result = NULL;
    PyObject *dx = need_x ? new3(p->n, p->t, p->d) : Py_NewRef(Py_None);
    PyObject *dkernel = new2_if(need_weights, p->d, 4 * p->u), *drecurrent = new2_if(need_weights, p->u, 4 * p->u);
    PyObject *dbias = need_bias ? nk_new1(4 * p->u) : Py_NewRef(Py_None);
    PyObject *dh0 = nk_new2(p->n, p->u), *dc0 = nk_new2(p->n, p->u), *dkept = new2_if(need_kept, p->n, p->u);
    if (!dx || !dkernel || !drecurrent || !dbias || !dh0 || !dc0 || !dkept) goto done;
    b.dx = floats_of(dx);
    b.dkernel = floats_of(dkernel);
    b.drecurrent = floats_of(drecurrent);
    b.dbias = floats_of(dbias);
    b.dh0 = FLOATS(dh0);
    b.dc0 = FLOATS(dc0);
    b.dkept = floats_of(dkept);
    int failed = 0;
    NK_WITHOUT_LOCK(lstm_work(p), failed = nk_kernels->lstm_backward(&b));
    if (failed)
        PyErr_NoMemory();
    else
        result = PyTuple_Pack(7, dx, dkernel, drecurrent, dbias, dh0, dc0, dkept);
done:
    Py_XDECREF(dx);
    Py_XDECREF(dkernel);
    Py_XDECREF(drecurrent);
    Py_XDECREF(dbias);
    Py_XDECREF(dh0);
    Py_XDECREF(dc0);
    Py_XDECREF(dkept);
    return result;
}

PyMethodDef nk_recurrent_methods[] = {
    {"lstm", (PyCFunction)(void (*)(void))lstm, METH_FASTCALL,
     "lstm(x, kernel, recurrent, bias, h0, c0, mask, kept, backwards) -> (h, c, gates); bias, mask and kept may be None."},
    {"lstm_backward", (PyCFunction)(void (*)(void))lstm_backward, METH_FASTCALL,
     "lstm_backward(gh, gc, ggates, h, c, gates, x, kernel, recurrent, h0, c0, mask, kept, backwards, need_x, "
     "need_weights, need_bias, need_kept) -> (dx, dkernel, drecurrent, dbias, dh0, dc0, dkept), None where not needed."},
    {NULL, NULL, 0, NULL},
};
