/* A transform with the fault its configuration names, for kimi-host plugin check; "none" has none. Each fault is to be
 * found by the rule that Tests/e2e/test_plugin_check.py names beside it. */
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>

#include "../RuntimePlugins/common.h"

static const char MANIFEST[] =
    "{\"id\":\"test.hostile-transform\",\"name\":\"Hostile\",\"version\":\"1.0.0\","
    "\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.transform/1\",\"name\":\"hostile\"}],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"fault\"],"
    "\"properties\":{\"fault\":{\"type\":\"string\"}}}}";

struct kimi_inst {
    const kimi_host *host;
    kimi_ctx *ctx;
    char fault[MAX_WORD];
    unsigned exchanges;
};

struct kimi_exch {
    kimi_inst *instance;
    kimi_bytes kept;
    kimi_sink *sink;
    char *late, *request;
    unsigned events;
};

static unsigned global_count;
static kimi_exch *latest;
static _Thread_local unsigned thread_count;
static volatile unsigned char read_byte;

static bool has(const kimi_inst *instance, const char *fault) {
    return strcmp(instance->fault, fault) == 0;
}

static void *spin(void *nothing) {
    volatile unsigned n = 0;
    for (;;) n++;
    return nothing;
}

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) {
    char fault[MAX_WORD];
    config_text(config, "fault", fault);
    if (fault[0] == 0) {
        /* Without the word nothing is known, and so the faults of a broken configuration are told by the library's
         * own name in the environment: see the Makefile. */
#ifdef CREATE_FAILS_SILENTLY
        return KIMI_E_CONFIG;
#elif defined(CREATE_SETS_INSTANCE)
        *instance = (kimi_inst *)&global_count;
        return refuse(host, error, KIMI_E_CONFIG, "no fault is named");
#elif defined(CREATE_CRASHES)
        abort();
#else
        return refuse(host, error, KIMI_E_CONFIG, "no fault is named");
#endif
    }
    kimi_inst *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(host, error, KIMI_E_NOMEM, "no memory");
    made->host = host;
    made->ctx = ctx;
    strcpy(made->fault, fault);
    if (has(made, "spins")) {
        pthread_t thread;
        pthread_create(&thread, NULL, spin, NULL);
    }
    *instance = made;
    return KIMI_OK;
}

static void destroy(kimi_inst *instance) {
    if (has(instance, "hangs_in_destroy")) pause();
    if (!has(instance, "leaks_instance")) free(instance);
}

static kimi_status change(kimi_inst *instance, kimi_out *out, kimi_error *error) {
    const kimi_host *host = instance->host;
    if (has(instance, "ignores_put")) {
        host->put(out, KIMI_PUT_MERGE_PATCH, text("{\"seed\":1}"));
        return KIMI_OK;
    }
    if (has(instance, "patch_not_json")) return host->put(out, KIMI_PUT_MERGE_PATCH, text("{\"seed\":"));
    if (has(instance, "request_is_list")) return host->put(out, KIMI_PUT_REPLACE, text("[1]"));
    if (has(instance, "request_without_messages")) return host->put(out, KIMI_PUT_REPLACE, text("{\"model\":\"m\"}"));
    if (has(instance, "unchanged_after_put")) {
        host->put(out, KIMI_PUT_MERGE_PATCH, text("{\"seed\":1}"));
        return KIMI_UNCHANGED;
    }
    if (has(instance, "puts_in_two_ways")) {
        host->put(out, KIMI_PUT_MERGE_PATCH, text("{\"seed\":1}"));
        host->put(out, KIMI_PUT_REPLACE, text("{}"));
        return KIMI_OK;
    }
    if (has(instance, "memory_unchecked")) {
        const kimi_host_kv *kv = host->extension(instance->ctx, KIMI_HOST_KV_ID);
        kv->put(instance->ctx, text("k"), text("v"), 0);
    }
    if (has(instance, "short_table_unchecked")) {
        const kimi_host_kv *kv = host->extension(instance->ctx, KIMI_HOST_KV_ID);
        if (kv != NULL) kv->put(instance->ctx, text("k"), text("v"), 0);
    }
    if (has(instance, "random_unchecked")) {
        uint8_t bytes[8] = {0};
        if (host->random(instance->ctx, bytes, sizeof bytes) != KIMI_OK) abort();
    }
    (void)error;
    return KIMI_UNCHANGED;
}

