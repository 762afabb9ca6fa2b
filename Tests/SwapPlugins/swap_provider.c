/* A provider whose every word tells its version and its configuration: "p7/word ", ticks times, one per paceMs.
 * It counts in kimi.host.kv how often it was asked, whatever its version, and says so with the model "count".
 * With REFUSES its entry fails; with STRICT its schema wants a member that nobody configures. */
#include "common.h"

#ifdef STRICT
#define REQUIRED "\"required\":[\"neverSet\"],"
#else
#define REQUIRED ""
#endif

static const char MANIFEST[] =
    "{\"id\":\"test.swap\",\"name\":\"Swap\",\"version\":\"" VERSION
    ".0.0\",\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.provider/1\",\"name\":\"swap\",\"frames\":\"raw\"}],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false," REQUIRED "\"properties\":{"
    "\"word\":{\"type\":\"string\"},\"paceMs\":{\"type\":\"string\"},\"ticks\":{\"type\":\"string\"},"
    "\"neverSet\":{\"type\":\"string\"}}}}";

struct kimi_inst {
    const kimi_host *host;
    kimi_ctx *ctx;
    const kimi_host_kv *memory;
    char word[MAX_WORD];
    unsigned pace, ticks;
};

struct kimi_exch {
    const kimi_inst *instance;
    unsigned ticks, asked;
    bool counts;
};

static unsigned number(kimi_bytes config, const char *name, unsigned fallback) {
    char word[MAX_WORD];
    config_text(config, name, word);
    return word[0] == 0 ? fallback : (unsigned)strtoul(word, NULL, 10);
}

static kimi_status swap_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                               kimi_error *error) {
    kimi_inst *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(host, error, KIMI_E_NOMEM, "no memory");
    made->host = host;
    made->ctx = ctx;
    made->memory = host->extension(ctx, KIMI_HOST_KV_ID);
    config_text(config, "word", made->word);
    made->pace = number(config, "paceMs", 0);
    made->ticks = number(config, "ticks", 3);
    if (strcmp(made->word, "refused") == 0) {
        free(made);
        return refuse(host, error, KIMI_E_CONFIG, "create refuses the word as told");
    }
    host->log(ctx, KIMI_LOG_INFO, text("provider " VERSION " created"));
    *instance = made;
    return KIMI_OK;
}

static void swap_destroy(kimi_inst *instance) {
    instance->host->log(instance->ctx, KIMI_LOG_INFO, text("provider " VERSION " destroyed"));
    free(instance);
}

/* Counts in the memory that all versions share. */
static unsigned count(const kimi_inst *instance) {
    unsigned asked = 0;
    size_t length = 0;
    instance->memory->get(instance->ctx, text("asked"), (uint8_t *)&asked, sizeof asked, &length);
    asked++;
    instance->memory->put(instance->ctx, text("asked"), slice(&asked, sizeof asked), 0);
    return asked;
}

static kimi_status swap_begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange,
                              kimi_error *error) {
    char model[MAX_WORD];
    kimi_exch *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
    made->instance = instance;
    keep(model, request->model);
    made->counts = strcmp(model, "count") == 0;
    if (made->counts) made->asked = count(instance);
    *exchange = made;
    return KIMI_OK;
}

static kimi_status swap_next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    (void)error;
    return exchange->instance->host->plan_step(plan, KIMI_STEP_LOCAL_REPLY, 0, exchange->instance->pace);
}

static kimi_status swap_result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    (void)exchange, (void)result, (void)error;
    return KIMI_OK;
}

static kimi_status swap_feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink,
                             kimi_error *error) {
    (void)error;
    const kimi_inst *instance = exchange->instance;
    for (size_t i = 0; i < n; i++) {
        if (frames[i].kind != KIMI_FRAME_TICK) continue;
        char words[2 * MAX_WORD];
        snprintf(words, sizeof words, "p" VERSION "/%s ", instance->word);
        if (exchange->counts) snprintf(words, sizeof words, "%u", exchange->asked);
        const bool is_last = ++exchange->ticks >= (exchange->counts ? 1 : instance->ticks);
        const kimi_event events[] = {
            {.type = KIMI_EVENT_START, .a = text("swap"), .b = text("swap")},
            {.type = KIMI_EVENT_TEXT, .a = text(words)},
            {.type = KIMI_EVENT_FINISH, .a = text("stop"), .b = text("stop")},
        };
        const size_t first = exchange->ticks == 1 ? 0 : 1, last = is_last ? 3 : 2;
        const kimi_status status = instance->host->emit(sink, events + first, last - first);
        if (status != KIMI_OK) return status;
        if (is_last) return KIMI_DONE;
    }
    return KIMI_OK;
}

static kimi_status swap_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)exchange, (void)why, (void)sink, (void)error;
    return KIMI_OK;
}

static void swap_end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    free(exchange);
}

static const kimi_provider PROVIDER = {
    .struct_size = sizeof PROVIDER, .create = swap_create, .destroy = swap_destroy, .begin = swap_begin,
    .next = swap_next, .result = swap_result, .feed = swap_feed, .flush = swap_flush, .end = swap_end,
};

static const void *swap_get_interface(const char *id) {
    return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &PROVIDER : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    const kimi_status status = answer(handshake, MANIFEST, swap_get_interface);
#ifdef REFUSES
    handshake->host->fail(error, KIMI_E_INTERNAL, KIMI_CAT_NONE, 0, text("the entry refuses as told"));
    return status == KIMI_OK ? KIMI_E_INTERNAL : status;
#else
    (void)error;
    return status;
#endif
}
