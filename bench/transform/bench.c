/* What a transform costs, through its C ABI, beside one that does nothing.
 *   bench TRANSFORM.so NOOP.so    time
 *   bench TRANSFORM.so            memory; needs an allocator without a cache per thread (see run.sh)
 * Each figure is the best of ROUNDS runs that take turns; the ratios are of runs of the same round. */
#define _GNU_SOURCE
#include "host.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 7, TOKENS = 2000000, LONG_TEXT = 8 << 20, PIECE = 16 << 10, MARKERS = 200000, ARGUMENTS = 64 << 10 };

/* Of a model that answers at once: plain text must not wait for a tag. */
static const char *const MODEL = "kimi-k2-instruct";
static const char *const WORDS[] = {" the", " quick", " brown", " fox", ",", " jumps", " over", " 42", " lazy", " dogs"};

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static kimi_event text(const void *bytes, size_t count) {
    kimi_event event = {.type = KIMI_EVENT_TEXT};
    event.a = (kimi_bytes){bytes, count};
    return event;
}

/* Seconds to feed `n` events in batches of `batch`; the first event stands for the answer's first word. */
static double feed_all(bench_plugin plugin, const kimi_event *events, size_t n, size_t batch) {
    kimi_event first = text("Well", 4);
    kimi_exch *exchange = bench_begin(plugin, MODEL);
    bench_feed(plugin, exchange, &first, 1);
    double started = now();
    for (size_t i = 0; i < n; i += batch) bench_feed(plugin, exchange, events + i, n - i < batch ? n - i : batch);
    double took = now() - started;
    bench_end(plugin, exchange);
    return took;
}

/* `size` bytes as events of `piece` bytes; the caller frees them. */
static kimi_event *cut(const char *bytes, size_t size, size_t piece, size_t *n) {
    kimi_event *events = malloc((size / piece + 1) * sizeof *events);
    *n = 0;
    for (size_t at = 0; at < size; at += piece) events[(*n)++] = text(bytes + at, size - at < piece ? size - at : piece);
    return events;
}

typedef struct {
    const char *name, *unit;
    const kimi_event *events;
    size_t n, batch;
    double scale; /* seconds times this, or this by seconds if it is a rate */
    int is_rate;
    double target; /* 0: none */
} measure;

/* Prints one line; true if the target is met or there is none. */
static int run(measure m, bench_plugin subject, bench_plugin noop) {
    double best = 1e9, best_noop = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double took = feed_all(subject, m.events, m.n, m.batch), idle = feed_all(noop, m.events, m.n, m.batch);
        if (took < best) best = took;
        if (idle < best_noop) best_noop = idle;
    }
    double value = m.is_rate ? m.scale / best : best * m.scale, base = m.is_rate ? m.scale / best_noop : best_noop * m.scale;
    int met = m.target == 0 || (m.is_rate ? value >= m.target : value <= m.target);
    char target[48] = "";
    if (m.target != 0)
        snprintf(target, sizeof target, "target %s %.0f: %s", m.is_rate ? ">=" : "<=", m.target, met ? "met" : "MISSED");
    printf("%-44s %10.1f %-5s no-op %10.1f  ratio %6.2f  %s\n", m.name, value, m.unit, base, best / best_noop, target);
    return met;
}

static int plain_text(bench_plugin subject, bench_plugin noop) {
    kimi_event *events = malloc(TOKENS * sizeof *events);
    for (size_t i = 0; i < TOKENS; i++) events[i] = text(WORDS[i % 10], strlen(WORDS[i % 10]));
    int met = run((measure){"plain text, batches of one", "ns", events, TOKENS, 1, 1e9 / TOKENS, 0, 60}, subject, noop);
    met &= run((measure){"plain text, batches of 64", "ns", events, TOKENS, 64, 1e9 / TOKENS, 0, 0}, subject, noop);
    free(events);
    return met;
}

static int long_text(bench_plugin subject, bench_plugin noop) {
    static const char *const LINES[] = {
        "A paragraph of ordinary words, as models write them, with a comma here and a full stop there.\n",
        "| cell | `code` | 1 < 2 | <b>bold</b> | caf\xc3\xa9 \xe2\x80\x9cquoted\xe2\x80\x9d \xe4\xb8\x96\xe7\x95\x8c |\n",
    };
    static const char *const NAMES[] = {"long text, 16 kB pieces", "the same, all specials: tags, code, UTF-8"};
    char *bytes = malloc(LONG_TEXT);
    int met = 1;
    for (int kind = 0; kind < 2; kind++) {
        size_t length = strlen(LINES[kind]);
        for (size_t at = 0; at < LONG_TEXT; at++) bytes[at] = LINES[kind][at % length];
        /* Whole lines only, so that no code point is cut. */
        size_t n;
        kimi_event *events = cut(bytes, LONG_TEXT / length * length, PIECE / length * length, &n);
        met &= run((measure){NAMES[kind], "MB/s", events, n, 1, LONG_TEXT * 1e-6, 1, kind == 0 ? 200 : 0}, subject, noop);
        free(events);
    }
    free(bytes);
    return met;
}

/* `count` repetitions of `unit` behind `before`. */
static char *repeated(const char *before, const char *unit, size_t count, size_t *size) {
    size_t head = strlen(before), length = strlen(unit);
    char *bytes = malloc(head + count * length);
    memcpy(bytes, before, head);
    for (size_t i = 0; i < count; i++) memcpy(bytes + head + i * length, unit, length);
    *size = head + count * length;
    return bytes;
}

