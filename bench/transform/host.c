#define _GNU_SOURCE /* getrandom */
#include "host.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct bench_counts bench_counts;

static char scratch_memory[1 << 20] __attribute__((aligned(16)));
static int token; /* what the opaque pointers point at */

static void quit(const char *what, const char *why) {
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

static uint64_t clock_ns(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static const void *no_extension(kimi_ctx *ctx, const char *id) { return (void)ctx, (void)id, (void *)0; }
static uint32_t log_off(kimi_ctx *ctx, uint32_t level) { return (void)ctx, (void)level, 0u; }
static void no_log(kimi_ctx *ctx, uint32_t level, kimi_bytes text) { (void)ctx, (void)level, (void)text; }
static uint64_t unix_ms(kimi_ctx *ctx) { return (void)ctx, clock_ns(CLOCK_REALTIME) / 1000000u; }
static uint64_t mono_ns(kimi_ctx *ctx) { return (void)ctx, clock_ns(CLOCK_MONOTONIC); }

static kimi_status randomness(kimi_ctx *ctx, uint8_t *dst, size_t n) {
    (void)ctx;
    return getrandom(dst, n, 0) == (ssize_t)n ? KIMI_OK : KIMI_E_INTERNAL;
}

static void fail(kimi_error *error, kimi_status status, uint32_t category, uint64_t retry_after_ms, kimi_bytes message) {
    (void)error, (void)category, (void)retry_after_ms;
    fprintf(stderr, "bench: the transform fails with %d: %.*s\n", status, (int)message.len, (const char *)message.ptr);
}

static kimi_status put(kimi_out *out, uint32_t how, kimi_bytes data) {
    return (void)out, (void)how, (void)data, KIMI_OK;
}

static void count(uint32_t type, size_t bytes) {
    bench_counts.events++;
    bench_counts.bytes += bytes;
    if (type == KIMI_EVENT_TOOL_BEGIN) bench_counts.calls++;
    if (type == KIMI_EVENT_FINISH) bench_counts.finishes++;
}

static kimi_status take_text(kimi_sink *sink, uint32_t type, uint32_t choice, uint32_t index, kimi_bytes text) {
    (void)sink, (void)choice, (void)index;
    count(type, text.len);
    return KIMI_OK;
}

static kimi_status take_events(kimi_sink *sink, const kimi_event *events, size_t n) {
    (void)sink;
    for (size_t i = 0; i < n; i++) count(events[i].type, events[i].a.len);
    return KIMI_OK;
}

static void *scratch(kimi_sink *sink, size_t n) { return (void)sink, n <= sizeof scratch_memory ? scratch_memory : NULL; }

static const kimi_host HOST = {
    .struct_size = sizeof HOST, .abi_minor = KIMI_ABI_MINOR, .extension = no_extension, .log_on = log_off, .log = no_log,
    .unix_ms = unix_ms, .mono_ns = mono_ns, .random = randomness, .fail = fail, .put = put, .text = take_text,
    .emit = take_events, .scratch = scratch,
};

bench_plugin bench_load(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) quit(path, dlerror());
    kimi_entry_fn entry = (kimi_entry_fn)dlsym(library, KIMI_ENTRY_SYMBOL);
    if (entry == NULL) quit(path, "it has no " KIMI_ENTRY_SYMBOL);
    kimi_handshake handshake = {.struct_size = sizeof handshake, .host_minor = KIMI_ABI_MINOR, .host = &HOST};
    if (entry(&handshake, (kimi_error *)&token) < 0) quit(path, "its entry fails");
    bench_plugin plugin = {handshake.get_interface(KIMI_TRANSFORM_ID), NULL};
    if (plugin.table == NULL) quit(path, "it is no transform");
    kimi_bytes config = {(const uint8_t *)"{}", 2};
    if (plugin.table->create(&HOST, (kimi_ctx *)&token, config, &plugin.instance, (kimi_error *)&token) < 0)
        quit(path, "create fails");
    return plugin;
}

kimi_exch *bench_begin(bench_plugin plugin, const char *model) {
    char json[512];
    int length = snprintf(json, sizeof json,
                          "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"type\":"
                          "\"function\",\"function\":{\"name\":\"lookup\",\"parameters\":{\"type\":\"object\","
                          "\"properties\":{\"term\":{\"type\":\"string\"}},\"required\":[\"term\"]}}}]}",
                          model);
    kimi_request request = {.struct_size = sizeof request, .flags = KIMI_REQUEST_STREAM, .attempt = 1};
    request.json = (kimi_bytes){(const uint8_t *)json, (size_t)length};
    request.model = (kimi_bytes){(const uint8_t *)model, strlen(model)};
    kimi_exch *exchange = NULL;
    kimi_error *error = (kimi_error *)&token;
    if (plugin.table->begin(plugin.instance, &request, (kimi_out *)&token, &exchange, error) < 0)
        quit("begin", "it fails");
    if (exchange == NULL) quit("begin", "the transform takes no part in the answer");
    return exchange;
}

void bench_end(bench_plugin plugin, kimi_exch *exchange) {
    plugin.table->flush(exchange, KIMI_WHY_END, (kimi_sink *)&token, (kimi_error *)&token);
    plugin.table->end(exchange, KIMI_WHY_END);
}

void bench_feed(bench_plugin plugin, kimi_exch *exchange, const kimi_event *events, size_t n) {
    if (plugin.table->feed(exchange, events, n, (kimi_sink *)&token, (kimi_error *)&token) < 0) quit("feed", "it fails");
}
