/* The signatures of ABI 1.0: each table is filled with functions declared as 1.0 declared them, so that a changed
 * parameter or result of any member does not compile. Layout alone would not notice. */
#include "abi_layout.h"

#include <kimi_plugin.h>

/* ---- plugin side */

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) KIMI_NOTHROW {
    (void)host, (void)ctx, (void)config, (void)instance, (void)error;
    return KIMI_OK;
}
static void destroy(kimi_inst *instance) KIMI_NOTHROW {
    (void)instance;
}
static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange,
                         kimi_error *error) KIMI_NOTHROW {
    (void)instance, (void)request, (void)exchange, (void)error;
    return KIMI_OK;
}
static kimi_status begin_auth(kimi_inst *instance, kimi_bytes key, kimi_exch **exchange,
                              kimi_error *error) KIMI_NOTHROW {
    (void)instance, (void)key, (void)exchange, (void)error;
    return KIMI_OK;
}
static kimi_status begin_transform(kimi_inst *instance, const kimi_request *request, kimi_out *out,
                                   kimi_exch **exchange, kimi_error *error) KIMI_NOTHROW {
    (void)instance, (void)request, (void)out, (void)exchange, (void)error;
    return KIMI_UNCHANGED;
}
static kimi_status next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) KIMI_NOTHROW {
    (void)exchange, (void)plan, (void)error;
    return KIMI_OK;
}
static kimi_status result(kimi_exch *exchange, const kimi_result *back, kimi_error *error) KIMI_NOTHROW {
    (void)exchange, (void)back, (void)error;
    return KIMI_OK;
}
static kimi_status feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink,
                        kimi_error *error) KIMI_NOTHROW {
    (void)exchange, (void)frames, (void)n, (void)sink, (void)error;
    return KIMI_OK;
}
static kimi_status feed_events(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink,
                               kimi_error *error) KIMI_NOTHROW {
    (void)exchange, (void)events, (void)n, (void)sink, (void)error;
    return KIMI_OK;
}
static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) KIMI_NOTHROW {
    (void)exchange, (void)why, (void)sink, (void)error;
    return KIMI_OK;
}
static void end(kimi_exch *exchange, uint32_t why) KIMI_NOTHROW {
    (void)exchange, (void)why;
}

static const kimi_provider provider = {
    sizeof(kimi_provider), 0, create, destroy, begin, next, result, feed, flush, end};
static const kimi_auth auth = {sizeof(kimi_auth), 0, begin_auth, next, result, end};
static const kimi_transform transform = {
    sizeof(kimi_transform), 0, create, destroy, begin_transform, feed_events, flush, end};

/* ---- host side */

static const void *extension(kimi_ctx *ctx, const char *id) KIMI_NOTHROW {
    (void)ctx, (void)id;
    return 0;
}
static uint32_t log_on(kimi_ctx *ctx, uint32_t level) KIMI_NOTHROW {
    (void)ctx, (void)level;
    return 0;
}
static void write_log(kimi_ctx *ctx, uint32_t level, kimi_bytes text) KIMI_NOTHROW {
    (void)ctx, (void)level, (void)text;
}
static uint64_t clock_of(kimi_ctx *ctx) KIMI_NOTHROW {
    (void)ctx;
    return 0;
}
static kimi_status random_bytes(kimi_ctx *ctx, uint8_t *dst, size_t n) KIMI_NOTHROW {
    (void)ctx, (void)dst, (void)n;
    return KIMI_OK;
}
static void fail(kimi_error *error, kimi_status status, uint32_t category, uint64_t retry_after_ms,
                 kimi_bytes message) KIMI_NOTHROW {
    (void)error, (void)status, (void)category, (void)retry_after_ms, (void)message;
}
static kimi_status put(kimi_out *out, uint32_t how, kimi_bytes data) KIMI_NOTHROW {
    (void)out, (void)how, (void)data;
    return KIMI_OK;
}
static kimi_status plan_field(kimi_plan *plan, uint32_t field, kimi_bytes key, kimi_bytes value) KIMI_NOTHROW {
    (void)plan, (void)field, (void)key, (void)value;
    return KIMI_OK;
}
static kimi_status plan_step(kimi_plan *plan, uint32_t kind, uint32_t id, uint64_t arg) KIMI_NOTHROW {
    (void)plan, (void)kind, (void)id, (void)arg;
    return KIMI_OK;
}
static kimi_status text(kimi_sink *sink, uint32_t type, uint32_t choice, uint32_t index,
                        kimi_bytes bytes) KIMI_NOTHROW {
    (void)sink, (void)type, (void)choice, (void)index, (void)bytes;
    return KIMI_OK;
}
static kimi_status emit(kimi_sink *sink, const kimi_event *events, size_t n) KIMI_NOTHROW {
    (void)sink, (void)events, (void)n;
    return KIMI_OK;
}
static void *scratch(kimi_sink *sink, size_t n) KIMI_NOTHROW {
    (void)sink, (void)n;
    return 0;
}

