/* A transform that works against the host which runs it. "fault" says how; in a process of its own it also speaks to the
 * host by itself, in raw messages on descriptor 3 (docs/plugins-isolation.md). What was tried and how it went is told in
 * the request's member "user", as NAME=ERRNO. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../RuntimePlugins/common.h"

#ifndef VERSION
#define VERSION "1.0.0"
#endif
#ifndef NAME
#define NAME "Breaker"
#endif

static const char MANIFEST[] =
    "{\"id\":\"test.breaker\",\"name\":\"" NAME "\",\"version\":\"" VERSION
    "\",\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.transform/1\",\"name\":\"breaker\"}],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"fault\":{\"type\":\"string\"}}}}";

enum { MEGABYTE = 1 << 20, HOST = 3, REPLY_FEED = 0x87, LOG = 0xC0, PUT = 0xC1, GET = 0xC3 };

struct kimi_inst {
    const kimi_host *host;
    kimi_ctx *ctx;
    char fault[MAX_WORD];
};

struct kimi_exch {
    const kimi_inst *instance;
};

static bool is(const kimi_inst *instance, const char *fault) { return strcmp(instance->fault, fault) == 0; }

/* ---------------------------------------------------------------- what is tried ------------------- */

static char tried[MAX_LINE];

static void tell(const char *name, bool succeeded) {
    const size_t at = strlen(tried);
    snprintf(tried + at, MAX_LINE - at, " %s=%d", name, succeeded ? 0 : errno);
}

/* Has the kernel send the host SIGKILL when something comes from it. */
static void arm(const char *when) {
    char name[32];
    snprintf(name, sizeof name, "%s_setsig", when);
    tell(name, fcntl(HOST, F_SETSIG, SIGKILL) == 0);
    snprintf(name, sizeof name, "%s_setown", when);
    tell(name, fcntl(HOST, F_SETOWN, getppid()) == 0);
    snprintf(name, sizeof name, "%s_async", when);
    tell(name, fcntl(HOST, F_SETFL, fcntl(HOST, F_GETFL) | O_ASYNC) == 0);
}

static void pin_host(const char *when) {
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    char name[32];
    snprintf(name, sizeof name, "%s_affinity", when);
    tell(name, sched_setaffinity(getppid(), sizeof first, &first) == 0);
}

#ifdef THREADED
/* While the library is loaded. */
static void try_all(void) {
    const pid_t child = (pid_t)syscall(SYS_fork);
    if (child == 0) for (;;) pause();
    tell("fork", child > 0);
    tell("session", setsid() >= 0);
    tell("kill", kill(getppid(), 0) == 0);
    tell("socket", socket(AF_INET, SOCK_STREAM, 0) >= 0);
    tell("ring", syscall(425, 4, tried) >= 0);
    tell("death", prctl(PR_SET_PDEATHSIG, 0) == 0);
    tell("write", open("/tmp/kimi-breaker-was-here", O_WRONLY | O_CREAT, 0600) >= 0);
    arm("load");
    pin_host("load");
    tell("exec", execl("/bin/sleep", "sleep", "99", (char *)NULL) == 0);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int step;

static void *on_thread(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    while (step != 1) pthread_cond_wait(&condition, &lock);
    arm("thread");
    pin_host("thread");
    step = 2;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&lock);
    while (step == 2) pause();
    return NULL;
}

__attribute__((constructor)) static void loaded(void) {
    pthread_t thread;
    tell("thread", pthread_create(&thread, NULL, on_thread, NULL) == 0);
    try_all();
}

static void ask_thread(void) {
    pthread_mutex_lock(&lock);
    step = 1;
    pthread_cond_broadcast(&condition);
    while (step != 2) pthread_cond_wait(&condition, &lock);
    pthread_mutex_unlock(&lock);
}
#else
static void ask_thread(void) {}
#endif

#ifdef LEAKER
/* What a host that tries the library out gives away: its environment. */
__attribute__((constructor)) static void loaded(void) {
    const char *key = getenv("BREAKER_KEY");
    FILE *file = fopen("/tmp/kimi-breaker-leak", "w");
    if (file == NULL) return;
    fputs(key != NULL ? key : "ran", file);
    fclose(file);
}
#endif

/* ---------------------------------------------------------------- raw messages -------------------- */

static void send_raw(uint32_t id, uint8_t operation, const void *payload, uint32_t n) {
    uint8_t head[12] = {0};
    const uint32_t size = n + 8;
    memcpy(head, &size, 4);
    memcpy(head + 4, &id, 4);
    head[8] = operation;
    for (int part = 0; part < 2; part++) {
        const uint8_t *bytes = part == 0 ? head : payload;
        size_t left = part == 0 ? sizeof head : n;
        while (left > 0) {
            const ssize_t count = write(HOST, bytes, left);
            if (count <= 0) return;
            bytes += count;
            left -= (size_t)count;
        }
    }
}

