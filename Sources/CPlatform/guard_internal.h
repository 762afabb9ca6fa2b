/* Shared by the files of the guard. */
#ifndef GUARD_INTERNAL_H
#define GUARD_INTERNAL_H

#include <signal.h>
#include <stdatomic.h>

#include "plugin_guard.h"

struct pg_plugin {
    pg_plugin *next;
    const char *words, *cure, *members;
    uint32_t series;
    uint64_t warn_us;
    _Atomic uint64_t warn_ticks;
    _Atomic uintptr_t code_start, code_end;
    _Atomic uint64_t over, worst_ticks; /* since the last notice */
    atomic_uint over_function;
    uint64_t told_ms; /* the watchdog's own */
};

/* Freed tags go to a list and never back to the allocator: the watchdog may be reading one. */
struct pg_tag {
    struct pg_tag *next;
    char text[PG_REQUEST];
};

typedef struct frame {
    _Atomic(pg_plugin *) plugin;
    _Atomic(pg_tag *) tag;
    atomic_uint function;
    atomic_int in_host; /* it has called the host, which is at work */
    _Atomic uint64_t serial; /* no two calls of a thread have the same */
    uint64_t spent;          /* ticks, without those of calls inside it */
} frame;

/* Written by one thread, read by all. */
typedef struct cell {
    _Atomic uint64_t calls, ticks, slow, longest, buckets[PG_BUCKETS];
} cell;

typedef struct table {
    cell functions[PG_FUNCTIONS];
} table;

/* What the watchdog remembers of a frame. */
typedef struct sighting {
    uint64_t serial, milliseconds;
    int told;
} sighting;

typedef struct slot {
    struct slot *next;
    atomic_int used;
    atomic_uint depth;
    uint64_t stamp, serial;
    frame frames[PG_DEPTH];
    _Atomic(table *) tables[PG_SERIES];
    sighting seen[PG_DEPTH];
    void *stack;
} slot;

extern _Thread_local slot *pg_self;
extern _Atomic(slot *) pg_slots;
extern _Atomic(pg_plugin *) pg_plugins;
extern _Atomic uint64_t pg_stalls[PG_SERIES];

uint64_t pg_ticks(void);
uint64_t pg_mono_ns(void);
uint64_t pg_ticks_of_ns(uint64_t ns);
uint64_t pg_ns_of_ticks(uint64_t ticks);
/* Measures the ticks against the clock anew. */
void pg_calibrate(void);

/* crash_report.c. Where files go; then one line and one file, async-signal-safe. */
void pg_report_to(int folder, const char *shown);
void pg_report(const pg_plugin *plugin, const char *what, const char *function, const char *place,
               const char *signal_name, uintptr_t address, const char *request);
/* crash.c: ends the process by SIGABRT without another report. */
void pg_abort(void);

#endif
