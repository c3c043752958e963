/* Attention: for every query the mean of the values, weighted by softmax(q k' scale).
 *
 * One head of one sample at a time, and of its queries a block: the block's scores are made by the tiles of the matrix
 * product, turned into shares and used while they lie in the cache. The way back makes them again. All queries that share
 * a head of keys belong to one task there, which alone adds to that head's gradients.
 */
#define SCORES_PER_BLOCK 16384
#define QUERIES_PER_TASK 512
#define NEVER (-0.7f * 3.38953e38f) /* a score that must not count: finite, so a query without any key is no NaN */

typedef struct {
    const nk_attention *p;
    ptrdiff_t chunks; /* of queries, forwards */
    atomic_int failed;
} attention_work;

INLINE ptrdiff_t whole_panels(ptrdiff_t columns) { return (columns + NR - 1) / NR * NR; }

INLINE ptrdiff_t block_of_queries(const nk_attention *p) {
    const ptrdiff_t most = SCORES_PER_BLOCK / whole_panels(p->s);
    return most < 2 * MR ? 2 * MR : most < p->t ? most : p->t;
}

/* b[k, columns], or turned b[columns, k], as panels of NR columns, zeros beyond the last. */
static void lay_panels(const float *b, ptrdiff_t ldb, int turned, ptrdiff_t k, ptrdiff_t columns, float *packed) {
    for (ptrdiff_t j = 0; j < columns; j += NR, packed += k * NR) {
        const ptrdiff_t width = columns - j < NR ? columns - j : NR;
        if (turned)
            pack_b_turned(b + j * ldb, ldb, k, width, packed);
        else
            pack_b(b + j, ldb, k, width, packed);
    }
}

/* c[rows, columns] = a b, or + a b; a: [rows, k], or by columns [k, rows]; b in panels that are `depth` >= k rows long. */
static void panel_product(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t k, const float *a, ptrdiff_t lda, int by_rows,
                          const float *b, ptrdiff_t depth, float *c, ptrdiff_t ldc, int add) {
    for (ptrdiff_t j = 0; j < columns; j += NR, b += depth * NR) {
        tile_end e = {.ldc = ldc, .width = columns - j < NR ? columns - j : NR, .add = add};
        for (ptrdiff_t i = 0; i < rows; i += MR) {
            const ptrdiff_t some = rows - i < MR ? rows - i : MR;
            e.c = c + i * ldc + j;
            tiles[some - 1][by_rows][e.width > VL](k, by_rows ? a + i * lda : a + i, lda, b, NR, &e);
        }
    }
}

/* Scores become shares: softmax over the keys of one query. 0 where no key counts: then all shares are equal. */
static int share_row(const nk_attention *p, float *x, ptrdiff_t keys, ptrdiff_t padded, const uint8_t *mask,
                     ptrdiff_t query) {
    const ptrdiff_t seen = p->causal && query + 1 < keys ? query + 1 : keys;
    int counts = mask == NULL;
    for (ptrdiff_t j = 0; j < padded; j += VL) store(x + j, load(x + j) * p->scale);
    if (mask != NULL)
        for (ptrdiff_t j = 0; j < seen; j++) {
            const int here = mask[j * p->mask_step[3]];
            counts |= here;
            if (!here) x[j] = NEVER;
        }
    for (ptrdiff_t j = seen; j < keys; j++) x[j] = NEVER;
    for (ptrdiff_t j = keys; j < padded; j++) x[j] = -INFINITY;
    vf most = splat(-INFINITY), sums = (vf){0};
    for (ptrdiff_t j = 0; j < padded; j += VL) {
        const vf v = load(x + j);
        most = choose(v > most, v, most);
    }
    const float top = max_lanes(most); /* subtracted: exp overflows float32 above 88 */
    for (ptrdiff_t j = 0; j < padded; j += VL) {
        const vf e = exp_vector(load(x + j) - top);
        sums += e;
        store(x + j, e);
    }
    const float inverse = 1.0f / sum_lanes(sums);
    for (ptrdiff_t j = 0; j < padded; j += VL) store(x + j, load(x + j) * inverse);
    return counts;
}