/* n and 2n markers: true if twice as many take at most about twice as long. */
static int markers(bench_plugin subject, const char *name, const char *before, const char *unit) {
    double took[2] = {1e9, 1e9};
    for (int twice = 0; twice < 2; twice++) {
        size_t size, n;
        char *bytes = repeated(before, unit, (size_t)MARKERS << twice, &size);
        kimi_event *events = cut(bytes, size, 1000, &n);
        for (int round = 0; round < 3; round++) {
            double seconds = feed_all(subject, events, n, 1);
            if (seconds < took[twice]) took[twice] = seconds;
        }
        free(events), free(bytes);
    }
    double ratio = took[1] / took[0]; /* 4 if it were quadratic */
    int met = ratio < 3;
    printf("%-44s %10.1f ms    2n %13.1f  ratio %6.2f  target <= 3: %s\n", name, took[0] * 1e3, took[1] * 1e3, ratio,
           met ? "met" : "MISSED");
    return met;
}

/* Bytes in use in the C heap, which is Swift's too. */
static size_t in_use(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* The most that one exchange holds while `bytes` go in, in pieces. Not in the no-op's shadow: that holds nothing. */
static size_t peak(bench_plugin plugin, const char *bytes, size_t size, size_t piece) {
    kimi_event first = text("Well", 4);
    size_t before = in_use(), most = 0;
    kimi_exch *exchange = bench_begin(plugin, MODEL);
    bench_feed(plugin, exchange, &first, 1);
    for (size_t at = 0; at < size; at += piece) {
        kimi_event event = text(bytes + at, size - at < piece ? size - at : piece);
        bench_feed(plugin, exchange, &event, 1);
        size_t held = in_use() - before;
        if (held > most && held < (size_t)1 << 40) most = held;
    }
    bench_end(plugin, exchange);
    return most;
}

/* Text with one call of 64 kB; the caller frees it. */
static char *call_of_64k(size_t *size) {
    static const char BEFORE[] = "<|tool_calls_section_begin|><|tool_call_begin|>functions.lookup:0"
                                 "<|tool_call_argument_begin|>{\"term\":\"";
    static const char AFTER[] = "\"}<|tool_call_end|><|tool_calls_section_end|>";
    char *head = repeated(BEFORE, "some words of it ", ARGUMENTS / 17, size), *bytes = malloc(*size + sizeof AFTER);
    memcpy(bytes, head, *size);
    memcpy(bytes + *size, AFTER, sizeof AFTER - 1);
    *size += sizeof AFTER - 1;
    free(head);
    return bytes;
}

static int long_call(bench_plugin subject, bench_plugin noop) {
    size_t size, n;
    char *bytes = call_of_64k(&size);
    kimi_event *events = cut(bytes, size, 20, &n);
    bench_counts.calls = 0;
    int met = run((measure){"a call with 64 kB of arguments, 20 B pieces", "us", events, n, 1, 1e6, 0, 0}, subject, noop);
    if (bench_counts.calls != ROUNDS) {
        printf("  but it made %zu calls, not %d\n", (size_t)bench_counts.calls, ROUNDS);
        met = 0;
    }
    free(events), free(bytes);
    return met;
}

static void memory(bench_plugin subject) {
    static const char UNNAMED[] = "<|tool_call_begin|>7<|tool_call_argument_begin|>{\"term\":\"";
    static const char QUOTED[] = "<|tool_call_begin|>functions.lookup:0<|tool_call_argument_begin|>{\"a\":\"<|tool_call_end|>";
    size_t size;
    mallopt(M_MXFAST, 0);
    char *bytes = call_of_64k(&size);
    printf("a call with 64 kB of arguments   %9zu bytes at most\n", peak(subject, bytes, size, 20));
    free(bytes), bytes = repeated("", "Plain words, many of them. ", (1 << 20) / 27, &size);
    printf("1 MB of plain text               %9zu\n", peak(subject, bytes, size, 20));
    free(bytes), bytes = repeated("", "<|tool_call_begin|>", 50000, &size);
    printf("50,000 call begins               %9zu\n", peak(subject, bytes, size, 1000));
    free(bytes), bytes = repeated(QUOTED, "words ", (1 << 20) / 6, &size);
    printf("1 MB in a doubtful string        %9zu\n", peak(subject, bytes, size, 1000));
    free(bytes), bytes = repeated(UNNAMED, "words ", (1 << 20) / 6, &size);
    printf("1 MB in a call without a name    %9zu\n", peak(subject, bytes, size, 1000));
    free(bytes);
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) return fprintf(stderr, "usage: %s TRANSFORM.so [NOOP.so]\n", argv[0]), 2;
    bench_plugin subject = bench_load(argv[1]);
    if (argc == 2) return memory(subject), 0;
    bench_plugin noop = bench_load(argv[2]);
    int met = plain_text(subject, noop);
    met &= long_text(subject, noop);
    met &= markers(subject, "200,000 call begins", "", "<|tool_call_begin|>");
    met &= markers(subject, "200,000 call ends in a string",
                   "<|tool_call_begin|>functions.lookup:0<|tool_call_argument_begin|>{\"term\":\"", "<|tool_call_end|>");
    met &= markers(subject, "200,000 think tags", "", "<think></think>");
    met &= long_call(subject, noop);
    return met ? 0 : 1;
}
