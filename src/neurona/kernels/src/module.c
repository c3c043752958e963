/* The module neurona.kernels._native: choice of the instruction set, threads, and the methods of bind_*.c. */
#define NK_IMPORTS_ARRAY
#include "bind.h"

const nk_table *nk_kernels = NULL;
PyObject *nk_argument_error = NULL;

/* Best first. */
static int supported(const nk_table **list) {
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    const int fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        list[count++] = &nk_avx512;
    if (fma) list[count++] = &nk_avx2;
    list[count++] = &nk_sse2;
#else
    list[count++] = &nk_baseline;
#endif
    return count;
}

static PyObject *supported_names(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    const nk_table *list[4];
    const int count = supported(list);
    PyObject *names = PyTuple_New(count);
    for (int i = 0; names != NULL && i < count; i++) {
        PyObject *name = PyUnicode_FromString(list[i]->name);
        if (name == NULL)
            Py_CLEAR(names);
        else
            PyTuple_SET_ITEM(names, i, name);
    }
    return names;
}

static PyObject *select_set(PyObject *module, PyObject *wanted) {
    (void)module;
    const char *name = PyUnicode_AsUTF8(wanted);
    if (name == NULL) return NULL;
    const nk_table *list[4];
    const int count = supported(list);
    for (int i = 0; i < count; i++) {
        if (strcmp(list[i]->name, name) == 0) {
            nk_kernels = list[i];
            Py_RETURN_NONE;
        }
    }
    PyErr_Format(nk_argument_error, "This processor does not run the instruction set. Received: '%U'.", wanted);
    return NULL;
}

static PyObject *current(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyUnicode_FromString(nk_kernels->name);
}

static PyObject *set_threads(PyObject *module, PyObject *wanted) {
    (void)module;
    const long count = PyLong_AsLong(wanted);
    if (count == -1 && PyErr_Occurred()) return NULL;
    nk_set_threads(count < 1 ? 1 : (count > 1024 ? 1024 : (int)count));
    Py_RETURN_NONE;
}

static PyObject *get_threads(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyLong_FromLong(nk_get_threads());
}

static PyObject *shelf_bytes(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyLong_FromSize_t(nk_shelf_bytes());
}

static PyObject *fresh_count(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    return PyLong_FromSize_t(nk_fresh_count());
}

static PyObject *shelf_clear(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    nk_shelf_clear();
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"supported", supported_names, METH_NOARGS, "supported() -> the instruction sets this processor runs, best first."},
    {"select", select_set, METH_O, "select(name): compute with this instruction set from now on."},
    {"current", current, METH_NOARGS, "current() -> the name of the instruction set in use."},
    {"set_threads", set_threads, METH_O, "set_threads(n): the caller and n - 1 workers."},
    {"get_threads", get_threads, METH_NOARGS, "get_threads() -> n."},
    {"shelf_bytes", shelf_bytes, METH_NOARGS, "shelf_bytes() -> bytes of dead arrays that wait for reuse."},
    {"fresh_count", fresh_count, METH_NOARGS, "fresh_count() -> how often memory had to come from the system."},
    {"shelf_clear", shelf_clear, METH_NOARGS, "shelf_clear(): hand that memory back to the system."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "neurona.kernels._native",
    .m_doc = "Compiled float32 kernels; each returns NotImplemented for arguments that are not its case.",
    .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit__native(void) {
    import_array();
    PyObject *errors = PyImport_ImportModule("neurona.errors");
    if (errors == NULL) return NULL;
    nk_argument_error = PyObject_GetAttrString(errors, "ArgumentError");
    Py_DECREF(errors);
    if (nk_argument_error == NULL) return NULL;
    if (nk_pool_init() != 0 || nk_memory_init() != 0) {
        PyErr_SetString(PyExc_ImportError, "The thread pool could not be prepared for fork.");
        return NULL;
    }
    const nk_table *list[4];
    supported(list);
    nk_kernels = list[0];
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) return NULL;
    PyMethodDef *families[] = {nk_attention_methods, nk_conv3x3_methods, nk_conv_methods, nk_dense_methods,
                               nk_embedding_methods, nk_image_methods, nk_norm_methods, nk_pool_methods,
                               nk_recurrent_methods, nk_reduce_methods, nk_rows_methods, nk_update_methods};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (PyModule_AddFunctions(module, families[i]) != 0) {
            Py_DECREF(module);
            return NULL;
        }
    }
#if defined(__VERSION__) && defined(__clang__)
    const char *compiler = __VERSION__;
#elif defined(__VERSION__)
    const char *compiler = "GCC " __VERSION__;
#else
    const char *compiler = "unknown";
#endif
    if (PyModule_AddStringConstant(module, "compiler", compiler) != 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
