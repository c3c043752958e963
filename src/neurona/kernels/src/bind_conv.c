/* Bindings: convolutions of any shape, lifted to three axes, their gradients, and the depthwise ones. */
#include "bind.h"

/* Beyond any sensible stride, dilation or pad; below it no sum or product of a few overflows. */
#define MOST_SETTING ((ptrdiff_t)1 << 20)
#define MOST_PLACES ((double)((ptrdiff_t)1 << 46))

static ptrdiff_t axis(PyObject *o, int i) { return (ptrdiff_t)PyArray_DIM((PyArrayObject *)o, i); }

/* `count` whole numbers, each least ... MOST_SETTING. 1: read; 0: not its case; -1: an exception. */
static int read_numbers(PyObject *o, int count, ptrdiff_t least, ptrdiff_t *out) {
    if (!PyTuple_Check(o) || PyTuple_GET_SIZE(o) != count) return 0;
    for (int i = 0; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(o, i);
        if (!PyLong_Check(item)) return 0;
        int overflow;
        const long long value = PyLong_AsLongLongAndOverflow(item, &overflow);
        if (value == -1 && PyErr_Occurred()) return -1;
        if (overflow || value < least || value > MOST_SETTING) return 0;
        out[i] = (ptrdiff_t)value;
    }
    return 1;
}

static int read_activation(PyObject *o, int *out) {
    const long value = PyLong_AsLong(o);
    if (value == -1 && PyErr_Occurred()) return 0;
    if (value < NK_LINEAR || value > NK_SIGMOID) {
        PyErr_Format(nk_argument_error, "Expected an activation from 0 to 3. Received: %ld", value);
        return 0;
    }
    *out = (int)value;
    return 1;
}

/* Strides, pads, dilation and, unless `groups` is NULL, groups. */
static int read_settings(PyObject *strides, PyObject *pads, PyObject *dilation, PyObject *groups, nk_conv *p,
                         ptrdiff_t *pads6) {
    int fits = read_numbers(strides, 3, 1, p->stride);
    if (fits == 1) fits = read_numbers(pads, 6, 0, pads6);
    if (fits == 1) fits = read_numbers(dilation, 3, 1, p->dilation);
    if (fits != 1) return fits;
    for (int i = 0; i < 3; i++) p->before[i] = pads6[2 * i];
    p->groups = 1;
    if (groups == NULL) return 1;
    if (!PyLong_Check(groups)) return 0;
    int overflow;
    const long long value = PyLong_AsLongLongAndOverflow(groups, &overflow);
    if (value == -1 && PyErr_Occurred()) return -1;
    if (overflow || value < 1) return 0;
    p->groups = (ptrdiff_t)value;
    return 1;
}

/* With n, in, c, f, kernel and the settings known: do they fit? Fills `out`. */
static int finish(nk_conv *p, const ptrdiff_t *pads6) {
    if (p->c < 1 || p->f < 1 || p->c % p->groups != 0 || p->f % p->groups != 0) return 0;
    double places = (double)p->n * (double)p->f, taken = (double)p->n * (double)p->c;
    double taps = (double)p->c * (double)p->f;
    for (int i = 0; i < 3; i++) {
        if (p->kernel[i] < 1 || p->kernel[i] > MOST_SETTING || p->in[i] > ((ptrdiff_t)1 << 40)) return 0;
        const ptrdiff_t span = (p->kernel[i] - 1) * p->dilation[i] + 1;
        const ptrdiff_t room = p->in[i] + pads6[2 * i] + pads6[2 * i + 1] - span;
        if (room < 0) return 0;
        p->out[i] = room / p->stride[i] + 1;
        places *= (double)p->out[i];
        taken *= (double)p->in[i];
        taps *= (double)p->kernel[i];
    }
    return places < MOST_PLACES && taken < MOST_PLACES && taps < MOST_PLACES;
}

static int read_x(PyObject *x, nk_conv *p) {
    if (!nk_is_floats(x, 5)) return 0;
    p->n = axis(x, 0), p->c = axis(x, 4);
    for (int i = 0; i < 3; i++) p->in[i] = axis(x, i + 1);
    return 1;
}

