/* kimi-plugin-host: runs one plugin in a process of its own, for kimi-host. Not for use by hand.
 *   kimi-plugin-host load LIBRARY PARENT
 *   kimi-plugin-host python PYTHON BINDING FILE ORIGIN PARENT      ORIGIN: what FILE is a copy of, or FILE
 * Descriptor 3 is the socket to the host (docs/plugins-isolation.md). */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

enum { READ_SIZE = 64 << 10, FLUSH_SIZE = 64 << 10, FLUSH_NS = 2000000 };

buffer input, output;
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

void output_lock(void) { pthread_mutex_lock(&lock); }
void output_unlock(void) { pthread_mutex_unlock(&lock); }

void output_flush(void) {
    output_lock();
    size_t sent = 0;
    while (sent < output.count) {
        ssize_t n = write(PARENT, output.bytes + sent, output.count - sent);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(EXIT_PARENT_GONE);
        sent += (size_t)n;
    }
    output.count = 0;
    output_unlock();
}

void input_more(void) {
    while (true) {
        ssize_t n = read(PARENT, buffer_room(&input, READ_SIZE), READ_SIZE);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(EXIT_PARENT_GONE);
        input.count += (size_t)n;
        return;
    }
}

size_t message_size(const buffer *from, size_t at) {
    uint32_t size;
    if (from->count - at < WIRE_HEAD) return 0;
    memcpy(&size, from->bytes + at, 4);
    if (size < WIRE_HEAD - 4 || size > WIRE_MAX_IN) _exit(EXIT_PROTOCOL);
    return from->count - at < (size_t)size + 4 ? 0 : (size_t)size + 4;
}

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* All whole messages; their replies leave together, unless they are many or late. The messages lie in a buffer of their
 * own meanwhile: a call may read on (kv get). */
static void work(void) {
    static buffer batch;
    size_t end = 0, size;
    while ((size = message_size(&input, end)) > 0) end += size;
    if (end == 0) return;
    buffer all = input;
    input = batch;
    batch = all;
    input.count = 0;
    size_t rest = batch.count - end;
    if (rest) memcpy(buffer_room(&input, rest), batch.bytes + end, rest);
    input.count = rest;
    uint64_t last = now_ns();
    for (size_t at = 0; at < end; at += size) {
        uint32_t n;
        memcpy(&n, batch.bytes + at, 4);
        size = (size_t)n + 4;
        serve(batch.bytes + at, size);
        uint64_t now = now_ns();
        if (output.count >= FLUSH_SIZE || now - last > FLUSH_NS) {
            output_flush();
            last = now;
        }
    }
    output_flush();
    if (batch.capacity > 4 << 20) {
        free(batch.bytes);
        memset(&batch, 0, sizeof(batch));
    }
}

/* "NAME=" and a filter, as a string. */
static char *filter_variable(buffer *to, const char *name, filter_kind kind) {
    memcpy(buffer_room(to, strlen(name)), name, strlen(name));
    to->count = strlen(name);
    filter_text(kind, to);
    put_u8(to, 0);
    return (char *)to->bytes;
}

static int run_python(char **argv) {
    buffer loading = {0}, working = {0};
    char call[48];
    snprintf(call, sizeof(call), "KIMI_SECCOMP_CALL=%d", filter_call());
    char *const environment[] = {filter_variable(&loading, "KIMI_SECCOMP_LOADING=", FILTER_LOADING),
                                 filter_variable(&working, "KIMI_SECCOMP=", FILTER_THREADS),
                                 call, "LC_ALL=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin", NULL};
    char *const arguments[] = {argv[2], "-I", "-S", "-B", argv[3], "--serve", argv[4], argv[5], NULL};
    execvpe(argv[2], arguments, environment);
    return EXIT_USAGE;
}

static void wait_for_hello(const char *path) {
    size_t size;
    while ((size = message_size(&input, 0)) == 0) input_more();
    reader from = {input.bytes + 4, input.bytes + size, false};
    uint32_t id = get_u32(&from), op = get_u32(&from), magic = get_u32(&from), version = get_u32(&from);
    uint32_t minor = get_u32(&from);
    if (from.is_bad || id != 0 || op != OP_HELLO || magic != WIRE_MAGIC || version != WIRE_VERSION)
        _exit(EXIT_PROTOCOL);
    buffer_drop(&input, size);
    serve_hello(path, minor);
    output_flush();
}

int main(int argc, char **argv) {
    bool is_python = argc == 7 && strcmp(argv[1], "python") == 0;
    if (!is_python && !(argc == 4 && strcmp(argv[1], "load") == 0)) {
        fputs("kimi-plugin-host is started by kimi-host, for plugins with 'isolation: process'\n", stderr);
        return EXIT_USAGE;
    }
    lock_process(atoi(argv[argc - 1]));
    lock_loading(is_python);
    if (is_python) return run_python(argv);
    wait_for_hello(argv[2]);
    while (true) {
        work();
        input_more();
    }
}
