/* mock: a provider that answers with a configured text, or with a configured tool call, at a configured pace. For tests
 * of clients, without an upstream and without chance. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "kimi_plugin.h"

static const char manifest[] =
    "{\"id\": \"com.example.mock\", \"name\": \"Mock\", \"version\": \"0.1.0\","
    " \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"},"
    " \"provides\": [{\"interface\": \"kimi.provider/1\", \"name\": \"mock\", \"features\": [\"stream\", \"tools\"]}],"
    " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"reply\"], \"properties\": {"
    "  \"reply\": {\"type\": \"string\", \"minLength\": 1},"
    "  \"tool\": {\"type\": \"string\", \"minLength\": 1,"
    "   \"description\": \"Call this tool; reply is the JSON text of its arguments.\"},"
    "  \"paceMs\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 10000, \"default\": 0}}}}";

struct kimi_inst {
    const kimi_host *host;
    int64_t pace_ms;
    uint8_t *tool, *reply;
    size_t tool_length, reply_length;
};

struct kimi_exch {
    const kimi_inst *instance;
    int stream, started, finished;
    size_t sent;
};

static kimi_status fail(const kimi_host *host, kimi_error *error, kimi_status status, const char *sentence) {
    host->fail(error, status, KIMI_CAT_INTERNAL, 0, json_words(sentence));
    return status;
}

static void mock_destroy(kimi_inst *instance) {
    free(instance->tool);
    free(instance->reply);
    free(instance);
}

/* A string of the configuration, decoded, in memory of our own. Without it, nothing. */
static int read_string(kimi_bytes value, uint8_t **text, size_t *length) {
    int64_t n;
    if (value.len == 0) return 1;
    *text = malloc(value.len);
    n = *text != NULL ? json_text(value, *text) : -1;
    *length = n > 0 ? (size_t)n : 0;
    return n >= 0;
}

static kimi_status mock_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                               kimi_error *error) {
    kimi_inst *made = calloc(1, sizeof *made);
    if (made == NULL) return fail(host, error, KIMI_E_NOMEM, "no memory for an instance");
    made->host = host;
    made->pace_ms = json_count(json_get(config, "paceMs"));
    if (!read_string(json_get(config, "reply"), &made->reply, &made->reply_length) || made->reply_length == 0 ||
        !read_string(json_get(config, "tool"), &made->tool, &made->tool_length)) {
        mock_destroy(made);
        return fail(host, error, KIMI_E_CONFIG, "reply and tool must be strings, and there must be memory for them");
    }
    *instance = made;
    return KIMI_OK;
}

static kimi_status mock_begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange,
                              kimi_error *error) {
    kimi_exch *made = calloc(1, sizeof *made);
    if (made == NULL) return fail(instance->host, error, KIMI_E_NOMEM, "no memory for an exchange");
    made->instance = instance;
    made->stream = (request->flags & KIMI_REQUEST_STREAM) != 0;
    *exchange = made;
    return KIMI_OK;
}

static kimi_status mock_next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    const kimi_inst *in = exchange->instance;
    const uint64_t pace = exchange->stream && in->pace_ms > 0 ? (uint64_t)in->pace_ms : 0;
    const kimi_status status = in->host->plan_step(plan, KIMI_STEP_LOCAL_REPLY, 0, pace);
    return status < 0 ? fail(in->host, error, status, "this host cannot run LOCAL_REPLY") : KIMI_OK;
}

static kimi_status mock_result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    return fail(exchange->instance->host, error, KIMI_E_STATE, "no step of this plugin has a result");
}

static kimi_status begin_reply(kimi_exch *exchange, kimi_sink *sink) {
    const kimi_inst *in = exchange->instance;
    const kimi_event events[] = {
        {.type = KIMI_EVENT_START, .a = json_words("mock-1"), .b = json_words("mock")},
        {.type = KIMI_EVENT_TOOL_BEGIN, .a = json_words("call_mock_1"), .b = json_slice(in->tool, in->tool_length)},
    };
    exchange->started = 1;
    return in->host->emit(sink, events, in->tool != NULL ? 2 : 1);
}

/* region tick */
/* One word, with the blank before it. The last one brings the end. */
static kimi_status tick(kimi_exch *exchange, kimi_sink *sink) {
    const kimi_inst *in = exchange->instance;
    const uint32_t type = in->tool != NULL ? KIMI_EVENT_TOOL_ARGS : KIMI_EVENT_TEXT;
    size_t end = exchange->sent + 1;
    kimi_status status = exchange->started ? KIMI_OK : begin_reply(exchange, sink);
    while (end < in->reply_length && in->reply[end] != ' ') end++;
    if (status == KIMI_OK) {
        status = in->host->text(sink, type, 0, 0, json_slice(in->reply + exchange->sent, end - exchange->sent));
        exchange->sent = end;
    }
    if (status == KIMI_OK && end == in->reply_length) {
        const kimi_bytes reason = json_words(in->tool != NULL ? "tool_calls" : "stop");
        const kimi_event events[] = {
            {.type = KIMI_EVENT_TOOL_END},
            {.type = KIMI_EVENT_FINISH, .a = reason, .b = reason},
            {.type = KIMI_EVENT_USAGE, .i0 = -1, .i1 = -1, .i2 = -1, .i3 = -1},
        };
        exchange->finished = 1;
        status = in->tool != NULL ? in->host->emit(sink, events, 3) : in->host->emit(sink, events + 1, 2);
    }
    return status;
}
/* end */

static kimi_status mock_feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink,
                             kimi_error *error) {
    for (size_t i = 0; i < n && !exchange->finished; i++) {
        kimi_status status = KIMI_OK;
        if (frames[i].kind != KIMI_FRAME_TICK) continue;
        do {
            status = tick(exchange, sink);
        } while (status == KIMI_OK && !exchange->finished && !exchange->stream); /* who wants no stream need not wait */
        if (status == KIMI_STOP) return KIMI_OK;
        if (status < 0) return fail(exchange->instance->host, error, status, "the host did not take an event");
    }
    return exchange->finished ? KIMI_DONE : KIMI_OK;
}

static kimi_status mock_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    if (exchange->finished || why == KIMI_WHY_CANCELLED) return KIMI_OK;
    return fail(exchange->instance->host, error, KIMI_E_STATE, "the reply was flushed before its end");
}

static void mock_end(kimi_exch *exchange, uint32_t why) {
    free(exchange);
}

static const kimi_provider provider = {
    sizeof(kimi_provider), 0, mock_create, mock_destroy, mock_begin, mock_next, mock_result, mock_feed, mock_flush,
    mock_end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &provider : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION;
    handshake->plugin_minor = KIMI_ABI_MINOR;
    handshake->needs_minor = 0;
    handshake->manifest = json_words(manifest);
    handshake->get_interface = get_interface;
    return KIMI_OK;
}
