/* @NAME@: a provider for upstreams that speak Chat Completions.
 *
 * It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning, tool
 * calls, the finish reason, usage and errors, of the first choice. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
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

/* An instance is a configured use. Nothing changes it after create: many threads use it at once. */
struct kimi_inst {
    const kimi_host *host;
    char *url, *authorization; /* our own copies, with their lengths */
    size_t url_length, authorization_length;
};

/* An exchange is one attempt of one request. */
struct kimi_exch {
    const kimi_host *host;
    const kimi_inst *instance;
    uint32_t status;        /* of the HTTP answer */
    int64_t retry_after_ms; /* -1: not said */
    int started, finished;  /* START was emitted; FINISH or ERROR was */
    int failed;             /* ERROR was, and nothing may follow it */
    int calling;            /* a tool call is open: TOOL_BEGIN was emitted, TOOL_END was not */
    int64_t call;           /* the upstream's index of that call; -1: it gave none */
    uint32_t calls;         /* how many were begun; ours count from 0 */
};

static kimi_status fail(const kimi_host *host, kimi_error *error, kimi_status status, kimi_category category,
                        const char *sentence) {
    host->fail(error, status, category, 0, json_words(sentence));
    return status;
}

/* ---------------------------------------------------------------- instances */

/* prefix + the string that `value` holds + suffix in memory of our own; NULL without memory. */
static char *joined(const char *prefix, kimi_bytes value, const char *suffix, size_t *length) {
    const size_t before = strlen(prefix), after = strlen(suffix);
    char *made = (char *)malloc(before + value.len + after + 1);
    int64_t n;
    if (made == NULL) return NULL;
    memcpy(made, prefix, before);
    n = json_text(value, (uint8_t *)made + before);
    if (n < 0) n = 0;
    while (n > 0 && after > 0 && made[before + (size_t)n - 1] == '/') n--;
    memcpy(made + before + n, suffix, after);
    *length = before + (size_t)n + after;
    return made;
}

static void provider_destroy(kimi_inst *instance) {
    free(instance->url);
    free(instance->authorization);
    free(instance);
}

/* The host has checked the configuration against the manifest's schema. */
static kimi_status provider_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                                   kimi_error *error) {
    const kimi_bytes key = json_get(config, "apiKey"), base = json_get(config, "baseUrl");
    kimi_inst *made;
    (void)ctx;
    if (key.len == 0 || base.len == 0) {
        return fail(host, error, KIMI_E_CONFIG, KIMI_CAT_CONFIG, "apiKey and baseUrl must be strings");
    }
    made = (kimi_inst *)calloc(1, sizeof *made);
    if (made == NULL) return fail(host, error, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, "no memory for an instance");
    made->host = host;
    made->url = joined("", base, "/chat/completions", &made->url_length);
    made->authorization = joined("Bearer ", key, "", &made->authorization_length);
    if (made->url == NULL || made->authorization == NULL) {
        provider_destroy(made);
        return fail(host, error, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, "no memory for an instance");
    }
    *instance = made;
    return KIMI_OK;
}

/* ---------------------------------------------------------------- the request */

static kimi_status provider_begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange,
                                  kimi_error *error) {
    kimi_exch *made = (kimi_exch *)calloc(1, sizeof *made);
    (void)request; /* the host keeps it and sends it; here one could look into request->json */
    if (made == NULL) return fail(instance->host, error, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, "no memory for an exchange");
    made->host = instance->host;
    made->instance = instance;
    made->retry_after_ms = -1;
    *exchange = made;
    return KIMI_OK;
}

