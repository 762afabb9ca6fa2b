/* A provider with an auth machine: it asks for a token, sends the request with it as a bearer, and answers "served".
 * The machine posts to the token endpoint, with a signed assertion if the configuration names an algorithm, and grants
 * what "access_token", "expires_in" and "refresh_in" (seconds) of the answer say. "mode" makes it break rules. */
#include "common.h"

static const char MANIFEST[] =
    "{\"id\":\"test.tokens\",\"name\":\"Tokens\",\"version\":\"1.0.0\",\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.provider/1\",\"name\":\"tokens\",\"frames\":\"json\"},"
    "{\"interface\":\"kimi.auth/1\"}],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"url\"],\"properties\":{"
    "\"url\":{\"type\":\"string\",\"x-host\":true},\"key\":{\"type\":\"string\"},\"mode\":{\"type\":\"string\"},"
    "\"alg\":{\"type\":\"string\"},\"sign_with\":{\"type\":\"string\"},"
    "\"shared\":{\"type\":\"string\",\"x-sign-key\":\"shared\"},"
    "\"credentials\":{\"type\":\"object\",\"x-json-file\":true,\"x-env\":\"TOKENS_CREDENTIALS\","
    "\"required\":[\"private_key\",\"token_uri\"],\"properties\":{"
    "\"private_key\":{\"type\":\"string\",\"x-sign-key\":true},"
    "\"token_uri\":{\"type\":\"string\",\"x-host\":true}}}}}}";

/* A signature of RSA-4096 has 512 bytes. */
enum { MAX_SIGNED = 4096, WAIT_MS = 200 };

struct kimi_inst {
    const kimi_host *host;
    kimi_ctx *ctx;
    char url[MAX_WORD], token_url[MAX_WORD], key[MAX_WORD], mode[MAX_WORD], alg[MAX_WORD], sign_key[MAX_WORD];
};

/* Of the provider and of the machine. */
struct kimi_exch {
    const kimi_inst *instance;
    const char *part;
    char id[MAX_WORD], token[MAX_WORD], assertion[MAX_SIGNED];
    unsigned steps;
    bool granted;
    uint64_t expires_at, refresh_at;
};

static bool in_mode(const kimi_exch *exchange, const char *mode) {
    return strcmp(exchange->instance->mode, mode) == 0;
}

static kimi_status fail(const kimi_exch *exchange, kimi_error *error, const char *words) {
    return refuse(exchange->instance->host, error, KIMI_E_AUTH, words);
}

static kimi_status field(const kimi_exch *exchange, kimi_plan *plan, uint32_t kind, const char *key,
                         const char *value) {
    return exchange->instance->host->plan_field(plan, kind, text(key), text(value));
}

static kimi_status step(const kimi_exch *exchange, kimi_plan *plan, uint32_t kind, uint64_t arg) {
    return exchange->instance->host->plan_step(plan, kind, exchange->steps, arg);
}

/* ---------------------------------------------------------------- instance */

static kimi_status tokens_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                                 kimi_error *error) {
    char word[MAX_WORD];
    kimi_inst *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(host, error, KIMI_E_NOMEM, "no memory");
    made->host = host;
    made->ctx = ctx;
    config_text(config, "url", made->url);
    config_text(config, "key", made->key);
    config_text(config, "mode", made->mode);
    config_text(config, "alg", made->alg);
    config_text(config, "token_uri", made->token_url);
    config_text(config, "private_key", made->sign_key);
    config_text(config, "sign_with", word);
    if (word[0] != 0) config_text(config, word, made->sign_key);
    if (made->token_url[0] == 0) snprintf(made->token_url, sizeof made->token_url, "%.200s/token", made->url);
    if (made->key[0] == 0) strcpy(made->key, "main");
    /* No plugin sees a key: what is here is a reference. */
    if (strstr(made->sign_key, "-----") != NULL) host->log(ctx, KIMI_LOG_ERROR, text("tokens wrong: saw a key"));
    *instance = made;
    return KIMI_OK;
}

static void tokens_destroy(kimi_inst *instance) {
    free(instance);
}

static kimi_exch *make(kimi_inst *instance, const char *part, kimi_bytes id) {
    kimi_exch *made = calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    made->instance = instance;
    made->part = part;
    keep(made->id, id);
    log_life(instance->host, instance->ctx, part, "begun", made->id, 0);
    return made;
}

static void tokens_end(kimi_exch *exchange, uint32_t why) {
    log_life(exchange->instance->host, exchange->instance->ctx, exchange->part, "ended", exchange->id, why);
    free(exchange);
}

/* ---------------------------------------------------------------- provider */

static kimi_status provider_begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange,
                                  kimi_error *error) {
    *exchange = make(instance, "provider", request->exchange_id);
    return *exchange != NULL ? KIMI_OK : refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
}

