/* @NAME@: a transform that makes typographic quotation marks in a reply plain ones, as code needs them.
 *
 * It asks for TEXT events only; everything else passes it by, in order. The host never cuts a text inside a code
 * point, so each event can be looked at by itself and nothing is held back. */
#include <stdlib.h>
#include <string.h>

#include "kimi_plugin.h"

static const char manifest[] =
    "{\"id\": \"com.example.@NAME@\", \"name\": \"@NAME@\", \"version\": \"0.1.0\","
    " \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"},"
    " \"provides\": [{\"interface\": \"kimi.transform/1\", \"name\": \"@NAME@\"}],"
    " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {}}}";

/* An instance is a configured use. Nothing changes it after create: many threads use it at once. */
struct kimi_inst {
    const kimi_host *host;
};

/* An exchange is one attempt of one request. What must be remembered from call to call belongs here. */
struct kimi_exch {
    const kimi_host *host;
};

static kimi_status fail(const kimi_host *host, kimi_error *error, kimi_status status, const char *sentence) {
    const kimi_bytes message = {(const uint8_t *)sentence, strlen(sentence)};
    host->fail(error, status, KIMI_CAT_INTERNAL, 0, message);
    return status;
}

static kimi_status transform_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                                    kimi_error *error) {
    kimi_inst *made = (kimi_inst *)calloc(1, sizeof *made);
    (void)ctx;
    (void)config;
    if (made == NULL) return fail(host, error, KIMI_E_NOMEM, "no memory for an instance");
    made->host = host;
    *instance = made;
    return KIMI_OK;
}

static void transform_destroy(kimi_inst *instance) {
    free(instance);
}

/* To change the request: host->put(out, KIMI_PUT_MERGE_PATCH, ...), and return KIMI_OK. */
static kimi_status transform_begin(kimi_inst *instance, const kimi_request *request, kimi_out *out,
                                   kimi_exch **exchange, kimi_error *error) {
    kimi_exch *made = (kimi_exch *)calloc(1, sizeof *made);
    (void)request;
    (void)out;
    if (made == NULL) return fail(instance->host, error, KIMI_E_NOMEM, "no memory for an exchange");
    made->host = instance->host;
    *exchange = made;
    return KIMI_UNCHANGED;
}

/* Is there a quotation mark, U+2018 to U+201F, at `at`? Its plain form, or 0. */
static uint8_t plain(const uint8_t *at, size_t left) {
    if (left < 3 || at[0] != 0xE2 || at[1] != 0x80 || at[2] < 0x98 || at[2] > 0x9F) return 0;
    return at[2] < 0x9C ? '\'' : '"';
}

static size_t first_quote(kimi_bytes text) {
    size_t i = 0;
    while (i < text.len && plain(text.ptr + i, text.len - i) == 0) i++;
    return i;
}

/* Copies `text` with plain marks into `to`, which has room for text.len bytes. Returns the length. */
static size_t copy_plain(kimi_bytes text, uint8_t *to) {
    size_t i = 0, n = 0;
    while (i < text.len) {
        const uint8_t mark = plain(text.ptr + i, text.len - i);
        to[n++] = mark != 0 ? mark : text.ptr[i];
        i += mark != 0 ? 3 : 1;
    }
    return n;
}

static kimi_status transform_feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink,
                                  kimi_error *error) {
    const kimi_host *host = exchange->host;
    for (size_t i = 0; i < n; i++) {
        kimi_event event = events[i];
        kimi_status status;
        if (event.type == KIMI_EVENT_TEXT && first_quote(event.a) < event.a.len) {
            uint8_t *room = (uint8_t *)host->scratch(sink, event.a.len); /* dies with this call */
            if (room == NULL) return fail(host, error, KIMI_E_NOMEM, "no scratch memory for a text");
            event.a.len = copy_plain(event.a, room);
            event.a.ptr = room;
        }
        status = host->emit(sink, &event, 1);
        if (status == KIMI_STOP) return KIMI_OK; /* nobody listens any more */
        if (status < 0) return fail(host, error, status, "the host did not take an event");
    }
    return KIMI_OK;
}

/* Nothing is held back, so there is nothing to give up. */
static kimi_status transform_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)exchange;
    (void)why;
    (void)sink;
    (void)error;
    return KIMI_OK;
}

static void transform_end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    free(exchange);
}

static const kimi_transform transform = {
    sizeof(kimi_transform), 1u << KIMI_EVENT_TEXT, transform_create, transform_destroy,
    transform_begin,        transform_feed,        transform_flush,  transform_end,
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
