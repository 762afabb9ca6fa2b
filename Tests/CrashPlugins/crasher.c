/* A transform that crashes or hangs where its configuration says ("fault": "feed_segv"), or as it is loaded, if the
 * Makefile says so. "none" passes everything on. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../RuntimePlugins/common.h"

#ifndef NAME
#define NAME "crasher"
#endif
#ifndef IS_MENDED
#define IS_MENDED 0
#endif

static const char MANIFEST[] =
    "{\"id\":\"test." NAME "\",\"name\":\"Crasher\",\"version\":\"" VERSION "\","
    "\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},\"max_call_us\":100,"
    "\"provides\":[{\"interface\":\"kimi.transform/1\",\"name\":\"" NAME "\"}],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"properties\":{\"fault\":{\"type\":\"string\"}}}}";

struct kimi_inst {
    const kimi_host *host;
    char fault[MAX_WORD];
};

struct kimi_exch {
    const kimi_inst *instance;
};

static volatile int sink_for_the_compiler;

static volatile int always = 1;

static int bottomless(int n) {
    volatile char room[4096];
    room[0] = (char)n;
    return (always ? bottomless(n + 1) : 0) + room[0];
}

static void *crash_alone(void *unused) {
    (void)unused;
    *(volatile int *)16 = 1;
    return NULL;
}

static void doze(long milliseconds) {
    const struct timespec pause = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static void fail_as_told(const char *how) {
    if (strcmp(how, "segv") == 0) *(volatile int *)16 = 1;
    if (strcmp(how, "abort") == 0) abort();
    if (strcmp(how, "trap") == 0) __builtin_trap();
    if (strcmp(how, "fpe") == 0) raise(SIGFPE);
    if (strcmp(how, "sys") == 0) raise(SIGSYS);
    if (strcmp(how, "stack") == 0) sink_for_the_compiler = bottomless(0);
    if (strcmp(how, "hang") == 0) for (;;) doze(1000);
    if (strcmp(how, "slow") == 0) doze(400);
    if (strcmp(how, "lazy") == 0) doze(60);
    if (strcmp(how, "bus") == 0) {
        FILE *file = tmpfile();
        if (file == NULL) return;
        volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
        page[0] = 1; /* Behind the file's end. */
    }
    if (strcmp(how, "thread") == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, crash_alone, NULL) == 0) pthread_join(thread, NULL);
    }
}

/* Does the fault belong to this function? */
static void at(const kimi_inst *instance, const char *function) {
    const size_t length = strlen(function);
    if (!IS_MENDED && strncmp(instance->fault, function, length) == 0 && instance->fault[length] == '_') {
        fail_as_told(instance->fault + length + 1);
    }
}

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) {
    (void)ctx;
    kimi_inst *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(host, error, KIMI_E_NOMEM, "no memory");
    made->host = host;
    config_text(config, "fault", made->fault);
    at(made, "create");
    *instance = made;
    return KIMI_OK;
}

static void destroy(kimi_inst *instance) {
    free(instance);
}

static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_out *out, kimi_exch **exchange,
                         kimi_error *error) {
    (void)request, (void)out;
    at(instance, "begin");
    if (strcmp(instance->fault, "begin_fails") == 0) return refuse(instance->host, error, KIMI_E_CONFIG, "as told");
    kimi_exch *made = calloc(1, sizeof *made);
    if (made == NULL) return refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
    made->instance = instance;
    *exchange = made;
    return KIMI_UNCHANGED;
}

static kimi_status feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink, kimi_error *error) {
    (void)error;
    const kimi_inst *instance = exchange->instance;
    at(instance, "feed");
    if (strcmp(instance->fault, "feed:wild") == 0) {
        kimi_event event = {.type = KIMI_EVENT_TEXT};
        event.a = slice((const void *)16, 100);
        return instance->host->emit(sink, &event, 1);
    }
    /* A call that never returns although it keeps the ones behind it busy. */
    while (strcmp(instance->fault, "feed:busy") == 0) {
        const kimi_event event = {.type = KIMI_EVENT_TEXT};
        doze(1);
        if (instance->host->emit(sink, &event, 1) != KIMI_OK) doze(1);
    }
    return instance->host->emit(sink, events, n);
}

static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)why, (void)sink, (void)error;
    at(exchange->instance, "flush");
    return KIMI_OK;
}

static void end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    at(exchange->instance, "end");
    free(exchange);
}

static const kimi_transform TRANSFORM = {
    .struct_size = sizeof TRANSFORM, .event_mask = UINT32_MAX, .create = create, .destroy = destroy, .begin = begin,
    .feed = feed, .flush = flush, .end = end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &TRANSFORM : NULL;
}

#ifdef TAKES_SIGNALS
/* As a runtime does: what is not its own goes to whoever was there before. */
static struct sigaction before;

static void mine(int signal, siginfo_t *info, void *context) {
    if (before.sa_flags & SA_SIGINFO) before.sa_sigaction(signal, info, context);
}
#endif

static __attribute__((constructor)) void construct(void) {
#if defined(CONSTRUCTOR_SEGV)
    fputs("about to crash in the constructor\n", stderr);
    fail_as_told("segv");
#elif defined(CONSTRUCTOR_HANGS)
    fail_as_told("hang");
#elif defined(CONSTRUCTOR_EXITS)
    _exit(7);
#elif defined(TAKES_SIGNALS)
    struct sigaction action = {0};
    action.sa_sigaction = mine;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &before);
#endif
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
#ifdef ENTRY_SEGV
    fail_as_told("segv");
#endif
    return answer(handshake, MANIFEST, get_interface);
}