/* One step: send the request, with two members of its JSON changed and every other byte as it is. */
static kimi_status provider_next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    static const char patch[] = "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
    const kimi_host *host = exchange->host;
    const kimi_inst *in = exchange->instance;
    const kimi_bytes none = json_words("");
    kimi_status status =
        host->plan_field(plan, KIMI_FIELD_URL, none, json_slice((const uint8_t *)in->url, in->url_length));
    if (status >= 0) {
        status = host->plan_field(plan, KIMI_FIELD_HEADER, json_words("Content-Type"), json_words("application/json"));
    }
    if (status >= 0) { /* its value appears in no log */
        status = host->plan_field(plan, KIMI_FIELD_SECRET_HEADER, json_words("Authorization"),
                                  json_slice((const uint8_t *)in->authorization, in->authorization_length));
    }
    if (status >= 0) status = host->plan_field(plan, KIMI_FIELD_BODY_PATCH, none, json_words(patch));
    if (status >= 0) status = host->plan_step(plan, KIMI_STEP_SEND, 0, KIMI_SEND_STREAM);
    if (status < 0) return fail(host, error, status, KIMI_CAT_INTERNAL, "the host refused the request's plan");
    return KIMI_OK;
}

static int is_retry_after(kimi_bytes name) {
    static const char wanted[] = "retry-after";
    if (name.len != sizeof wanted - 1) return 0;
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t c = name.ptr[i];
        if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != (uint8_t)wanted[i]) return 0;
    }
    return 1;
}

/* The answer's head. */
static kimi_status provider_result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    (void)error;
    exchange->status = result->http_status;
    for (size_t i = 0; i < result->n_headers; i++) {
        const int64_t seconds = json_count(result->headers[i].value);
        if (seconds >= 0 && is_retry_after(result->headers[i].name)) exchange->retry_after_ms = seconds * 1000;
    }
    return KIMI_OK;
}

/* ---------------------------------------------------------------- the reply */

static kimi_event event_of(uint32_t type) {
    kimi_event event;
    memset(&event, 0, sizeof event);
    event.type = type;
    return event;
}

/* The string that `value` holds, decoded into memory that dies with the call. Empty if it is no string. */
static kimi_bytes text_of(const kimi_exch *exchange, kimi_bytes value, kimi_sink *sink, int *failed) {
    uint8_t *room;
    int64_t length;
    if (value.len < 2 || *value.ptr != '"') return json_words("");
    room = (uint8_t *)exchange->host->scratch(sink, value.len);
    length = room != NULL ? json_text(value, room) : -1;
    if (length < 0) *failed = 1;
    return length < 0 ? json_words("") : json_slice(room, (size_t)length);
}

static uint32_t category_of(uint32_t status) {
    switch (status) {
    case 401: return KIMI_CAT_AUTH;
    case 402: return KIMI_CAT_QUOTA;
    case 403: return KIMI_CAT_PERMISSION;
    case 404: return KIMI_CAT_NOT_FOUND;
    case 408: return KIMI_CAT_TIMEOUT;
    case 429: return KIMI_CAT_RATE_LIMITED;
    case 503: return KIMI_CAT_OVERLOADED;
    default: return status >= 400 && status < 500 ? KIMI_CAT_BAD_REQUEST : KIMI_CAT_UPSTREAM;
    }
}

/* ERROR is the last event of a reply. */
static kimi_status emit_error(kimi_exch *exchange, kimi_bytes message, kimi_sink *sink) {
    kimi_event event = event_of(KIMI_EVENT_ERROR);
    event.a = message;
    event.i0 = category_of(exchange->status);
    event.i1 = exchange->status;
    event.i2 = exchange->retry_after_ms;
    if (exchange->failed) return KIMI_OK;
    exchange->finished = exchange->failed = 1;
    return exchange->host->emit(sink, &event, 1);
}

static kimi_status upstream_error(kimi_exch *exchange, kimi_bytes body, kimi_sink *sink) {
    int failed = 0;
    kimi_bytes message = text_of(exchange, json_get(json_get(body, "error"), "message"), sink, &failed);
    if (message.len == 0) message = json_words("the upstream answered with an error that has no message");
    return emit_error(exchange, message, sink);
}

