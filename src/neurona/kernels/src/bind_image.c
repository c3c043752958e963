/* Bindings: pictures read at other places (the fast twin of ops/image/sampling.py, which says what it computes).
 *
 * One task is a few pictures. A picture is first framed where the fill mode needs it, so that the inner loops read
 * without asking where they are; those work on one pixel at a time, which reading at any place does not let be faster,
 * so there is one version for all instruction sets.
 */
#include <math.h>
#include <string.h>

#include "bind.h"
#include "pool.h"

enum { CONSTANT, NEAREST_PIXEL, WRAP, REFLECT };

typedef struct {
    const float *images, *transforms;
    float *out;
    ptrdiff_t n, h, w, c, step; /* step: 8 where each picture has its own transform, 0 where all share one */
    int nearest, mode;
    float value;
    ptrdiff_t per_task;
    int out_of_memory;
} warp_call;

/* A place brought inside 0 ... length - 1; within one pixel of it for CONSTANT. NaN goes to the lower end. */
static inline float inside(float c, float length, int mode) {
    const float top = length - 1.0f;
    if (mode == CONSTANT) return !(c > -1.0f) ? -1.0f : (c > length ? length : c);
    if (mode == REFLECT) {
        const float period = 2.0f * length;
        if (c < -period || c >= period) {
            c = fmodf(c, period);
            if (c < 0.0f) c += period;
        }
        c = fabsf(c + 0.5f) - 0.5f;
        const float mirrored = 2.0f * length - 1.0f - c;
        c = mirrored < c ? mirrored : c;
    } else if (mode == WRAP) {
        if (c < 0.0f)
            c += length * (truncf(-c / top) + 1.0f);
        else if (c > top)
            c -= length * truncf(c / top);
    }
    return !(c > 0.0f) ? 0.0f : (c > top ? top : c);
}

/* The first of the two pixels around a place that is not negative, at most `last`; what is left over in *share. */
static inline ptrdiff_t before(float c, ptrdiff_t last, float *share) {
    ptrdiff_t at = (ptrdiff_t)c;
    if (at > last) at = last;
    *share = c - (float)at;
    return at;
}

static inline float between(float low, float high, float share) { return low + (high - low) * share; }

/* x' does not depend on y, nor y' on x: rows are mixed whole, then read at the same places. */
static void along_the_axes(const warp_call *s, const float *t, const float *from, ptrdiff_t tall, ptrdiff_t wide,
                           float offset, float *row, ptrdiff_t *at, float *share, float *out) {
    const ptrdiff_t c = s->c, line = wide * c;
    for (ptrdiff_t j = 0; j < s->w; j++) {
        const float x = inside(t[0] * (float)j + t[2], (float)s->w, s->mode) + offset;
        at[j] = (s->nearest ? (ptrdiff_t)floorf(x + 0.5f) : before(x, wide - 2, &share[j])) * c;
    }
    for (ptrdiff_t i = 0; i < s->h; i++, out += s->w * c) {
        const float y = inside(t[4] * (float)i + t[5], (float)s->h, s->mode) + offset;
        float down = 0.0f;
        const float *upper = from + (s->nearest ? (ptrdiff_t)floorf(y + 0.5f) : before(y, tall - 2, &down)) * line;
        if (s->nearest) {
            for (ptrdiff_t j = 0; j < s->w; j++)
                for (ptrdiff_t k = 0; k < c; k++) out[j * c + k] = upper[at[j] + k];
            continue;
        }
        if (down != 0.0f) {
            for (ptrdiff_t k = 0; k < line; k++) row[k] = between(upper[k], upper[line + k], down);
            upper = row;
        }
        if (c == 1)
            for (ptrdiff_t j = 0; j < s->w; j++) out[j] = between(upper[at[j]], upper[at[j] + 1], share[j]);
        else
            for (ptrdiff_t j = 0; j < s->w; j++)
                for (ptrdiff_t k = 0; k < c; k++)
                    out[j * c + k] = between(upper[at[j] + k], upper[at[j] + c + k], share[j]);
    }
}

static inline void anywhere_by(const warp_call *s, const float *t, const float *from, ptrdiff_t tall, ptrdiff_t wide,
                               float offset, float *out, int mode, int projective) {
    const ptrdiff_t c = s->c, line = wide * c;
    for (ptrdiff_t i = 0; i < s->h; i++) {
        const float y_part = t[4] * (float)i + t[5], x_part = t[1] * (float)i;
        for (ptrdiff_t j = 0; j < s->w; j++, out += c) {
            float x = t[0] * (float)j + t[2] + x_part, y = y_part + t[3] * (float)j;
            if (projective) {
                const float k = t[6] * (float)j + t[7] * (float)i + 1.0f;
                if (k == 0.0f) { /* infinitely far away */
                    for (ptrdiff_t q = 0; q < c; q++) out[q] = s->value;
                    continue;
                }
                x /= k;
                y /= k;
            }
            x = inside(x, (float)s->w, mode) + offset;
            y = inside(y, (float)s->h, mode) + offset;
            if (s->nearest) {
                const float *p = from + (ptrdiff_t)(y + 0.5f) * line + (ptrdiff_t)(x + 0.5f) * c;
                for (ptrdiff_t q = 0; q < c; q++) out[q] = p[q];
                continue;
            }
            float right, down;
            const float *p = from + before(y, tall - 2, &down) * line;
            p += before(x, wide - 2, &right) * c;
            for (ptrdiff_t q = 0; q < c; q++)
                out[q] = between(between(p[q], p[q + c], right), between(p[q + line], p[q + line + c], right), down);
        }
    }
}

