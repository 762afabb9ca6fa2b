/* cache: puts a cache before any provider written in C. It takes the provider's source in, wraps its table, records the
 * frames that the upstream sends, and feeds them again when the same request comes within TTL_MS. What the frames mean
 * stays the provider's business: text and tool calls come out as they do without a cache.
 *
 *     kimi-host plugin new --lang c --kind provider NAME && cp cache.c NAME/     and compile cache.c in place of plugin.c */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "kimi_plugin.h"

#undef KIMI_EXPORT
#define KIMI_EXPORT static
#define kimi_plugin_entry_v1 inner_entry
#include "plugin.c"
#undef kimi_plugin_entry_v1

enum { TTL_MS = 600000, MAX_TAPE = 256 << 10, MAX_FRAMES = 4096 };

/* region types */
typedef struct cache_inst {
    kimi_inst *inner;
    const kimi_host *host;
    kimi_ctx *ctx;
    const kimi_host_kv *kv;       /* NULL: this host has none, and nothing is cached */
    const kimi_host_notes *notes; /* NULL: nobody counts */
    uint8_t own[16];              /* random: the memory is shared by all instances of the plugin, the answers are not */
} cache_inst;

/* A tape is what identifies the request, then for each frame two lengths, its name and its data. */
typedef struct cache_exch {
    kimi_exch *inner;
    cache_inst *instance;
    uint8_t *tape;        /* being written, or NULL: not worth keeping any more */
    size_t length, start; /* of the tape; where its frames begin */
    uint8_t *hit;         /* a tape that was found, to be played */
    size_t hit_length;
    size_t frames; /* how many were recorded */
    int is_good; /* 200, and no error in the stream so far */
} cache_exch;
/* end */

static const kimi_provider *inner;

static int append(cache_exch *exchange, kimi_bytes bytes) {
    if (exchange->tape == NULL || bytes.len > MAX_TAPE - exchange->length) return 0;
    if (bytes.len > 0) memcpy(exchange->tape + exchange->length, bytes.ptr, bytes.len);
    exchange->length += bytes.len;
    return 1;
}

static void forget(cache_exch *exchange) {
    free(exchange->tape);
    exchange->tape = NULL;
}

/* FNV-1a. Two requests may have one key: the tape holds the request, and it is compared. */
static kimi_bytes key_of(const cache_exch *exchange, uint8_t key[8]) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < exchange->start; i++) hash = (hash ^ exchange->tape[i]) * 0x100000001b3u;
    memcpy(key, &hash, sizeof hash);
    return json_slice(key, sizeof hash);
}

/* region look_up */
static void look_up(cache_exch *exchange) {
    const cache_inst *in = exchange->instance;
    uint8_t number[8], *hit;
    size_t length = 0;
    const kimi_bytes key = key_of(exchange, number);
    /* KIMI_E_LIMIT: there is something, `length` bytes of it. */
    if (in->kv->get(in->ctx, key, NULL, 0, &length) != KIMI_E_LIMIT || length > MAX_TAPE) return;
    hit = malloc(length);
    if (hit == NULL) return;
    if (in->kv->get(in->ctx, key, hit, length, &exchange->hit_length) != KIMI_OK || /* it may be gone or changed by now */
        exchange->hit_length < exchange->start || memcmp(hit, exchange->tape, exchange->start) != 0) {
        free(hit);
        return;
    }
    exchange->hit = hit;
}
/* end */

static kimi_status cache_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                                kimi_error *error) {
    cache_inst *made = calloc(1, sizeof *made);
    kimi_status status;
    if (made == NULL) return fail(host, error, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, "no memory for an instance");
    made->host = host;
    made->ctx = ctx;
    if (host->random(ctx, made->own, sizeof made->own) == KIMI_OK) made->kv = host->extension(ctx, KIMI_HOST_KV_ID);
    if (made->kv != NULL && !(KIMI_HAS(made->kv, put) && KIMI_HAS(made->kv, get))) made->kv = NULL;
    made->notes = host->extension(ctx, KIMI_HOST_NOTES_ID);
    if (made->notes != NULL && !KIMI_HAS(made->notes, reply)) made->notes = NULL;
    status = inner->create(host, ctx, config, &made->inner, error);
    if (status < 0) {
        free(made);
        return status;
    }
    *instance = (kimi_inst *)made;
    return KIMI_OK;
}

static void cache_destroy(kimi_inst *instance) {
    cache_inst *made = (cache_inst *)instance;
    inner->destroy(made->inner);
    free(made);
}

static kimi_status cache_begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange,
                               kimi_error *error) {
    cache_inst *in = (cache_inst *)instance;
    cache_exch *made = calloc(1, sizeof *made);
    kimi_status status;
    if (made == NULL) return fail(in->host, error, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, "no memory for an exchange");
    made->instance = in;
    status = inner->begin(in->inner, request, &made->inner, error);
    if (status < 0) {
        free(made);
        return status;
    }
    if (in->kv != NULL) made->tape = malloc(MAX_TAPE);
    if (append(made, json_slice(in->own, sizeof in->own)) && append(made, request->json)) {
        made->start = made->length;
        look_up(made);
    } else {
        forget(made);
    }
    *exchange = (kimi_exch *)made;
    return KIMI_OK;
}

