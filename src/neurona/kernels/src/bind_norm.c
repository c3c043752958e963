/* Bindings: batch and layer normalisation of x[M, C], and activations over all elements of an array. */
#include "bind.h"

static int none_or_vector(PyObject *o, ptrdiff_t length) { return Py_IsNone(o) || nk_is_vector(o, length); }

static const float *floats_or_null(PyObject *o) { return Py_IsNone(o) ? NULL : FLOATS(o); }

/* What a call needs besides its results; to be given back with nk_give. */
static double *side_memory(ptrdiff_t m, ptrdiff_t c) {
    double *memory = nk_take(nk_norm_side(m, c) * sizeof(double));
    if (memory == NULL) PyErr_NoMemory();
    return memory;
}

/* One of the activations that follow a normalisation; 0 with an exception when it is another. */
static int rides_along(PyObject *o, int *out) {
    const long number = PyLong_AsLong(o);
    if (number == -1 && PyErr_Occurred()) return 0;
    if (number != NK_LINEAR && number != NK_RELU && number != NK_GELU && number != NK_GELU_TANH && number != NK_SILU) {
        PyErr_Format(nk_argument_error, "Expected the activation 0, 1, 4, 5 or 6. Received: %ld", number);
        return 0;
    }
    *out = (int)number;
    return 1;
}

/* batch_norm_train(x, gamma | None, beta | None, epsilon, activation) -> (y, mean, var) */
static PyObject *batch_norm_train(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double epsilon;
    int activation;
    if (!nk_expect("batch_norm_train", count, 5) || !nk_double(args[3], &epsilon) || !rides_along(args[4], &activation))
        return NULL;
    PyObject *x = args[0];
    if (!nk_is_floats(x, 2) || ROWS(x) == 0 || COLUMNS(x) == 0) return nk_not_its_case();
    const ptrdiff_t m = ROWS(x), c = COLUMNS(x);
    if (!none_or_vector(args[1], c) || !none_or_vector(args[2], c)) return nk_not_its_case();
    PyObject *result = NULL, *y = nk_new2(m, c), *mean = nk_new1(c), *var = nk_new1(c);
    double *side = side_memory(m, c);
    if (y != NULL && mean != NULL && var != NULL && side != NULL) {
        NK_WITHOUT_LOCK((double)m * c,
                        nk_kernels->batch_norm_train(m, c, FLOATS(x), floats_or_null(args[1]), floats_or_null(args[2]),
                                                     epsilon, activation, FLOATS(y), FLOATS(mean), FLOATS(var), side));
        result = PyTuple_Pack(3, y, mean, var);
    }
    nk_give(side);
    Py_XDECREF(y);
    Py_XDECREF(mean);
    Py_XDECREF(var);
    return result;
}

/* batch_norm_backward(g, x, gamma | None, beta | None, mean, var, epsilon, activation) -> (dx, dgamma, dbeta) */
static PyObject *batch_norm_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double epsilon;
    int activation;
    if (!nk_expect("batch_norm_backward", count, 8) || !nk_double(args[6], &epsilon) ||
        !rides_along(args[7], &activation))
        return NULL;
    PyObject *g = args[0], *x = args[1];
    if (!nk_is_floats(g, 2) || !nk_is_floats(x, 2) || ROWS(x) == 0 || COLUMNS(x) == 0) return nk_not_its_case();
    const ptrdiff_t m = ROWS(x), c = COLUMNS(x);
    if (!nk_same_shape(g, x) || !none_or_vector(args[2], c) || !none_or_vector(args[3], c) ||
        !nk_is_vector(args[4], c) || !nk_is_vector(args[5], c))
        return nk_not_its_case();
    PyObject *result = NULL, *dx = nk_new2(m, c), *dgamma = nk_new1(c), *dbeta = nk_new1(c);
    double *side = side_memory(m, c);
    if (dx != NULL && dgamma != NULL && dbeta != NULL && side != NULL) {
        NK_WITHOUT_LOCK((double)m * c,
                        nk_kernels->batch_norm_backward(m, c, FLOATS(g), FLOATS(x), floats_or_null(args[2]),
                                                        floats_or_null(args[3]), FLOATS(args[4]), FLOATS(args[5]),
                                                        epsilon, activation, FLOATS(dx), FLOATS(dgamma), FLOATS(dbeta),
                                                        side));
        result = PyTuple_Pack(3, dx, dgamma, dbeta);
    }
    nk_give(side);
    Py_XDECREF(dx);
    Py_XDECREF(dgamma);
    Py_XDECREF(dbeta);
    return result;
}

