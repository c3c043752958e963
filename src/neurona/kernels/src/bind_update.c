/* Bindings: optimizer updates in place over all parameters, and the gradients' global norm. */
#include "bind.h"

#include <stdlib.h>

#define MOST_LISTS (2 + NK_SLOTS)

/* Everything an update walks over. The tuples are held, so that no other thread can drop an array while the interpreter's
 * lock is let go. */
typedef struct {
    nk_parameters all;
    void *own;
    PyObject *held[MOST_LISTS];
} gathered;

static void let_go(gathered *all) {
    for (int l = 0; l < MOST_LISTS; l++) Py_CLEAR(all->held[l]);
    PyMem_Free(all->own);
    all->own = NULL;
}

typedef struct {
    uintptr_t start, end;
    int written;
} interval;

static int by_start(const void *a, const void *b) {
    const uintptr_t x = ((const interval *)a)->start, y = ((const interval *)b)->start;
    return (x > y) - (x < y);
}

/* Nothing that is written may share memory with anything else. */
static int apart(interval *list, size_t count) {
    qsort(list, count, sizeof *list, by_start);
    uintptr_t end = 0, written_end = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i].start == list[i].end) continue;
        if (list[i].start < written_end || (list[i].written && list[i].start < end)) return 0;
        if (list[i].end > end) end = list[i].end;
        if (list[i].written && list[i].end > written_end) written_end = list[i].end;
    }
    return 1;
}

/* lists: params, grads, slots... (None or NULL where absent), each a tuple or list of float32 arrays of the same shapes.
 * decay: a number, or a tuple with one per parameter, times `rate`. 1: ready; 0: not its case; -1: exception. */
