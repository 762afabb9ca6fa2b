/* redact: a transform that masks secrets in replies, wherever the upstream cuts its stream.
 *
 * A piece of text may end in the middle of a secret. What could still become one is held back, at most MAX_SECRET - 1
 * bytes for each choice, until the next piece decides, or the choice's text is over. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "kimi_plugin.h"

enum { MAX_SECRET = 256, MAX_SECRETS = 64, MAX_CHOICES = 128 };

static const char manifest[] =
    "{\"id\": \"com.example.redact\", \"name\": \"Redact\", \"version\": \"0.1.0\","
    " \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"},"
    " \"provides\": [{\"interface\": \"kimi.transform/1\", \"name\": \"redact\"}],"
    " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"secrets\"],"
    "  \"properties\": {\"secrets\": {\"type\": \"array\", \"minItems\": 1, \"maxItems\": 64,"
    "   \"items\": {\"type\": \"string\", \"minLength\": 4, \"maxLength\": 256, \"x-secret\": true}}}}}";

struct kimi_inst {
    const kimi_host *host;
    size_t n;
    size_t length[MAX_SECRETS];
    uint8_t secret[MAX_SECRETS][MAX_SECRET];
};

/* What is held back of one choice, and of which of its texts. */
struct held {
    uint32_t type, index;
    size_t length;
    uint8_t bytes[MAX_SECRET];
};

struct kimi_exch {
    const kimi_inst *instance;
    struct held *choice[MAX_CHOICES]; /* made when a choice first holds something */
};

static kimi_status fail(const kimi_host *host, kimi_error *error, kimi_status status, const char *sentence) {
    host->fail(error, status, KIMI_CAT_INTERNAL, 0, json_words(sentence));
    return status;
}

static kimi_status redact_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                                 kimi_error *error) {
    kimi_inst *made = calloc(1, sizeof *made);
    kimi_bytes rest = json_inside(json_get(config, "secrets"), '['), value;
    if (made == NULL) return fail(host, error, KIMI_E_NOMEM, "no memory for an instance");
    made->host = host;
    while (made->n < MAX_SECRETS && json_next(&rest, &value)) {
        uint8_t room[6 * MAX_SECRET + 2]; /* the schema counts characters, we count bytes */
        const int64_t length = value.len <= sizeof room ? json_text(value, room) : -1;
        if (length < 1 || length > MAX_SECRET) {
            free(made);
            return fail(host, error, KIMI_E_CONFIG, "secrets: each must be a string of at most 256 bytes");
        }
        memcpy(made->secret[made->n], room, (size_t)length);
        made->length[made->n++] = (size_t)length;
    }
    *instance = made;
    return KIMI_OK;
}

static void redact_destroy(kimi_inst *instance) {
    free(instance);
}

static kimi_status redact_begin(kimi_inst *instance, const kimi_request *request, kimi_out *out,
                                kimi_exch **exchange, kimi_error *error) {
    kimi_exch *made = calloc(1, sizeof *made);
    if (made == NULL) return fail(instance->host, error, KIMI_E_NOMEM, "no memory for an exchange");
    made->instance = instance;
    *exchange = made;
    return KIMI_UNCHANGED;
}

/* region mask */
/* Masks the secrets in text[0..<n]. Returns how much of it is decided: what follows could become a secret, or a longer
 * one, unless this is the end of the text. A mask is as long as what it hides, so nothing moves. */
static size_t mask(const kimi_inst *in, uint8_t *text, size_t n, int is_end) {
    size_t i = 0;
    while (i < n) {
        size_t found = 0;
        for (size_t s = 0; s < in->n; s++) {
            const size_t left = n - i, length = in->length[s];
            if (memcmp(text + i, in->secret[s], left < length ? left : length) != 0) continue;
            if (left < length && !is_end) return i;
            if (left >= length && length > found) found = length;
        }
        memset(text + i, '*', found);
        i += found > 0 ? found : 1;
    }
    return n;
}
/* end */

static kimi_status put_out(kimi_exch *exchange, uint32_t number, kimi_sink *sink) {
    struct held *held = number < MAX_CHOICES ? exchange->choice[number] : NULL;
    if (held == NULL || held->length == 0) return KIMI_OK;
    const kimi_bytes text = {held->bytes, held->length};
    mask(exchange->instance, held->bytes, held->length, 1);
    held->length = 0;
    return exchange->instance->host->text(sink, held->type, number, held->index, text);
}

