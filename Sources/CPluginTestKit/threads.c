#define _GNU_SOURCE
#include "plugin_test_kit.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#ifdef __linux__
#include <malloc.h>
#include <sys/prctl.h>
#endif

typedef struct job {
    void (*work)(void *);
    void *argument;
} job;

static void *run(void *argument) {
    const job *todo = argument;
    ptk_alternate_stack();
    todo->work(todo->argument);
    stack_t old, off = {.ss_flags = SS_DISABLE};
    if (sigaltstack(&off, &old) == 0) free(old.ss_sp);
    return NULL;
}

int ptk_on_new_thread(void (*work)(void *), void *argument) {
    pthread_t thread;
    job todo = {work, argument};
    const int failure = pthread_create(&thread, NULL, run, &todo);
    return failure != 0 ? failure : pthread_join(thread, NULL);
}

int ptk_on_two_threads(void (*work)(void *), void *first, void *second) {
    pthread_t a, b;
    job one = {work, first}, two = {work, second};
    int failure = pthread_create(&a, NULL, run, &one);
    if (failure != 0) return failure;
    failure = pthread_create(&b, NULL, run, &two);
    pthread_join(a, NULL);
    return failure != 0 ? failure : pthread_join(b, NULL);
}

void ptk_die_with_parent(void) {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

size_t ptk_heap_in_use(void) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

static void limit(int what, uint64_t value) {
    const struct rlimit bound = {value, value};
    setrlimit(what, &bound);
}

void ptk_limit(uint64_t data_bytes, uint64_t cpu_seconds) {
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 64 << 20);
    limit(RLIMIT_DATA, data_bytes);
    limit(RLIMIT_CPU, cpu_seconds);
}