static kimi_status emit_start(kimi_exch *exchange, kimi_bytes chunk, kimi_sink *sink, int *failed) {
    kimi_event event = event_of(KIMI_EVENT_START);
    const int64_t created = json_count(json_get(chunk, "created"));
    if (exchange->started) return KIMI_OK;
    exchange->started = 1;
    event.a = text_of(exchange, json_get(chunk, "id"), sink, failed);
    event.b = text_of(exchange, json_get(chunk, "model"), sink, failed);
    event.i0 = created > 0 ? created : 0;
    return exchange->host->emit(sink, &event, 1);
}

static kimi_status end_call(kimi_exch *exchange, kimi_sink *sink) {
    kimi_event event = event_of(KIMI_EVENT_TOOL_END);
    if (!exchange->calling) return KIMI_OK;
    exchange->calling = 0;
    event.index = exchange->calls - 1;
    return exchange->host->emit(sink, &event, 1);
}

/* A call's first piece brings its id and its name. The call before it is complete then. */
static kimi_status begin_call(kimi_exch *exchange, kimi_bytes id, kimi_bytes name, kimi_sink *sink) {
    kimi_event event = event_of(KIMI_EVENT_TOOL_BEGIN);
    const kimi_status status = end_call(exchange, sink);
    if (status != KIMI_OK) return status;
    if (name.len == 0) {
        return emit_error(exchange, json_words("the upstream sent a piece of a tool call that had not begun"), sink);
    }
    exchange->calling = 1;
    event.index = exchange->calls++;
    event.a = id;
    event.b = name;
    return exchange->host->emit(sink, &event, 1);
}

/* One element of delta.tool_calls: {index, id, function: {name, arguments}}, the last a piece of JSON text. */
static kimi_status take_call(kimi_exch *exchange, kimi_bytes piece, kimi_sink *sink, int *failed) {
    const kimi_bytes function = json_get(piece, "function"), arguments = json_get(function, "arguments");
    const kimi_bytes id = text_of(exchange, json_get(piece, "id"), sink, failed);
    const int64_t call = json_count(json_get(piece, "index"));
    kimi_bytes text = json_inside(arguments, '{').len > 0 ? arguments : text_of(exchange, arguments, sink, failed);
    if (!exchange->calling || call != exchange->call || (call < 0 && id.len > 0)) {
        const kimi_bytes name = text_of(exchange, json_get(function, "name"), sink, failed);
        const kimi_status status = begin_call(exchange, id, name, sink);
        exchange->call = call;
        if (status != KIMI_OK || exchange->finished) return status;
    }
    return text.len > 0 ? exchange->host->text(sink, KIMI_EVENT_TOOL_ARGS, 0, exchange->calls - 1, text) : KIMI_OK;
}

static kimi_status take_delta(kimi_exch *exchange, kimi_bytes choice, kimi_sink *sink, int *failed) {
    const kimi_bytes delta = json_get(choice, "delta");
    const kimi_bytes thought = text_of(exchange, json_get(delta, "reasoning_content"), sink, failed);
    const kimi_bytes text = text_of(exchange, json_get(delta, "content"), sink, failed);
    const kimi_bytes reason = text_of(exchange, json_get(choice, "finish_reason"), sink, failed);
    kimi_bytes calls = json_inside(json_get(delta, "tool_calls"), '['), piece;
    kimi_status status = KIMI_OK;
    if (json_count(json_get(choice, "index")) > 0) {
        return emit_error(exchange, json_words("plugin @NAME@ decodes one choice; ask without n"), sink);
    }
    if (thought.len > 0) status = exchange->host->text(sink, KIMI_EVENT_REASONING, 0, 0, thought);
    if (status == KIMI_OK && text.len > 0) status = exchange->host->text(sink, KIMI_EVENT_TEXT, 0, 0, text);
    while (status == KIMI_OK && !exchange->finished && json_next(&calls, &piece)) {
        status = take_call(exchange, piece, sink, failed);
    }
    if (status == KIMI_OK && !exchange->finished && reason.len > 0) status = end_call(exchange, sink);
    if (status == KIMI_OK && !exchange->finished && reason.len > 0) {
        kimi_event event = event_of(KIMI_EVENT_FINISH);
        event.a = event.b = reason;
        exchange->finished = 1;
        status = exchange->host->emit(sink, &event, 1);
    }
    return status;
}

