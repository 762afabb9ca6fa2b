/* A well-behaved transform and provider for the plugins of this folder to spoil: each file breaks one thing. */
#ifndef BAD_PLUGINS_BASE_H
#define BAD_PLUGINS_BASE_H

#include <kimi_plugin.h>
#include <string.h>

#define UNUSED __attribute__((unused))

/* A manifest of a transform: the plugin's id is test.NAME, what it provides is called NAME. */
#define ABI_1_0 "\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"}"
#define PROVIDES(interface, name) "\"provides\":[{\"interface\":\"" interface "\",\"name\":\"" name "\"}]"
#define MANIFEST_OF(name, abi, provides, schema) \
    "{\"id\":\"test." name "\",\"name\":\"" name "\",\"version\":\"1.0.0\"," abi "," provides \
    ",\"config_schema\":" schema "}"
#define MANIFEST(name) MANIFEST_OF(name, ABI_1_0, PROVIDES("kimi.transform/1", name), "{\"type\":\"object\"}")
#define PROVIDER_MANIFEST(name) MANIFEST_OF(name, ABI_1_0, PROVIDES("kimi.provider/1", name), "{\"type\":\"object\"}")

static kimi_status base_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                               kimi_error *error) {
    (void)host, (void)ctx, (void)config, (void)error;
    *instance = (kimi_inst *)&base_create;
    return KIMI_OK;
}
static void base_destroy(kimi_inst *instance) {
    (void)instance;
}
static kimi_status base_begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange,
                              kimi_error *error) {
    (void)request, (void)error;
    *exchange = (kimi_exch *)instance;
    return KIMI_OK;
}
static kimi_status base_begin_transform(kimi_inst *instance, const kimi_request *request, kimi_out *out,
                                        kimi_exch **exchange, kimi_error *error) {
    (void)instance, (void)request, (void)out, (void)exchange, (void)error;
    return KIMI_UNCHANGED;
}
static kimi_status base_next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    (void)exchange, (void)plan, (void)error;
    return KIMI_E_UNSUPPORTED;
}
static kimi_status base_result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    (void)exchange, (void)result, (void)error;
    return KIMI_OK;
}
static kimi_status base_feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink,
                             kimi_error *error) {
    (void)exchange, (void)frames, (void)n, (void)sink, (void)error;
    return KIMI_OK;
}
static kimi_status base_feed_events(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink,
                                    kimi_error *error) {
    (void)exchange, (void)events, (void)n, (void)sink, (void)error;
    return KIMI_OK;
}
static kimi_status base_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)exchange, (void)why, (void)sink, (void)error;
    return KIMI_OK;
}
static void base_end(kimi_exch *exchange, uint32_t why) {
    (void)exchange, (void)why;
}

/* Not const, so that a plugin can spoil a member before it hands the table over. */
static kimi_provider provider = {
    sizeof(kimi_provider), 0, base_create, base_destroy, base_begin, base_next, base_result, base_feed, base_flush,
    base_end,
};
static kimi_transform transform = {
    sizeof(kimi_transform), 1u << KIMI_EVENT_TEXT, base_create, base_destroy, base_begin_transform, base_feed_events,
    base_flush, base_end,
};

static const void *base_get_interface(const char *id) {
    if (strcmp(id, KIMI_PROVIDER_ID) == 0) return &provider;
    if (strcmp(id, KIMI_TRANSFORM_ID) == 0) return &transform;
    return 0;
}

static UNUSED kimi_status base_answer(kimi_handshake *handshake, const char *manifest) {
    handshake->plugin_minor = KIMI_ABI_MINOR;
    handshake->needs_minor = 0;
    handshake->manifest.ptr = (const uint8_t *)manifest;
    handshake->manifest.len = manifest != 0 ? strlen(manifest) : 0;
    handshake->get_interface = base_get_interface;
    return KIMI_OK;
}

#define ENTRY KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, UNUSED kimi_error *error)

#endif