/* Where queries, keys and values of one sample and head begin, and how far apart their rows are. */
typedef struct {
    const float *q, *k, *v, *g;
    float *y, *dq, *dk, *dv;
    const uint8_t *mask;
    ptrdiff_t ldq, ldk, ldv, ldy;
} attention_head;

static attention_head find_head(const nk_attention *p, ptrdiff_t sample, ptrdiff_t head) {
    const ptrdiff_t key_heads = p->heads / p->groups, key_head = head / p->groups;
    attention_head h = {.ldq = p->heads * p->d, .ldk = key_heads * p->d, .ldv = key_heads * p->f, .ldy = p->heads * p->f};
    const ptrdiff_t q = sample * p->t * h.ldq + head * p->d, y = sample * p->t * h.ldy + head * p->f;
    const ptrdiff_t k = sample * p->s * h.ldk + key_head * p->d, v = sample * p->s * h.ldv + key_head * p->f;
    h.q = p->q + q;
    h.k = p->k + k;
    h.v = p->v + v;
    if (p->y) h.y = p->y + y;
    if (p->g) {
        h.g = p->g + y;
        h.dq = p->dq + q;
        h.dk = p->dk + k;
        h.dv = p->dv + v;
    }
    if (p->mask) h.mask = p->mask + sample * p->mask_step[0] + head * p->mask_step[1];
    return h;
}

/* The keys that a block of queries ending before `end` may see. */
INLINE ptrdiff_t keys_of_block(const nk_attention *p, ptrdiff_t end) {
    return p->causal && p->mask == NULL && end < p->s ? end : p->s;
}

/* The shares of the queries first ... end - 1 in x, whose rows are `padded` long. A query to which no key counts is told in
 * `idle`, if that is wanted. */
static void make_shares(const nk_attention *p, const attention_head *h, ptrdiff_t first, ptrdiff_t end,
                        const float *keys_turned, float *x, uint8_t *idle) {
    const ptrdiff_t keys = keys_of_block(p, end), padded = whole_panels(keys);
    panel_product(end - first, padded, p->d, h->q + first * h->ldq, h->ldq, 1, keys_turned, p->d, x, padded, 0);
    for (ptrdiff_t i = first; i < end; i++) {
        const uint8_t *mask = h->mask ? h->mask + i * p->mask_step[2] : NULL;
        const int counts = share_row(p, x + (i - first) * padded, keys, padded, mask, i);
        if (idle) idle[i - first] = !counts;
    }
}

static void attention_task(void *ctx, size_t index) {
    attention_work *w = ctx;
    const nk_attention *p = w->p;
    const ptrdiff_t chunk = (ptrdiff_t)index % w->chunks, which = (ptrdiff_t)index / w->chunks;
    const attention_head h = find_head(p, which / p->heads, which % p->heads);
    const ptrdiff_t block = block_of_queries(p), keys = whole_panels(p->s), wide = whole_panels(p->f);
    float *keys_turned = nk_scratch((size_t)(keys * p->d + p->s * wide + block * keys) * sizeof(float));
    if (keys_turned == NULL) {
        atomic_store(&w->failed, 1);
        return;
    }
    float *values = keys_turned + keys * p->d, *x = values + p->s * wide;
    lay_panels(h.k, h.ldk, 1, p->d, p->s, keys_turned);
    lay_panels(h.v, h.ldv, 0, p->s, p->f, values);
    const ptrdiff_t stop = cut(p->t, w->chunks, chunk + 1);
    for (ptrdiff_t first = cut(p->t, w->chunks, chunk), end; first < stop; first = end) {
        end = first + block < stop ? first + block : stop;
        const ptrdiff_t seen = keys_of_block(p, end);
        make_shares(p, &h, first, end, keys_turned, x, NULL);
        panel_product(end - first, p->f, seen, x, whole_panels(seen), 1, values, p->s, h.y + first * h.ldy, h.ldy, 0);
    }
}

