/* A provider whose upstream speaks every dialect itself: requests and answers pass as they are. It reads just enough of
 * an answer to know whether it is whole. With "refuse" it takes canonical requests only, and answers those itself. */
#include "common.h"

static const char MANIFEST[] =
    "{\"id\":\"test.native\",\"name\":\"Native\",\"version\":\"1.0.0\",\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.provider/1\",\"name\":\"native\",\"frames\":\"sse\",\"dialects\":["
    "\"openai.chat\",\"openai.completions\",\"openai.embeddings\",\"openai.responses\",\"anthropic.messages\","
    "\"anthropic.count_tokens\"]}],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"refuse\":{\"type\":\"string\"},\"patch\":{\"type\":\"string\"},\"url\":{\"type\":\"string\",\"x-host\":true}}}}";

struct kimi_inst {
    const kimi_host *host;
    char url[MAX_WORD], refuse[MAX_WORD], patch[MAX_WORD];
};

struct kimi_exch {
    const kimi_inst *instance;
    char dialect[MAX_WORD];
    bool native, stream, whole;
};

static const struct {
    const char *dialect, *path;
} PATHS[] = {{"openai.chat", "/chat/completions"}, {"openai.completions", "/completions"},
             {"openai.embeddings", "/embeddings"}, {"openai.responses", "/responses"},
             {"anthropic.messages", "/messages"}, {"anthropic.count_tokens", "/messages/count_tokens"}};

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) {
    (void)ctx;
    *instance = calloc(1, sizeof **instance);
    if (*instance == NULL) return refuse(host, error, KIMI_E_NOMEM, "no memory");
    (*instance)->host = host;
    config_text(config, "url", (*instance)->url);
    config_text(config, "refuse", (*instance)->refuse);
    config_text(config, "patch", (*instance)->patch);
    return KIMI_OK;
}

static void destroy(kimi_inst *instance) {
    free(instance);
}

static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange, kimi_error *error) {
    const bool native = (request->flags & KIMI_REQUEST_NATIVE) != 0;
    if (native && instance->refuse[0] != 0)
        return refuse(instance->host, error, KIMI_E_UNSUPPORTED, "not natively, as told");
    *exchange = calloc(1, sizeof **exchange);
    if (*exchange == NULL) return refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
    (*exchange)->instance = instance;
    (*exchange)->native = native;
    (*exchange)->stream = (request->flags & KIMI_REQUEST_STREAM) != 0;
    keep((*exchange)->dialect, request->dialect);
    return KIMI_OK;
}

static kimi_status next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    const kimi_host *host = exchange->instance->host;
    (void)error;
    if (!exchange->native) return host->plan_step(plan, KIMI_STEP_LOCAL_REPLY, 0, 0);
    char url[2 * MAX_WORD];
    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        if (strcmp(PATHS[i].dialect, exchange->dialect) != 0) continue;
        snprintf(url, sizeof url, "%s%s", exchange->instance->url, PATHS[i].path);
        host->plan_field(plan, KIMI_FIELD_URL, text(""), text(url));
    }
    host->plan_field(plan, KIMI_FIELD_HEADER, text("content-type"), text("application/json"));
    if (exchange->instance->patch[0] != 0) {
        char patch[2 * MAX_WORD];
        snprintf(patch, sizeof patch, "{\"patched\":\"%s\"}", exchange->instance->patch);
        host->plan_field(plan, KIMI_FIELD_BODY_PATCH, text(""), text(patch));
    }
    return host->plan_step(plan, KIMI_STEP_SEND, 0, exchange->stream ? KIMI_SEND_STREAM : 0);
}

static kimi_status result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    (void)exchange, (void)result, (void)error;
    return KIMI_OK;
}

static bool holds(kimi_bytes data, const char *word) {
    const size_t length = strlen(word);
    for (size_t i = 0; i + length <= data.len; i++)
        if (memcmp(data.ptr + i, word, length) == 0) return true;
    return false;
}

static kimi_status tell_error(const kimi_exch *exchange, kimi_sink *sink, int64_t status) {
    const kimi_event failed = {.type = KIMI_EVENT_ERROR, .a = text("the upstream says no"), .i0 = KIMI_CAT_OVERLOADED,
                               .i1 = status, .i2 = 2000};
    return exchange->instance->host->emit(sink, &failed, 1);
}

static kimi_status reply_itself(kimi_exch *exchange, kimi_sink *sink) {
    const kimi_event events[] = {
        {.type = KIMI_EVENT_START, .a = text("canonical"), .b = text("native"), .i0 = 1700000000},
        {.type = KIMI_EVENT_TEXT, .a = text("by canonical events")},
        {.type = KIMI_EVENT_FINISH, .a = text("stop"), .b = text("stop")}};
    exchange->instance->host->emit(sink, events, 3);
    return KIMI_DONE;
}

static kimi_status feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink, kimi_error *error) {
    if (!exchange->native) return reply_itself(exchange, sink);
    for (size_t i = 0; i < n; i++) {
        if (frames[i].flags & KIMI_FRAME_F_ERROR) return tell_error(exchange, sink, 529);
        exchange->whole = frames[i].kind == KIMI_FRAME_BODY || holds(frames[i].data, "[DONE]") ||
                          holds(frames[i].data, "message_stop") || holds(frames[i].data, "response.completed");
        if (holds(frames[i].data, "\"error\"")) return tell_error(exchange, sink, 0);
        if (holds(frames[i].data, "nonsense"))
            return refuse(exchange->instance->host, error, KIMI_E_PROTOCOL, "the upstream talks nonsense");
        if (exchange->whole) return KIMI_DONE;
    }
    return KIMI_OK;
}

static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)why, (void)sink;
    if (exchange->whole || !exchange->native) return KIMI_OK;
    if (why == KIMI_WHY_END && !exchange->stream) return KIMI_OK;
    return refuse(exchange->instance->host, error, KIMI_E_PROTOCOL, "the answer ended early");
}

static void end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    free(exchange);
}

static const kimi_provider PROVIDER = {
    .struct_size = sizeof(kimi_provider), .create = create, .destroy = destroy, .begin = begin, .next = next,
    .result = result, .feed = feed, .flush = flush, .end = end};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &PROVIDER : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    return answer(handshake, MANIFEST, get_interface);
}