/* batch_norm_infer(x, a[C], b[C], activation) -> activation(x a + b) */
static PyObject *batch_norm_infer(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    int activation;
    if (!nk_expect("batch_norm_infer", count, 4) || !rides_along(args[3], &activation)) return NULL;
    PyObject *x = args[0];
    if (!nk_is_floats(x, 2) || COLUMNS(x) == 0) return nk_not_its_case();
    const ptrdiff_t m = ROWS(x), c = COLUMNS(x);
    if (!nk_is_vector(args[1], c) || !nk_is_vector(args[2], c)) return nk_not_its_case();
    PyObject *y = nk_new2(m, c);
    double *side = side_memory(m, c);
    if (y != NULL && side != NULL)
        NK_WITHOUT_LOCK((double)m * c, nk_kernels->batch_norm_infer(m, c, FLOATS(x), FLOATS(args[1]), FLOATS(args[2]),
                                                                    activation, FLOATS(y), side));
    else
        Py_CLEAR(y);
    nk_give(side);
    return y;
}

/* layer_norm(x, gamma | None, beta | None, epsilon) -> y */
static PyObject *layer_norm(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double epsilon;
    if (!nk_expect("layer_norm", count, 4) || !nk_double(args[3], &epsilon)) return NULL;
    PyObject *x = args[0];
    if (!nk_is_floats(x, 2) || COLUMNS(x) == 0) return nk_not_its_case();
    const ptrdiff_t m = ROWS(x), c = COLUMNS(x);
    if (!none_or_vector(args[1], c) || !none_or_vector(args[2], c)) return nk_not_its_case();
    PyObject *y = nk_new2(m, c);
    if (y != NULL)
        NK_WITHOUT_LOCK((double)m * c * 4, nk_kernels->layer_norm(m, c, FLOATS(x), floats_or_null(args[1]),
                                                                  floats_or_null(args[2]), epsilon, FLOATS(y)));
    return y;
}

/* layer_norm_backward(g, x, gamma | None, epsilon) -> (dx, dgamma, dbeta) */
static PyObject *layer_norm_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double epsilon;
    if (!nk_expect("layer_norm_backward", count, 4) || !nk_double(args[3], &epsilon)) return NULL;
    PyObject *g = args[0], *x = args[1];
    if (!nk_is_floats(g, 2) || !nk_is_floats(x, 2) || COLUMNS(x) == 0) return nk_not_its_case();
    const ptrdiff_t m = ROWS(x), c = COLUMNS(x);
    if (!nk_same_shape(g, x) || !none_or_vector(args[2], c)) return nk_not_its_case();
    PyObject *result = NULL, *dx = nk_new2(m, c), *dgamma = nk_new1(c), *dbeta = nk_new1(c);
    float *partial = nk_take((size_t)(nk_sum_blocks(m, c) * 2 * c + 1) * sizeof(float));
    if (partial == NULL) PyErr_NoMemory();
    if (dx != NULL && dgamma != NULL && dbeta != NULL && partial != NULL) {
        NK_WITHOUT_LOCK((double)m * c * 8,
                        nk_kernels->layer_norm_backward(m, c, FLOATS(g), FLOATS(x), floats_or_null(args[2]), epsilon,
                                                        FLOATS(dx), FLOATS(dgamma), FLOATS(dbeta), partial));
        result = PyTuple_Pack(3, dx, dgamma, dbeta);
    }
    nk_give(partial);
    Py_XDECREF(dx);
    Py_XDECREF(dgamma);
    Py_XDECREF(dbeta);
    return result;
}

