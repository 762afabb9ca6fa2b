/* dladdr and MAP_ANONYMOUS are extensions. */
#define _GNU_SOURCE
#include "guard_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALTERNATE_STACK = 64 << 10, SMALLEST_STACK = 16 << 10 };

_Thread_local slot *pg_self;
_Atomic(slot *) pg_slots;
_Atomic(pg_plugin *) pg_plugins;
_Atomic uint64_t pg_stalls[PG_SERIES];

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static pthread_mutex_t tags_lock = PTHREAD_MUTEX_INITIALIZER;
static pg_tag *free_tags;

const char *pg_function_name(uint32_t function) {
    static const char *const NAMES[PG_FUNCTIONS] = {
        "dlopen", "entry", "create", "destroy", "begin", "next", "result", "feed", "flush", "end",
        "auth_begin", "auth_next", "auth_result", "auth_end", "quiesce",
    };
    return function < PG_FUNCTIONS ? NAMES[function] : "?";
}

/* ---- plugins and tags */

pg_plugin *pg_plugin_make(const char *words, const char *cure, const char *members, uint32_t series,
                          uint64_t warn_us) {
    pg_plugin *made = calloc(1, sizeof *made);
    if (made == NULL) return NULL;
    made->words = strdup(words);
    made->cure = strdup(cure);
    made->members = strdup(members);
    if (made->words == NULL || made->cure == NULL || made->members == NULL) return NULL;
    made->series = series < PG_SERIES ? series : PG_SERIES - 1;
    made->warn_us = warn_us;
    made->warn_ticks = warn_us > 0 ? pg_ticks_of_ns(warn_us * 1000) : UINT64_MAX;
    made->next = pg_plugins;
    while (!atomic_compare_exchange_weak(&pg_plugins, &made->next, made)) {}
    return made;
}

pg_tag *pg_tag_make(const char *text, size_t length) {
    pthread_mutex_lock(&tags_lock);
    pg_tag *tag = free_tags;
    if (tag != NULL) free_tags = tag->next;
    pthread_mutex_unlock(&tags_lock);
    if (tag == NULL) tag = malloc(sizeof *tag);
    if (tag == NULL) return NULL;
    if (length > PG_REQUEST - 1) length = PG_REQUEST - 1;
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];
        tag->text[i] = c > ' ' && c < 0x7F && c != '"' && c != '\\' ? c : '?';
    }
    tag->text[length] = 0;
    return tag;
}

void pg_tag_free(pg_tag *tag) {
    if (tag == NULL) return;
    pthread_mutex_lock(&tags_lock);
    tag->next = free_tags;
    free_tags = tag;
    pthread_mutex_unlock(&tags_lock);
}

/* ---- threads */