static kimi_status provider_next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    char value[2 * MAX_WORD];
    (void)error;
    if (exchange->steps++ == 0) {
        field(exchange, plan, KIMI_FIELD_TOKEN_KEY, "", exchange->instance->key);
        return step(exchange, plan, KIMI_STEP_TOKEN, 0);
    }
    snprintf(value, sizeof value, "%s/chat/completions", exchange->instance->url);
    field(exchange, plan, KIMI_FIELD_URL, "", value);
    snprintf(value, sizeof value, "Bearer %s", exchange->token);
    field(exchange, plan, KIMI_FIELD_SECRET_HEADER, "authorization", value);
    return step(exchange, plan, KIMI_STEP_SEND, 0);
}

static kimi_status provider_result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    if (result->kind != KIMI_STEP_TOKEN) return KIMI_OK;
    if (result->status < 0) return fail(exchange, error, "the plugin got no token");
    keep(exchange->token, result->body);
    return KIMI_OK;
}

static kimi_status provider_feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink,
                                 kimi_error *error) {
    (void)error;
    if (n == 0 || frames[0].kind != KIMI_FRAME_BODY) return KIMI_OK;
    if (frames[0].flags & KIMI_FRAME_F_ERROR) {
        const kimi_event event = {.type = KIMI_EVENT_ERROR, .a = frames[0].data, .i0 = KIMI_CAT_AUTH, .i1 = 401, .i2 = -1};
        exchange->instance->host->emit(sink, &event, 1);
        return KIMI_DONE;
    }
    const kimi_event events[] = {
        {.type = KIMI_EVENT_START, .a = text("id"), .b = text("m")},
        {.type = KIMI_EVENT_TEXT, .a = text("served")},
        {.type = KIMI_EVENT_FINISH, .a = text("stop")},
    };
    exchange->instance->host->emit(sink, events, 3);
    return KIMI_DONE;
}

static kimi_status provider_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)exchange, (void)why, (void)sink, (void)error;
    return KIMI_OK;
}

/* ---------------------------------------------------------------- machine */

/* The number behind "name":, -1 if there is none. */
static double number(const char *json, const char *name) {
    char quoted[MAX_WORD];
    snprintf(quoted, sizeof quoted, "\"%s\":", name);
    const char *found = strstr(json, quoted);
    return found == NULL ? -1 : strtod(found + strlen(quoted), NULL);
}

static void base64url(char *to, size_t room, const uint8_t *from, size_t length) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t at = strlen(to);
    for (size_t i = 0; i < length && at + 5 < room; i += 3) {
        const uint32_t second = i + 1 < length ? from[i + 1] : 0, third = i + 2 < length ? from[i + 2] : 0;
        const uint32_t bits = (uint32_t)from[i] << 16 | second << 8 | third;
        for (unsigned k = 0; k < 4 && i + k <= length; k++) to[at++] = digits[bits >> (18 - 6 * k) & 63];
    }
    to[at] = 0;
}

static kimi_status auth_begin(kimi_inst *instance, kimi_bytes key, kimi_exch **exchange, kimi_error *error) {
    if (strcmp(instance->mode, "begin_fails") == 0) {
        return refuse(instance->host, error, KIMI_E_AUTH, "the machine does not start");
    }
    *exchange = make(instance, "auth", key);
    return *exchange != NULL ? KIMI_OK : refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
}

static kimi_status next_sign(kimi_exch *exchange, kimi_plan *plan) {
    char header[MAX_WORD];
    const char payload[] = "{\"iss\":\"me\",\"exp\":4102444800}";
    snprintf(header, sizeof header, "{\"alg\":\"%.100s\",\"typ\":\"JWT\"}", exchange->instance->alg);
    base64url(exchange->assertion, MAX_SIGNED, (const uint8_t *)header, strlen(header));
    strcat(exchange->assertion, ".");
    base64url(exchange->assertion, MAX_SIGNED, (const uint8_t *)payload, strlen(payload));
    field(exchange, plan, KIMI_FIELD_SIGN_ALG, "", exchange->instance->alg);
    field(exchange, plan, KIMI_FIELD_SIGN_KEY, "", exchange->instance->sign_key);
    field(exchange, plan, KIMI_FIELD_SIGN_DATA, "", exchange->assertion);
    return step(exchange, plan, KIMI_STEP_SIGN, 0);
}

static kimi_status next_grant(kimi_exch *exchange, kimi_plan *plan) {
    char at[32];
    field(exchange, plan, KIMI_FIELD_TOKEN_VALUE, "", exchange->token);
    snprintf(at, sizeof at, "%llu", (unsigned long long)exchange->expires_at);
    field(exchange, plan, KIMI_FIELD_EXPIRES_AT, "", at);
    snprintf(at, sizeof at, "%llu", (unsigned long long)exchange->refresh_at);
    if (exchange->refresh_at > 0) field(exchange, plan, KIMI_FIELD_REFRESH_AT, "", at);
    return step(exchange, plan, KIMI_STEP_GRANT, 0);
}

