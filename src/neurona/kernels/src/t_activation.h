/* The activation's way back through a dense layer, with the bias's gradient in the same pass:
 * gz = g activation'(y), db = column sums of gz. All four slopes follow from the result y alone.
 */
#define COLUMNS_PER_TASK 64
#define ROWS_PER_SUM 64

typedef struct {
    ptrdiff_t m, n;
    const float *g, *y;
    int activation;
    float *gz, *db;
} backward;

INLINE vf slope(vf g, vf y, int activation) {
    if (activation == NK_RELU) return (vf)((vi)g & (y > 0.0f));
    if (activation == NK_TANH) return g * (1.0f - y * y);
    if (activation == NK_SIGMOID) return g * (y * (1.0f - y));
    return g;
}

INLINE void backward_columns(const backward *s, ptrdiff_t j0, ptrdiff_t width, const int activation) {
    vf total[COLUMNS_PER_TASK / VL] = {0};
    for (ptrdiff_t block = 0; block < s->m; block += ROWS_PER_SUM) {
        /* Summed in blocks of rows: one long float32 sum over a large batch would lose digits. */
        vf sum[COLUMNS_PER_TASK / VL] = {0};
        const ptrdiff_t end = block + ROWS_PER_SUM < s->m ? block + ROWS_PER_SUM : s->m;
        for (ptrdiff_t i = block; i < end; i++) {
            const float *g = s->g + i * s->n + j0;
            const float *y = s->y + i * s->n + j0;
            for (ptrdiff_t j = 0; j < width; j += VL) {
                vf gz = load_row(g, j, width, 0.0f);
                if (activation != NK_LINEAR) {
                    gz = slope(gz, load_row(y, j, width, 0.0f), activation);
                    store_row(s->gz + i * s->n + j0, j, width, gz);
                }
                sum[j / VL] += gz;
            }
        }
        for (int j = 0; j < COLUMNS_PER_TASK / VL; j++) total[j] += sum[j];
    }
    if (s->db)
        for (ptrdiff_t j = 0; j < width; j += VL) store_row(s->db + j0, j, width, total[j / VL]);
}

static void backward_task(void *ctx, size_t index) {
    const backward *s = ctx;
    const ptrdiff_t j0 = (ptrdiff_t)index * COLUMNS_PER_TASK;
    const ptrdiff_t width = s->n - j0 < COLUMNS_PER_TASK ? s->n - j0 : COLUMNS_PER_TASK;
    if (s->activation == NK_RELU)
        backward_columns(s, j0, width, NK_RELU);
    else if (s->activation == NK_TANH)
        backward_columns(s, j0, width, NK_TANH);
    else if (s->activation == NK_SIGMOID)
        backward_columns(s, j0, width, NK_SIGMOID);
    else
        backward_columns(s, j0, width, NK_LINEAR);
}

static void activation_backward(ptrdiff_t m, ptrdiff_t n, const float *g, const float *y, int activation, float *gz,
                                float *db) {
    backward s = {m, n, g, y, activation, gz, db};
    const size_t tasks = (size_t)((n + COLUMNS_PER_TASK - 1) / COLUMNS_PER_TASK);
    if ((double)m * (double)n < 16384.0)
        for (size_t i = 0; i < tasks; i++) backward_task(&s, i);
    else
        nk_parallel(backward_task, &s, tasks);
}
