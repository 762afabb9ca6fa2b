/* The dashboard's files, embedded in the binary. */
#ifndef KIMI_DASHBOARD_ASSETS_H
#define KIMI_DASHBOARD_ASSETS_H

#include <stddef.h>

typedef struct {
    const char *name;
    const char *type;
    const unsigned char *bytes;
    ptrdiff_t count;
} kimi_dashboard_file;

/* The file at that place; NULL behind the last one. */
const kimi_dashboard_file *kimi_dashboard_asset(ptrdiff_t index);

#endif