/* region text */
static kimi_status take_text(kimi_exch *exchange, kimi_event event, kimi_sink *sink) {
    const kimi_host *host = exchange->instance->host;
    struct held *held;
    if (event.choice >= MAX_CHOICES) return KIMI_E_LIMIT;
    held = exchange->choice[event.choice];
    if (held == NULL) held = exchange->choice[event.choice] = calloc(1, sizeof *held);
    if (held == NULL) return KIMI_E_NOMEM;
    if (held->type != event.type || held->index != event.index) { /* no secret reaches from one text into another */
        const kimi_status status = put_out(exchange, event.choice, sink);
        if (status != KIMI_OK) return status;
        held->type = event.type;
        held->index = event.index;
    }
    const size_t n = held->length + event.a.len;
    uint8_t *text = host->scratch(sink, n); /* dies with this call */
    if (text == NULL) return KIMI_E_NOMEM;
    memcpy(text, held->bytes, held->length);
    if (event.a.len > 0) memcpy(text + held->length, event.a.ptr, event.a.len);
    const size_t decided = mask(exchange->instance, text, n, event.b.len > 0); /* a signature ends a thought */
    held->length = n - decided;
    memcpy(held->bytes, text + decided, held->length);
    event.a.ptr = text;
    event.a.len = decided;
    return decided > 0 || event.b.len > 0 ? host->emit(sink, &event, 1) : KIMI_OK;
}
/* end */

/* region feed */
static kimi_status redact_feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink,
                               kimi_error *error) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t type = events[i].type;
        kimi_status status = KIMI_OK;
        if (type == KIMI_EVENT_TEXT || type == KIMI_EVENT_REASONING || type == KIMI_EVENT_TOOL_ARGS) {
            status = take_text(exchange, events[i], sink);
        } else { /* the text before it is over; ERROR ends all choices */
            const int is_error = type == KIMI_EVENT_ERROR;
            uint32_t choice = is_error ? 0 : events[i].choice;
            const uint32_t end = is_error ? MAX_CHOICES : choice + 1;
            for (; status == KIMI_OK && choice < end; choice++) status = put_out(exchange, choice, sink);
            if (status == KIMI_OK) status = exchange->instance->host->emit(sink, &events[i], 1);
        }
        if (status == KIMI_STOP) return KIMI_OK;
        if (status < 0) return fail(exchange->instance->host, error, status, "a text could not be masked");
    }
    return KIMI_OK;
}

/* Also part of a secret is a secret: what is held stays held when a client waits (KIMI_WHY_TIMEOUT). */
static kimi_status redact_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    kimi_status status = KIMI_OK;
    if (why != KIMI_WHY_END && why != KIMI_WHY_TRUNCATED) return KIMI_OK;
    for (uint32_t choice = 0; status == KIMI_OK && choice < MAX_CHOICES; choice++) {
        status = put_out(exchange, choice, sink);
    }
    return status < 0 ? fail(exchange->instance->host, error, status, "the host did not take an event") : KIMI_OK;
}
/* end */

static void redact_end(kimi_exch *exchange, uint32_t why) {
    for (size_t i = 0; i < MAX_CHOICES; i++) free(exchange->choice[i]);
    free(exchange);
}

static const kimi_transform transform = {
    sizeof(kimi_transform),
    1u << KIMI_EVENT_TEXT | 1u << KIMI_EVENT_REASONING | 1u << KIMI_EVENT_TOOL_BEGIN | 1u << KIMI_EVENT_TOOL_ARGS |
        1u << KIMI_EVENT_TOOL_END | 1u << KIMI_EVENT_PART | 1u << KIMI_EVENT_FINISH | 1u << KIMI_EVENT_ERROR,
    redact_create, redact_destroy, redact_begin, redact_feed, redact_flush, redact_end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &transform : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION;
    handshake->plugin_minor = KIMI_ABI_MINOR;
    handshake->needs_minor = 0;
    handshake->manifest = json_words(manifest);
    handshake->get_interface = get_interface;
    return KIMI_OK;
}
