/* Who runs on which thread: a marker around every call into a plugin, what the calls cost, and what is said and kept
 * when one of them crashes or hangs. All state is the process's own; nothing here is ever freed. */
#ifndef PLUGIN_GUARD_H
#define PLUGIN_GUARD_H

#include <stddef.h>
#include <stdint.h>

typedef enum pg_function {
    PG_LOAD, /* dlopen: constructors */
    PG_ENTRY,
    PG_CREATE,
    PG_DESTROY,
    PG_BEGIN,
    PG_NEXT,
    PG_RESULT,
    PG_FEED,
    PG_FLUSH,
    PG_END,
    PG_AUTH_BEGIN,
    PG_AUTH_NEXT,
    PG_AUTH_RESULT,
    PG_AUTH_END,
    PG_QUIESCE, /* on a thread of its own: it holds up nobody */
    PG_FUNCTIONS
} pg_function;

enum {
    PG_BUCKETS = 6,   /* up to 10 us, 100 us, 1 ms, 10 ms, 100 ms, and longer */
    PG_SERIES = 64,   /* plugins that counts are kept of */
    PG_DEPTH = 32,    /* calls inside one another that are told apart, on one thread */
    PG_REQUEST = 72,  /* bytes of a request's id, the 0 included */
    PG_SLOW_MS = 50,  /* a call that takes longer is counted as slow */
    PG_LOOK_MS = 100  /* how often the watchdog looks */
};

typedef struct pg_plugin pg_plugin; /* a library, by its content */
typedef struct pg_tag pg_tag;       /* the request that calls are made for */

/* "feed" and the like; static. */
const char *pg_function_name(uint32_t function);

/* A library that calls are going to be made into. words: who it is, for people; cure: what to do when it crashes;
 * members: JSON members for the crash file, without braces. Copied. series: below PG_SERIES. warn_us: a call of an
 * exchange that takes longer is told to the watchdog's callback, 0: none is. NULL without memory. */
pg_plugin *pg_plugin_make(const char *words, const char *cure, const char *members, uint32_t series,
                          uint64_t warn_us);
/* Where its code is: an address in it. For crashes on threads of its own. */
void pg_plugin_loaded(pg_plugin *plugin, const void *address);

/* The id of a request; control characters and the like become '?'. NULL without memory. */
pg_tag *pg_tag_make(const char *text, size_t length);
void pg_tag_free(pg_tag *tag);

/* The calling thread is inside `plugin` until pg_leave. They nest. NULLs are allowed. */
void pg_enter(pg_plugin *plugin, uint32_t function, pg_tag *tag);
void pg_leave(void);
/* A call that was made in another process, which says how long it took. */
void pg_count(pg_plugin *plugin, uint32_t function, uint64_t nanoseconds);
/* The plugin has called the host, which works for itself until pg_host_leave. */
void pg_host_enter(void);
void pg_host_leave(void);

/* ---- counts: sums over all threads */
typedef struct pg_counts {
    uint64_t calls, nanoseconds, slow, longest; /* longest: nanoseconds */
    uint64_t buckets[PG_BUCKETS]; /* not cumulative */
} pg_counts;

void pg_read_counts(uint32_t series, uint32_t function, pg_counts *counts);
/* Calls that the watchdog found to run for too long. */
uint64_t pg_read_stalls(uint32_t series);

/* ---- crashes */
/* Begins to name crashes. folder: an open descriptor of where crash files go, kept; -1: none are written. shown: how
 * the line for people calls it, copied. May be called again. */
void pg_install(int folder, const char *shown);
/* The line on standard error is an object of JSON from now on. */
void pg_report_as_json(void);
/* Puts the handlers back in front of those that a library has installed, which are asked first from then on.
 * Nothing before pg_install. */
void pg_rechain(void);

/* ---- watchdog */
typedef enum pg_notice_kind { PG_NOTICE_STALL, PG_NOTICE_HANG, PG_NOTICE_OVER } pg_notice_kind;

typedef struct pg_notice {
    uint32_t kind, function;
    const char *words;     /* as given to pg_plugin_make */
    const char *request;   /* may be empty; valid during the callback */
    uint64_t milliseconds; /* STALL, HANG: so far */
    uint64_t microseconds; /* OVER: the longest since the last notice */
    uint64_t count;        /* OVER: calls since the last notice */
} pg_notice;

typedef void (*pg_notice_callback)(void *context, const pg_notice *notice);

/* Starts the thread, once; later calls change the limits. slow_ms: a call that runs longer is told. hang_ms: one that
 * runs longer ends the process, 0: none does. context lives for ever. 0 or an errno. */
int pg_watch(uint64_t slow_ms, uint64_t hang_ms, pg_notice_callback callback, void *context);

#endif