static kimi_status emit_usage(const kimi_exch *exchange, kimi_bytes usage, kimi_sink *sink) {
    kimi_event event = event_of(KIMI_EVENT_USAGE);
    if (json_inside(usage, '{').len == 0) return KIMI_OK;
    event.i0 = json_count(json_get(usage, "prompt_tokens"));
    event.i1 = json_count(json_get(usage, "completion_tokens"));
    event.i2 = event.i3 = -1;
    return exchange->host->emit(sink, &event, 1);
}

/* One server-sent event. KIMI_OK, KIMI_DONE, KIMI_STOP, or negative after host->fail. */
static kimi_status take_chunk(kimi_exch *exchange, kimi_bytes data, kimi_sink *sink, kimi_error *error) {
    int failed = 0;
    kimi_status status = KIMI_OK;
    const kimi_host *host = exchange->host;
    if (json_equals(data, "[DONE]")) return KIMI_DONE;
    data = json_skip_space(data);
    if (data.len == 0 || *data.ptr != '{') {
        return fail(host, error, KIMI_E_PROTOCOL, KIMI_CAT_PROTOCOL, "the upstream's stream is not made of JSON objects");
    }
    if (exchange->failed) return KIMI_OK;
    if (json_inside(json_get(data, "error"), '{').len > 0 && !exchange->finished) {
        status = upstream_error(exchange, data, sink);
    } else {
        status = emit_start(exchange, data, sink, &failed);
        if (status == KIMI_OK && !exchange->finished) {
            status = take_delta(exchange, json_first(json_get(data, "choices")), sink, &failed);
        }
        if (status == KIMI_OK && !exchange->failed) status = emit_usage(exchange, json_get(data, "usage"), sink);
    }
    if (failed) return fail(host, error, KIMI_E_PROTOCOL, KIMI_CAT_PROTOCOL, "a string of the upstream cannot be decoded");
    return status < 0 ? fail(host, error, status, KIMI_CAT_INTERNAL, "the host did not take an event") : status;
}

static kimi_status provider_feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink,
                                 kimi_error *error) {
    for (size_t i = 0; i < n; i++) {
        kimi_status status = KIMI_OK;
        if (frames[i].flags & KIMI_FRAME_F_ERROR) {
            status = upstream_error(exchange, frames[i].data, sink);
            if (status < 0) fail(exchange->host, error, status, KIMI_CAT_INTERNAL, "the host did not take an event");
        } else if (frames[i].kind == KIMI_FRAME_SSE) {
            status = take_chunk(exchange, frames[i].data, sink, error);
        }
        /* KIMI_STOP: nobody listens any more. After ERROR nothing follows. */
        if (status == KIMI_STOP) return KIMI_OK;
        if (status != KIMI_OK) return status;
    }
    return KIMI_OK;
}

/* The body is over. A reply that did not finish is a failure, never a short answer. */
static kimi_status provider_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)sink;
    if (exchange->finished || why == KIMI_WHY_CANCELLED) return KIMI_OK;
    return fail(exchange->host, error, KIMI_E_PROTOCOL, KIMI_CAT_UPSTREAM,
                "the upstream's answer ended before its finish_reason");
}

static void provider_end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    free(exchange);
}

/* ---------------------------------------------------------------- the way in */

static const kimi_provider provider = {
    sizeof(kimi_provider), 0,               provider_create, provider_destroy, provider_begin,
    provider_next,         provider_result, provider_feed,   provider_flush,   provider_end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &provider : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION; /* no host of ABI 1 */
    handshake->plugin_minor = KIMI_ABI_MINOR; /* built with this header */
    handshake->needs_minor = 0;               /* works with every 1.x host */
    handshake->manifest = json_words(manifest);
    handshake->get_interface = get_interface;
    return KIMI_OK;
}
