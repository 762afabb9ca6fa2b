/* A transform in 40 lines that is right in everything: it writes text in capitals. */
#include <ctype.h>
#include <kimi_plugin.h>
#include <stdlib.h>
#include <string.h>

static const char MANIFEST[] =
    "{\"id\":\"test.good\",\"name\":\"Good\",\"version\":\"1.2.3-rc.1\",\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.transform/1\",\"name\":\"good\"},"
    "{\"interface\":\"com.example.thing/1\",\"name\":\"a thing that this host does not know\"}],"
    "\"config_schema\":{\"type\":\"object\",\"properties\":{\"loud\":{\"type\":\"boolean\",\"default\":true}}}}";

struct kimi_inst { const kimi_host *host; };

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **out, kimi_error *error) {
    (void)ctx, (void)config, (void)error;
    if ((*out = malloc(sizeof **out)) == NULL) return KIMI_E_NOMEM;
    (*out)->host = host;
    return KIMI_OK;
}
static void destroy(kimi_inst *instance) { free(instance); }
static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_out *out,
                         kimi_exch **exchange, kimi_error *error) {
    (void)request, (void)out, (void)error;
    *exchange = (kimi_exch *)instance; /* no state of its own: the instance will do */
    return KIMI_UNCHANGED;
}
static kimi_status feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink, kimi_error *error) {
    const kimi_host *host = ((kimi_inst *)exchange)->host;
    kimi_status status = KIMI_OK;
    (void)error;
    for (size_t i = 0; i < n && status == KIMI_OK; i++) {
        uint8_t *loud = host->scratch(sink, events[i].a.len);
        if (loud == NULL) return KIMI_E_LIMIT;
        for (size_t k = 0; k < events[i].a.len; k++) loud[k] = (uint8_t)toupper(events[i].a.ptr[k]);
        const kimi_bytes text = {loud, events[i].a.len};
        status = host->text(sink, events[i].type, events[i].choice, events[i].index, text);
    }
    return status < 0 ? status : KIMI_OK;
}
static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)exchange, (void)why, (void)sink, (void)error;
    return KIMI_OK;
}
static void end(kimi_exch *exchange, uint32_t why) { (void)exchange, (void)why; }

static const kimi_transform TRANSFORM = {
    sizeof TRANSFORM, 1u << KIMI_EVENT_TEXT, create, destroy, begin, feed, flush, end,
};
static const void *get_interface(const char *id) { return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &TRANSFORM : NULL; }

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    handshake->plugin_minor = KIMI_ABI_MINOR;
    handshake->manifest = (kimi_bytes){(const uint8_t *)MANIFEST, sizeof MANIFEST - 1};
    handshake->get_interface = get_interface;
    return KIMI_OK;
}
