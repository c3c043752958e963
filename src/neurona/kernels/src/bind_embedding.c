/* Bindings: a table's gradient summed by row, and the optimizers' updates of these rows in place. */
#include "bind.h"

/* The places 0 ... m - 1 in the order of their ids, equal ids in the order of the places: counted digit by digit, the lowest
 * first. `a` and `b`: room for m each; the result is one of them. */
static int64_t *in_order(const int64_t *ids, ptrdiff_t m, ptrdiff_t length, int64_t *a, int64_t *b) {
    enum { BITS = 11, DIGITS = 1 << BITS };
    const uint64_t most = (uint64_t)(length - 1);
    for (ptrdiff_t i = 0; i < m; i++) a[i] = i;
    for (int shift = 0; shift < 64 && most >> shift != 0; shift += BITS) {
        ptrdiff_t next[DIGITS] = {0}, seen = 0;
        for (ptrdiff_t i = 0; i < m; i++) next[((uint64_t)ids[i] >> shift) % DIGITS]++;
        for (int digit = 0; digit < DIGITS; digit++) {
            const ptrdiff_t here = next[digit];
            next[digit] = seen;
            seen += here;
        }
        for (ptrdiff_t i = 0; i < m; i++) b[next[((uint64_t)ids[a[i]] >> shift) % DIGITS]++] = a[i];
        int64_t *const swapped = a;
        a = b;
        b = swapped;
    }
    return a;
}