static kimi_status cache_next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    cache_exch *made = (cache_exch *)exchange;
    kimi_status status;
    if (made->hit == NULL) return inner->next(made->inner, plan, error);
    status = made->instance->host->plan_step(plan, KIMI_STEP_LOCAL_REPLY, 0, 0);
    if (status < 0) fail(made->instance->host, error, status, KIMI_CAT_INTERNAL, "this host cannot run LOCAL_REPLY");
    return status;
}

static kimi_status cache_result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    cache_exch *made = (cache_exch *)exchange;
    if (result->kind == KIMI_STEP_SEND) made->is_good = result->http_status == 200;
    return inner->result(made->inner, result, error);
}

/* region play */
/* Feeds the recorded frames, all in one call, as if they had just come. */
static kimi_status play(cache_exch *exchange, kimi_sink *sink, kimi_error *error) {
    const cache_inst *in = exchange->instance;
    const kimi_result head = {.kind = KIMI_STEP_SEND, .http_status = 200};
    kimi_frame *frames = in->host->scratch(sink, MAX_FRAMES * sizeof *frames);
    size_t n = 0, at = exchange->start, lengths[2];
    kimi_status status = inner->result(exchange->inner, &head, error);
    if (status < 0) return status;
    if (frames == NULL) return fail(in->host, error, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, "no scratch memory for a tape");
    while (n < MAX_FRAMES && exchange->hit_length - at >= sizeof lengths) {
        kimi_frame *frame = &frames[n++];
        memcpy(lengths, exchange->hit + at, sizeof lengths);
        at += sizeof lengths;
        frame->kind = KIMI_FRAME_SSE;
        frame->flags = 0;
        frame->name = json_slice(exchange->hit + at, lengths[0]);
        frame->data = json_slice(exchange->hit + at + lengths[0], lengths[1]);
        at += lengths[0] + lengths[1];
    }
    if (in->notes != NULL) in->notes->reply(sink, json_words("cache_hit"), 1, json_words(""));
    status = inner->feed(exchange->inner, frames, n, sink, error);
    return status < 0 ? status : KIMI_DONE;
}
/* end */

static void record(cache_exch *exchange, const kimi_frame *frame) {
    const size_t lengths[2] = {frame->name.len, frame->data.len};
    if (frame->kind != KIMI_FRAME_SSE || json_inside(json_get(frame->data, "error"), '{').len > 0) exchange->is_good = 0;
    if (exchange->tape != NULL && ++exchange->frames > MAX_FRAMES) forget(exchange);
    if (!append(exchange, json_slice((const uint8_t *)lengths, sizeof lengths)) || !append(exchange, frame->name) ||
        !append(exchange, frame->data)) {
        forget(exchange);
    }
}

static kimi_status cache_feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink,
                              kimi_error *error) {
    cache_exch *made = (cache_exch *)exchange;
    for (size_t i = 0; i < n && made->hit != NULL; i++) {
        if (frames[i].kind == KIMI_FRAME_TICK) return play(made, sink, error);
    }
    if (made->hit != NULL) return KIMI_OK;
    for (size_t i = 0; i < n; i++) record(made, &frames[i]);
    return inner->feed(made->inner, frames, n, sink, error);
}

/* region flush */
/* Kept is what the provider calls a whole reply, and nothing that was cut off, refused or cancelled. */
static kimi_status cache_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    cache_exch *made = (cache_exch *)exchange;
    const cache_inst *in = made->instance;
    const kimi_status status = inner->flush(made->inner, why, sink, error);
    if (status >= 0 && why == KIMI_WHY_END && made->hit == NULL && made->is_good && made->tape != NULL) {
        uint8_t number[8];
        in->kv->put(in->ctx, key_of(made, number), json_slice(made->tape, made->length), TTL_MS);
    }
    return status;
}
/* end */

static void cache_end(kimi_exch *exchange, uint32_t why) {
    cache_exch *made = (cache_exch *)exchange;
    inner->end(made->inner, why);
    free(made->tape);
    free(made->hit);
    free(made);
}

static const kimi_provider cache = {
    sizeof(kimi_provider), 0, cache_create, cache_destroy, cache_begin, cache_next, cache_result, cache_feed,
    cache_flush, cache_end,
};

static const void *cache_interface(const char *id) {
    return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &cache : NULL;
}

/* The manifest is the provider's own. */
KIMI_EXTERN __attribute__((visibility("default"))) kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake,
                                                                                    kimi_error *error) {
    const kimi_status status = inner_entry(handshake, error);
    if (status < 0) return status;
    inner = handshake->get_interface(KIMI_PROVIDER_ID);
    handshake->get_interface = cache_interface;
    return KIMI_OK;
}
