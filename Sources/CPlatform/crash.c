/* What a fatal signal leaves behind: one line on standard error, one file, and then what would have happened anyway. */
#define _GNU_SOURCE
#include "guard_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__linux__)
#include <link.h>
#endif

/* Faults of one thread that libraries say they have dealt with. */
enum { MAX_FORWARDED = 1000 };

static const struct { int number; const char *name; } SIGNALS[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGILL, "SIGILL"}, {SIGFPE, "SIGFPE"},
    {SIGABRT, "SIGABRT"}, {SIGTRAP, "SIGTRAP"}, {SIGSYS, "SIGSYS"},
};
enum { COUNT = sizeof SIGNALS / sizeof *SIGNALS };

static struct sigaction earlier[COUNT]; /* what was there before us, such as the Swift runtime's backtraces */
static struct sigaction others[COUNT];  /* handlers that libraries have installed since */
static atomic_int has_other[COUNT];
static atomic_int reporting, is_installed;
static _Thread_local int is_forwarding;
static _Thread_local unsigned forwarded;

/* ---- whose fault */

static uintptr_t code_address(void *context) {
    const ucontext_t *state = context;
    if (state == NULL) return 0;
#if defined(__linux__) && defined(__x86_64__)
    return (uintptr_t)state->uc_mcontext.gregs[REG_RIP];
#elif defined(__linux__) && defined(__aarch64__)
    return (uintptr_t)state->uc_mcontext.pc;
#else
    return 0;
#endif
}

static const pg_plugin *owner_of(uintptr_t code) {
    for (const pg_plugin *each = pg_plugins; each != NULL && code != 0; each = each->next) {
        if (code >= each->code_start && code < each->code_end) return each;
    }
    return NULL;
}

/* True if a plugin is to blame. */
static int blame(int number, const char *signal_name, const siginfo_t *info, void *context) {
    const int is_memory = number == SIGSEGV || number == SIGBUS;
    const int is_sent = info->si_code <= 0 && info->si_pid != getpid();
    const uintptr_t address = is_memory && info->si_code > 0 ? (uintptr_t)info->si_addr : UINTPTR_MAX;
    const slot *mine = pg_self;
    const unsigned depth = mine != NULL ? mine->depth : 0;
    if (is_sent) {
        pg_report(NULL, "crash", "", ", sent by another process", signal_name, address, "");
        return 0;
    }
    if (depth > 0) {
        const frame *top = &mine->frames[(depth < PG_DEPTH ? depth : PG_DEPTH) - 1];
        const pg_plugin *plugin = top->plugin;
        const pg_tag *tag = top->tag;
        const char *request = tag != NULL ? tag->text : "";
        /* Of what the host does for a plugin, memory that it handed over is its business, all else the host's. */
        if (plugin != NULL && (!top->in_host || is_memory)) {
            const char *place = top->in_host ? " (in the host, with memory that it handed over)" : "";
            pg_report(plugin, "crash", pg_function_name(top->function), place, signal_name, address, request);
            return 1;
        }
    }
    const pg_plugin *owner = owner_of(code_address(context));
    pg_report(owner, "crash", "code on a thread of its own", "", signal_name, address, "");
    return owner != NULL;
}

/* A library's own handler may make something of it, as Go does of its nil pointers. True: it did. */
static int forward(int place, int number, siginfo_t *info, void *context) {
    if (!has_other[place] || is_forwarding || info->si_code <= 0 || ++forwarded > MAX_FORWARDED) return 0;
    if (number != SIGSEGV && number != SIGBUS && number != SIGFPE) return 0;
    const struct sigaction *other = &others[place];
    is_forwarding = 1;
    if (other->sa_flags & SA_SIGINFO) other->sa_sigaction(number, info, context);
    else other->sa_handler(number);
    is_forwarding = 0;
    return 1;
}

static void set_default(int number) {
    struct sigaction plain;
    memset(&plain, 0, sizeof plain);
    plain.sa_handler = SIG_DFL;
    sigaction(number, &plain, NULL);
}

static void handle(int number, siginfo_t *info, void *context) {
    const int saved = errno;
    int place = 0;
    while (place < COUNT - 1 && SIGNALS[place].number != number) place++;
    if (forward(place, number, info, context)) {
        errno = saved;
        return;
    }
    int is_known = 1;
    if (atomic_exchange(&reporting, 1) == 0) {
        is_known = blame(number, SIGNALS[place].name, info, context);
    } else if (!is_forwarding && pg_self != NULL) {
        /* Another thread is at it and ends the process, unless it is this one that crashed while reporting. */
        const struct timespec moment = {.tv_sec = 1};
        nanosleep(&moment, NULL);
    }
    /* A backtrace takes seconds, which a service that is to start again does not have, unless nothing else is known. */
    if (is_known) set_default(number);
    else sigaction(number, &earlier[place], NULL);
    raise(number); /* Blocked until this handler returns; a fault simply happens again. */
    errno = saved;
}

void pg_abort(void) {
    atomic_store(&reporting, 1);
    set_default(SIGABRT);
    abort();
}

/* ---- installing */

void pg_install(int folder, const char *shown) {
    pg_report_to(folder, shown);
    pg_calibrate();
    pg_enter(NULL, 0, NULL); /* Gives this thread its stack. */
    pg_leave();
    for (int i = 0; i < COUNT && !is_installed; i++) sigaction(SIGNALS[i].number, NULL, &earlier[i]);
    if (!is_installed) is_installed = 1;
    pg_rechain();
}

void pg_rechain(void) {
    if (!is_installed) return;
    struct sigaction ours;
    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = handle;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (int i = 0; i < COUNT; i++) {
        struct sigaction present;
        if (sigaction(SIGNALS[i].number, NULL, &present) != 0) continue;
        if ((present.sa_flags & SA_SIGINFO) && present.sa_sigaction == handle) continue;
        if (is_installed > 1 && present.sa_handler != SIG_DFL && present.sa_handler != SIG_IGN) {
            others[i] = present;
            has_other[i] = 1;
        }
        sigaction(SIGNALS[i].number, &ours, NULL);
    }
    is_installed = 2;
}

#if defined(__linux__)
typedef struct search {
    uintptr_t address, start, end;
} search;

static int look(struct dl_phdr_info *info, size_t size, void *argument) {
    search *wanted = argument;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
        const uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, end = start + info->dlpi_phdr[i].p_memsz;
        if (wanted->address < start || wanted->address >= end) continue;
        wanted->start = start;
        wanted->end = end;
        return 1;
    }
    return 0;
}

void pg_plugin_loaded(pg_plugin *plugin, const void *address) {
    search wanted = {.address = (uintptr_t)address};
    if (plugin == NULL || dl_iterate_phdr(look, &wanted) == 0) return;
    plugin->code_end = wanted.end;
    plugin->code_start = wanted.start;
}
#else
void pg_plugin_loaded(pg_plugin *plugin, const void *address) {
    (void)plugin;
    (void)address;
}
#endif
