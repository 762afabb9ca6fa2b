#define _GNU_SOURCE
#include "cplatform.h"

#include <string.h>

intptr_t cp_find(const void *bytes, size_t count, const void *wanted, size_t length) {
    const char *found = length == 0 || count < length ? NULL : memmem(bytes, count, wanted, length);
    return found ? found - (const char *)bytes : -1;
}
