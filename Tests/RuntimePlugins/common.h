/* What the plugins of this folder share: slices, their configuration, words for failures, and a log of each exchange's
 * life. Each exchange logs "NAME begun ID" and "NAME ended ID why N", so that tests can count rule S04. */
#ifndef RUNTIME_PLUGINS_COMMON_H
#define RUNTIME_PLUGINS_COMMON_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kimi_plugin.h"

enum { MAX_WORD = 256, MAX_LINE = 1024 };

static inline kimi_bytes slice(const void *ptr, size_t len) {
    const kimi_bytes bytes = {ptr, len};
    return bytes;
}

static inline kimi_bytes text(const char *string) {
    return slice(string, strlen(string));
}

/* Copies a slice into a string of MAX_WORD bytes. */
static inline void keep(char *word, kimi_bytes bytes) {
    const size_t length = bytes.len < MAX_WORD - 1 ? bytes.len : MAX_WORD - 1;
    if (length > 0) memcpy(word, bytes.ptr, length);
    word[length] = 0;
}

/* The string member `name` of a configuration; "" if it has none. Tests use no escapes in their configurations. */
static inline void config_text(kimi_bytes config, const char *name, char *word) {
    const size_t length = strlen(name);
    word[0] = 0;
    for (size_t i = 0; i + length + 2 < config.len; i++) {
        if (config.ptr[i] != '"' || memcmp(config.ptr + i + 1, name, length) != 0) continue;
        size_t at = i + 1 + length;
        if (config.ptr[at++] != '"') continue;
        while (at < config.len && (config.ptr[at] == ' ' || config.ptr[at] == ':')) at++;
        if (at >= config.len || config.ptr[at++] != '"') continue;
        const uint8_t *end = memchr(config.ptr + at, '"', config.len - at);
        if (end != NULL) keep(word, slice(config.ptr + at, (size_t)(end - config.ptr) - at));
        return;
    }
}

static inline kimi_status refuse(const kimi_host *host, kimi_error *error, kimi_status status, const char *words) {
    host->fail(error, status, KIMI_CAT_NONE, 0, text(words));
    return status;
}

static inline void log_life(const kimi_host *host, kimi_ctx *ctx, const char *plugin, const char *what, const char *id,
                            uint32_t why) {
    char line[MAX_LINE];
    snprintf(line, sizeof line, "%s %s %s why %u", plugin, what, id, (unsigned)why);
    host->log(ctx, KIMI_LOG_INFO, text(line));
}

/* The answer to the handshake that every plugin gives. */
static inline kimi_status answer(kimi_handshake *handshake, const char *manifest,
                                 const void *(*get_interface)(const char *id)) {
    handshake->plugin_minor = KIMI_ABI_MINOR;
    handshake->needs_minor = 0;
    handshake->manifest = text(manifest);
    handshake->get_interface = get_interface;
    return KIMI_OK;
}

#endif