/* With P the shares and A = g v': dv = P' g, dscores = P (A - sum over keys of P A) scale, dq = dscores k, dk = dscores' q. */
static void attention_back_task(void *ctx, size_t index) {
    attention_work *w = ctx;
    const nk_attention *p = w->p;
    const ptrdiff_t key_heads = p->heads / p->groups, sample = (ptrdiff_t)index / key_heads;
    const ptrdiff_t first_head = (ptrdiff_t)index % key_heads * p->groups;
    const ptrdiff_t block = block_of_queries(p), keys = whole_panels(p->s), d = whole_panels(p->d), f = whole_panels(p->f);
    const size_t floats = (size_t)(keys * (p->d + p->f) + p->s * d + block * (d + f + 2 * keys));
    float *keys_turned = nk_scratch(floats * sizeof(float) + (size_t)block);
    if (keys_turned == NULL) {
        atomic_store(&w->failed, 1);
        return;
    }
    float *values_turned = keys_turned + keys * p->d, *keys_packed = values_turned + keys * p->f;
    float *queries = keys_packed + p->s * d, *arrived = queries + block * d;
    float *x = arrived + block * f, *dx = x + block * keys;
    uint8_t *idle = (uint8_t *)(dx + block * keys);
    for (ptrdiff_t head = first_head; head < first_head + p->groups; head++) {
        const attention_head h = find_head(p, sample, head);
        if (head == first_head) {
            lay_panels(h.k, h.ldk, 1, p->d, p->s, keys_turned);
            lay_panels(h.v, h.ldv, 1, p->f, p->s, values_turned);
            lay_panels(h.k, h.ldk, 0, p->s, p->d, keys_packed);
            for (ptrdiff_t j = 0; j < p->s; j++) {
                memset(h.dk + j * h.ldk, 0, (size_t)p->d * sizeof(float));
                memset(h.dv + j * h.ldv, 0, (size_t)p->f * sizeof(float));
            }
        }
        for (ptrdiff_t first = 0, end; first < p->t; first = end) {
            end = first + block < p->t ? first + block : p->t;
            const ptrdiff_t rows = end - first, seen = keys_of_block(p, end), padded = whole_panels(seen);
            const float *g = h.g + first * h.ldy;
            make_shares(p, &h, first, end, keys_turned, x, idle);
            lay_panels(g, h.ldy, 0, rows, p->f, arrived);
            panel_product(seen, p->f, rows, x, padded, 0, arrived, rows, h.dv, h.ldv, 1);
            panel_product(rows, padded, p->f, g, h.ldy, 1, values_turned, p->f, dx, padded, 0);
            for (ptrdiff_t i = 0; i < rows; i++) {
                float *a = dx + i * padded;
                const float *share = x + i * padded;
                vf sum = (vf){0};
                for (ptrdiff_t j = 0; j < padded; j += VL) sum += load(a + j) * load(share + j);
                const float mean = sum_lanes(sum), scale = idle[i] ? 0.0f : p->scale;
                for (ptrdiff_t j = 0; j < padded; j += VL) store(a + j, (load(a + j) - mean) * load(share + j) * scale);
            }
            panel_product(rows, p->d, seen, dx, padded, 1, keys_packed, p->s, h.dq + first * h.ldq, h.ldq, 0);
            lay_panels(h.q + first * h.ldq, h.ldq, 0, rows, p->d, queries);
            panel_product(seen, p->d, rows, dx, padded, 0, queries, rows, h.dk, h.ldk, 1);
        }
    }
}

static int attention(const nk_attention *p) {
    attention_work w = {.p = p, .chunks = (p->t + QUERIES_PER_TASK - 1) / QUERIES_PER_TASK};
    nk_parallel(attention_task, &w, (size_t)(p->n * p->heads * w.chunks));
    return atomic_load(&w.failed) ? -1 : 0;
}

static int attention_backward(const nk_attention *p) {
    attention_work w = {.p = p};
    nk_parallel(attention_back_task, &w, (size_t)(p->n * (p->heads / p->groups)));
    return atomic_load(&w.failed) ? -1 : 0;
}