static kimi_status auth_next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    exchange->steps++;
    if (exchange->granted) return next_grant(exchange, plan);
    if (in_mode(exchange, "waits")) return step(exchange, plan, KIMI_STEP_WAIT, 1);
    if (in_mode(exchange, "waits_first") && exchange->steps == 1) return step(exchange, plan, KIMI_STEP_WAIT, WAIT_MS);
    if (in_mode(exchange, "no_step")) return KIMI_OK;
    if (in_mode(exchange, "next_fails")) return fail(exchange, error, "the machine is stuck");
    if (in_mode(exchange, "wrong_steps")) {
        char words[MAX_WORD];
        field(exchange, plan, KIMI_FIELD_URL, "", exchange->instance->token_url);
        field(exchange, plan, KIMI_FIELD_TOKEN_KEY, "", "other");
        const kimi_status send = step(exchange, plan, KIMI_STEP_SEND, 0), token = step(exchange, plan, KIMI_STEP_TOKEN, 0);
        const kimi_status local = step(exchange, plan, KIMI_STEP_LOCAL_REPLY, 0);
        const kimi_status patch = field(exchange, plan, KIMI_FIELD_BODY_PATCH, "", "{}");
        const kimi_status grant = step(exchange, plan, KIMI_STEP_GRANT, 0);
        snprintf(words, sizeof words, "SEND:%d TOKEN:%d LOCAL_REPLY:%d PATCH:%d GRANT:%d", (int)send, (int)token,
                 (int)local, (int)patch, (int)grant);
        return fail(exchange, error, words);
    }
    if (exchange->instance->alg[0] != 0 && exchange->steps == 1) return next_sign(exchange, plan);
    const char *url = in_mode(exchange, "forbidden") ? "http://forbidden.example/" : exchange->instance->token_url;
    field(exchange, plan, KIMI_FIELD_URL, "", url);
    if (exchange->assertion[0] != 0) field(exchange, plan, KIMI_FIELD_BODY, "", exchange->assertion);
    return step(exchange, plan, KIMI_STEP_HTTP, 0);
}

static kimi_status auth_take(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    char json[1024] = "", words[MAX_LINE];
    memcpy(json, result->body.ptr, result->body.len < sizeof json - 1 ? result->body.len : sizeof json - 1);
    if (result->http_status != 200) {
        snprintf(words, sizeof words, "the token endpoint %s answered %u: %.200s", exchange->instance->token_url,
                 (unsigned)result->http_status, json);
        return fail(exchange, error, words);
    }
    config_text(result->body, "access_token", exchange->token);
    const double life = number(json, "expires_in"), refresh = number(json, "refresh_in");
    if (exchange->token[0] == 0) {
        snprintf(words, sizeof words, "the token endpoint %s answered no JSON with access_token",
                 exchange->instance->token_url);
        return fail(exchange, error, words);
    }
    const uint64_t now = exchange->instance->host->unix_ms(exchange->instance->ctx);
    exchange->expires_at = (uint64_t)((double)now + life * 1000);
    exchange->refresh_at = refresh >= 0 ? now + (uint64_t)(refresh * 1000) : 0;
    exchange->granted = true;
    return KIMI_OK;
}

static kimi_status auth_result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    char words[MAX_LINE];
    if (result->status < 0) {
        snprintf(words, sizeof words, "%.*s", (int)result->body.len, (const char *)result->body.ptr);
        return fail(exchange, error, words);
    }
    if (result->kind == KIMI_STEP_SIGN) {
        strcat(exchange->assertion, ".");
        base64url(exchange->assertion, MAX_SIGNED, result->body.ptr, result->body.len);
        return KIMI_OK;
    }
    return result->kind == KIMI_STEP_HTTP ? auth_take(exchange, result, error) : KIMI_OK;
}

/* ---------------------------------------------------------------- tables */

static const kimi_provider PROVIDER = {
    .struct_size = sizeof PROVIDER, .create = tokens_create, .destroy = tokens_destroy, .begin = provider_begin,
    .next = provider_next, .result = provider_result, .feed = provider_feed, .flush = provider_flush,
    .end = tokens_end,
};

static const kimi_auth AUTH = {
    .struct_size = sizeof AUTH, .begin = auth_begin, .next = auth_next, .result = auth_result, .end = tokens_end,
};

static const void *tokens_get_interface(const char *id) {
    if (strcmp(id, KIMI_PROVIDER_ID) == 0) return &PROVIDER;
    return strcmp(id, KIMI_AUTH_ID) == 0 ? &AUTH : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    return answer(handshake, MANIFEST, tokens_get_interface);
}
