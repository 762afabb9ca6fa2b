/* A provider that plays the script its configuration names: every step of a plan, and every rule broken once. */
#include "common.h"

static const char MANIFEST[] =
    "{\"id\":\"test.steps\",\"name\":\"Steps\",\"version\":\"1.0.0\",\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.provider/1\",\"name\":\"steps\",\"frames\":\"raw\"}],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"script\"],\"properties\":{"
    "\"script\":{\"type\":\"string\"},\"url\":{\"type\":\"string\",\"x-host\":true}}}}";

enum { WAIT_MS = 600, PIECE_BYTES = 4096, BODY_BYTES = 8 << 20, MANY_TEXTS = 10000 };

typedef struct script script;

struct kimi_inst {
    const kimi_host *host;
    kimi_ctx *ctx;
    const script *script;
    char url[MAX_WORD];
};

struct kimi_exch {
    const kimi_inst *instance;
    char id[MAX_WORD], token[MAX_WORD], words[MAX_WORD];
    unsigned steps, ticks, token_status;
};

/* next: describes a step. reply: what one tick brings. */
struct script {
    const char *name;
    kimi_status (*next)(kimi_exch *exchange, kimi_plan *plan, kimi_error *error);
    kimi_status (*reply)(kimi_exch *exchange, kimi_sink *sink, kimi_error *error);
};

static bool plays(const kimi_exch *exchange, const char *name) {
    return strcmp(exchange->instance->script->name, name) == 0;
}

static kimi_status fail(const kimi_exch *exchange, kimi_error *error, kimi_status status, const char *words) {
    return refuse(exchange->instance->host, error, status, words);
}

/* ---------------------------------------------------------------- steps */

static kimi_status field(const kimi_exch *exchange, kimi_plan *plan, uint32_t kind, const char *key,
                         kimi_bytes value) {
    return exchange->instance->host->plan_field(plan, kind, text(key), value);
}

static kimi_status step(const kimi_exch *exchange, kimi_plan *plan, uint32_t kind, uint64_t arg) {
    return exchange->instance->host->plan_step(plan, kind, exchange->steps, arg);
}

static kimi_status plan_url(const kimi_exch *exchange, kimi_plan *plan, const char *path) {
    char url[2 * MAX_WORD];
    snprintf(url, sizeof url, "%s%s", exchange->instance->url, path);
    return field(exchange, plan, KIMI_FIELD_URL, "", text(url));
}

static kimi_status next_local(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    (void)error;
    return step(exchange, plan, KIMI_STEP_LOCAL_REPLY, 0);
}

static kimi_status next_local_slowly(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    (void)error;
    return step(exchange, plan, KIMI_STEP_LOCAL_REPLY, 100);
}

static kimi_status next_send(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    (void)error;
    plan_url(exchange, plan, "/chat/completions");
    field(exchange, plan, KIMI_FIELD_HEADER, "content-type", text("application/json"));
    return step(exchange, plan, KIMI_STEP_SEND, 0);
}

/* A side request, then the upstream request with what it brought. */
static kimi_status next_http(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    if (exchange->steps == 1) {
        field(exchange, plan, KIMI_FIELD_METHOD, "", text("GET"));
        plan_url(exchange, plan, "/token");
        return step(exchange, plan, KIMI_STEP_HTTP, KIMI_SEND_NO_BODY);
    }
    char status[16];
    snprintf(status, sizeof status, "%u", exchange->token_status);
    field(exchange, plan, KIMI_FIELD_SECRET_HEADER, "x-token", text(exchange->token));
    field(exchange, plan, KIMI_FIELD_HEADER, "x-token-status", text(status));
    return next_send(exchange, plan, error);
}

static kimi_status next_wait(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    if (exchange->steps > 1) return next_local(exchange, plan, error);
    return step(exchange, plan, KIMI_STEP_WAIT, WAIT_MS);
}

static kimi_status next_unsupported(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    (void)error;
    field(exchange, plan, KIMI_FIELD_TOKEN_KEY, "", text("key"));
    return step(exchange, plan, KIMI_STEP_TOKEN, 0);
}