static void put_megabyte(uint32_t id) {
    const uint32_t key = 1, value = MEGABYTE;
    uint8_t *message = calloc(1, 17 + MEGABYTE);
    if (message == NULL) return;
    memcpy(message + 8, &key, 4);
    message[12] = 'k';
    memcpy(message + 13, &value, 4);
    send_raw(id, PUT, message, 17 + MEGABYTE);
    free(message);
}

/* Asks for a megabyte again and again and takes none of it. */
static void flood_get(uint32_t id, int times) {
    const uint8_t message[5] = {1, 0, 0, 0, 'k'};
    put_megabyte(id);
    for (int i = 0; i < times; i++) send_raw(id, GET, message, sizeof message);
    for (;;) pause();
}

static void flood_log(uint32_t id, int times) {
    uint8_t message[2008];
    const uint32_t level = 4, size = 2000;
    memset(message, 'x', sizeof message);
    memcpy(message, &level, 4);
    memcpy(message + 4, &size, 4);
    for (int i = 0; i < times; i++) send_raw(id, LOG, message, sizeof message);
}

/* One reply with as many events as fit into 64 MiB. */
static void flood_events(void) {
    const uint32_t n = 16700000;
    uint8_t *message = calloc(1, 9 + (size_t)n * 4);
    if (message == NULL) return;
    message[4] = 1;
    memcpy(message + 5, &n, 4);
    for (size_t i = 0; i < n; i++) message[9 + i * 4] = KIMI_EVENT_TEXT;
    send_raw(1, REPLY_FEED, message, (uint32_t)(9 + (size_t)n * 4));
    for (;;) pause();
}

/* ---------------------------------------------------------------- the transform ------------------- */

static uint32_t number(kimi_ctx *ctx) {
    uint32_t id;
    memcpy(&id, ctx, sizeof id);
    return id;
}

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) {
#ifdef CREATE
    CREATE;
#endif
    *instance = calloc(1, sizeof **instance);
    if (*instance == NULL) return refuse(host, error, KIMI_E_NOMEM, "no memory");
    (*instance)->host = host;
    (*instance)->ctx = ctx;
    config_text(config, "fault", (*instance)->fault);
    if (is(*instance, "create-get")) flood_get(number(ctx), 20);
    while (is(*instance, "create-hang")) pause();
    return KIMI_OK;
}

static void destroy(kimi_inst *instance) { free(instance); }

static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_out *out, kimi_exch **exchange,
                         kimi_error *error) {
    (void)request;
    *exchange = calloc(1, sizeof **exchange);
    if (*exchange == NULL) return refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
    (*exchange)->instance = instance;
    if (!is(instance, "escape")) return KIMI_UNCHANGED;
    arm("main");
    pin_host("main");
    ask_thread();
    char patch[MAX_LINE + 32];
    snprintf(patch, sizeof patch, "{\"user\":\"%s\"}", tried);
    instance->host->put(out, KIMI_PUT_MERGE_PATCH, text(patch));
    return KIMI_OK;
}

static kimi_status feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink, kimi_error *error) {
    (void)error;
    const kimi_inst *instance = exchange->instance;
    const uint32_t id = number(instance->ctx);
    if (is(instance, "crash")) abort();
    if (is(instance, "flood-get")) flood_get(id, 3000);
    if (is(instance, "flood-events")) flood_events();
    if (is(instance, "flood-log")) flood_log(id, 50000);
    for (int i = 0; is(instance, "log") && i < 50000; i++) instance->host->log(instance->ctx, KIMI_LOG_ERROR, slice(MANIFEST, 300));
    return instance->host->emit(sink, events, n);
}

static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)why, (void)error;
    const kimi_inst *instance = exchange->instance;
    if (!is(instance, "many-events")) return KIMI_OK;
    /* Through the host's table, until it says that it is enough. */
    kimi_event event = {.type = KIMI_EVENT_TEXT, .a = text("x")};
    kimi_status status = KIMI_OK;
    for (int i = 0; status == KIMI_OK && i < 1000000; i++) status = instance->host->emit(sink, &event, 1);
    return status == KIMI_E_LIMIT ? KIMI_OK : KIMI_E_INTERNAL;
}

static void end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    free(exchange);
}

static const kimi_transform TRANSFORM = {sizeof(kimi_transform), 1u << KIMI_EVENT_TEXT, create, destroy, begin, feed,
                                         flush, end};

static const void *get_interface(const char *id) { return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &TRANSFORM : NULL; }

#ifdef QUIESCE
static void quiesce(void) { QUIESCE; }
#endif

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
#ifdef ENTRY
    ENTRY;
#endif
#ifdef QUIESCE
    handshake->quiesce = quiesce;
#endif
    return answer(handshake, MANIFEST, get_interface);
}