static int gather(gathered *out, nk_arguments args, int list_count, PyObject *decay, double rate) {
    *out = (gathered){0};
    PyObject **lists = out->held;
    for (int l = 0; l < list_count; l++) {
        if (args[l] == NULL || Py_IsNone(args[l])) continue;
        if (!PyTuple_CheckExact(args[l]) && !PyList_CheckExact(args[l])) return 0;
        lists[l] = PySequence_Tuple(args[l]);
        if (lists[l] == NULL) return -1;
    }
    const int first = args[0] == NULL ? 1 : 0; /* the norm has gradients only */
    if (lists[first] == NULL || lists[1] == NULL) return 0;
    const size_t count = (size_t)PyTuple_GET_SIZE(lists[first]);
    for (int l = first; l < list_count; l++)
        if (lists[l] != NULL && (size_t)PyTuple_GET_SIZE(lists[l]) != count) return 0;
    const size_t arrays = (size_t)list_count * count;
    const size_t bytes = arrays * (sizeof(float *) + sizeof(interval)) + (count + 1) * sizeof(size_t) +
                         count * sizeof(float);
    char *own = PyMem_Malloc(bytes);
    if (own == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    interval *intervals = (interval *)own;
    float **pointers = (float **)(own + arrays * sizeof(interval));
    size_t *offsets = (size_t *)(pointers + arrays);
    float *decays = (float *)(offsets + count + 1);
    out->own = own;
    out->all = (nk_parameters){.count = count, .offsets = offsets, .decay = decays};
    size_t seen = 0;
    offsets[0] = 0;
    for (int l = first; l < list_count; l++) {
        if (lists[l] == NULL) continue;
        const int written = l != 1;
        float **where = pointers + (size_t)l * count;
        for (size_t i = 0; i < count; i++) {
            PyObject *o = PyTuple_GET_ITEM(lists[l], (Py_ssize_t)i);
            PyObject *pattern = PyTuple_GET_ITEM(lists[first], (Py_ssize_t)i);
            if (!nk_is_floats(o, -1) || (written && !PyArray_ISWRITEABLE((PyArrayObject *)o))) return 0;
            if (o != pattern && !nk_same_shape(o, pattern)) return 0;
            const size_t size = (size_t)PyArray_SIZE((PyArrayObject *)o);
            where[i] = FLOATS(o);
            const uintptr_t start = (uintptr_t)FLOATS(o);
            intervals[seen++] = (interval){start, start + size * sizeof(float), written};
            if (l == first) offsets[i + 1] = offsets[i] + size;
        }
        if (l == 0)
            out->all.params = where;
        else if (l == 1)
            out->all.grads = (const float **)where;
        else
            out->all.slots[l - 2] = where;
    }
    if (!apart(intervals, seen)) return 0;
    const int many = decay != NULL && PyTuple_CheckExact(decay);
    if (many && (size_t)PyTuple_GET_SIZE(decay) != count) return 0;
    double value = 0.0;
    if (decay != NULL && !many && !Py_IsNone(decay) && !nk_double(decay, &value)) return -1;
    for (size_t i = 0; i < count; i++) {
        if (many && !nk_double(PyTuple_GET_ITEM(decay, (Py_ssize_t)i), &value)) return -1;
        decays[i] = (float)(value * rate);
    }
    return 1;
}

static PyObject *finish(gathered *all, int ready) {
    let_go(all);
    if (ready < 0) return NULL;
    return ready == 0 ? nk_not_its_case() : Py_NewRef(Py_None);
}

static int doubles(nk_arguments args, int first, int count, double *out) {
    for (int i = 0; i < count; i++)
        if (!nk_double(args[first + i], &out[i])) return 0;
    return 1;
}

/* adam(params, grads, m, v, vhat | None, lr, beta1, beta2, epsilon, correction1, correction2, weight_decay) */
static PyObject *adam(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double n[6]; /* lr, beta1, beta2, epsilon, 1 - beta1^t, 1 - beta2^t */
    if (!nk_expect("adam", count, 12) || !doubles(args, 5, 6, n)) return NULL;
    gathered all;
    int ready = gather(&all, args, 5, args[11], n[0]);
    if (all.all.slots[0] == NULL || all.all.slots[1] == NULL) ready = ready < 0 ? ready : 0;
    if (ready == 1) {
        const nk_adam rule = {.alpha = (float)(n[0] * sqrt(n[5]) / n[4]),
                              .up1 = (float)(1.0 - n[1]),
                              .up2 = (float)(1.0 - n[2]),
                              .epsilon = (float)n[3],
                              .amsgrad = !Py_IsNone(args[4])};
        NK_WITHOUT_LOCK(all.all.offsets[all.all.count], nk_kernels->adam(&all.all, &rule));
    }
    return finish(&all, ready);
}

/* sgd(params, grads, momenta | None, lr, momentum, nesterov, weight_decay) */
static PyObject *sgd(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double n[2];
    nk_sgd rule;
    if (!nk_expect("sgd", count, 7) || !doubles(args, 3, 2, n) || !nk_flag(args[5], &rule.nesterov)) return NULL;
    rule.rate = (float)n[0];
    rule.momentum = (float)n[1];
    gathered all;
    const int ready = gather(&all, args, 3, args[6], n[0]);
    if (ready == 1) NK_WITHOUT_LOCK(all.all.offsets[all.all.count], nk_kernels->sgd(&all.all, &rule));
    return finish(&all, ready);
}

/* rmsprop(params, grads, v, mean | None, momenta | None, lr, rho, momentum, epsilon, weight_decay) */
static PyObject *rmsprop(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double n[4];
    if (!nk_expect("rmsprop", count, 10) || !doubles(args, 5, 4, n)) return NULL;
    const nk_rmsprop rule = {.rate = (float)n[0],
                             .rho = (float)n[1],
                             .up = (float)(1.0 - n[1]),
                             .momentum = (float)n[2],
                             .epsilon = (float)n[3],
                             .centered = !Py_IsNone(args[3])};
    if (rule.momentum > 0.0f && Py_IsNone(args[4])) return nk_not_its_case();
    gathered all;
    int ready = gather(&all, args, 5, args[9], n[0]);
    if (all.all.slots[0] == NULL) ready = ready < 0 ? ready : 0;
    if (ready == 1) NK_WITHOUT_LOCK(all.all.offsets[all.all.count], nk_kernels->rmsprop(&all.all, &rule));
    return finish(&all, ready);
}

/* global_norm(grads) -> float: sqrt of the sum of all squares */
static PyObject *global_norm(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    if (!nk_expect("global_norm", count, 1)) return NULL;
    PyObject *const lists[2] = {NULL, args[0]};
    gathered all;
    const int ready = gather(&all, lists, 2, NULL, 0.0);
    if (ready != 1) return finish(&all, ready);
    const size_t total = all.all.offsets[all.all.count];
    double *partial = PyMem_Malloc((total / NK_UPDATE_CHUNK + 1) * sizeof(double));
    if (partial == NULL) {
        let_go(&all);
        return PyErr_NoMemory();
    }
    double sum = 0.0;
    NK_WITHOUT_LOCK(total, sum = nk_kernels->square_sum(&all.all, partial));
    PyMem_Free(partial);
    let_go(&all);
    return PyFloat_FromDouble(sqrt(sum));
}

PyMethodDef nk_update_methods[] = {
    {"adam", (PyCFunction)(void (*)(void))adam, METH_FASTCALL,
     "adam(params, grads, m, v, vhat, lr, beta1, beta2, epsilon, correction1, correction2, weight_decay) -> None, in "
     "place; correction: 1 - beta^t; weight_decay: a number or one per parameter."},
    {"sgd", (PyCFunction)(void (*)(void))sgd, METH_FASTCALL,
     "sgd(params, grads, momenta, lr, momentum, nesterov, weight_decay) -> None, in place."},
    {"rmsprop", (PyCFunction)(void (*)(void))rmsprop, METH_FASTCALL,
     "rmsprop(params, grads, v, mean, momenta, lr, rho, momentum, epsilon, weight_decay) -> None, in place."},
    {"global_norm", (PyCFunction)(void (*)(void))global_norm, METH_FASTCALL,
     "global_norm(grads) -> sqrt of the sum of all their squares."},
    {NULL, NULL, 0, NULL},
};
