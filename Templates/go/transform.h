/* What Go sees of C: the header, and calls of the host's functions, which Go cannot make through pointers. Texts go
 * over as pointer and length, because cgo lets no struct with a Go pointer pass. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include "kimi_plugin.h"

static inline void host_fail(const kimi_host *host, kimi_error *error, kimi_status status, const void *text, size_t n) {
    kimi_bytes message = {(const uint8_t *)text, n};
    host->fail(error, status, KIMI_CAT_INTERNAL, 0, message);
}

/* An event as it came, or with another text. */
static inline kimi_status host_emit(const kimi_host *host, kimi_sink *sink, const kimi_event *event, const void *text,
                                    size_t n) {
    kimi_event changed = *event;
    if (text != NULL) {
        changed.a.ptr = (const uint8_t *)text;
        changed.a.len = n;
    }
    return host->emit(sink, &changed, 1);
}

#endif