/* A handler needs a stack of its own: a plugin may have used all of the thread's. */
static void give_stack(slot *mine) {
    stack_t present;
    if (sigaltstack(NULL, &present) == 0 && !(present.ss_flags & SS_DISABLE) && present.ss_size >= SMALLEST_STACK) {
        return; /* A runtime has given one. */
    }
    if (mine->stack == NULL) {
        void *room = mmap(NULL, ALTERNATE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (room == MAP_FAILED) return;
        mine->stack = room;
    }
    const stack_t stack = {.ss_sp = mine->stack, .ss_size = ALTERNATE_STACK, .ss_flags = 0};
    sigaltstack(&stack, NULL);
}

static void release(void *thing) {
    slot *mine = thing;
    stack_t present;
    if (mine->stack != NULL && sigaltstack(NULL, &present) == 0 && present.ss_sp == mine->stack) {
        const stack_t off = {.ss_flags = SS_DISABLE};
        sigaltstack(&off, NULL);
    }
    pg_self = NULL;
    mine->depth = 0;
    atomic_store_explicit(&mine->used, 0, memory_order_release);
}

static void make_key(void) { pthread_key_create(&key, release); }

/* The slot of a thread that comes for the first time: one that another thread has left, or a new one. */
static slot *adopt(void) {
    pthread_once(&once, make_key);
    slot *mine = pg_slots;
    for (; mine != NULL; mine = mine->next) {
        int unused = 0;
        if (atomic_compare_exchange_strong(&mine->used, &unused, 1)) break;
    }
    if (mine == NULL) {
        mine = calloc(1, sizeof *mine);
        if (mine == NULL) return NULL;
        mine->used = 1;
        mine->next = pg_slots;
        while (!atomic_compare_exchange_weak(&pg_slots, &mine->next, mine)) {}
    }
    give_stack(mine);
    pthread_setspecific(key, mine);
    return pg_self = mine;
}

/* ---- calls */

#define GET(place) atomic_load_explicit(&(place), memory_order_relaxed)
#define SET(place, value) atomic_store_explicit(&(place), (value), memory_order_relaxed)
#define ADD(place, value) SET(place, GET(place) + (value)) /* one writer only */

static uint64_t since(const slot *mine, uint64_t now) { return now > mine->stamp ? now - mine->stamp : 0; }

void pg_enter(pg_plugin *plugin, uint32_t function, pg_tag *tag) {
    slot *mine = pg_self != NULL ? pg_self : adopt();
    if (mine == NULL) return;
    const uint64_t now = pg_ticks();
    const unsigned depth = GET(mine->depth);
    if (depth > 0 && depth <= PG_DEPTH) mine->frames[depth - 1].spent += since(mine, now);
    if (depth < PG_DEPTH) {
        frame *top = &mine->frames[depth];
        SET(top->plugin, plugin);
        SET(top->tag, tag);
        SET(top->function, function);
        SET(top->in_host, 0);
        SET(top->serial, ++mine->serial);
        top->spent = 0;
    }
    mine->stamp = now;
    atomic_store_explicit(&mine->depth, depth + 1, memory_order_release);
}

static table *table_of(slot *mine, uint32_t series) {
    table *found = GET(mine->tables[series]);
    if (found == NULL) {
        found = calloc(1, sizeof *found);
        atomic_store_explicit(&mine->tables[series], found, memory_order_release);
    }
    return found;
}

/* Calls of exchanges are those that the manifest's max_call_us is about. */
static int is_over(const pg_plugin *plugin, uint32_t function, uint64_t ticks) {
    return ticks > GET(plugin->warn_ticks) && function >= PG_BEGIN && function <= PG_AUTH_END;
}

static void notice_over(pg_plugin *plugin, uint32_t function, uint64_t ticks) {
    atomic_fetch_add_explicit(&plugin->over, 1, memory_order_relaxed);
    if (ticks <= GET(plugin->worst_ticks)) return;
    SET(plugin->worst_ticks, ticks);
    SET(plugin->over_function, function);
}

/* Inline: pg_leave is on the way of every event. */
__attribute__((always_inline)) static inline void count(slot *mine, pg_plugin *plugin, uint32_t function, uint64_t ticks) {
    static const uint64_t BOUNDS_NS[PG_BUCKETS - 1] = {10000, 100000, 1000000, 10000000, 100000000};
    if (plugin == NULL || function >= PG_FUNCTIONS) return;
    table *counts = table_of(mine, plugin->series);
    if (counts == NULL) return;
    cell *place = &counts->functions[function];
    ADD(place->calls, 1);
    ADD(place->ticks, ticks);
    if (ticks > GET(place->longest)) SET(place->longest, ticks);
    unsigned bucket = 0;
    while (bucket < PG_BUCKETS - 1 && ticks > pg_ticks_of_ns(BOUNDS_NS[bucket])) bucket++;
    ADD(place->buckets[bucket], 1);
    if (bucket < 3) {
        if (is_over(plugin, function, ticks)) notice_over(plugin, function, ticks);
        return;
    }
    if (ticks > pg_ticks_of_ns((uint64_t)PG_SLOW_MS * 1000000)) ADD(place->slow, 1);
    if (is_over(plugin, function, ticks)) notice_over(plugin, function, ticks);
}

void pg_leave(void) {
    slot *mine = pg_self;
    if (mine == NULL || GET(mine->depth) == 0) return;
    const unsigned depth = GET(mine->depth) - 1;
    const uint64_t now = pg_ticks();
    if (depth < PG_DEPTH) {
        const frame *top = &mine->frames[depth];
        count(mine, GET(top->plugin), GET(top->function), top->spent + since(mine, now));
    }
    mine->stamp = now;
    atomic_store_explicit(&mine->depth, depth, memory_order_release);
}

void pg_count(pg_plugin *plugin, uint32_t function, uint64_t nanoseconds) {
    slot *mine = pg_self != NULL ? pg_self : adopt();
    if (mine != NULL) count(mine, plugin, function, pg_ticks_of_ns(nanoseconds));
}

static frame *top_of(slot *mine) {
    const unsigned depth = mine != NULL ? GET(mine->depth) : 0;
    return depth > 0 && depth <= PG_DEPTH ? &mine->frames[depth - 1] : NULL;
}

void pg_host_enter(void) {
    frame *top = top_of(pg_self);
    if (top == NULL) return;
    top->spent += since(pg_self, pg_ticks());
    atomic_store_explicit(&top->in_host, 1, memory_order_release);
}

void pg_host_leave(void) {
    frame *top = top_of(pg_self);
    if (top == NULL) return;
    atomic_store_explicit(&top->in_host, 0, memory_order_release);
    pg_self->stamp = pg_ticks();
}

/* ---- reading */

void pg_read_counts(uint32_t series, uint32_t function, pg_counts *counts) {
    memset(counts, 0, sizeof *counts);
    if (series >= PG_SERIES || function >= PG_FUNCTIONS) return;
    uint64_t ticks = 0, longest = 0;
    for (slot *each = pg_slots; each != NULL; each = each->next) {
        table *there = atomic_load_explicit(&each->tables[series], memory_order_acquire);
        if (there == NULL) continue;
        cell *place = &there->functions[function];
        counts->calls += GET(place->calls);
        counts->slow += GET(place->slow);
        ticks += GET(place->ticks);
        const uint64_t here = GET(place->longest);
        if (here > longest) longest = here;
        for (unsigned i = 0; i < PG_BUCKETS; i++) counts->buckets[i] += GET(place->buckets[i]);
    }
    counts->nanoseconds = pg_ns_of_ticks(ticks);
    counts->longest = pg_ns_of_ticks(longest);
}

uint64_t pg_read_stalls(uint32_t series) { return series < PG_SERIES ? GET(pg_stalls[series]) : 0; }