static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_out *out, kimi_exch **exchange,
                         kimi_error *error) {
    const kimi_status status = change(instance, out, error);
    if (status < 0) return refuse(instance->host, error, status, "the host did not take the change");
    kimi_exch *made = calloc(1, sizeof *made);
    if (made == NULL && !has(instance, "malloc_unchecked")) {
        return refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
    }
    made->instance = instance;
    if (has(instance, "keeps_request")) made->kept = request->json;
    if (has(instance, "reads_behind_request")) read_byte = request->json.ptr[request->json.len];
    instance->exchanges++;
    global_count++;
    latest = made;
    *exchange = made;
    return status;
}

/* Marks that a fault puts into the stream; NULL: none. */
static const char *mark(kimi_exch *exchange, size_t i, size_t n) {
    const kimi_inst *instance = exchange->instance;
    static char words[MAX_WORD];
    exchange->events++;
    thread_count++;
    if (has(instance, "counts_in_global")) snprintf(words, sizeof words, "%u", global_count);
    else if (has(instance, "counts_in_instance")) snprintf(words, sizeof words, "%u", instance->exchanges);
    else if (has(instance, "counts_in_thread")) snprintf(words, sizeof words, "%u", thread_count % 2);
    else if (has(instance, "uses_latest_exchange")) snprintf(words, sizeof words, "%d", latest == exchange);
    else if (has(instance, "marks_batches") && i == 0) return "|";
    else if (has(instance, "marks_events")) return ".";
    else if (has(instance, "uses_wall_clock")) snprintf(words, sizeof words, "%p", (void *)exchange);
    else return NULL;
    (void)n;
    return words;
}

static size_t depth_of(const uint8_t *bytes, size_t n) {
    volatile char frame[512];
    frame[0] = 0;
    return n > 0 && *bytes == '[' ? 1 + depth_of(bytes + 1, n - 1) + (size_t)frame[0] : 0;
}

static kimi_status emit_bytewise(const kimi_inst *instance, kimi_sink *sink, kimi_event event) {
    const kimi_bytes whole = event.a;
    kimi_status status = KIMI_OK;
    for (size_t i = 0; i < whole.len && status == KIMI_OK; i++) {
        event.a = slice(whole.ptr + i, 1);
        status = instance->host->emit(sink, &event, 1);
    }
    return status;
}

/* Faults that end badly. */
static void explode(kimi_exch *exchange, const kimi_event *event, kimi_sink *sink) {
    const kimi_inst *instance = exchange->instance;
    if (has(instance, "reads_behind") && event->a.len > 0) read_byte = event->a.ptr[event->a.len];
    if (has(instance, "reads_before") && event->a.len > 0) read_byte = event->a.ptr[-1];
    if (has(instance, "reads_behind_array")) read_byte = (unsigned char)event[64].type;
    if (has(instance, "keeps_text")) {
        if (exchange->kept.len > 0) read_byte = exchange->kept.ptr[0];
        if (event->a.len > 0) exchange->kept = event->a;
    }
    if (has(instance, "keeps_request")) read_byte = exchange->kept.ptr[0];
    if (has(instance, "keeps_sink")) {
        if (exchange->sink != NULL && exchange->sink != sink) instance->host->emit(exchange->sink, event, 1);
        exchange->sink = sink;
    }
    if (has(instance, "looks_into_sink")) read_byte = *(const unsigned char *)sink;
    if (has(instance, "invents_sink")) instance->host->emit((kimi_sink *)exchange, event, 1);
    if (has(instance, "exits")) exit(0);
    if (has(instance, "aborts")) abort();
    if (has(instance, "hangs")) pause();
    if (has(instance, "sleeps")) usleep(120000);
    if (has(instance, "devours_memory")) {
        for (;;) memset(malloc(1 << 20), 1, 1 << 20);
    }
    if (has(instance, "trusts_text") && memchr(event->a.ptr, 0xFF, event->a.len) != NULL) abort();
    if (has(instance, "recurses")) depth_of(event->a.ptr, event->a.len);
}

