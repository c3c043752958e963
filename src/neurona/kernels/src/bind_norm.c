/* Bindings: batch normalisation of x[M, C]. */
#include "bind.h"

/* One block of floats for what a call needs on the side. */
static float *side_memory(ptrdiff_t m, ptrdiff_t c, ptrdiff_t vectors) {
    const ptrdiff_t rows = nk_norm_rows(m, c), blocks = (m + rows - 1) / rows;
    const size_t floats = (size_t)(blocks * 2 * c + vectors * c);
    float *memory = nk_take((floats > 0 ? floats : 1) * sizeof(float));
    if (memory == NULL) PyErr_NoMemory();
    return memory;
}

static int none_or_vector(PyObject *o, ptrdiff_t length) { return Py_IsNone(o) || nk_is_vector(o, length); }

/* batch_norm_train(x, gamma | None, beta | None, epsilon, relu) -> (y, mean, var) */
static PyObject *batch_norm_train(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double epsilon;
    int relu;
    if (!nk_expect("batch_norm_train", count, 5) || !nk_double(args[3], &epsilon) || !nk_flag(args[4], &relu))
        return NULL;
    PyObject *x = args[0];
    if (!nk_is_floats(x, 2) || ROWS(x) == 0) return nk_not_its_case();
    const ptrdiff_t m = ROWS(x), c = COLUMNS(x);
    if (!none_or_vector(args[1], c) || !none_or_vector(args[2], c)) return nk_not_its_case();
    const float *gamma = Py_IsNone(args[1]) ? NULL : FLOATS(args[1]);
    const float *beta = Py_IsNone(args[2]) ? NULL : FLOATS(args[2]);
    PyObject *result = NULL, *y = nk_new2(m, c), *mean = nk_new1(c), *var = nk_new1(c);
    float *side = side_memory(m, c, 2);
    if (y != NULL && mean != NULL && var != NULL && side != NULL) {
        float *a = side, *b = side + c, *partial = side + 2 * c;
        NK_WITHOUT_LOCK((double)m * c, {
            nk_kernels->norm_statistics(m, c, FLOATS(x), FLOATS(mean), FLOATS(var), partial);
            for (ptrdiff_t j = 0; j < c; j++) {
                const double inv = 1.0 / sqrt((double)FLOATS(var)[j] + epsilon);
                const double scale = (gamma ? (double)gamma[j] : 1.0) * inv;
                a[j] = (float)scale;
                b[j] = (float)((beta ? (double)beta[j] : 0.0) - (double)FLOATS(mean)[j] * scale);
            }
            nk_kernels->scale_shift(m, c, FLOATS(x), a, b, relu, FLOATS(y));
        });
        result = PyTuple_Pack(3, y, mean, var);
    }
    nk_give(side);
    Py_XDECREF(y);
    Py_XDECREF(mean);
    Py_XDECREF(var);
    return result;
}

/* batch_norm_backward(g, y, x, gamma | None, mean, var, epsilon, relu) -> (dx, dgamma, dbeta)
 * dx = gamma inv (g - mean(g) - xhat mean(g xhat)),  xhat = (x - mean) inv,  inv = 1 / sqrt(var + epsilon) */
static PyObject *batch_norm_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double epsilon;
    int relu;
    if (!nk_expect("batch_norm_backward", count, 8) || !nk_double(args[6], &epsilon) || !nk_flag(args[7], &relu))
        return NULL;
    PyObject *g = args[0], *y = args[1], *x = args[2];
    if (!nk_is_floats(g, 2) || !nk_is_floats(y, 2) || !nk_is_floats(x, 2)) return nk_not_its_case();
    const ptrdiff_t m = ROWS(x), c = COLUMNS(x);
    if (m == 0 || !nk_same_shape(g, x) || !nk_same_shape(y, x) || !none_or_vector(args[3], c) ||
        !nk_is_vector(args[4], c) || !nk_is_vector(args[5], c))
        return nk_not_its_case();
    const float *gamma = Py_IsNone(args[3]) ? NULL : FLOATS(args[3]);
    const float *mean = FLOATS(args[4]), *var = FLOATS(args[5]);
    PyObject *result = NULL, *dx = nk_new2(m, c), *dgamma = nk_new1(c), *dbeta = nk_new1(c);
    float *side = side_memory(m, c, 4);
    if (dx != NULL && dgamma != NULL && dbeta != NULL && side != NULL) {
        float *inv = side, *a = side + c, *b = side + 2 * c, *r = side + 3 * c, *partial = side + 4 * c;
        NK_WITHOUT_LOCK((double)m * c, {
            for (ptrdiff_t j = 0; j < c; j++) inv[j] = (float)(1.0 / sqrt((double)var[j] + epsilon));
            nk_kernels->norm_backward_sums(m, c, FLOATS(g), FLOATS(y), FLOATS(x), mean, inv, relu, FLOATS(dgamma),
                                           FLOATS(dbeta), partial);
            for (ptrdiff_t j = 0; j < c; j++) {
                const double scale = (gamma ? (double)gamma[j] : 1.0) * (double)inv[j];
                a[j] = (float)scale;
                b[j] = (float)(-scale * (double)inv[j] * (double)FLOATS(dgamma)[j] / (double)m);
                r[j] = (float)(-scale * (double)FLOATS(dbeta)[j] / (double)m);
            }
            nk_kernels->norm_backward_dx(m, c, FLOATS(g), FLOATS(y), FLOATS(x), mean, a, b, r, relu, FLOATS(dx));
        });
        result = PyTuple_Pack(3, dx, dgamma, dbeta);
    }
    nk_give(side);
    Py_XDECREF(dx);
    Py_XDECREF(dgamma);
    Py_XDECREF(dbeta);
    return result;
}

/* batch_norm_infer(x, a[C], b[C], relu) -> x a + b */
static PyObject *batch_norm_infer(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    int relu;
    if (!nk_expect("batch_norm_infer", count, 4) || !nk_flag(args[3], &relu)) return NULL;
    PyObject *x = args[0];
    if (!nk_is_floats(x, 2)) return nk_not_its_case();
    const ptrdiff_t m = ROWS(x), c = COLUMNS(x);
    if (!nk_is_vector(args[1], c) || !nk_is_vector(args[2], c)) return nk_not_its_case();
    PyObject *y = nk_new2(m, c);
    if (y == NULL) return NULL;
    NK_WITHOUT_LOCK((double)m * c,
                    nk_kernels->scale_shift(m, c, FLOATS(x), FLOATS(args[1]), FLOATS(args[2]), relu, FLOATS(y)));
    return y;
}

PyMethodDef nk_norm_methods[] = {
    {"batch_norm_train", (PyCFunction)(void (*)(void))batch_norm_train, METH_FASTCALL,
     "batch_norm_train(x, gamma, beta, epsilon, relu) -> (y, mean, var) over the rows of x; gamma, beta may be None."},
    {"batch_norm_backward", (PyCFunction)(void (*)(void))batch_norm_backward, METH_FASTCALL,
     "batch_norm_backward(g, y, x, gamma, mean, var, epsilon, relu) -> (dx, dgamma, dbeta)."},
    {"batch_norm_infer", (PyCFunction)(void (*)(void))batch_norm_infer, METH_FASTCALL,
     "batch_norm_infer(x, a, b, relu) -> x * a + b, then relu if asked."},
    {NULL, NULL, 0, NULL},
};
