/* parrot: a provider without an upstream: it says how long the request was. docs/plugins/tutorial.md goes through it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kimi_plugin.h"

static const char manifest[] =
    "{\"id\": \"com.example.parrot\", \"name\": \"Parrot\", \"version\": \"0.1.0\","
    " \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"},"
    " \"provides\": [{\"interface\": \"kimi.provider/1\", \"name\": \"parrot\", \"features\": [\"stream\"]}]}";

struct kimi_inst { const kimi_host *host; };

struct kimi_exch {
    const kimi_host *host;
    char reply[100];
    size_t sent;      /* bytes of the reply that went out */
    uint64_t pace_ms; /* between two words; without a stream they come at once */
};

static kimi_bytes words(const char *text) {
    const kimi_bytes bytes = {(const uint8_t *)text, strlen(text)};
    return bytes;
}

static kimi_status fail(const kimi_host *host, kimi_error *error, kimi_status status, const char *sentence) {
    host->fail(error, status, KIMI_CAT_INTERNAL, 0, words(sentence));
    return status;
}

static kimi_status parrot_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                                 kimi_error *error) {
    kimi_inst *made = malloc(sizeof *made);
    if (made == NULL) return fail(host, error, KIMI_E_NOMEM, "no memory for an instance");
    made->host = host;
    *instance = made;
    return KIMI_OK;
}

static void parrot_destroy(kimi_inst *instance) {
    free(instance);
}

static kimi_status parrot_begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange,
                                kimi_error *error) {
    kimi_exch *made = calloc(1, sizeof *made);
    if (made == NULL) return fail(instance->host, error, KIMI_E_NOMEM, "no memory for an exchange");
    made->host = instance->host;
    made->pace_ms = request->flags & KIMI_REQUEST_STREAM ? 200 : 0;
    snprintf(made->reply, sizeof made->reply, "Your request was %zu bytes long.", request->json.len);
    *exchange = made;
    return KIMI_OK;
}

static kimi_status parrot_next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    const kimi_status status = exchange->host->plan_step(plan, KIMI_STEP_LOCAL_REPLY, 0, exchange->pace_ms);
    return status < 0 ? fail(exchange->host, error, status, "this host cannot run LOCAL_REPLY") : KIMI_OK;
}

static kimi_status parrot_result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    /* never called: LOCAL_REPLY has no result */
    return fail(exchange->host, error, KIMI_E_STATE, "no step of this plugin has a result");
}

static kimi_status parrot_feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink,
                               kimi_error *error) {
    const kimi_host *host = exchange->host;
    kimi_status status = KIMI_OK;
    for (size_t i = 0; i < n && status == KIMI_OK; i++) {
        if (frames[i].kind != KIMI_FRAME_TICK) continue; /* kinds that we do not know are skipped */
        if (exchange->sent == 0) {
            const kimi_event start = {.type = KIMI_EVENT_START, .a = words("parrot-1"), .b = words("parrot")};
            status = host->emit(sink, &start, 1);
        }
        const char *rest = exchange->reply + exchange->sent;
        const size_t word = strcspn(rest + 1, " ") + 1; /* a blank and what follows it, up to the next */
        const kimi_bytes text = {(const uint8_t *)rest, word};
        if (status == KIMI_OK) status = host->text(sink, KIMI_EVENT_TEXT, 0, 0, text);
        exchange->sent += word;
        if (status == KIMI_OK && exchange->reply[exchange->sent] == 0) {
            const kimi_event finish = {.type = KIMI_EVENT_FINISH, .a = words("stop"), .b = words("stop")};
            status = host->emit(sink, &finish, 1);
            if (status == KIMI_OK) return KIMI_DONE; /* the reply is complete */
        }
    }
    return status < 0 ? fail(host, error, status, "the host did not take an event") : KIMI_OK;
}

static kimi_status parrot_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    if (why == KIMI_WHY_CANCELLED || exchange->reply[exchange->sent] == 0) return KIMI_OK;
    return fail(exchange->host, error, KIMI_E_STATE, "the reply was flushed before its end");
}

static void parrot_end(kimi_exch *exchange, uint32_t why) {
    free(exchange);
}

static const kimi_provider provider = {
    sizeof(kimi_provider), 0, parrot_create, parrot_destroy, parrot_begin,
    parrot_next, parrot_result, parrot_feed, parrot_flush, parrot_end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &provider : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION;
    handshake->plugin_minor = KIMI_ABI_MINOR;
    handshake->needs_minor = 0;
    handshake->manifest = words(manifest);
    handshake->get_interface = get_interface;
    return KIMI_OK;
}
