/* The least host that a transform runs in: it counts what comes out and throws it away. */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <kimi_plugin.h>

/* A loaded transform with one instance. */
typedef struct {
    const kimi_transform *table;
    kimi_inst *instance;
} bench_plugin;

/* What came out since the last reset. */
extern struct bench_counts {
    uint64_t events, bytes, calls, finishes;
} bench_counts;

/* dlopens the library and makes an instance with an empty configuration; exits with a message if it cannot. */
bench_plugin bench_load(const char *path);

/* Begins an exchange for a request to `model` with one declared tool, `lookup`. */
kimi_exch *bench_begin(bench_plugin plugin, const char *model);

/* Ends it in order: flush, then end. */
void bench_end(bench_plugin plugin, kimi_exch *exchange);

/* Feeds one batch; exits if the transform fails. */
void bench_feed(bench_plugin plugin, kimi_exch *exchange, const kimi_event *events, size_t n);

#endif