/* (Kd, Kh, Kw, C / groups, F), or (Kd, Kh, Kw, C, M), which has the same order as C groups of one channel. */
static int read_kernel(PyObject *kernel, nk_conv *p, int depthwise) {
    if (!nk_is_floats(kernel, 5)) return 0;
    for (int i = 0; i < 3; i++) p->kernel[i] = axis(kernel, i);
    if (depthwise) {
        p->c = p->groups = axis(kernel, 3);
        p->f = p->c * axis(kernel, 4);
    } else {
        p->f = axis(kernel, 4);
    }
    return 1;
}

/* g or y: (N, *out, F) */
static int is_output(PyObject *o, const nk_conv *p) {
    return nk_is_floats(o, 5) && axis(o, 0) == p->n && axis(o, 1) == p->out[0] && axis(o, 2) == p->out[1] &&
           axis(o, 3) == p->out[2] && axis(o, 4) == p->f;
}

static int is_depthwise(const nk_conv *p) { return p->groups == p->c && p->c > 1; }

static double work_of(const nk_conv *p) {
    return (double)p->n * (double)p->out[0] * (double)p->out[1] * (double)p->out[2] * (double)p->f * (double)p->kernel[0] *
           (double)p->kernel[1] * (double)p->kernel[2] * (double)(p->c / p->groups);
}

static PyObject *forward(PyObject *x, PyObject *kernel, PyObject *bias, const nk_conv *p, int activation) {
    if (!Py_IsNone(bias) && !nk_is_vector(bias, p->f)) return nk_not_its_case();
    PyObject *y = nk_new(5, (npy_intp[]){p->n, p->out[0], p->out[1], p->out[2], p->f});
    if (y == NULL) return NULL;
    const float *b = Py_IsNone(bias) ? NULL : FLOATS(bias);
    int failed = 0;
    NK_WITHOUT_LOCK(work_of(p), failed = (is_depthwise(p) ? nk_kernels->depthwise : nk_kernels->conv)(
                                    p, FLOATS(x), FLOATS(kernel), b, activation, FLOATS(y)));
    if (!failed) return y;
    Py_DECREF(y);
    return PyErr_NoMemory();
}

/* conv(x, kernel, bias | None, strides, pads, dilation, groups, activation) -> y */
static PyObject *conv(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_conv p;
    ptrdiff_t pads[6];
    int activation;
    if (!nk_expect("conv", count, 8) || !read_activation(args[7], &activation)) return NULL;
    const int fits = read_settings(args[3], args[4], args[5], args[6], &p, pads);
    if (fits < 0) return NULL;
    if (!fits || !read_x(args[0], &p) || !read_kernel(args[1], &p, 0) || !finish(&p, pads) ||
        axis(args[1], 3) != p.c / p.groups)
        return nk_not_its_case();
    return forward(args[0], args[1], args[2], &p, activation);
}

/* depthwise(x, kernel, bias | None, strides, pads, dilation, activation) -> y */
static PyObject *depthwise(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_conv p;
    ptrdiff_t pads[6];
    int activation;
    if (!nk_expect("depthwise", count, 7) || !read_activation(args[6], &activation)) return NULL;
    const int fits = read_settings(args[3], args[4], args[5], NULL, &p, pads);
    if (fits < 0) return NULL;
    if (!fits || !read_kernel(args[1], &p, 1) || !read_x(args[0], &p) || p.c != p.groups || !finish(&p, pads))
        return nk_not_its_case();
    return forward(args[0], args[1], args[2], &p, activation);
}

