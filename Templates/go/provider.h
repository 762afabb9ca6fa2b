/* What Go sees of C: the header, and calls of the host's functions, which Go cannot make through pointers. Slices go
 * over as pointer and length, because cgo lets no struct with a Go pointer pass. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include "kimi_plugin.h"

static inline kimi_bytes slice(const void *ptr, size_t len) {
    kimi_bytes bytes = {(const uint8_t *)ptr, len};
    return bytes;
}

static inline void host_fail(const kimi_host *host, kimi_error *error, kimi_status status, uint32_t category,
                             const void *text, size_t n) {
    host->fail(error, status, category, 0, slice(text, n));
}

static inline kimi_status host_field(const kimi_host *host, kimi_plan *plan, uint32_t field, const void *key,
                                     size_t key_n, const void *value, size_t value_n) {
    return host->plan_field(plan, field, slice(key, key_n), slice(value, value_n));
}

static inline kimi_status host_send(const kimi_host *host, kimi_plan *plan) {
    return host->plan_step(plan, KIMI_STEP_SEND, 0, KIMI_SEND_STREAM);
}

static inline kimi_status host_event(const kimi_host *host, kimi_sink *sink, uint32_t type, uint32_t index,
                                     const void *a, size_t a_n, const void *b, size_t b_n,
                                     int64_t i0, int64_t i1, int64_t i2, int64_t i3) {
    kimi_event event = {.type = type, .index = index, .a = slice(a, a_n), .b = slice(b, b_n),
                        .i0 = i0, .i1 = i1, .i2 = i2, .i3 = i3};
    return host->emit(sink, &event, 1);
}

#endif
