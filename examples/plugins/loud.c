/* loud: a transform that writes replies in capitals. docs/plugins/tutorial.md goes through it. */
#include <stdlib.h>
#include <string.h>

#include "kimi_plugin.h"

static const char manifest[] =
    "{\"id\": \"com.example.loud\", \"name\": \"Loud\", \"version\": \"0.1.0\","
    " \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"},"
    " \"provides\": [{\"interface\": \"kimi.transform/1\", \"name\": \"loud\"}]}";

/* A configured use of the plugin, and one attempt of one request. What they hold is our business. */
struct kimi_inst { const kimi_host *host; };
struct kimi_exch { const kimi_host *host; };

static kimi_status fail(const kimi_host *host, kimi_error *error, kimi_status status, const char *sentence) {
    const kimi_bytes message = {(const uint8_t *)sentence, strlen(sentence)};
    host->fail(error, status, KIMI_CAT_INTERNAL, 0, message);
    return status;
}

static kimi_status loud_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                               kimi_error *error) {
    kimi_inst *made = malloc(sizeof *made);
    if (made == NULL) return fail(host, error, KIMI_E_NOMEM, "no memory for an instance");
    made->host = host;
    *instance = made;
    return KIMI_OK;
}

static void loud_destroy(kimi_inst *instance) {
    free(instance);
}

static kimi_status loud_begin(kimi_inst *instance, const kimi_request *request, kimi_out *out, kimi_exch **exchange,
                              kimi_error *error) {
    kimi_exch *made = malloc(sizeof *made);
    if (made == NULL) return fail(instance->host, error, KIMI_E_NOMEM, "no memory for an exchange");
    made->host = instance->host;
    *exchange = made;
    return KIMI_UNCHANGED; /* the request stays as it is, byte for byte */
}

static kimi_status loud_feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink,
                             kimi_error *error) {
    const kimi_host *host = exchange->host;
    for (size_t i = 0; i < n; i++) {
        kimi_event event = events[i];
        uint8_t *room = host->scratch(sink, event.a.len); /* dies with this call */
        if (room == NULL) return fail(host, error, KIMI_E_NOMEM, "no scratch memory for a text");
        for (size_t j = 0; j < event.a.len; j++) {
            const uint8_t c = event.a.ptr[j];
            room[j] = c >= 'a' && c <= 'z' ? c - 32 : c;
        }
        event.a.ptr = room;
        const kimi_status status = host->emit(sink, &event, 1);
        if (status == KIMI_STOP) return KIMI_OK; /* nobody listens any more */
        if (status < 0) return fail(host, error, status, "the host did not take an event");
    }
    return KIMI_OK;
}

static kimi_status loud_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    return KIMI_OK; /* nothing was held back */
}

static void loud_end(kimi_exch *exchange, uint32_t why) {
    free(exchange);
}

static const kimi_transform transform = {
    sizeof(kimi_transform), 1u << KIMI_EVENT_TEXT, /* which events we want; others pass us by, in order */
    loud_create, loud_destroy, loud_begin, loud_feed, loud_flush, loud_end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &transform : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION;
    handshake->plugin_minor = KIMI_ABI_MINOR;
    handshake->needs_minor = 0; /* works with every 1.x host */
    handshake->manifest.ptr = (const uint8_t *)manifest;
    handshake->manifest.len = sizeof manifest - 1;
    handshake->get_interface = get_interface;
    return KIMI_OK;
}