static PyObject *backward(PyObject *g, PyObject *y, PyObject *x, PyObject *kernel, const nk_conv *p, int activation,
                          const int *needs) {
    if (!is_output(g, p) || (activation != NK_LINEAR && !is_output(y, p))) return nk_not_its_case();
    const ptrdiff_t pixels = p->n * p->out[0] * p->out[1] * p->out[2];
    PyObject *result = NULL;
    PyObject *dx = needs[0] ? nk_new_like(x) : Py_NewRef(Py_None);
    PyObject *dkernel = needs[1] ? nk_new_like(kernel) : Py_NewRef(Py_None);
    PyObject *dbias = needs[2] ? nk_new1(p->f) : Py_NewRef(Py_None);
    PyObject *gz = activation != NK_LINEAR ? nk_new_like(g) : Py_NewRef(g);
    if (dx == NULL || dkernel == NULL || dbias == NULL || gz == NULL) goto done;
    int failed = 0;
    const int single = is_depthwise(p);
    NK_WITHOUT_LOCK(work_of(p), {
        if (activation != NK_LINEAR || needs[2])
            failed = nk_kernels->conv_slope(pixels, p->f, FLOATS(g), activation != NK_LINEAR ? FLOATS(y) : NULL, activation,
                                            activation != NK_LINEAR ? FLOATS(gz) : NULL, needs[2] ? FLOATS(dbias) : NULL);
        if (!failed && needs[1])
            failed = (single ? nk_kernels->depthwise_kernel_gradient : nk_kernels->conv_kernel_gradient)(
                p, FLOATS(gz), FLOATS(x), FLOATS(dkernel));
        if (!failed && needs[0])
            failed = (single ? nk_kernels->depthwise_input_gradient : nk_kernels->conv_input_gradient)(
                p, FLOATS(gz), FLOATS(kernel), FLOATS(dx));
    });
    if (failed)
        PyErr_NoMemory();
    else
        result = PyTuple_Pack(3, dx, dkernel, dbias);
done:
    Py_XDECREF(dx);
    Py_XDECREF(dkernel);
    Py_XDECREF(dbias);
    Py_XDECREF(gz);
    return result;
}

/* conv_backward(g, y, x, kernel, strides, pads, dilation, groups, activation, needs_dx, needs_dkernel, needs_dbias) */
static PyObject *conv_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_conv p;
    ptrdiff_t pads[6];
    int activation, needs[3];
    if (!nk_expect("conv_backward", count, 12) || !read_activation(args[8], &activation)) return NULL;
    for (int i = 0; i < 3; i++)
        if (!nk_flag(args[9 + i], &needs[i])) return NULL;
    const int fits = read_settings(args[4], args[5], args[6], args[7], &p, pads);
    if (fits < 0) return NULL;
    if (!fits || !read_x(args[2], &p) || !read_kernel(args[3], &p, 0) || !finish(&p, pads) ||
        axis(args[3], 3) != p.c / p.groups)
        return nk_not_its_case();
    return backward(args[0], args[1], args[2], args[3], &p, activation, needs);
}

/* depthwise_backward(g, y, x, kernel, strides, pads, dilation, activation, needs_dx, needs_dkernel, needs_dbias) */
static PyObject *depthwise_backward(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_conv p;
    ptrdiff_t pads[6];
    int activation, needs[3];
    if (!nk_expect("depthwise_backward", count, 11) || !read_activation(args[7], &activation)) return NULL;
    for (int i = 0; i < 3; i++)
        if (!nk_flag(args[8 + i], &needs[i])) return NULL;
    const int fits = read_settings(args[4], args[5], args[6], NULL, &p, pads);
    if (fits < 0) return NULL;
    if (!fits || !read_kernel(args[3], &p, 1) || !read_x(args[2], &p) || p.c != p.groups || !finish(&p, pads))
        return nk_not_its_case();
    return backward(args[0], args[1], args[2], args[3], &p, activation, needs);
}

/* conv_input_gradient(g, kernel, (D, H, W), strides, pads, dilation, groups) -> dx */
static PyObject *conv_input_gradient(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_conv p;
    ptrdiff_t pads[6];
    if (!nk_expect("conv_input_gradient", count, 7)) return NULL;
    int fits = read_settings(args[3], args[4], args[5], args[6], &p, pads);
    if (fits == 1) fits = read_numbers(args[2], 3, 0, p.in);
    if (fits < 0) return NULL;
    if (!fits || !nk_is_floats(args[0], 5) || !read_kernel(args[1], &p, 0)) return nk_not_its_case();
    p.n = axis(args[0], 0);
    if (axis(args[1], 3) > PTRDIFF_MAX / p.groups) return nk_not_its_case();
    p.c = axis(args[1], 3) * p.groups;
    if (!finish(&p, pads) || !is_output(args[0], &p)) return nk_not_its_case();
    PyObject *dx = nk_new(5, (npy_intp[]){p.n, p.in[0], p.in[1], p.in[2], p.c});
    if (dx == NULL) return NULL;
    int failed = 0;
    NK_WITHOUT_LOCK(work_of(&p), failed = (is_depthwise(&p) ? nk_kernels->depthwise_input_gradient
                                                            : nk_kernels->conv_input_gradient)(
                                     &p, FLOATS(args[0]), FLOATS(args[1]), FLOATS(dx)));
    if (!failed) return dx;
    Py_DECREF(dx);
    return PyErr_NoMemory();
}

