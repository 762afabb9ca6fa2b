/* demo_provider.c: a complete provider plugin for kimi-host in one C99 file.
 *
 * It needs no upstream: it answers by itself (LOCAL_REPLY) with what a Kimi K2 model behind a bare completion server
 * really sends: thinking without its opening tag and with "(no content)" in front, tool calls as markup in the text.
 * The kimi-k2 transform has to clean that up. Copy this file to begin a plugin of your own: it includes one header and
 * links nothing but libc. docs/plugins/abi.md walks through it; rule numbers (S04) are those of the header.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kimi_plugin.h"

enum { DEFAULT_PACE_MS = 25, MAX_NAME = 64 };

/* The manifest is read once: who we are, which tables we offer, which configuration we take. The host checks every
 * configuration against config_schema before it calls create. */
static const char MANIFEST[] =
    "{\"id\":\"dev.kimi-host.demo\",\"name\":\"Demo\",\"version\":\"1.0.0\",\"license\":\"Apache-2.0\","
    "\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.provider/1\",\"name\":\"demo\",\"frames\":\"raw\","
    "\"features\":[\"stream\",\"tools\",\"reasoning\"]}],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"paceMs\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000,\"default\":25,"
    "\"description\":\"Milliseconds between two pieces of a streamed answer.\"},"
    "\"script\":{\"enum\":[\"auto\",\"tool\",\"answer\"],\"default\":\"auto\","
    "\"description\":\"What to play. auto: a tool call if tools are declared and the last message is no result.\"}"
    "}}}";

static const char ANSWER[] =
    "(no content)(no content) Let me break down what was asked, and what I know about it. </think> The answer is 42. "
    "It comes from the demo provider, which talks to no upstream: these words left a C file through the plugin ABI, "
    "a few bytes at a time, the way a model sends them.";

/* %.*s: the tool's name, and the one argument's. */
static const char TOOL_CALL[] =
    "(no content)(no content) I should look that up. </think> Let me search for that. <|tool_call_begin|> "
    "functions.%.*s:42 <|tool_call_argument_begin|> {\"%.*s\":\"express\"} <|tool_call_begin|> ";

/* An instance is one configured use of the plugin. Nothing changes it after create, so many threads may read it. There
 * is no state outside instances and exchanges (S15). */
struct kimi_inst {
    const kimi_host *host; /* lives as long as the process */
    kimi_ctx *ctx;         /* lives until destroy returns */
    uint64_t pace_ms;
    enum { SCRIPT_AUTO, SCRIPT_TOOL, SCRIPT_ANSWER } script;
};

/* An exchange is one attempt of one request. One call at a time, but each may come on another thread. */
struct kimi_exch {
    const kimi_inst *instance;
    char *model, *reply; /* our own copies: what begin gets is only borrowed */
    size_t model_length, prompt_length, length, sent;
    bool stream, started, finished;
};

/* ---------------------------------------------------------------- slices, and a very small JSON reader */

static kimi_bytes slice(const void *ptr, size_t len) {
    const kimi_bytes bytes = {ptr, len};
    return bytes;
}

static kimi_bytes skip(kimi_bytes in, size_t n) {
    return slice(in.ptr + n, in.len - n);
}

static kimi_bytes skip_space(kimi_bytes in) {
    while (in.len > 0 && *in.ptr <= ' ') in = skip(in, 1);
    return in;
}

static bool equals(kimi_bytes bytes, const char *string) {
    return bytes.len == strlen(string) && memcmp(bytes.ptr, string, bytes.len) == 0;
}

/* How long is the JSON value that `in` begins with? 0 at the end of an array or object. The host sends valid JSON, but
 * whatever comes, this stays inside `in`. */
static size_t value_length(kimi_bytes in) {
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < in.len; i++) {
        const uint8_t c = in.ptr[i];
        if (quoted) {
            if (c == '\\') i++;
            if (c == '"') quoted = false;
            if (c == '"' && depth == 0) return i + 1;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0) return i;
            if (--depth == 0) return i + 1;
        } else if (depth == 0 && (c == ',' || c == ':' || c <= ' ')) {
            return i;
        }
    }
    return in.len;
}

static kimi_bytes take_value(kimi_bytes *rest) {
    *rest = skip_space(*rest);
    const kimi_bytes value = slice(rest->ptr, value_length(*rest));
    *rest = skip_space(skip(*rest, value.len));
    return value;
}

/* What is between the brackets of an array or object; empty for anything else. */
static kimi_bytes inside(kimi_bytes value) {
    const bool nested = value.len > 1 && (*value.ptr == '{' || *value.ptr == '[');
    return nested ? slice(value.ptr + 1, value.len - 2) : slice("", 0);
}

/* A string's bytes as they are written, escapes included; empty for anything else. */
static kimi_bytes unquote(kimi_bytes value) {
    return value.len > 1 && *value.ptr == '"' ? slice(value.ptr + 1, value.len - 2) : slice("", 0);
}

