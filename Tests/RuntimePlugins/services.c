/* A transform that uses the host's further tables: it counts its exchanges in kimi.host.kv/1 and sends the count up as
 * "seed", and notes what it does through kimi.host.notes/1. Each answer of the tables that is not as the header says is
 * logged as "services wrong: …". */
#include "common.h"

static const char MANIFEST[] =
    "{\"id\":\"test.services\",\"name\":\"Services\",\"version\":\"1.0.0\","
    "\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.transform/1\",\"name\":\"services\"}],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"properties\":{\"lifetime\":{\"enum\":[\"short\",\"long\"]},\"secret\":{\"type\":\"string\",\"x-secret\":true}}}}";

struct kimi_inst {
    const kimi_host *host;
    kimi_ctx *ctx;
    const kimi_host_kv *kv;
    const kimi_host_notes *notes;
    uint64_t ttl_ms;
    char secret[MAX_WORD];
};

struct kimi_exch {
    const kimi_inst *instance;
};

static void expect(const kimi_inst *instance, bool holds, const char *what) {
    char line[MAX_LINE];
    if (holds) return;
    snprintf(line, sizeof line, "services wrong: %s", what);
    instance->host->log(instance->ctx, KIMI_LOG_ERROR, text(line));
}

static void check_edges(const kimi_inst *instance) {
    static uint8_t large[(1 << 20) + 1];
    const kimi_host_kv *kv = instance->kv;
    uint8_t byte = 7;
    size_t length = 99;
    expect(instance, instance->host->extension(instance->ctx, "no.such/1") == NULL, "an unknown id has a table");
    expect(instance, kv->get(instance->ctx, text("nothing"), &byte, 1, &length) == KIMI_NONE, "get finds nothing");
    expect(instance, length == 0 && byte == 7, "get of nothing writes something");
    expect(instance, kv->put(instance->ctx, text(""), text("x"), 0) == KIMI_E_ARG, "an empty key is taken");
    expect(instance, kv->put(instance->ctx, slice(large, 257), text("x"), 0) == KIMI_E_ARG, "a long key is taken");
    expect(instance, kv->put(instance->ctx, text("big"), slice(large, sizeof large), 0) == KIMI_E_LIMIT, "no limit");
    if (kv->put(instance->ctx, text("two"), text("22"), 0) == KIMI_OK) {
        expect(instance, kv->get(instance->ctx, text("two"), &byte, 1, &length) == KIMI_E_LIMIT, "a value is cut");
        expect(instance, length == 2 && byte == 7, "a small buffer is touched");
        expect(instance, kv->forget(instance->ctx, text("two")) == KIMI_OK, "forget");
        expect(instance, kv->get(instance->ctx, text("two"), &byte, 1, &length) == KIMI_NONE, "forgotten is there");
    }
    expect(instance, kv->get(NULL, text("two"), &byte, 1, &length) == KIMI_E_ARG, "no context");
}

static kimi_status services_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                                   kimi_error *error) {
    char lifetime[MAX_WORD];
    kimi_inst *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(host, error, KIMI_E_NOMEM, "no memory");
    made->host = host;
    made->ctx = ctx;
    made->kv = host->extension(ctx, KIMI_HOST_KV_ID);
    made->notes = host->extension(ctx, KIMI_HOST_NOTES_ID);
    config_text(config, "lifetime", lifetime);
    config_text(config, "secret", made->secret);
    made->ttl_ms = strcmp(lifetime, "short") == 0 ? 300 : 0;
    if (made->kv == NULL || made->notes == NULL) {
        free(made);
        return refuse(host, error, KIMI_E_UNSUPPORTED, "this host lacks a table");
    }
    check_edges(made);
    *instance = made;
    return KIMI_OK;
}

static void services_destroy(kimi_inst *instance) {
    free(instance);
}

/* Counts one more, and gives how many there were before. */
static unsigned count(const kimi_inst *instance) {
    char word[MAX_WORD] = "0";
    size_t length = 0;
    unsigned before = 0;
    if (instance->kv->get(instance->ctx, text("count"), (uint8_t *)word, sizeof word - 1, &length) == KIMI_OK) {
        word[length] = 0;
        before = (unsigned)strtoul(word, NULL, 10);
    }
    snprintf(word, sizeof word, "%u", before + 1);
    instance->kv->put(instance->ctx, text("count"), text(word), instance->ttl_ms);
    return before;
}

static kimi_status services_begin(kimi_inst *instance, const kimi_request *request, kimi_out *out,
                                  kimi_exch **exchange, kimi_error *error) {
    char line[MAX_LINE];
    (void)request;
    kimi_exch *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
    made->instance = instance;
    *exchange = made;
    const unsigned before = count(instance);
    snprintf(line, sizeof line, "seed is %u\nkey %s", before, instance->secret);
    expect(instance, instance->notes->request(out, text("seeds"), 1, text(line)) == KIMI_OK, "a note is refused");
    expect(instance, instance->notes->request(out, text("Bad kind"), 1, text("")) == KIMI_E_ARG, "a bad kind is taken");
    expect(instance, instance->notes->request(out, text(""), 1, text("")) == KIMI_E_ARG, "an empty kind is taken");
    snprintf(line, sizeof line, "{\"seed\":%u}", before);
    return instance->host->put(out, KIMI_PUT_MERGE_PATCH, text(line));
}

static kimi_status services_feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink,
                                 kimi_error *error) {
    const kimi_inst *instance = exchange->instance;
    (void)error;
    for (size_t i = 0; i < n; i++) {
        if (events[i].type != KIMI_EVENT_FINISH) continue;
        expect(instance, instance->notes->reply(sink, text("finishes"), 2, text("")) == KIMI_OK, "a note is refused");
        char kind[MAX_WORD];
        for (unsigned k = 0; k < 100; k++) { /* more kinds than a host tells apart */
            snprintf(kind, sizeof kind, "kind_%u", k);
            instance->notes->reply(sink, text(kind), 1, text(""));
        }
    }
    return instance->host->emit(sink, events, n);
}

static kimi_status services_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)exchange, (void)why, (void)sink, (void)error;
    return KIMI_OK;
}

static void services_end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    free(exchange);
}

static const kimi_transform TRANSFORM = {
    .struct_size = sizeof TRANSFORM, .event_mask = 1u << KIMI_EVENT_FINISH, .create = services_create,
    .destroy = services_destroy, .begin = services_begin, .feed = services_feed, .flush = services_flush,
    .end = services_end,
};

static const void *services_get_interface(const char *id) {
    return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &TRANSFORM : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    return answer(handshake, MANIFEST, services_get_interface);
}
