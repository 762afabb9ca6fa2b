/* A provider with the fault its configuration names; "none" has none. It says what each frame's data says, as text. */
#include "../RuntimePlugins/common.h"

static const char MANIFEST[] =
    "{\"id\":\"test.hostile-provider\",\"name\":\"Hostile\",\"version\":\"1.0.0\","
    "\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},\"hosts\":[\"api.example.com\"],"
    "\"provides\":[{\"interface\":\"kimi.provider/1\",\"name\":\"hostile\",\"frames\":\"sse\"}],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"fault\"],"
    "\"properties\":{\"fault\":{\"type\":\"string\"}}}}";

struct kimi_inst {
    const kimi_host *host;
    char fault[MAX_WORD];
};

struct kimi_exch {
    const kimi_inst *instance;
    uint32_t status;
    bool started, finished, stopped;
    unsigned steps;
    kimi_bytes kept;
    kimi_plan *plan;
};

static volatile unsigned char read_byte;

static bool has(const kimi_exch *exchange, const char *fault) {
    return strcmp(exchange->instance->fault, fault) == 0;
}

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) {
    (void)ctx;
    kimi_inst *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(host, error, KIMI_E_NOMEM, "no memory");
    made->host = host;
    config_text(config, "fault", made->fault);
    *instance = made;
    return KIMI_OK;
}

static void destroy(kimi_inst *instance) {
    free(instance);
}

static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange, kimi_error *error) {
    (void)request;
    kimi_exch *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
    made->instance = instance;
    if (strcmp(instance->fault, "begin_sets_exchange") == 0) {
        *exchange = made;
        return refuse(instance->host, error, KIMI_E_INTERNAL, "as told");
    }
    if (strcmp(instance->fault, "begin_without_exchange") == 0) {
        free(made);
        return KIMI_OK;
    }
    *exchange = made;
    return KIMI_OK;
}

static kimi_status next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    const kimi_host *host = exchange->instance->host;
    if (has(exchange, "no_step")) return KIMI_OK;
    if (has(exchange, "endless_reply")) return host->plan_step(plan, KIMI_STEP_LOCAL_REPLY, 0, 1);
    if (has(exchange, "endless_steps")) return host->plan_step(plan, KIMI_STEP_WAIT, exchange->steps++, 1);
    if (has(exchange, "grants")) {
        host->plan_field(plan, KIMI_FIELD_TOKEN_VALUE, text(""), text("t"));
        host->plan_field(plan, KIMI_FIELD_EXPIRES_AT, text(""), text("1"));
        return host->plan_step(plan, KIMI_STEP_GRANT, 0, 0);
    }
    const char *url = has(exchange, "forbidden_host") ? "https://evil.example.org/v1" : "https://api.example.com/v1";
    kimi_status status = KIMI_OK;
    if (!has(exchange, "no_url")) status = host->plan_field(plan, KIMI_FIELD_URL, text(""), text(url));
    if (has(exchange, "hosts_header")) host->plan_field(plan, KIMI_FIELD_HEADER, text("Content-Length"), text("7"));
    if (has(exchange, "header_injection")) host->plan_field(plan, KIMI_FIELD_HEADER, text("x-a"), text("1\r\nx-b: 2"));
    if (has(exchange, "bad_header_name")) host->plan_field(plan, KIMI_FIELD_HEADER, text("x a"), text("1"));
    if (has(exchange, "bad_patch")) host->plan_field(plan, KIMI_FIELD_BODY_PATCH, text(""), text("{\"stream\":"));
    if (has(exchange, "unknown_field")) host->plan_field(plan, 77, text(""), text("x"));
    if (status == KIMI_OK || has(exchange, "ignores_plan")) {
        status = host->plan_step(plan, KIMI_STEP_SEND, 0, KIMI_SEND_STREAM);
    }
    if (has(exchange, "two_steps")) host->plan_step(plan, KIMI_STEP_SEND, 1, KIMI_SEND_STREAM);
    if (has(exchange, "keeps_plan")) exchange->plan = plan;
    if (has(exchange, "ignores_plan")) return KIMI_OK;
    return status < 0 ? refuse(host, error, status, "the host did not take the plan") : KIMI_OK;
}

