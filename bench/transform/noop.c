/* A transform that passes every batch on as it came: what the ABI alone costs. */
#include <kimi_plugin.h>
#include <stdlib.h>
#include <string.h>

static const char MANIFEST[] =
    "{\"id\":\"bench.noop\",\"name\":\"No-op\",\"version\":\"1.0.0\",\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.transform/1\",\"name\":\"noop\"}],\"config_schema\":{\"type\":\"object\"}}";

struct kimi_inst {
    const kimi_host *host;
};

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) {
    (void)ctx, (void)config, (void)error;
    if ((*instance = malloc(sizeof **instance)) == NULL) return KIMI_E_NOMEM;
    (*instance)->host = host;
    return KIMI_OK;
}

static void destroy(kimi_inst *instance) { free(instance); }

static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_out *out, kimi_exch **exchange,
                         kimi_error *error) {
    (void)request, (void)out, (void)error;
    *exchange = (kimi_exch *)instance; /* no state of its own: the instance will do */
    return KIMI_UNCHANGED;
}

static kimi_status feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink, kimi_error *error) {
    (void)error;
    return ((kimi_inst *)exchange)->host->emit(sink, events, n);
}

static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)exchange, (void)why, (void)sink, (void)error;
    return KIMI_OK;
}

static void end(kimi_exch *exchange, uint32_t why) { (void)exchange, (void)why; }

static const kimi_transform TRANSFORM = {
    sizeof TRANSFORM, UINT32_MAX, create, destroy, begin, feed, flush, end,
};

static const void *get_interface(const char *id) { return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &TRANSFORM : NULL; }

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    handshake->plugin_minor = KIMI_ABI_MINOR;
    handshake->manifest = (kimi_bytes){(const uint8_t *)MANIFEST, sizeof MANIFEST - 1};
    handshake->get_interface = get_interface;
    return KIMI_OK;
}