/* Steps that 1.0 does not have, and GRANT, which is no step of a provider: refused at once. */
static kimi_status next_unknown_step(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    const kimi_status unknown = step(exchange, plan, 999, 0), grant = step(exchange, plan, KIMI_STEP_GRANT, 0);
    snprintf(exchange->words, sizeof exchange->words, "999:%d GRANT:%d", (int)unknown, (int)grant);
    return next_local(exchange, plan, error);
}

static kimi_status next_forbidden_host(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    (void)error;
    field(exchange, plan, KIMI_FIELD_URL, "", text("http://forbidden.example/v1"));
    return step(exchange, plan, plays(exchange, "forbidden_host") ? KIMI_STEP_SEND : KIMI_STEP_HTTP, 0);
}

static kimi_status next_no_step(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    (void)exchange, (void)plan, (void)error;
    return KIMI_OK;
}

static kimi_status next_many_steps(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    (void)error;
    return step(exchange, plan, KIMI_STEP_WAIT, 0);
}

static kimi_status next_two_steps(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    next_local(exchange, plan, error);
    snprintf(exchange->words, sizeof exchange->words, "second:%d", (int)next_local(exchange, plan, error));
    return KIMI_OK;
}

/* Byte i of the body is i % 251, so that a piece lost or moved is seen. */
static kimi_status next_body_in_pieces(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    uint8_t piece[PIECE_BYTES];
    for (size_t sent = 0; sent < BODY_BYTES; sent += sizeof piece) {
        for (size_t i = 0; i < sizeof piece; i++) piece[i] = (uint8_t)((sent + i) % 251);
        const kimi_status status = field(exchange, plan, KIMI_FIELD_BODY, "", slice(piece, sizeof piece));
        if (status < 0) return fail(exchange, error, status, "a piece of the body was refused");
    }
    return next_send(exchange, plan, error);
}

static kimi_status next_method_get(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    (void)error;
    field(exchange, plan, KIMI_FIELD_METHOD, "", text("GET"));
    plan_url(exchange, plan, "/models");
    return step(exchange, plan, KIMI_STEP_SEND, KIMI_SEND_NO_BODY);
}

/* Fields that the host must refuse; the reply tells what it said to each. */
static kimi_status next_bad_fields(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    char *large = calloc(1, 1 << 20);
    if (large == NULL) return fail(exchange, error, KIMI_E_NOMEM, "no memory");
    memset(large, 'x', 1 << 20);
    const int value = (int)field(exchange, plan, KIMI_FIELD_HEADER, "x-a", text("b\r\nx-evil: 1"));
    const int name = (int)field(exchange, plan, KIMI_FIELD_HEADER, "x a\r\nx-evil", text("1"));
    const int secret = (int)field(exchange, plan, KIMI_FIELD_SECRET_HEADER, "x-b", text("b\nx-evil: 1"));
    const int method = (int)field(exchange, plan, KIMI_FIELD_METHOD, "", text("GET / HTTP/1.1\r\nx-evil: 1\r\n"));
    const int length = (int)field(exchange, plan, KIMI_FIELD_HEADER, "x-c", slice(large, 1 << 20));
    const int unknown = (int)field(exchange, plan, 999, "", text("x"));
    free(large);
    snprintf(exchange->words, sizeof exchange->words, "value:%d name:%d secret:%d method:%d length:%d unknown:%d",
             value, name, secret, method, length, unknown);
    return next_local(exchange, plan, error);
}

static kimi_status next_fails(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    (void)plan;
    return fail(exchange, error, KIMI_E_AUTH, "next fails as told");
}

/* ---------------------------------------------------------------- replies */

static kimi_status emit(const kimi_exch *exchange, kimi_sink *sink, const kimi_event *events, size_t n) {
    return exchange->instance->host->emit(sink, events, n);
}
#define EMIT(...)                                                                       \
    do {                                                                                \
        const kimi_event batch[] = {__VA_ARGS__};                                       \
        const kimi_status told = emit(exchange, sink, batch, sizeof batch / sizeof *batch); \
        if (told < 0) return fail(exchange, error, told, "the host did not take an event"); \
    } while (0)

