/* Bindings: matrix product, dense layer, and the dense layer's gradients. */
#include "bind.h"

/* matmul(a, b, transpose_a, transpose_b) -> c */
static PyObject *matmul(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    int ta, tb;
    if (!nk_expect("matmul", count, 4) || !nk_flag(args[2], &ta) || !nk_flag(args[3], &tb)) return NULL;
    if (!nk_is_floats(args[0], 2) || !nk_is_floats(args[1], 2)) return nk_not_its_case();
    nk_product p = {.a = FLOATS(args[0]), .b = FLOATS(args[1]), .ta = ta, .tb = tb};
    p.m = ta ? COLUMNS(args[0]) : ROWS(args[0]);
    p.k = ta ? ROWS(args[0]) : COLUMNS(args[0]);
    p.n = tb ? ROWS(args[1]) : COLUMNS(args[1]);
    if ((tb ? COLUMNS(args[1]) : ROWS(args[1])) != p.k) return nk_not_its_case();
    PyObject *c = nk_new2(p.m, p.n);
    if (c == NULL) return NULL;
    p.c = FLOATS(c);
    int failed = 0;
    NK_WITHOUT_LOCK((double)p.m * p.n * p.k, failed = nk_kernels->products(&p, 1));
    if (failed) {
        Py_DECREF(c);
        return PyErr_NoMemory();
    }
    return c;
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

/* dense(x, w, b | None, activation) -> y */
static PyObject *dense(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_product p = {0};
    if (!nk_expect("dense", count, 4) || !activation_of(args[3], &p.activation)) return NULL;
    if (!nk_is_floats(args[0], 2) || !nk_is_floats(args[1], 2)) return nk_not_its_case();
    p.m = ROWS(args[0]);
    p.k = COLUMNS(args[0]);
    p.n = COLUMNS(args[1]);
    if (ROWS(args[1]) != p.k) return nk_not_its_case();
    if (!Py_IsNone(args[2])) {
        if (!nk_is_vector(args[2], p.n)) return nk_not_its_case();
        p.bias = FLOATS(args[2]);
    }
    PyObject *y = nk_new2(p.m, p.n);
    if (y == NULL) return NULL;
    p.a = FLOATS(args[0]);
    p.b = FLOATS(args[1]);
    p.c = FLOATS(y);
    int failed = 0;
    NK_WITHOUT_LOCK((double)p.m * p.n * p.k, failed = nk_kernels->products(&p, 1));
    if (failed) {
        Py_DECREF(y);
        return PyErr_NoMemory();
    }
    return y;
}

/* dense_backward(g, y, x, w, has_bias, activation, need_x, need_w) -> (dx | None, dw | None, db | None) */
static PyObject *dense_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    int has_bias, activation, need_x, need_w;
    if (!nk_expect("dense_backward", count, 8) || !nk_flag(args[4], &has_bias) || !activation_of(args[5], &activation) ||
        !nk_flag(args[6], &need_x) || !nk_flag(args[7], &need_w))
        return NULL;
    for (int i = 0; i < 4; i++)
        if (!nk_is_floats(args[i], 2)) return nk_not_its_case();
    PyObject *g = args[0], *y = args[1], *x = args[2], *w = args[3];
    const ptrdiff_t batch = ROWS(x), inputs = COLUMNS(x), units = COLUMNS(w);
    if (ROWS(w) != inputs || ROWS(g) != batch || COLUMNS(g) != units || !nk_same_shape(g, y)) return nk_not_its_case();

    PyObject *result = NULL;
    PyObject *dx = need_x ? nk_new2(batch, inputs) : Py_NewRef(Py_None);
    PyObject *dw = need_w ? nk_new2(inputs, units) : Py_NewRef(Py_None);
    PyObject *db = has_bias ? nk_new1(units) : Py_NewRef(Py_None);
    /* g times the activation's slope: an array, so that its memory is recycled too. */
    PyObject *gz = activation != NK_LINEAR ? nk_new2(batch, units) : Py_NewRef(g);
    if (dx == NULL || dw == NULL || db == NULL || gz == NULL) goto done;

    nk_product list[2];
    int products = 0;
    if (need_w)
        list[products++] = (nk_product){.m = inputs, .n = units, .k = batch, .a = FLOATS(x), .b = FLOATS(gz), .ta = 1,
                                        .c = FLOATS(dw)};
    if (need_x)
        list[products++] = (nk_product){.m = batch, .n = inputs, .k = units, .a = FLOATS(gz), .b = FLOATS(w), .tb = 1,
                                        .c = FLOATS(dx)};
    int failed = 0;
    NK_WITHOUT_LOCK((double)batch * inputs * units, {
        if (activation != NK_LINEAR || has_bias)
            nk_kernels->activation_backward(batch, units, FLOATS(g), FLOATS(y), activation, FLOATS(gz),
                                            has_bias ? FLOATS(db) : NULL);
        failed = nk_kernels->products(list, products);
    });
    if (failed)
        PyErr_NoMemory();
    else
        result = PyTuple_Pack(3, dx, dw, db);
done:
    Py_XDECREF(dx);
    Py_XDECREF(dw);
    Py_XDECREF(db);
    Py_XDECREF(gz);
    return result;
}

PyMethodDef nk_dense_methods[] = {
    {"matmul", (PyCFunction)(void (*)(void))matmul, METH_FASTCALL,
     "matmul(a, b, transpose_a, transpose_b) -> op(a) @ op(b), for float32 matrices."},
    {"dense", (PyCFunction)(void (*)(void))dense, METH_FASTCALL,
     "dense(x, w, b, activation) -> activation(x @ w + b); b may be None; activation: 0 linear, 1 relu, 2 tanh, 3 sigmoid."},
    {"dense_backward", (PyCFunction)(void (*)(void))dense_backward, METH_FASTCALL,
     "dense_backward(g, y, x, w, has_bias, activation, need_x, need_w) -> (dx, dw, db), None where not needed."},
    {NULL, NULL, 0, NULL},
};
