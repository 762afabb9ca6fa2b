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
static int as_json;

void pg_report_as_json(void) { as_json = 1; }

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

static void add_padded(text *out, uint64_t number, int width) {
    uint64_t least = 1;
    while (--width > 0) least *= 10;
    for (; least > number && least > 1; least /= 10) add(out, "0");
    add_number(out, number, 10);
}

/* A time as 2026-11-23T08:26:14.123Z; the calendar of Howard Hinnant's days_from_civil, backwards. */
static void add_time(text *out, const struct timespec *now) {
    const uint64_t days = (uint64_t)now->tv_sec / 86400, rest = (uint64_t)now->tv_sec % 86400;
    const uint64_t z = days + 719468, era = z / 146097, doe = z % 146097;
    const uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    const uint64_t month = mp < 10 ? mp + 3 : mp - 9;
    add_padded(out, yoe + era * 400 + (month <= 2), 4);
    add(out, "-");
    add_padded(out, month, 2);
    add(out, "-");
    add_padded(out, doy - (153 * mp + 2) / 5 + 1, 2);
    add(out, "T");
    add_padded(out, rest / 3600, 2);
    add(out, ":");
    add_padded(out, rest / 60 % 60, 2);
    add(out, ":");
    add_padded(out, rest % 60, 2);
    add(out, ".");
    add_padded(out, (uint64_t)now->tv_nsec / 1000000, 3);
    add(out, "Z");
}

/* The line as an object; its own signs escaped, others that JSON will not have left out. */
static void send_json(const text *line, const struct timespec *now) {
    static text out;
    out.length = 0;
    add(&out, "{\"time\":\"");
    add_time(&out, now);
    add(&out, "\",\"level\":\"critical\",\"event\":\"crash\",\"message\":\"");
    for (size_t i = 0; i < line->length && out.length < LINE - 8; i++) {
        const unsigned char byte = (unsigned char)line->bytes[i];
        if (byte < 0x20) continue;
        if (byte == '"' || byte == '\\') out.bytes[out.length++] = '\\';
        out.bytes[out.length++] = (char)byte;
    }
    add(&out, "\"}\n");
    send(STDERR_FILENO, &out);
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
    if (as_json) {
        send_json(&line, &now);
        return;
    }
    add(&line, "\n");
    send(STDERR_FILENO, &line);
}
