#define _GNU_SOURCE
#include "plugin_test_kit.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_RANGES = 8192, ALTERNATE_STACK = 64 << 10 };

typedef struct range {
    uintptr_t start, end;
    uint32_t kind;
} range;

static range ranges[MAX_RANGES];
static atomic_uint next_range;
static int report_fd = -1;
static _Thread_local const char *inside;
static _Thread_local void *current;

void ptk_enter(const char *function) { inside = function; }
void ptk_set_current(void *value) { current = value; }
void *ptk_current(void) { return current; }

void ptk_mark(const void *start, size_t length, uint32_t kind) {
    range *place = &ranges[atomic_fetch_add(&next_range, 1) % MAX_RANGES];
    place->kind = PTK_FREE;
    place->start = (uintptr_t)start;
    place->end = (uintptr_t)start + length;
    place->kind = kind;
}

/* The latest word about an address wins. */
static uint32_t kind_of(uintptr_t address) {
    const unsigned end = next_range, count = end < MAX_RANGES ? end : MAX_RANGES;
    for (unsigned back = 1; back <= count; back++) {
        const range *place = &ranges[(end - back) % MAX_RANGES];
        if (address >= place->start && address < place->end) return place->kind;
    }
    return PTK_FREE;
}

static char *add(char *out, const char *text) {
    while (*text != 0) *out++ = *text++;
    return out;
}

static char *add_number(char *out, unsigned number) {
    char digits[12];
    int n = 0;
    do digits[n++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (n > 0) *out++ = digits[--n];
    return out;
}

static void handle(int signal, siginfo_t *info, void *context) {
    static const char *const WORDS[] = {"", "after", "before", "revoked", "handle"};
    (void)context;
    char line[512], *out = line;
    const uint32_t kind = signal == SIGSEGV || signal == SIGBUS ? kind_of((uintptr_t)info->si_addr) : PTK_FREE;
    out = add(out, "\n{\"t\":\"crash\",\"signal\":");
    out = add_number(out, (unsigned)signal);
    out = add(out, ",\"inside\":\"");
    out = add(out, inside != NULL ? inside : "");
    out = add(out, "\",\"address\":\"");
    out = add(out, kind <= PTK_HANDLE ? WORDS[kind] : "");
    out = add(out, "\"}\n");
    const ssize_t written = write(report_fd, line, (size_t)(out - line));
    (void)written;
    struct sigaction plain;
    memset(&plain, 0, sizeof plain);
    plain.sa_handler = SIG_DFL;
    sigaction(signal, &plain, NULL);
    raise(signal);
}

void ptk_alternate_stack(void) {
    stack_t stack;
    memset(&stack, 0, sizeof stack);
    stack.ss_sp = malloc(ALTERNATE_STACK);
    stack.ss_size = ALTERNATE_STACK;
    if (stack.ss_sp != NULL) sigaltstack(&stack, NULL);
}

void ptk_watch_crashes(int fd) {
    static const int SIGNALS[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
    report_fd = fd;
    ptk_alternate_stack();
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++) sigaction(SIGNALS[i], &action, NULL);
}