#define SLICE(string) {(const uint8_t *)(string), sizeof(string) - 1}
#define START {.type = KIMI_EVENT_START, .a = SLICE("chatcmpl-steps"), .b = SLICE("steps"), .i0 = 1700000000}
#define TEXT(string) {.type = KIMI_EVENT_TEXT, .a = SLICE(string)}
#define FINISH {.type = KIMI_EVENT_FINISH, .a = SLICE("stop"), .b = SLICE("stop")}
#define JSON(scope, name, json) {.type = KIMI_EVENT_JSON, .a = SLICE(json), .b = SLICE(name), .i0 = scope}

/* Two pieces, or what the steps found out. */
static kimi_status reply_plainly(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    if (exchange->words[0] != 0) {
        EMIT(START, {.type = KIMI_EVENT_TEXT, .a = text(exchange->words)}, FINISH);
    } else {
        EMIT(START, TEXT("Hello"), TEXT(" there."), FINISH,
             {.type = KIMI_EVENT_USAGE, .i0 = 3, .i1 = 2, .i2 = -1, .i3 = -1});
    }
    return KIMI_DONE;
}

/* One piece per tick, eight of them. */
static kimi_status reply_slowly(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    if (exchange->ticks == 1) EMIT(START);
    EMIT(TEXT("tick "));
    if (exchange->ticks < 8) return KIMI_OK;
    EMIT(FINISH);
    return KIMI_DONE;
}

static kimi_status reply_then_fail(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    if (exchange->ticks > 2) return fail(exchange, error, KIMI_E_PROTOCOL, "feed fails as told");
    if (exchange->ticks == 1) EMIT(START, TEXT("Hello"));
    return KIMI_OK;
}

static kimi_status reply_never(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    (void)exchange, (void)sink, (void)error;
    return KIMI_OK;
}

static kimi_status reply_text_for_ever(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    if (exchange->ticks == 1) EMIT(START);
    EMIT(TEXT("tick "));
    return KIMI_OK;
}

static kimi_status reply_done_without_finish(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT(START, TEXT("Hello"));
    return KIMI_DONE;
}

static kimi_status reply_before_start(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT(TEXT("early"), START, FINISH);
    return KIMI_DONE;
}

static kimi_status reply_after_finish(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT(START, TEXT("Hello"), FINISH, TEXT("late"));
    return KIMI_DONE;
}

static kimi_status reply_second_start(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT(START, TEXT("Hello"), START, FINISH);
    return KIMI_DONE;
}

static kimi_status reply_after_error(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT(START, {.type = KIMI_EVENT_ERROR, .a = SLICE("the upstream says no"), .i0 = KIMI_CAT_OVERLOADED, .i2 = -1},
         TEXT("late"), FINISH);
    return KIMI_DONE;
}

static kimi_status reply_unknown_event_type(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT({.type = 999, .a = SLICE("early")}, START, {.type = 999, .choice = 7, .a = SLICE("x")}, TEXT("Hello"),
         {.type = 12, .index = 3, .i0 = -1}, TEXT(" there."), FINISH, {.type = 999}, {.type = UINT32_MAX});
    return KIMI_DONE;
}

/* Line ends of all kinds between the tokens of every JSON that goes out. */
static kimi_status reply_json_with_newlines(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT(START, JSON(KIMI_SCOPE_RESPONSE, "on_response", "{\n  \"a\": [\r\n1,\n\n2]\r}"), TEXT("Hello"),
         JSON(KIMI_SCOPE_CHOICE, "on_choice", "{\n  \"a\": [\r\n1,\n\n2]\r}"),
         JSON(KIMI_SCOPE_MESSAGE, "on_message", "{\n  \"a\": [\r\n1,\n\n2]\r}"),
         {.type = KIMI_EVENT_PART,
          .a = SLICE("{\n\"type\": \"image_url\",\n\n\"image_url\": {\r\n\"url\": \"data:,\"}\r}")},
         FINISH,
         {.type = KIMI_EVENT_USAGE, .a = SLICE("{\n\"prompt_tokens\": 3,\n\"more\": {\n\n\"x\": 1\r\n}\n}"), .i0 = 3,
          .i1 = 2, .i2 = -1, .i3 = -1});
    return KIMI_DONE;
}

