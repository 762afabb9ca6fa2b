/* One thread that looks at the markers: calls that take too long are told, and at last end the process, because a
 * thread that is inside foreign code cannot be ended alone. */
#define _GNU_SOURCE
#include "guard_internal.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "cplatform.h"

enum { AGAIN_MS = 60000, CALIBRATE_LOOKS = 10 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int is_running;
static _Atomic uint64_t slow_limit, hang_limit;
static pg_notice_callback callback;
static void *callback_context;

/* A copy of the request's id; empty unless the call goes on, for the tag may be another one's by now. */
static void copy_request(const frame *top, uint64_t serial, char *request) {
    const pg_tag *tag = top->tag;
    request[0] = 0;
    if (tag == NULL) return;
    memcpy(request, tag->text, PG_REQUEST);
    request[PG_REQUEST - 1] = 0;
    if (top->serial != serial) request[0] = 0;
}

static void hang(pg_notice *notice, pg_plugin *plugin) {
    notice->kind = PG_NOTICE_HANG;
    pg_report(plugin, "hang", pg_function_name(notice->function), "", "no return", UINTPTR_MAX, notice->request);
    callback(callback_context, notice);
    pg_abort();
}

/* The innermost call that has been running for too long is the one to name: calls inside it come and go. */
static void judge(slot *each, unsigned depth) {
    for (unsigned level = depth; level-- > 0;) {
        frame *top = &each->frames[level];
        sighting *seen = &each->seen[level];
        if (seen->milliseconds < slow_limit) continue;
        pg_plugin *plugin = top->plugin;
        char request[PG_REQUEST];
        copy_request(top, seen->serial, request);
        if (plugin == NULL || top->serial != seen->serial) return;
        pg_notice notice = {.kind = PG_NOTICE_STALL, .function = top->function, .words = plugin->words,
                            .request = request, .milliseconds = seen->milliseconds};
        const int holds_up = notice.function != PG_QUIESCE;
        if (hang_limit > 0 && seen->milliseconds >= hang_limit && holds_up) hang(&notice, plugin);
        if (!seen->told) {
            atomic_fetch_add(&pg_stalls[plugin->series], 1);
            callback(callback_context, &notice);
        }
        /* Those around it wait for it. */
        for (unsigned outer = 0; outer <= level; outer++) each->seen[outer].told = 1;
        return;
    }
}

static void look_at(slot *each, uint64_t passed) {
    unsigned depth = atomic_load_explicit(&each->depth, memory_order_acquire);
    if (depth > PG_DEPTH) depth = PG_DEPTH;
    for (unsigned level = 0; level < PG_DEPTH; level++) {
        sighting *seen = &each->seen[level];
        const uint64_t serial = level < depth ? each->frames[level].serial : 0;
        if (serial != 0 && serial == seen->serial) {
            seen->milliseconds += passed;
        } else {
            *seen = (sighting){.serial = serial};
        }
    }
    judge(each, depth);
}

static void tell_over(pg_plugin *plugin, uint64_t now_ms) {
    if (plugin->over == 0 || (plugin->told_ms != 0 && now_ms - plugin->told_ms < AGAIN_MS)) return;
    plugin->told_ms = now_ms;
    const pg_notice notice = {
        .kind = PG_NOTICE_OVER, .function = plugin->over_function, .words = plugin->words, .request = "",
        .count = atomic_exchange(&plugin->over, 0),
        .microseconds = pg_ns_of_ticks(atomic_exchange(&plugin->worst_ticks, 0)) / 1000};
    callback(callback_context, &notice);
}

static void *run(void *unused) {
    (void)unused;
    cp_name_thread("plugin-watchdog");
    uint64_t last = pg_mono_ns();
    for (unsigned looks = 1;; looks++) {
        const struct timespec pause = {.tv_nsec = PG_LOOK_MS * 1000000L};
        nanosleep(&pause, NULL);
        const uint64_t now = pg_mono_ns();
        uint64_t passed = (now - last) / 1000000;
        last = now;
        /* If the whole process stood still, no plugin is to blame. */
        if (passed > 2 * PG_LOOK_MS) passed = 2 * PG_LOOK_MS;
        for (slot *each = pg_slots; each != NULL; each = each->next) look_at(each, passed);
        if (looks % CALIBRATE_LOOKS != 0) continue;
        pg_calibrate();
        for (pg_plugin *each = pg_plugins; each != NULL; each = each->next) {
            if (each->warn_us > 0) each->warn_ticks = pg_ticks_of_ns(each->warn_us * 1000);
            tell_over(each, now / 1000000);
        }
    }
    return NULL;
}

int pg_watch(uint64_t slow_ms, uint64_t hang_ms, pg_notice_callback told, void *context) {
    pthread_mutex_lock(&lock);
    slow_limit = slow_ms;
    hang_limit = hang_ms;
    callback = told;
    callback_context = context;
    int failure = 0;
    if (!is_running) {
        pthread_t thread;
        failure = pthread_create(&thread, NULL, run, NULL);
        if (failure == 0) pthread_detach(thread);
        is_running = failure == 0;
    }
    pthread_mutex_unlock(&lock);
    return failure;
}