/* The fill mode and the projection as constants, so that the inner loop has no question about them. */
static void anywhere(const warp_call *s, const float *t, const float *from, ptrdiff_t tall, ptrdiff_t wide,
                     float offset, float *out) {
    if (t[6] != 0.0f || t[7] != 0.0f)
        anywhere_by(s, t, from, tall, wide, offset, out, s->mode, 1);
    else if (s->mode == CONSTANT)
        anywhere_by(s, t, from, tall, wide, offset, out, CONSTANT, 0);
    else if (s->mode == REFLECT)
        anywhere_by(s, t, from, tall, wide, offset, out, REFLECT, 0);
    else
        anywhere_by(s, t, from, tall, wide, offset, out, s->mode, 0);
}

/* The picture within a frame of the value, one pixel wide. */
static void frame(const warp_call *s, const float *picture, float *framed) {
    const ptrdiff_t c = s->c, line = (s->w + 2) * c, inner = s->w * c;
    for (ptrdiff_t k = 0; k < line; k++) framed[k] = framed[(s->h + 1) * line + k] = s->value;
    for (ptrdiff_t i = 1; i <= s->h; i++) {
        float *to = framed + i * line;
        for (ptrdiff_t k = 0; k < c; k++) to[k] = to[line - c + k] = s->value;
        memcpy(to + c, picture + (i - 1) * inner, (size_t)inner * sizeof(float));
    }
}

static void warp_task(void *ctx, size_t index) {
    warp_call *s = ctx;
    const ptrdiff_t framed = s->mode == CONSTANT, tall = s->h + 2 * framed, wide = s->w + 2 * framed;
    const ptrdiff_t size = s->h * s->w * s->c, room = tall * wide * s->c;
    char *scratch = nk_scratch((size_t)(room + wide * s->c + s->w) * sizeof(float) + (size_t)s->w * sizeof(ptrdiff_t));
    if (scratch == NULL) {
        s->out_of_memory = 1;
        return;
    }
    ptrdiff_t *at = (ptrdiff_t *)scratch;
    float *frames = (float *)(at + s->w), *row = frames + room, *share = row + wide * s->c;
    const ptrdiff_t first = (ptrdiff_t)index * s->per_task;
    for (ptrdiff_t i = first; i < s->n && i < first + s->per_task; i++) {
        const float *from = s->images + i * size, *t = s->transforms + i * s->step;
        if (framed) {
            frame(s, from, frames);
            from = frames;
        }
        const float offset = framed ? 1.0f : 0.0f;
        if (t[1] == 0.0f && t[3] == 0.0f && t[6] == 0.0f && t[7] == 0.0f)
            along_the_axes(s, t, from, tall, wide, offset, row, at, share, s->out + i * size);
        else
            anywhere(s, t, from, tall, wide, offset, s->out + i * size);
    }
}

/* warp(images[N, H, W, C], transforms[N or 1, 8], nearest, mode, value) -> y[N, H, W, C]
 *
 * mode 0 constant, 1 nearest, 2 wrap, 3 reflect. Pictures of one row or one column are not its case. */
static PyObject *warp(PyObject *module, nk_arguments args, Py_ssize_t count) {
    (void)module;
    int nearest;
    double mode, value;
    if (!nk_expect("warp", count, 5) || !nk_flag(args[2], &nearest) || !nk_double(args[3], &mode) ||
        !nk_double(args[4], &value))
        return NULL;
    if (!nk_is_floats(args[0], 4) || !nk_is_floats(args[1], 2) || COLUMNS(args[1]) != 8) return nk_not_its_case();
    const npy_intp *shape = PyArray_DIMS((PyArrayObject *)args[0]);
    const ptrdiff_t transforms = ROWS(args[1]), size = shape[1] * shape[2] * shape[3];
    if ((transforms != 1 && transforms != shape[0]) || shape[1] < 2 || shape[2] < 2 || size == 0 || shape[0] == 0 ||
        !(mode >= 0 && mode <= 3))
        return nk_not_its_case();
    PyObject *y = nk_new_like(args[0]);
    if (y == NULL) return NULL;
    warp_call s = {FLOATS(args[0]), FLOATS(args[1]), FLOATS(y), shape[0], shape[1], shape[2], shape[3],
                   transforms == 1 ? 0 : 8, nearest, (int)mode, (float)value, 1, 0};
    s.per_task = 1 + 16384 / size;
    NK_WITHOUT_LOCK((double)s.n * (double)size * 8.0,
                    nk_parallel(warp_task, &s, (size_t)((s.n + s.per_task - 1) / s.per_task)));
    if (s.out_of_memory) {
        Py_DECREF(y);
        return PyErr_NoMemory();
    }
    return y;
}

PyMethodDef nk_image_methods[] = {
    {"warp", (PyCFunction)(void (*)(void))warp, METH_FASTCALL, "Pictures read where transforms say."},
    {NULL, NULL, 0, NULL}};