static kimi_status reply_invalid_json(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT(START, TEXT("Hello"));
    if (plays(exchange, "json_invalid_response")) EMIT(JSON(KIMI_SCOPE_RESPONSE, "a", "{\"x\": 1"));
    if (plays(exchange, "json_invalid_choice")) EMIT(JSON(KIMI_SCOPE_CHOICE, "a", "oops"));
    if (plays(exchange, "json_invalid_message")) EMIT(JSON(KIMI_SCOPE_MESSAGE, "a", "{\"x\": 1"));
    if (plays(exchange, "json_injecting")) EMIT(JSON(KIMI_SCOPE_MESSAGE, "a", "1,\"injected\":true"));
    if (plays(exchange, "json_bad_utf8")) EMIT(JSON(KIMI_SCOPE_MESSAGE, "a", "\"\xff\xfe\""));
    if (plays(exchange, "part_invalid")) EMIT({.type = KIMI_EVENT_PART, .a = SLICE("{\"type\":")});
    EMIT(TEXT(" there."), FINISH);
    if (plays(exchange, "usage_invalid")) EMIT({.type = KIMI_EVENT_USAGE, .a = SLICE("{\"x\": [1}"), .i0 = 3, .i1 = 2});
    return KIMI_DONE;
}

static kimi_status reply_bad_utf8(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT(START, TEXT("a\xff\xc3"), TEXT("\x80z"), FINISH);
    return KIMI_DONE;
}

static kimi_status reply_choice_1_only(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT(START, {.type = KIMI_EVENT_TEXT, .choice = 1, .a = SLICE("Hello")},
         {.type = KIMI_EVENT_FINISH, .choice = 1, .a = SLICE("stop")});
    return KIMI_DONE;
}

static kimi_status reply_choice_extreme(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT(START, {.type = KIMI_EVENT_TEXT, .choice = UINT32_MAX, .a = SLICE("Hello")},
         {.type = KIMI_EVENT_FINISH, .choice = UINT32_MAX, .a = SLICE("stop")});
    return KIMI_DONE;
}

static kimi_status reply_call_extreme(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT(START, {.type = KIMI_EVENT_TOOL_BEGIN, .index = UINT32_MAX, .b = SLICE("f")},
         {.type = KIMI_EVENT_TOOL_END, .index = UINT32_MAX}, FINISH);
    return KIMI_DONE;
}

static kimi_status reply_usage_extremes(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    const int64_t value = plays(exchange, "usage_max") ? INT64_MAX : INT64_MIN;
    EMIT({.type = KIMI_EVENT_START, .a = SLICE("chatcmpl-steps"), .b = SLICE("steps"), .i0 = value}, TEXT("Hello"),
         {.type = KIMI_EVENT_JSON, .a = SLICE("1"), .b = SLICE("scope"), .i0 = value}, FINISH,
         {.type = KIMI_EVENT_USAGE, .i0 = value, .i1 = value, .i2 = value, .i3 = value});
    return KIMI_DONE;
}

static kimi_status reply_error_extremes(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    const bool most = plays(exchange, "retry_after_max");
    const int64_t value = most ? INT64_MAX : INT64_MIN;
    EMIT({.type = KIMI_EVENT_ERROR, .a = SLICE("slow down"), .i0 = most ? KIMI_CAT_RATE_LIMITED : value,
          .i1 = most ? 429 : value, .i2 = value});
    return KIMI_DONE;
}

static kimi_status reply_ignoring_stop(kimi_exch *exchange, kimi_sink *sink, kimi_error *error) {
    EMIT(START, TEXT("Hello"), START);
    for (unsigned i = 0; i < MANY_TEXTS; i++) EMIT(TEXT("late"));
    EMIT(FINISH, START, FINISH);
    return KIMI_DONE;
}

