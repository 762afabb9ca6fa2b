/* A transform that adds its version to each text: "t7 ". */
#include "common.h"

static const char MANIFEST[] =
    "{\"id\":\"test.mark\",\"name\":\"Mark\",\"version\":\"" VERSION
    ".0.0\",\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.transform/1\",\"name\":\"mark\"}]}";

struct kimi_inst {
    const kimi_host *host;
    kimi_ctx *ctx;
};

struct kimi_exch {
    const kimi_inst *instance;
};

static kimi_status mark_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                               kimi_error *error) {
    (void)config;
    kimi_inst *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(host, error, KIMI_E_NOMEM, "no memory");
    made->host = host;
    made->ctx = ctx;
    host->log(ctx, KIMI_LOG_INFO, text("transform " VERSION " created"));
    *instance = made;
    return KIMI_OK;
}

static void mark_destroy(kimi_inst *instance) {
    instance->host->log(instance->ctx, KIMI_LOG_INFO, text("transform " VERSION " destroyed"));
    free(instance);
}

static kimi_status mark_begin(kimi_inst *instance, const kimi_request *request, kimi_out *out, kimi_exch **exchange,
                              kimi_error *error) {
    (void)request, (void)out;
    kimi_exch *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
    made->instance = instance;
    *exchange = made;
    return KIMI_UNCHANGED;
}

static kimi_status mark_feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink,
                             kimi_error *error) {
    (void)error;
    const kimi_host *host = exchange->instance->host;
    for (size_t i = 0; i < n; i++) {
        kimi_status status = host->emit(sink, &events[i], 1);
        if (status == KIMI_OK && events[i].type == KIMI_EVENT_TEXT) {
            status = host->text(sink, KIMI_EVENT_TEXT, events[i].choice, 0, text("t" VERSION " "));
        }
        if (status != KIMI_OK) return status;
    }
    return KIMI_OK;
}

static kimi_status mark_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)exchange, (void)why, (void)sink, (void)error;
    return KIMI_OK;
}

static void mark_end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    free(exchange);
}

static const kimi_transform TRANSFORM = {
    .struct_size = sizeof TRANSFORM, .event_mask = UINT32_MAX, .create = mark_create, .destroy = mark_destroy,
    .begin = mark_begin, .feed = mark_feed, .flush = mark_flush, .end = mark_end,
};

static const void *mark_get_interface(const char *id) {
    return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &TRANSFORM : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    return answer(handshake, MANIFEST, mark_get_interface);
}