/* sum_by_row(values[M, D], ids[M], length) -> (rows[R] int64 ascending, sums[R, D]) */
static PyObject *sum_by_row(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    if (!nk_expect("sum_by_row", count, 3)) return NULL;
    const Py_ssize_t length = PyLong_AsSsize_t(args[2]);
    if (length == -1 && PyErr_Occurred()) return NULL;
    if (!nk_is_floats(args[0], 2) || !PyArray_CheckExact(args[1])) return nk_not_its_case();
    if (PyArray_NDIM((PyArrayObject *)args[1]) != 1 || ROWS(args[1]) != ROWS(args[0])) return nk_not_its_case();
    const int64_t *ids;
    int64_t *copy;
    const int read = nk_places(args[1], length, "id", "rows", &ids, &copy);
    if (read <= 0) return read < 0 ? NULL : nk_not_its_case();
    const ptrdiff_t m = ROWS(args[0]), d = COLUMNS(args[0]);
    PyObject *result = NULL, *rows = NULL, *sums = NULL;
    int64_t *room = (size_t)m < SIZE_MAX / 64 ? PyMem_Malloc((size_t)(3 * m + 1) * sizeof(int64_t)) : NULL;
    if (room == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    int64_t *order = NULL, *first = room + 2 * m;
    ptrdiff_t found = 0;
    NK_WITHOUT_LOCK((double)m * 16, {
        order = in_order(ids, m, length, room, room + m);
        for (ptrdiff_t i = 0; i < m; i++)
            if (i == 0 || ids[order[i]] != ids[order[i - 1]]) first[found++] = i;
        first[found] = m;
    });
    rows = nk_new_of(NPY_INT64, 1, (npy_intp[]){found});
    sums = nk_new2(found, d);
    if (rows == NULL || sums == NULL) goto done;
    int64_t *names = PyArray_DATA((PyArrayObject *)rows);
    for (ptrdiff_t r = 0; r < found; r++) names[r] = ids[order[first[r]]];
    if (found > 0 && d > 0)
        NK_WITHOUT_LOCK((double)m * d, nk_kernels->sum_by_row(found, d, FLOATS(args[0]), order, first, FLOATS(sums)));
    result = PyTuple_Pack(2, rows, sums);
done:
    Py_XDECREF(rows);
    Py_XDECREF(sums);
    PyMem_Free(room);
    PyMem_Free(copy);
    return result;
}

/* Whether two arrays share memory. */
static int overlap(PyObject *a, PyObject *b) {
    const uintptr_t x = (uintptr_t)FLOATS(a), y = (uintptr_t)FLOATS(b);
    return x < y + (uintptr_t)PyArray_NBYTES((PyArrayObject *)b) && y < x + (uintptr_t)PyArray_NBYTES((PyArrayObject *)a);
}

/* args: table[V, D], rows[R] int64 ascending, grads[R, D], then the slots, each as the table or None. 1: ready (free `copy`);
 * 0: not its case; -1: exception. */
static int read_rows(nk_some_rows *out, nk_arguments args, int slots, double decay, int64_t **copy) {
    *out = (nk_some_rows){.decay = (float)decay};
    *copy = NULL;
    if (!nk_is_floats(args[0], 2) || !nk_is_floats(args[2], 2) || COLUMNS(args[2]) != COLUMNS(args[0])) return 0;
    if (!PyArray_CheckExact(args[1]) || PyArray_NDIM((PyArrayObject *)args[1]) != 1 || ROWS(args[1]) != ROWS(args[2]))
        return 0;
    for (int i = 0; i < 3 + slots; i++) {
        const int written = i == 0 || i > 2;
        if (!written || Py_IsNone(args[i])) continue;
        if (!nk_is_floats(args[i], 2) || !nk_same_shape(args[i], args[0])) return 0;
        if (!PyArray_ISWRITEABLE((PyArrayObject *)args[i])) return 0;
        if (i > 2) out->slots[i - 3] = FLOATS(args[i]);
        if (overlap(args[i], args[2])) return 0;
        for (int j = 0; j < i; j++)
            if ((j == 0 || j > 2) && !Py_IsNone(args[j]) && overlap(args[i], args[j])) return 0;
    }
    const int read = nk_places(args[1], ROWS(args[0]), "row", "rows", &out->index, copy);
    if (read <= 0) return read;
    out->params = FLOATS(args[0]);
    out->grads = FLOATS(args[2]);
    out->rows = ROWS(args[1]);
    out->d = COLUMNS(args[0]);
    for (ptrdiff_t r = 1; r < out->rows; r++) {
        if (out->index[r] > out->index[r - 1]) continue;
        PyMem_Free(*copy); /* a row that came twice would be moved by two threads */
        *copy = NULL;
        return 0;
    }
    return 1;
}

static PyObject *moved(int ready, int64_t *copy) {
    PyMem_Free(copy);
    if (ready < 0) return NULL;
    return ready == 0 ? nk_not_its_case() : Py_NewRef(Py_None);
}

static int doubles(nk_arguments args, int first, int count, double *out) {
    for (int i = 0; i < count; i++)
        if (!nk_double(args[first + i], &out[i])) return 0;
    return 1;
}

#define MOVE(rule_function)                                                                             \
    do {                                                                                                \
        if (ready == 1 && table.rows > 0 && table.d > 0)                                                \
            NK_WITHOUT_LOCK((double)table.rows * table.d, nk_kernels->rule_function(&table, &rule));    \
        return moved(ready, copy);                                                                      \
    } while (0)

/* adam_rows(table, rows, grads, m, v, vhat | None, lr, beta1, beta2, epsilon, correction1, correction2, weight_decay) */
static PyObject *adam_rows(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double n[7];
    if (!nk_expect("adam_rows", count, 13) || !doubles(args, 6, 7, n)) return NULL;
    if (Py_IsNone(args[3]) || Py_IsNone(args[4])) return nk_not_its_case();
    const nk_adam rule = {.alpha = (float)(n[0] * sqrt(n[5]) / n[4]),
                          .up1 = (float)(1.0 - n[1]),
                          .up2 = (float)(1.0 - n[2]),
                          .epsilon = (float)n[3],
                          .amsgrad = !Py_IsNone(args[5])};
    nk_some_rows table;
    int64_t *copy;
    const int ready = read_rows(&table, args, 3, n[6] * n[0], &copy);
    MOVE(adam_rows);
}

/* sgd_rows(table, rows, grads, momenta | None, lr, momentum, nesterov, weight_decay) */
static PyObject *sgd_rows(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double n[2], decay;
    nk_sgd rule;
    if (!nk_expect("sgd_rows", count, 8) || !doubles(args, 4, 2, n) || !nk_flag(args[6], &rule.nesterov) ||
        !nk_double(args[7], &decay))
        return NULL;
    rule.rate = (float)n[0];
    rule.momentum = (float)n[1];
    nk_some_rows table;
    int64_t *copy;
    const int ready = read_rows(&table, args, 1, decay * n[0], &copy);
    MOVE(sgd_rows);
}

/* rmsprop_rows(table, rows, grads, v, mean | None, momenta | None, lr, rho, momentum, epsilon, weight_decay) */
static PyObject *rmsprop_rows(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    double n[5];
    if (!nk_expect("rmsprop_rows", count, 11) || !doubles(args, 6, 5, n)) return NULL;
    const nk_rmsprop rule = {.rate = (float)n[0],
                             .rho = (float)n[1],
                             .up = (float)(1.0 - n[1]),
                             .momentum = (float)n[2],
                             .epsilon = (float)n[3],
                             .centered = !Py_IsNone(args[4])};
    if (Py_IsNone(args[3]) || (rule.momentum > 0.0f && Py_IsNone(args[5]))) return nk_not_its_case();
    nk_some_rows table;
    int64_t *copy;
    const int ready = read_rows(&table, args, 3, n[4] * n[0], &copy);
    MOVE(rmsprop_rows);
}

PyMethodDef nk_embedding_methods[] = {
    {"sum_by_row", (PyCFunction)(void (*)(void))sum_by_row, METH_FASTCALL,
     "sum_by_row(values, ids, length) -> (rows, sums): each row's values added in the order of the ids."},
    {"adam_rows", (PyCFunction)(void (*)(void))adam_rows, METH_FASTCALL,
     "adam_rows(table, rows, grads, m, v, vhat, lr, beta1, beta2, epsilon, correction1, correction2, weight_decay) -> "
     "None, in place."},
    {"sgd_rows", (PyCFunction)(void (*)(void))sgd_rows, METH_FASTCALL,
     "sgd_rows(table, rows, grads, momenta, lr, momentum, nesterov, weight_decay) -> None, in place."},
    {"rmsprop_rows", (PyCFunction)(void (*)(void))rmsprop_rows, METH_FASTCALL,
     "rmsprop_rows(table, rows, grads, v, mean, momenta, lr, rho, momentum, epsilon, weight_decay) -> None, in place."},
    {NULL, NULL, 0, NULL},
};
