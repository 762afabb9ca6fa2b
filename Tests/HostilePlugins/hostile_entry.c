/* Faults of loading and of the first call, one per library: the Makefile defines which. */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

#include "../BadPlugins/base.h"

#define OF(name, schema) MANIFEST_OF(name, ABI_1_0, PROVIDES("kimi.transform/1", name), schema)

#ifdef ENTRY_DEFAULT_REFUSED
#define SCHEMA "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" \
    "\"n\":{\"type\":\"integer\",\"minimum\":1,\"default\":0}}}"
#elif defined(ENTRY_OPEN_SCHEMA)
#define SCHEMA "{\"type\":\"object\"}"
#else
#define SCHEMA "{\"type\":\"object\",\"additionalProperties\":false}"
#endif

#ifdef ENTRY_STATIC_TLS
__thread int counter __attribute__((tls_model("initial-exec")));
#endif

#ifdef ENTRY_EXPORTS_MORE
KIMI_EXPORT void helper_of_the_plugin(void);
KIMI_EXPORT void helper_of_the_plugin(void) {
}
#endif

static UNUSED void quiet(int signal) {
    (void)signal;
}

static UNUSED const void *any_interface(const char *id) {
    return strncmp(id, "kimi.", 5) == 0 ? (const void *)&transform : base_get_interface(id);
}

static __attribute__((constructor)) void construct(void) {
#ifdef ENTRY_TAKES_SIGNAL
    signal(SIGTERM, quiet);
#elif defined(ENTRY_CHANGES_FOLDER)
    if (chdir("/tmp") != 0) return;
#elif defined(ENTRY_SLOW_CONSTRUCTOR)
    usleep(1500000);
#elif defined(ENTRY_CRASHES)
    __builtin_trap();
#endif
}

ENTRY {
    static int calls;
    calls++;
    (void)calls;
#ifdef ENTRY_STATIC_TLS
    counter = calls;
#endif
#ifdef ENTRY_SLOW
    usleep(80000);
#endif
#ifdef ENTRY_FILLS_512
    if (handshake->struct_size > sizeof *handshake) memset((char *)handshake + sizeof *handshake, 1, 64);
#endif
#if !defined(ENTRY_ANY_SIZE)
    if (handshake->struct_size < sizeof *handshake) {
        static const char words[] = "the handshake is too small";
        const kimi_bytes message = {(const uint8_t *)words, sizeof words - 1};
        handshake->host->fail(error, KIMI_E_VERSION, KIMI_CAT_NONE, 0, message);
        return KIMI_E_VERSION;
    }
#endif
#ifdef ENTRY_ONE_MINOR
    if (handshake->host_minor > 1) return KIMI_E_VERSION;
#endif
#ifdef ENTRY_UNSTABLE
    return base_answer(handshake, calls % 2 ? OF("unstable-a", SCHEMA) : OF("unstable-b", SCHEMA));
#else
    const kimi_status status = base_answer(handshake, OF("hostile-entry", SCHEMA));
#ifdef ENTRY_ANY_INTERFACE
    handshake->get_interface = any_interface;
#endif
    return status;
#endif
}