static kimi_status feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink, kimi_error *error) {
    const kimi_inst *instance = exchange->instance;
    const kimi_host *host = instance->host;
    for (size_t i = 0; i < n; i++) {
        kimi_event event = events[i];
        kimi_status status = KIMI_OK;
        explode(exchange, &events[i], sink);
        if (has(instance, "fails_silently") && event.choice == 1) return KIMI_E_INTERNAL;
        if (has(instance, "says_another_status") && event.choice == 1) {
            host->fail(error, KIMI_E_LIMIT, KIMI_CAT_INTERNAL, 0, text("words"));
            return KIMI_E_INTERNAL;
        }
        if (has(instance, "drops_finish") && event.type == KIMI_EVENT_FINISH) continue;
        if (has(instance, "drops_call_end") && event.type == KIMI_EVENT_TOOL_END) continue;
        if (has(instance, "drops_start") && event.type == KIMI_EVENT_START) continue;
        if (has(instance, "finish_without_reason") && event.type == KIMI_EVENT_FINISH) event.a.len = 0;
        if (has(instance, "negative_usage") && event.type == KIMI_EVENT_USAGE) event.i0 = -5;
        if (has(instance, "flags_set")) event.flags = 1;
        if (has(instance, "latin1") && event.type == KIMI_EVENT_TEXT) event.a = text("Gr\xFC\xDF" "e");
        const char *words = event.type == KIMI_EVENT_TEXT ? mark(exchange, i, n) : NULL;
        if (words != NULL) status = host->text(sink, KIMI_EVENT_TEXT, event.choice, 0, text(words));
        if (status == KIMI_OK) {
            const bool is_bytewise = has(instance, "cuts_code_points") && event.type == KIMI_EVENT_TEXT;
            status = is_bytewise ? emit_bytewise(instance, sink, event) : host->emit(sink, &event, 1);
        }
        if (has(instance, "emits_twice") && event.type == KIMI_EVENT_FINISH) status = host->emit(sink, &event, 1);
        if (has(instance, "text_after_finish") && event.type == KIMI_EVENT_FINISH) {
            status = host->text(sink, KIMI_EVENT_TEXT, event.choice, 0, text("one more thing"));
        }
        if (has(instance, "ignores_stop") && status == KIMI_STOP) {
            host->emit(sink, &event, 1);
            return KIMI_OK;
        }
        if (has(instance, "ignores_failure") && status < 0) return KIMI_OK;
        if (status < 0) return refuse(host, error, status, "the host did not take an event");
        if (status == KIMI_STOP) return KIMI_OK;
    }
    return KIMI_OK;
}

static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)sink, (void)error, (void)why;
    if (exchange->late == NULL) exchange->late = malloc(1);
    return KIMI_OK;
}

static void end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    if (has(exchange->instance, "needs_flush")) read_byte = (unsigned char)*exchange->late;
    if (has(exchange->instance, "emits_in_end") && exchange->sink != NULL) {
        const kimi_event event = {.type = KIMI_EVENT_TEXT, .a = text("late")};
        exchange->instance->host->emit(exchange->sink, &event, 1);
    }
    free(exchange->late);
    if (!has(exchange->instance, "leaks_exchange")) free(exchange);
}

static const kimi_transform TRANSFORM = {
    .struct_size = sizeof TRANSFORM, .event_mask = UINT32_MAX, .create = create, .destroy = destroy, .begin = begin,
    .feed = feed, .flush = flush, .end = end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &TRANSFORM : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    if (handshake->struct_size < sizeof *handshake) return refuse(handshake->host, error, KIMI_E_VERSION, "too small");
    return answer(handshake, MANIFEST, get_interface);
}