static const script SCRIPTS[] = {
    {"plain", next_local, reply_plainly},
    {"slow", next_local_slowly, reply_slowly},
    {"send", next_send, reply_plainly},
    {"http", next_http, reply_plainly},
    {"wait", next_wait, reply_plainly},
    {"unsupported", next_unsupported, reply_plainly},
    {"unknown_step", next_unknown_step, reply_plainly},
    {"forbidden_host", next_forbidden_host, reply_plainly},
    {"forbidden_side_host", next_forbidden_host, reply_plainly},
    {"no_step", next_no_step, reply_plainly},
    {"many_steps", next_many_steps, reply_plainly},
    {"two_steps", next_two_steps, reply_plainly},
    {"body_in_pieces", next_body_in_pieces, reply_plainly},
    {"method_get_no_body", next_method_get, reply_plainly},
    {"bad_fields", next_bad_fields, reply_plainly},
    {"begin_fails", next_local, reply_plainly},
    {"begin_tells_deadline", next_local, reply_plainly},
    {"begin_null", next_local, reply_plainly},
    {"begin_retry_extreme", next_local, reply_plainly},
    {"next_fails", next_fails, reply_plainly},
    {"result_fails", next_send, reply_plainly},
    {"feed_fails_midway", next_local_slowly, reply_then_fail},
    {"flush_fails", next_local, reply_plainly},
    {"silent_ticks", next_local_slowly, reply_never},
    {"silent_busy_ticks", next_local, reply_never},
    {"text_for_ever", next_local_slowly, reply_text_for_ever},
    {"done_without_finish", next_local, reply_done_without_finish},
    {"emits_before_start", next_local, reply_before_start},
    {"event_after_finish", next_local, reply_after_finish},
    {"second_start", next_local, reply_second_start},
    {"event_after_error", next_local, reply_after_error},
    {"unknown_event_type", next_local, reply_unknown_event_type},
    {"json_with_newlines", next_local, reply_json_with_newlines},
    {"json_invalid_response", next_local, reply_invalid_json},
    {"json_invalid_choice", next_local, reply_invalid_json},
    {"json_invalid_message", next_local, reply_invalid_json},
    {"json_injecting", next_local, reply_invalid_json},
    {"json_bad_utf8", next_local, reply_invalid_json},
    {"part_invalid", next_local, reply_invalid_json},
    {"usage_invalid", next_local, reply_invalid_json},
    {"bad_utf8", next_local, reply_bad_utf8},
    {"choice_1_only", next_local, reply_choice_1_only},
    {"choice_extreme", next_local, reply_choice_extreme},
    {"call_extreme", next_local, reply_call_extreme},
    {"usage_max", next_local, reply_usage_extremes},
    {"usage_min", next_local, reply_usage_extremes},
    {"retry_after_max", next_local, reply_error_extremes},
    {"error_min", next_local, reply_error_extremes},
    {"ignores_stop", next_local, reply_ignoring_stop},
};

/* ---------------------------------------------------------------- the provider's functions */

static kimi_status steps_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                                kimi_error *error) {
    char name[MAX_WORD];
    config_text(config, "script", name);
    kimi_inst *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(host, error, KIMI_E_NOMEM, "no memory");
    made->host = host;
    made->ctx = ctx;
    config_text(config, "url", made->url);
    for (size_t i = 0; i < sizeof SCRIPTS / sizeof *SCRIPTS; i++) {
        if (strcmp(SCRIPTS[i].name, name) == 0) made->script = &SCRIPTS[i];
    }
    if (made->script == NULL) {
        free(made);
        return refuse(host, error, KIMI_E_CONFIG, "steps.c has no script of that name");
    }
    *instance = made;
    return KIMI_OK;
}

static void steps_destroy(kimi_inst *instance) {
    free(instance);
}

