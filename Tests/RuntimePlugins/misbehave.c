/* A transform with the fault its configuration names; "none" passes everything on. */
#include "common.h"

static const char MANIFEST[] =
    "{\"id\":\"test.misbehave\",\"name\":\"Misbehave\",\"version\":\"1.0.0\","
    "\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.transform/1\",\"name\":\"misbehave\"}],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"fault\"],"
    "\"properties\":{\"fault\":{\"type\":\"string\"}}}}";

enum { MAX_HELD = 256 };

struct kimi_inst {
    const kimi_host *host;
    kimi_ctx *ctx;
    char fault[MAX_WORD];
};

/* An event whose slices a and b are our own. */
typedef struct held {
    kimi_event event;
    char a[MAX_WORD], b[MAX_WORD];
} held;

struct kimi_exch {
    const kimi_inst *instance;
    char id[MAX_WORD];
    held held[MAX_HELD];
    size_t count;
};

static bool has(const kimi_inst *instance, const char *fault) {
    return strcmp(instance->fault, fault) == 0;
}

static kimi_status misbehave_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                                    kimi_error *error) {
    kimi_inst *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(host, error, KIMI_E_NOMEM, "no memory");
    made->host = host;
    made->ctx = ctx;
    config_text(config, "fault", made->fault);
    *instance = made;
    return KIMI_OK;
}

static void misbehave_destroy(kimi_inst *instance) {
    free(instance);
}

/* What the fault does to the request. */
static kimi_status change(const kimi_inst *instance, kimi_out *out) {
    static const char WHOLE[] = "{\"model\":\"replaced\",\"messages\":[{\"role\":\"user\",\"content\":\"replaced\"}]}";
    const kimi_host *host = instance->host;
    if (has(instance, "replaces_request")) {
        /* In pieces: further calls append. */
        for (size_t i = 0; i < sizeof WHOLE - 1; i++) host->put(out, KIMI_PUT_REPLACE, slice(WHOLE + i, 1));
        return KIMI_OK;
    }
    if (has(instance, "replaces_with_garbage")) return host->put(out, KIMI_PUT_REPLACE, text("{\"model\":"));
    if (has(instance, "replaces_with_array")) return host->put(out, KIMI_PUT_REPLACE, text("[1]"));
    if (has(instance, "patch_not_json")) return host->put(out, KIMI_PUT_MERGE_PATCH, text("{\"temperature\":"));
    if (has(instance, "patch_in_two_ways")) {
        host->put(out, KIMI_PUT_MERGE_PATCH, text("{\"temperature\":0.5}"));
        return host->put(out, KIMI_PUT_REPLACE, text("{}")) == KIMI_E_ARG ? KIMI_OK : KIMI_E_STATE;
    }
    /* KIMI_OK without a put: nothing to change after all. */
    return has(instance, "changes_nothing") ? KIMI_OK : KIMI_UNCHANGED;
}

static kimi_status misbehave_begin(kimi_inst *instance, const kimi_request *request, kimi_out *out,
                                   kimi_exch **exchange, kimi_error *error) {
    if (has(instance, "begin_fails")) return refuse(instance->host, error, KIMI_E_INTERNAL, "begin fails as told");
    if (has(instance, "null_exchange")) return KIMI_UNCHANGED;
    const kimi_status status = change(instance, out);
    if (status < 0) return refuse(instance->host, error, status, "the host did not take the change");
    kimi_exch *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
    made->instance = instance;
    keep(made->id, request->exchange_id);
    log_life(instance->host, instance->ctx, "misbehave", "begun", made->id, 0);
    *exchange = made;
    return status;
}

static void hold(kimi_exch *exchange, const kimi_event *event) {
    if (exchange->count == MAX_HELD) return;
    held *place = &exchange->held[exchange->count++];
    keep(place->a, event->a);
    keep(place->b, event->b);
    place->event = *event;
    place->event.a = text(place->a);
    place->event.b = text(place->b);
}

static kimi_status misbehave_feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink,
                                  kimi_error *error) {
    const kimi_inst *instance = exchange->instance;
    kimi_status status = KIMI_OK;
    for (size_t i = 0; i < n && status >= 0; i++) {
        if (has(instance, "drops_everything")) continue;
        if (has(instance, "drops_finish") && events[i].type == KIMI_EVENT_FINISH) continue;
        if (has(instance, "feed_fails") && events[i].type == KIMI_EVENT_TEXT) {
            return refuse(instance->host, error, KIMI_E_INTERNAL, "feed fails as told");
        }
        if (has(instance, "holds_forever")) {
            hold(exchange, &events[i]);
            continue;
        }
        status = instance->host->emit(sink, &events[i], 1);
        if (has(instance, "emits_twice_finish") && events[i].type == KIMI_EVENT_FINISH) {
            status = instance->host->emit(sink, &events[i], 1);
        }
    }
    return status;
}

static kimi_status misbehave_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    const kimi_inst *instance = exchange->instance;
    log_life(instance->host, instance->ctx, "misbehave", "flushed", exchange->id, why);
    if (has(instance, "flush_fails")) return refuse(instance->host, error, KIMI_E_INTERNAL, "flush fails as told");
    for (size_t i = 0; i < exchange->count; i++) {
        const kimi_status status = instance->host->emit(sink, &exchange->held[i].event, 1);
        if (status != KIMI_OK) return status;
    }
    exchange->count = 0;
    return KIMI_OK;
}

static void misbehave_end(kimi_exch *exchange, uint32_t why) {
    log_life(exchange->instance->host, exchange->instance->ctx, "misbehave", "ended", exchange->id, why);
    free(exchange);
}

static const kimi_transform TRANSFORM = {
    .struct_size = sizeof TRANSFORM, .event_mask = UINT32_MAX, .create = misbehave_create,
    .destroy = misbehave_destroy, .begin = misbehave_begin, .feed = misbehave_feed, .flush = misbehave_flush,
    .end = misbehave_end,
};

static const void *misbehave_get_interface(const char *id) {
    return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &TRANSFORM : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    return answer(handshake, MANIFEST, misbehave_get_interface);
}
