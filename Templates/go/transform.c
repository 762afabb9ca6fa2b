/* The plugin's way in, and the table. Instances and exchanges are handles of Go's, never Go pointers. */
#include <string.h>

#include "_cgo_export.h"
#include "kimi_plugin.h"

static const char manifest[] =
    "{\"id\": \"com.example.@NAME@\", \"name\": \"@NAME@\", \"version\": \"0.1.0\","
    " \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"},"
    " \"provides\": [{\"interface\": \"kimi.transform/1\", \"name\": \"@NAME@\"}],"
    " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {}}}";

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) {
    (void)ctx;
    (void)config;
    (void)error;
    *instance = (kimi_inst *)goCreate((kimi_host *)host);
    return KIMI_OK;
}

static void destroy(kimi_inst *instance) {
    goRelease((uintptr_t)instance);
}

/* To change the request: host->put(out, KIMI_PUT_MERGE_PATCH, ...), and return KIMI_OK. */
static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_out *out, kimi_exch **exchange,
                         kimi_error *error) {
    (void)request;
    (void)out;
    (void)error;
    *exchange = (kimi_exch *)goBegin((uintptr_t)instance);
    return KIMI_UNCHANGED;
}

static kimi_status feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink, kimi_error *error) {
    return goFeed((uintptr_t)exchange, (kimi_event *)events, n, sink, error);
}

/* Nothing is held back, so there is nothing to give up. */
static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)exchange;
    (void)why;
    (void)sink;
    (void)error;
    return KIMI_OK;
}

static void end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    goRelease((uintptr_t)exchange);
}

static const kimi_transform transform = {
    sizeof(kimi_transform), 1u << KIMI_EVENT_TEXT, create, destroy, begin, feed, flush, end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &transform : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    const kimi_bytes text = {(const uint8_t *)manifest, sizeof manifest - 1};
    (void)error;
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION; /* no host of ABI 1 */
    handshake->plugin_minor = KIMI_ABI_MINOR; /* built with this header */
    handshake->needs_minor = 0;               /* works with every 1.x host */
    handshake->manifest = text;
    handshake->get_interface = get_interface;
    return KIMI_OK;
}