/* conv_kernel_gradient(g, x, (Kd, Kh, Kw), strides, pads, dilation, groups) -> dkernel */
static PyObject *conv_kernel_gradient(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    nk_conv p;
    ptrdiff_t pads[6];
    if (!nk_expect("conv_kernel_gradient", count, 7)) return NULL;
    int fits = read_settings(args[3], args[4], args[5], args[6], &p, pads);
    if (fits == 1) fits = read_numbers(args[2], 3, 1, p.kernel);
    if (fits < 0) return NULL;
    if (!fits || !nk_is_floats(args[0], 5) || !read_x(args[1], &p)) return nk_not_its_case();
    p.f = axis(args[0], 4);
    if (!finish(&p, pads) || !is_output(args[0], &p)) return nk_not_its_case();
    PyObject *dkernel = nk_new(5, (npy_intp[]){p.kernel[0], p.kernel[1], p.kernel[2], p.c / p.groups, p.f});
    if (dkernel == NULL) return NULL;
    int failed = 0;
    NK_WITHOUT_LOCK(work_of(&p), failed = (is_depthwise(&p) ? nk_kernels->depthwise_kernel_gradient
                                                            : nk_kernels->conv_kernel_gradient)(
                                     &p, FLOATS(args[0]), FLOATS(args[1]), FLOATS(dkernel)));
    if (!failed) return dkernel;
    Py_DECREF(dkernel);
    return PyErr_NoMemory();
}

PyMethodDef nk_conv_methods[] = {
    {"conv", (PyCFunction)(void (*)(void))conv, METH_FASTCALL,
     "conv(x, kernel, bias, strides, pads, dilation, groups, activation) -> y.\n\n"
     "x (N, D, H, W, C), kernel (Kd, Kh, Kw, C / groups, F), bias (F) or None, strides and dilation of 3, pads (front, "
     "back, top, bottom, left, right); activation: 0 linear, 1 relu, 2 tanh, 3 sigmoid."},
    {"conv_backward", (PyCFunction)(void (*)(void))conv_backward, METH_FASTCALL,
     "conv_backward(g, y, x, kernel, strides, pads, dilation, groups, activation, needs_dx, needs_dkernel, needs_dbias) "
     "-> (dx, dkernel, dbias), None where not needed."},
    {"conv_input_gradient", (PyCFunction)(void (*)(void))conv_input_gradient, METH_FASTCALL,
     "conv_input_gradient(g, kernel, (D, H, W), strides, pads, dilation, groups) -> dx."},
    {"conv_kernel_gradient", (PyCFunction)(void (*)(void))conv_kernel_gradient, METH_FASTCALL,
     "conv_kernel_gradient(g, x, (Kd, Kh, Kw), strides, pads, dilation, groups) -> dkernel."},
    {"depthwise", (PyCFunction)(void (*)(void))depthwise, METH_FASTCALL,
     "depthwise(x, kernel, bias, strides, pads, dilation, activation) -> y; kernel (Kd, Kh, Kw, C, M), filter c * M + m."},
    {"depthwise_backward", (PyCFunction)(void (*)(void))depthwise_backward, METH_FASTCALL,
     "depthwise_backward(g, y, x, kernel, strides, pads, dilation, activation, needs_dx, needs_dkernel, needs_dbias) -> "
     "(dx, dkernel, dbias), None where not needed."},
    {NULL, NULL, 0, NULL},
};
