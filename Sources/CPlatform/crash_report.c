/* What is said of a crash, and kept: nothing here may use the standard library's buffers, locks or memory. */
#define _GNU_SOURCE
#include "guard_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 16384 }; /* A path alone may have four thousand bytes, and twice that with escapes. */

static int folder_fd = -1;
static const char *folder_shown = "";

void pg_report_to(int folder, const char *shown) {
    const char *copy = strdup(shown);
    if (copy != NULL) folder_shown = copy;
    folder_fd = folder;
}

/* ---- text, without the standard library */

typedef struct text {
    char bytes[LINE];
    size_t length;
} text;

static void add(text *out, const char *words) {
    while (words != NULL && *words != 0 && out->length < LINE - 1) out->bytes[out->length++] = *words++;
}

static void add_number(text *out, uint64_t number, unsigned base) {
    char digits[24];
    int n = 0;
    do digits[n++] = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    while (n > 0 && out->length < LINE - 1) out->bytes[out->length++] = digits[--n];
}

static void send(int fd, const text *out) {
    size_t done = 0;
    while (done < out->length) {
        const ssize_t count = write(fd, out->bytes + done, out->length - done);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return;
        done += (size_t)count;
    }
}

/* ---- what is said and kept */

static void file_name(text *name, time_t now) {
    name->length = 0;
    add(name, "crash-");
    add_number(name, (uint64_t)now, 10);
    add(name, "-");
    add_number(name, (uint64_t)getpid(), 10);
    add(name, ".json");
    name->bytes[name->length] = 0;
}

/* 1 if it was written. */
static int keep(const text *name, const pg_plugin *plugin, const char *what, const char *function,
                const char *signal_name, const char *request, time_t now) {
    static text body;
    if (folder_fd < 0) return 0;
    const int fd = openat(folder_fd, name->bytes, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return 0;
    body.length = 0;
    add(&body, "{\"format\":1,\"time\":");
    add_number(&body, (uint64_t)now, 10);
    add(&body, ",\"kind\":\"");
    add(&body, what);
    add(&body, "\",\"signal\":\"");
    add(&body, signal_name);
    add(&body, "\",");
    add(&body, plugin->members);
    add(&body, ",\"function\":\"");
    add(&body, function);
    add(&body, "\",\"request\":\"");
    add(&body, request);
    add(&body, "\"}\n");
    send(fd, &body);
    close(fd);
    return 1;
}

void pg_report(const pg_plugin *plugin, const char *what, const char *function, const char *place,
               const char *signal_name, uintptr_t address, const char *request) {
    static text line, name;
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    line.length = 0;
    add(&line, "kimi-host: fatal: ");
    add(&line, plugin != NULL ? plugin->words : "");
    add(&line, plugin == NULL ? "crash outside of plugins" : strcmp(what, "hang") == 0 ? " hangs in " : " crashed in ");
    if (plugin != NULL) add(&line, function);
    add(&line, place);
    add(&line, ": ");
    add(&line, signal_name);
    if (address != UINTPTR_MAX) {
        add(&line, " at address 0x");
        add_number(&line, address, 16);
    }
    if (*request != 0) {
        add(&line, ", request ");
        add(&line, request);
    }
    if (plugin != NULL) {
        file_name(&name, now.tv_sec);
        if (keep(&name, plugin, what, function, signal_name, request, now.tv_sec)) {
            add(&line, "; crash file ");
            add(&line, folder_shown);
            add(&line, "/");
            add(&line, name.bytes);
            add(&line, "; cure: ");
            add(&line, plugin->cure);
        } else {
            add(&line, "; no crash file was written, so the next start does not quarantine it");
        }
    }
    add(&line, "\n");
    send(STDERR_FILENO, &line);
}