/* Steps through what is inside an object or array. key stays empty in an array. False at the end. */
static bool next_item(kimi_bytes *rest, kimi_bytes *key, kimi_bytes *value) {
    *key = slice("", 0);
    *value = take_value(rest);
    if (rest->len > 0 && *rest->ptr == ':') {
        *key = unquote(*value);
        *rest = skip(*rest, 1);
        *value = take_value(rest);
    }
    if (rest->len > 0 && *rest->ptr == ',') *rest = skip(*rest, 1);
    return value->len > 0;
}

static kimi_bytes member(kimi_bytes object, const char *name) {
    kimi_bytes rest = inside(object), key, value;
    while (next_item(&rest, &key, &value)) {
        if (equals(key, name)) return value;
    }
    return slice("", 0);
}

/* ---------------------------------------------------------------- what to say */

/* A name that can stand in the markup as it is, or the fallback. */
static kimi_bytes usable(kimi_bytes name, const char *fallback) {
    const bool plain = name.len > 0 && name.len <= MAX_NAME && memchr(name.ptr, '\\', name.len) == NULL;
    return plain ? name : slice(fallback, strlen(fallback));
}

static bool wants_tool_call(const kimi_inst *instance, kimi_bytes request, kimi_bytes first_tool) {
    if (instance->script != SCRIPT_AUTO) return instance->script == SCRIPT_TOOL;
    kimi_bytes rest = inside(member(request, "messages")), key, message, last = slice("", 0);
    while (next_item(&rest, &key, &message)) last = message;
    return first_tool.len > 0 && !equals(unquote(member(last, "role")), "tool");
}

/* The whole reply, from malloc, or NULL without memory. */
static char *compose(const kimi_inst *instance, kimi_bytes request) {
    kimi_bytes rest = inside(member(request, "tools")), key, tool, argument, value;
    if (!next_item(&rest, &key, &tool)) tool = slice("", 0);
    char *reply = malloc(sizeof ANSWER + sizeof TOOL_CALL + 2 * MAX_NAME);
    if (reply == NULL) return NULL;
    if (!wants_tool_call(instance, request, tool)) return memcpy(reply, ANSWER, sizeof ANSWER);

    const kimi_bytes function = member(tool, "function");
    kimi_bytes properties = inside(member(member(function, "parameters"), "properties"));
    next_item(&properties, &argument, &value);
    const kimi_bytes name = usable(unquote(member(function, "name")), "lookup");
    argument = usable(argument, "term");
    sprintf(reply, TOOL_CALL, (int)name.len, (const char *)name.ptr, (int)argument.len, (const char *)argument.ptr);
    return reply;
}

/* ---------------------------------------------------------------- the provider's eight functions */

static kimi_status fail(const kimi_host *host, kimi_error *error, kimi_status status, const char *sentence) {
    host->fail(error, status, KIMI_CAT_INTERNAL, 0, slice(sentence, strlen(sentence)));
    return status;
}

static kimi_status demo_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                               kimi_error *error) {
    kimi_inst *made = calloc(1, sizeof *made);
    if (made == NULL) return fail(host, error, KIMI_E_NOMEM, "no memory for a demo instance");
    const kimi_bytes pace = member(config, "paceMs"), script = unquote(member(config, "script"));
    made->host = host;
    made->ctx = ctx;
    made->pace_ms = pace.len > 0 ? 0 : DEFAULT_PACE_MS;
    for (size_t i = 0; i < pace.len && pace.ptr[i] >= '0' && pace.ptr[i] <= '9'; i++) {
        made->pace_ms = made->pace_ms * 10 + (uint64_t)(pace.ptr[i] - '0');
    }
    made->script = equals(script, "tool") ? SCRIPT_TOOL : equals(script, "answer") ? SCRIPT_ANSWER : SCRIPT_AUTO;
    *instance = made;
    return KIMI_OK;
}

static void demo_destroy(kimi_inst *instance) {
    free(instance);
}

static void demo_end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    free(exchange->model);
    free(exchange->reply);
    free(exchange);
}

static kimi_status demo_begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange,
                              kimi_error *error) {
    kimi_exch *made = calloc(1, sizeof *made);
    char *model = malloc(request->model.len + 1);
    char *reply = compose(instance, skip_space(request->json));
    if (made == NULL || model == NULL || reply == NULL) {
        /* After a failed begin there is no exchange and no end (S03): clean up here. */
        free(made);
        free(model);
        free(reply);
        return fail(instance->host, error, KIMI_E_NOMEM, "no memory for a demo exchange");
    }
    if (request->model.len > 0) memcpy(model, request->model.ptr, request->model.len);
    made->instance = instance;
    made->model = model;
    made->model_length = request->model.len;
    made->reply = reply;
    made->length = strlen(reply);
    made->prompt_length = request->json.len;
    made->stream = (request->flags & KIMI_REQUEST_STREAM) != 0;
    *exchange = made;
    return KIMI_OK;
}

/* The one step: no upstream, feed us a TICK every so often. A real provider describes a SEND with plan_field here. */
static kimi_status demo_next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    const kimi_inst *instance = exchange->instance;
    const kimi_status status =
        instance->host->plan_step(plan, KIMI_STEP_LOCAL_REPLY, 0, exchange->stream ? instance->pace_ms : 0);
    return status < 0 ? fail(instance->host, error, status, "this host cannot run LOCAL_REPLY") : KIMI_OK;
}

