/* A transform for `isolation: process`: what it is configured to do goes wrong, or against the wall. "fault" is begin-crash,
 * feed-crash (at a text with BOOM), feed-hang, or escape: then it tries what an isolated plugin may not do and tells the
 * upstream, in the request's member "user", which attempts succeeded. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

static const char MANIFEST[] =
    "{\"id\":\"test.jail\",\"name\":\"Jail\",\"version\":\"1.0.0\",\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},"
    "\"provides\":[{\"interface\":\"kimi.transform/1\",\"name\":\"jail\"}],"
    "\"config_schema\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"fault\":{\"type\":\"string\"}}}}";

struct kimi_inst {
    const kimi_host *host;
    kimi_ctx *ctx;
    char fault[MAX_WORD];
};

struct kimi_exch {
    const kimi_inst *instance;
};

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) {
    *instance = calloc(1, sizeof **instance);
    if (*instance == NULL) return refuse(host, error, KIMI_E_NOMEM, "no memory");
    (*instance)->host = host;
    (*instance)->ctx = ctx;
    config_text(config, "fault", (*instance)->fault);
    if (strcmp((*instance)->fault, "create") == 0) return refuse(host, error, KIMI_E_CONFIG, "jail refuses, as told");
    return KIMI_OK;
}

static void destroy(kimi_inst *instance) { free(instance); }

/* Appends " NAME=0" when the attempt succeeded, " NAME=ERRNO" when not. */
static void tell(char *line, const char *name, bool succeeded) {
    const size_t at = strlen(line);
    snprintf(line + at, MAX_LINE - at, " %s=%d", name, succeeded ? 0 : errno);
}

static void escape(char *line) {
    line[0] = 0;
    tell(line, "open", open("/etc/passwd", O_RDONLY) >= 0);
    tell(line, "write", open("/tmp/kimi-jail-was-here", O_WRONLY | O_CREAT, 0600) >= 0);
    tell(line, "socket", socket(AF_INET, SOCK_STREAM, 0) >= 0);
    tell(line, "exec", execl("/bin/true", "true", (char *)NULL) == 0);
    tell(line, "kill", kill(getppid(), 0) == 0);
    tell(line, "code", mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    tell(line, "memory", mmap(NULL, (size_t)4 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    const pid_t child = fork();
    if (child == 0) _exit(0);
    tell(line, "fork", child > 0);
    extern char **environ;
    errno = 1;
    tell(line, "environment", environ != NULL && environ[0] != NULL);
    for (int fd = 4; fd < 64; fd++)
        if (fcntl(fd, F_GETFD) >= 0) tell(line, "descriptor", true);
}

static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_out *out, kimi_exch **exchange,
                         kimi_error *error) {
    (void)request;
    if (strcmp(instance->fault, "begin-crash") == 0) raise(SIGSEGV);
    *exchange = calloc(1, sizeof **exchange);
    if (*exchange == NULL) return refuse(instance->host, error, KIMI_E_NOMEM, "no memory");
    (*exchange)->instance = instance;
    instance->host->log(instance->ctx, KIMI_LOG_INFO, text("jail begins"));
    if (strcmp(instance->fault, "escape") != 0) return KIMI_UNCHANGED;
    char line[MAX_LINE], patch[MAX_LINE + 32];
    escape(line);
    snprintf(patch, sizeof patch, "{\"user\":\"%s\"}", line);
    instance->host->put(out, KIMI_PUT_MERGE_PATCH, text(patch));
    return KIMI_OK;
}

static kimi_status feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink, kimi_error *error) {
    (void)error;
    const kimi_inst *instance = exchange->instance;
    for (size_t i = 0; i < n; i++) {
        if (events[i].a.len < 4 || memcmp(events[i].a.ptr, "BOOM", 4) != 0) continue;
        if (strcmp(instance->fault, "feed-crash") == 0) abort();
        while (strcmp(instance->fault, "feed-hang") == 0) pause();
    }
    return instance->host->emit(sink, events, n);
}

static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)exchange, (void)why, (void)sink, (void)error;
    return KIMI_OK;
}

static void end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    free(exchange);
}

static const kimi_transform TRANSFORM = {sizeof(kimi_transform), 1u << KIMI_EVENT_TEXT, create, destroy, begin, feed,
                                         flush, end};

static const void *get_interface(const char *id) { return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &TRANSFORM : NULL; }

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    return answer(handshake, MANIFEST, get_interface);
}