static kimi_status result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    (void)error;
    exchange->status = result->http_status;
    if (has(exchange, "keeps_plan")) exchange->instance->host->plan_step(exchange->plan, KIMI_STEP_WAIT, 0, 0);
    if (has(exchange, "keeps_header") && result->n_headers > 0) exchange->kept = result->headers[0].value;
    if (has(exchange, "reads_behind_headers")) read_byte = (unsigned char)result->headers[result->n_headers].name.len;
    return KIMI_OK;
}

static kimi_status say_error(kimi_exch *exchange, kimi_sink *sink) {
    const kimi_host *host = exchange->instance->host;
    const int64_t category = exchange->status == 401   ? KIMI_CAT_AUTH
                             : exchange->status == 429 ? KIMI_CAT_RATE_LIMITED
                                                       : KIMI_CAT_UPSTREAM;
    kimi_event event = {.type = KIMI_EVENT_ERROR, .a = text("the upstream said no"), .i0 = category, .i2 = -1};
    event.i1 = exchange->status;
    exchange->finished = true;
    if (has(exchange, "wrong_category")) event.i0 = KIMI_CAT_INTERNAL;
    if (has(exchange, "error_without_category")) event.i0 = 0;
    if (has(exchange, "swallows_errors")) return KIMI_OK;
    return host->emit(sink, &event, 1);
}

static kimi_status say(kimi_exch *exchange, const kimi_frame *frame, kimi_sink *sink) {
    const kimi_host *host = exchange->instance->host;
    if (has(exchange, "reads_behind_frame")) read_byte = frame->data.ptr[frame->data.len];
    if (has(exchange, "keeps_header") && exchange->kept.len > 0) read_byte = exchange->kept.ptr[0];
    if (frame->flags & KIMI_FRAME_F_ERROR) return say_error(exchange, sink);
    kimi_status status = KIMI_OK;
    if (!exchange->started || has(exchange, "starts_each_time")) {
        const kimi_event start = {.type = KIMI_EVENT_START, .a = text("r"), .b = text("m")};
        exchange->started = true;
        status = host->emit(sink, &start, 1);
    }
    if (status != KIMI_OK || exchange->finished) return status;
    if (frame->data.len == 6 && memcmp(frame->data.ptr, "[DONE]", 6) == 0) {
        const kimi_event finish = {.type = KIMI_EVENT_FINISH, .a = text("stop"), .b = text("stop")};
        exchange->finished = true;
        return has(exchange, "forgets_finish") ? KIMI_OK : host->emit(sink, &finish, 1);
    }
    for (size_t i = 0; i < frame->data.len; i++) {
        /* What is no ASCII is left out: the fault is looked for elsewhere. */
        if (frame->data.ptr[i] == 0xFF && has(exchange, "trusts_upstream")) abort();
        if (frame->data.ptr[i] > 0x7E) return KIMI_OK;
    }
    const kimi_event event = {.type = KIMI_EVENT_TEXT, .a = frame->data};
    return frame->data.len > 0 ? host->emit(sink, &event, 1) : KIMI_OK;
}

static kimi_status feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink, kimi_error *error) {
    if (has(exchange, "endless_reply")) return KIMI_OK;
    const size_t count = has(exchange, "first_frame_only") && n > 1 ? 1 : n;
    for (size_t i = 0; i < count; i++) {
        const kimi_status status = say(exchange, &frames[i], sink);
        if (status < 0) return refuse(exchange->instance->host, error, status, "the host did not take an event");
        if (status == KIMI_STOP) return KIMI_OK;
    }
    return KIMI_OK;
}

static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)sink, (void)why;
    if (exchange->finished || has(exchange, "silent_truncation") || has(exchange, "endless_reply")) return KIMI_OK;
    return refuse(exchange->instance->host, error, KIMI_E_PROTOCOL, "the reply is incomplete");
}

static void end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    free(exchange);
}

static const kimi_provider PROVIDER = {
    .struct_size = sizeof PROVIDER, .create = create, .destroy = destroy, .begin = begin, .next = next,
    .result = result, .feed = feed, .flush = flush, .end = end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &PROVIDER : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    if (handshake->struct_size < sizeof *handshake) return refuse(handshake->host, error, KIMI_E_VERSION, "too small");
    return answer(handshake, MANIFEST, get_interface);
}