static kimi_status steps_begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange,
                               kimi_error *error) {
    const char *name = instance->script->name;
    if (strcmp(name, "begin_fails") == 0) {
        instance->host->fail(error, KIMI_E_LIMIT, KIMI_CAT_RATE_LIMITED, 7000, text("begin fails as told"));
        return KIMI_E_LIMIT;
    }
    if (strcmp(name, "begin_tells_deadline") == 0) {
        char words[MAX_WORD];
        snprintf(words, sizeof words, "deadline=%llu", (unsigned long long)request->deadline_ms);
        instance->host->fail(error, KIMI_E_LIMIT, KIMI_CAT_OVERLOADED, 0, text(words));
        return KIMI_E_LIMIT;
    }
    if (strcmp(name, "begin_retry_extreme") == 0) {
        instance->host->fail(error, KIMI_E_LIMIT, KIMI_CAT_RATE_LIMITED, UINT64_MAX, text("begin fails as told"));
        return KIMI_E_LIMIT;
    }
    if (strcmp(name, "begin_null") == 0) return KIMI_OK;
    kimi_exch *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
    made->instance = instance;
    keep(made->id, request->exchange_id);
    log_life(instance->host, instance->ctx, "steps", "begun", made->id, 0);
    *exchange = made;
    return KIMI_OK;
}

static kimi_status steps_next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    exchange->steps++;
    const kimi_status status = exchange->instance->script->next(exchange, plan, error);
    /* next_fails described itself. */
    return status >= 0 || status == KIMI_E_AUTH ? status : fail(exchange, error, status, "the host refused the plan");
}

static kimi_status steps_result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    char words[MAX_WORD], sentence[2 * MAX_WORD];
    keep(words, result->body);
    if (result->id != exchange->steps) return fail(exchange, error, KIMI_E_STATE, "a result with another step's id");
    if (result->status < 0) {
        snprintf(sentence, sizeof sentence, "step %u came back with %d: %s", (unsigned)result->kind,
                 (int)result->status, words);
        return fail(exchange, error, result->status, sentence);
    }
    if (plays(exchange, "result_fails")) return fail(exchange, error, KIMI_E_PROTOCOL, "result fails as told");
    if (result->kind == KIMI_STEP_HTTP) {
        memcpy(exchange->token, words, sizeof words);
        exchange->token_status = result->http_status;
    }
    return result->kind == KIMI_STEP_SEND ? KIMI_WHOLE : KIMI_OK;
}

/* An upstream's body is the text of the answer. */
static kimi_status reply_with_body(kimi_exch *exchange, const kimi_frame *frame, kimi_sink *sink, kimi_error *error) {
    if (frame->flags & KIMI_FRAME_F_ERROR) return fail(exchange, error, KIMI_E_UPSTREAM, "the upstream says no");
    EMIT(START, {.type = KIMI_EVENT_TEXT, .a = frame->data}, FINISH);
    return KIMI_DONE;
}

static kimi_status steps_feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink,
                              kimi_error *error) {
    for (size_t i = 0; i < n; i++) {
        exchange->ticks++;
        if (frames[i].kind == KIMI_FRAME_BODY) return reply_with_body(exchange, &frames[i], sink, error);
        if (frames[i].kind == KIMI_FRAME_TICK) return exchange->instance->script->reply(exchange, sink, error);
    }
    return KIMI_OK;
}

static kimi_status steps_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)sink;
    if (plays(exchange, "flush_fails")) return fail(exchange, error, KIMI_E_PROTOCOL, "flush fails as told");
    return why == KIMI_WHY_TRUNCATED ? fail(exchange, error, KIMI_E_UPSTREAM, "the answer was cut off") : KIMI_OK;
}

static void steps_end(kimi_exch *exchange, uint32_t why) {
    log_life(exchange->instance->host, exchange->instance->ctx, "steps", "ended", exchange->id, why);
    free(exchange);
}

static const kimi_provider PROVIDER = {
    .struct_size = sizeof PROVIDER, .create = steps_create, .destroy = steps_destroy, .begin = steps_begin,
    .next = steps_next, .result = steps_result, .feed = steps_feed, .flush = steps_flush, .end = steps_end,
};

static const void *steps_get_interface(const char *id) {
    return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &PROVIDER : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    return answer(handshake, MANIFEST, steps_get_interface);
}