static const kimi_host host = {sizeof(kimi_host), KIMI_ABI_MINOR, extension, log_on, write_log,
                               clock_of, clock_of, random_bytes, fail, put,
                               plan_field, plan_step, text, emit, scratch};

/* ---- the host's further tables */

static kimi_status kv_put(kimi_ctx *ctx, kimi_bytes key, kimi_bytes value, uint64_t ttl_ms) KIMI_NOTHROW {
    (void)ctx, (void)key, (void)value, (void)ttl_ms;
    return KIMI_OK;
}
static kimi_status kv_get(kimi_ctx *ctx, kimi_bytes key, uint8_t *dst, size_t capacity, size_t *length) KIMI_NOTHROW {
    (void)ctx, (void)key, (void)dst, (void)capacity, (void)length;
    return KIMI_NONE;
}
static kimi_status kv_forget(kimi_ctx *ctx, kimi_bytes key) KIMI_NOTHROW {
    (void)ctx, (void)key;
    return KIMI_OK;
}
static kimi_status note_request(kimi_out *out, kimi_bytes kind, uint64_t count, kimi_bytes detail) KIMI_NOTHROW {
    (void)out, (void)kind, (void)count, (void)detail;
    return KIMI_OK;
}
static kimi_status note_reply(kimi_sink *sink, kimi_bytes kind, uint64_t count, kimi_bytes detail) KIMI_NOTHROW {
    (void)sink, (void)kind, (void)count, (void)detail;
    return KIMI_OK;
}

static const kimi_host_kv kv = {sizeof(kimi_host_kv), 0, kv_put, kv_get, kv_forget};
static const kimi_host_notes notes = {sizeof(kimi_host_notes), 0, note_request, note_reply};

/* ---- entry */

static const void *get_interface(const char *id) KIMI_NOTHROW {
    (void)id;
    return 0;
}
static void quiesce(void) KIMI_NOTHROW {
}
static kimi_status entry(kimi_handshake *handshake, kimi_error *error) KIMI_NOTHROW {
    (void)handshake, (void)error;
    return KIMI_OK;
}

static const kimi_handshake handshake = {sizeof(kimi_handshake), KIMI_ABI_MINOR, &host, KIMI_ABI_MINOR, 0,
                                         {0, 0}, get_interface, quiesce};
static const kimi_entry_fn entry_function = entry;

/* Also the use of KIMI_HAS, the one macro authors call, in every language mode. */
int kimi_abi_signatures_are_1_0(void) {
    const int tables = KIMI_HAS(&provider, end) && KIMI_HAS(&auth, end) && KIMI_HAS(&transform, end);
    const int services = KIMI_HAS(&kv, forget) && KIMI_HAS(&notes, reply) && KIMI_HAS(&host, scratch);
    return (tables & services) && KIMI_HAS(&handshake, quiesce) && entry_function(0, 0) == KIMI_OK;
}