/* ---- activations ---- */

/* out = activation(x), or g activation'(x): a new array of x's shape. */
static PyObject *over_elements(PyObject *g, PyObject *x, int activation) {
    if (!nk_is_floats(x, -1) || (g != NULL && (!nk_is_floats(g, -1) || !nk_same_shape(g, x)))) return nk_not_its_case();
    PyObject *out = nk_new_like(x);
    if (out == NULL) return NULL;
    const size_t n = (size_t)PyArray_SIZE((PyArrayObject *)x);
    NK_WITHOUT_LOCK((double)n * 4, nk_kernels->smooth(n, g ? FLOATS(g) : NULL, FLOATS(x), activation, FLOATS(out)));
    return out;
}

static PyObject *gelu(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    int approximate;
    if (!nk_expect("gelu", count, 2) || !nk_flag(args[1], &approximate)) return NULL;
    return over_elements(NULL, args[0], approximate ? NK_GELU_TANH : NK_GELU);
}

static PyObject *gelu_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    int approximate;
    if (!nk_expect("gelu_backward", count, 3) || !nk_flag(args[2], &approximate)) return NULL;
    return over_elements(args[0], args[1], approximate ? NK_GELU_TANH : NK_GELU);
}

static PyObject *silu(PyObject *module, PyObject *x) {
    (void)module;
    return over_elements(NULL, x, NK_SILU);
}

static PyObject *silu_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    return nk_expect("silu_backward", count, 2) ? over_elements(args[0], args[1], NK_SILU) : NULL;
}

static PyObject *relu(PyObject *module, PyObject *x) {
    (void)module;
    return over_elements(NULL, x, NK_RELU);
}

static PyObject *relu_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    return nk_expect("relu_backward", count, 2) ? over_elements(args[0], args[1], NK_RELU) : NULL;
}

#define FASTCALL(function) (PyCFunction)(void (*)(void))function, METH_FASTCALL

PyMethodDef nk_norm_methods[] = {
    {"batch_norm_train", FASTCALL(batch_norm_train),
     "batch_norm_train(x, gamma, beta, epsilon, activation) -> (y, mean, var) over the rows of x; gamma and beta may be "
     "None; activation 0 linear, 1 relu, 4 gelu, 5 gelu in its tanh form, 6 silu."},
    {"batch_norm_backward", FASTCALL(batch_norm_backward),
     "batch_norm_backward(g, x, gamma, beta, mean, var, epsilon, activation) -> (dx, dgamma, dbeta)."},
    {"batch_norm_infer", FASTCALL(batch_norm_infer),
     "batch_norm_infer(x, a, b, activation) -> activation(x * a + b)."},
    {"layer_norm", FASTCALL(layer_norm),
     "layer_norm(x, gamma, beta, epsilon) -> each row of x brought to mean 0 and variance 1, times gamma, plus beta; both "
     "may be None."},
    {"layer_norm_backward", FASTCALL(layer_norm_backward),
     "layer_norm_backward(g, x, gamma, epsilon) -> (dx, dgamma, dbeta)."},
    {"gelu", FASTCALL(gelu), "gelu(x, approximate) -> x P(Z <= x), or its tanh form."},
    {"gelu_backward", FASTCALL(gelu_backward), "gelu_backward(g, x, approximate) -> g gelu'(x)."},
    {"silu", silu, METH_O, "silu(x) -> x / (1 + e^-x)."},
    {"silu_backward", FASTCALL(silu_backward), "silu_backward(g, x) -> g silu'(x)."},
    {"relu", relu, METH_O, "relu(x) -> max(x, 0)."},
    {"relu_backward", FASTCALL(relu_backward), "relu_backward(g, x) -> g where x > 0, else 0; x or relu(x) will do."},
    {NULL, NULL, 0, NULL},
};
