/* The plugin's way in, and the table. Instances and exchanges are handles of Go's, never Go pointers. */
#include <string.h>

#include "_cgo_export.h"
#include "kimi_plugin.h"

static const char manifest[] =
    "{\"id\": \"com.example.@NAME@\", \"name\": \"@NAME@\", \"version\": \"0.1.0\","
    " \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"},"
    " \"provides\": [{\"interface\": \"kimi.provider/1\", \"name\": \"@NAME@\", \"frames\": \"sse\","
    "  \"features\": [\"stream\", \"tools\", \"reasoning\"]}],"
    " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false,"
    "  \"required\": [\"apiKey\", \"baseUrl\"], \"properties\": {"
    "   \"apiKey\": {\"type\": \"string\", \"minLength\": 1, \"x-secret\": true, \"x-env\": \"@ENV@_API_KEY\"},"
    "   \"baseUrl\": {\"type\": \"string\", \"pattern\": \"^https?://\", \"x-host\": true}}}}";

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) {
    uintptr_t handle = 0;
    const kimi_status status = goCreate((kimi_host *)host, config, &handle, error);
    (void)ctx;
    if (status >= 0) *instance = (kimi_inst *)handle;
    return status;
}

static void destroy(kimi_inst *instance) {
    goRelease((uintptr_t)instance);
}

static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange, kimi_error *error) {
    (void)request; /* the host keeps it and sends it; here one could look into request->json */
    (void)error;
    *exchange = (kimi_exch *)goBegin((uintptr_t)instance);
    return KIMI_OK;
}

static kimi_status next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    return goNext((uintptr_t)exchange, plan, error);
}

static kimi_status result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    return goResult((uintptr_t)exchange, (kimi_result *)result, error);
}

static kimi_status feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink, kimi_error *error) {
    for (size_t i = 0; i < n; i++) {
        const kimi_status status = goFeed((uintptr_t)exchange, (kimi_frame *)&frames[i], sink, error);
        if (status == KIMI_STOP) return KIMI_OK; /* nobody listens any more */
        if (status != KIMI_OK) return status;
    }
    return KIMI_OK;
}

static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)sink;
    return goFlush((uintptr_t)exchange, why, error);
}

static void end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    goRelease((uintptr_t)exchange);
}

static const kimi_provider provider = {
    sizeof(kimi_provider), 0, create, destroy, begin, next, result, feed, flush, end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &provider : NULL;
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