/* Never called: LOCAL_REPLY has no result (S06). */
static kimi_status demo_result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    (void)result;
    return fail(exchange->instance->host, error, KIMI_E_STATE, "the demo provider asked for no step with a result");
}

static kimi_status emit_start(const kimi_exch *exchange, kimi_sink *sink) {
    const kimi_inst *instance = exchange->instance;
    uint8_t r[4] = {0};
    char id[32];
    instance->host->random(instance->ctx, r, sizeof r); /* the only source of chance a plugin may use */
    const int n = sprintf(id, "chatcmpl-demo-%02x%02x%02x%02x", r[0], r[1], r[2], r[3]);
    const kimi_event start = {.type = KIMI_EVENT_START, .a = slice(id, (size_t)n),
                              .b = slice(exchange->model, exchange->model_length),
                              .i0 = (int64_t)(instance->host->unix_ms(instance->ctx) / 1000)};
    return instance->host->emit(sink, &start, 1);
}

static kimi_status emit_finish(const kimi_exch *exchange, kimi_sink *sink) {
    const char *thought_end = strstr(exchange->reply, "</think>");
    const size_t thought = thought_end != NULL ? (size_t)(thought_end - exchange->reply) : 0;
    const kimi_event events[] = {
        {.type = KIMI_EVENT_FINISH, .a = slice("stop", 4), .b = slice("stop", 4)},
        /* About four bytes to a token; -1 would say "unknown". */
        {.type = KIMI_EVENT_USAGE, .i0 = (int64_t)(exchange->prompt_length / 4 + 1),
         .i1 = (int64_t)(exchange->length / 4 + 1), .i2 = 0, .i3 = (int64_t)(thought / 4)},
    };
    return exchange->instance->host->emit(sink, events, sizeof events / sizeof *events);
}

/* The next piece of the reply: 1 to 8 bytes, cut anywhere, also inside markup, but never inside a code point. */
static kimi_status emit_piece(kimi_exch *exchange, kimi_sink *sink) {
    size_t end = exchange->sent + 1 + (((uint32_t)exchange->sent * 2654435761u) >> 29);
    if (end > exchange->length) end = exchange->length;
    while (end < exchange->length && ((uint8_t)exchange->reply[end] & 0xC0) == 0x80) end++;
    const kimi_bytes piece = slice(exchange->reply + exchange->sent, end - exchange->sent);
    exchange->sent = end;
    return exchange->instance->host->text(sink, KIMI_EVENT_TEXT, 0, 0, piece);
}

/* Gives one piece, or all that is left. KIMI_STOP means that nobody listens any more: return at once (S16). */
static kimi_status deliver(kimi_exch *exchange, bool all, kimi_sink *sink, kimi_error *error) {
    kimi_status status = exchange->started ? KIMI_OK : emit_start(exchange, sink);
    exchange->started = true;
    do {
        if (status == KIMI_OK) status = emit_piece(exchange, sink);
    } while (all && status == KIMI_OK && exchange->sent < exchange->length);
    if (status == KIMI_OK && exchange->sent == exchange->length) {
        status = emit_finish(exchange, sink);
        exchange->finished = true;
    }
    if (status < 0) return fail(exchange->instance->host, error, status, "the host did not take an event");
    return exchange->finished ? KIMI_DONE : KIMI_OK;
}

static kimi_status demo_feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink,
                             kimi_error *error) {
    for (size_t i = 0; i < n; i++) {
        if (frames[i].kind == KIMI_FRAME_TICK) return deliver(exchange, !exchange->stream, sink, error);
    }
    return KIMI_OK; /* kinds of frame that we do not know are skipped */
}

/* The end, whatever the reason: what is left goes out, unless somebody gave up on us. */
static kimi_status demo_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    if (exchange->finished || why != KIMI_WHY_END) return KIMI_OK;
    const kimi_status status = deliver(exchange, true, sink, error);
    return status < 0 ? status : KIMI_OK;
}

/* ---------------------------------------------------------------- the way in */

static const kimi_provider PROVIDER = {
    .struct_size = sizeof PROVIDER, .create = demo_create, .destroy = demo_destroy, .begin = demo_begin,
    .next = demo_next, .result = demo_result, .feed = demo_feed, .flush = demo_flush, .end = demo_end,
};

static const void *demo_get_interface(const char *id) {
    return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &PROVIDER : NULL;
}

/* The only exported symbol. */
KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    if (handshake->struct_size < sizeof *handshake) {
        return fail(handshake->host, error, KIMI_E_VERSION, "the host's handshake is smaller than that of ABI 1.0");
    }
    handshake->plugin_minor = KIMI_ABI_MINOR;
    handshake->needs_minor = 0;
    handshake->manifest = slice(MANIFEST, sizeof MANIFEST - 1);
    handshake->get_interface = demo_get_interface;
    return KIMI_OK;
}
