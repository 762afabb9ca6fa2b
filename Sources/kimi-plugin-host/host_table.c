/* The kimi_host table of an isolated plugin. What a call hands over becomes an item of its reply; what needs the host at
 * once (kv get) is a round trip. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "server.h"

enum { MAX_FIELD = 64 << 10, MAX_BODY = WIRE_MAX_REPLY, MAX_SCRATCH = 16 << 20, MAX_KV_KEY = 256, MAX_KV = 1 << 20 };
enum { MAX_LOG = 2048, MAX_KIND = 64, MAX_DETAIL = 256 };

char call_anchor;

static struct {
    bool is_open, has_step;
    size_t start;      /* where its reply begins */
    uint64_t began;    /* 0: its time is not told */
    size_t events;     /* where the count of the open EVENTS item stands; 0: none is open */
    uint32_t n_events, items; /* items: of all kinds, and events */
    uint32_t how;      /* of put */
    size_t scratch;
} call;

static void **scratch_blocks;
static size_t n_scratch, scratch_room;
static pthread_t main_thread;

void call_begin(uint32_t id, uint8_t op) {
    output_lock();
    memset(&call, 0, sizeof(call));
    call.is_open = true;
    call.start = message_begin(&output, id, (uint8_t)(op | OP_REPLY));
    put_u32(&output, 0);
    if (op != OP_HELLO) put_u32(&output, 0);
    call.began = op != OP_HELLO ? now_ns() : 0;
    main_thread = pthread_self();
    output_unlock();
}

static void close_events(void) {
    if (call.events) set_u32(&output, call.events, call.n_events);
    call.events = 0;
}

void call_end(uint8_t flags, kimi_status status) {
    const uint64_t took = call.began ? now_ns() - call.began : 0;
    output_lock();
    close_events();
    if (call.began) {
        flags |= REPLY_TIMED;
        set_u32(&output, call.start + WIRE_HEAD + 4, took < UINT32_MAX ? (uint32_t)took : UINT32_MAX);
    }
    output.bytes[call.start + 9] = flags;
    set_u32(&output, call.start + WIRE_HEAD, (uint32_t)status);
    message_end(&output, call.start);
    call.is_open = false;
    output_unlock();
    for (size_t i = 0; i < n_scratch; i++) free(scratch_blocks[i]);
    n_scratch = 0;
}

/* The reply belongs to the call while it runs, on its thread. True: the lock is held, until item_end. */
static bool item(uint8_t tag, size_t size) {
    if (!call.is_open || !pthread_equal(main_thread, pthread_self())) return false;
    output_lock();
    if (output.count - call.start + size > WIRE_MAX_REPLY || (call.items >= WIRE_MAX_ITEMS && tag != ITEM_FAIL)) {
        output_unlock();
        return false;
    }
    call.items++;
    if (tag != ITEM_EVENTS) close_events();
    put_u8(&output, tag);
    return true;
}

static kimi_status item_end(void) {
    output_unlock();
    return KIMI_OK;
}

static kimi_bytes cut(kimi_bytes text, size_t max) {
    if (text.len > max) text.len = max;
    return text;
}

static void host_fail(kimi_error *error, kimi_status status, uint32_t category, uint64_t retry, kimi_bytes message) {
    (void)error;
    message = cut(message, MAX_LOG);
    if (!item(ITEM_FAIL, 64 + message.len)) return;
    put_u32(&output, (uint32_t)status);
    put_u32(&output, category);
    put_u64(&output, retry);
    put_text(&output, message);
    item_end();
}

static kimi_status host_put(kimi_out *out, uint32_t how, kimi_bytes data) {
    if (!out || (how != KIMI_PUT_REPLACE && how != KIMI_PUT_MERGE_PATCH) || (call.how && call.how != how))
        return KIMI_E_ARG;
    if (data.len > MAX_BODY || !item(ITEM_PUT, 64 + data.len)) return KIMI_E_LIMIT;
    call.how = how;
    put_u32(&output, how);
    put_text(&output, data);
    return item_end();
}

static kimi_status host_plan_field(kimi_plan *plan, uint32_t field, kimi_bytes key, kimi_bytes value) {
    if (!plan || field < KIMI_FIELD_METHOD || field > KIMI_FIELD_SECRET_HEADER) return KIMI_E_ARG;
    bool is_body = field == KIMI_FIELD_BODY || field == KIMI_FIELD_BODY_PATCH;
    if (key.len > MAX_FIELD || value.len > (is_body ? (size_t)MAX_BODY : (size_t)MAX_FIELD)) return KIMI_E_LIMIT;
    if (!item(ITEM_FIELD, 64 + key.len + value.len)) return KIMI_E_LIMIT;
    put_u32(&output, field);
    put_text(&output, key);
    put_text(&output, value);
    return item_end();
}

static kimi_status host_plan_step(kimi_plan *plan, uint32_t kind, uint32_t id, uint64_t arg) {
    if (!plan) return KIMI_E_ARG;
    if (kind < KIMI_STEP_SEND || kind > KIMI_STEP_GRANT) return KIMI_E_UNSUPPORTED;
    if (call.has_step) return KIMI_E_STATE;
    if (!item(ITEM_STEP, 64)) return KIMI_E_LIMIT;
    call.has_step = true;
    put_u32(&output, kind);
    put_u32(&output, id);
    put_u64(&output, arg);
    return item_end();
}

static kimi_status host_emit(kimi_sink *sink, const kimi_event *events, size_t n) {
    if (n == 0) return KIMI_OK;
    if (!sink || !events) return KIMI_E_ARG;
    if (n > WIRE_MAX_ITEMS - 1 || call.items + n > WIRE_MAX_ITEMS - 1) return KIMI_E_LIMIT;
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        size_t a = events[i].a.len, b = events[i].b.len, c = events[i].c.len;
        if (a > WIRE_MAX_REPLY || b > WIRE_MAX_REPLY || c > WIRE_MAX_REPLY) return KIMI_E_LIMIT;
        if (events[i].type > UINT16_MAX) return KIMI_E_ARG;
        size += 96 + a + b + c;
        if (size > WIRE_MAX_REPLY) return KIMI_E_LIMIT;
    }
    if (!call.events) {
        if (!item(ITEM_EVENTS, 64 + size)) return KIMI_E_LIMIT;
        call.events = output.count;
        call.n_events = 0;
        put_u32(&output, 0);
    } else {
        if (!pthread_equal(main_thread, pthread_self())) return KIMI_E_LIMIT;
        if (output.count - call.start + size > WIRE_MAX_REPLY) return KIMI_E_LIMIT;
        output_lock();
    }
    for (size_t i = 0; i < n; i++) put_event(&output, &events[i]);
    call.n_events += (uint32_t)n;
    call.items += (uint32_t)n;
    return item_end();
}

static kimi_status host_text(kimi_sink *sink, uint32_t type, uint32_t choice, uint32_t index, kimi_bytes text) {
    if (type != KIMI_EVENT_TEXT && type != KIMI_EVENT_REASONING && type != KIMI_EVENT_TOOL_ARGS) return KIMI_E_ARG;
    kimi_event event = {.type = type, .choice = choice, .index = index, .a = text};
    return host_emit(sink, &event, 1);
}

static void *host_scratch(kimi_sink *sink, size_t n) {
    if (!sink || n > MAX_SCRATCH - call.scratch) return NULL;
    if (n_scratch == scratch_room) {
        size_t room = scratch_room ? 2 * scratch_room : 16;
        void **blocks = realloc(scratch_blocks, room * sizeof(*blocks));
        if (!blocks) return NULL;
        scratch_blocks = blocks;
        scratch_room = room;
    }
    void *block = malloc(n ? n : 1); /* 16-aligned on every 64-bit libc. */
    if (!block) return NULL;
    scratch_blocks[n_scratch++] = block;
    call.scratch += n;
    return block;
}

/* A message of its own. While a call's reply is being written it is put in front of it. */
static buffer aside;

static void send_aside(void) {
    size_t n = aside.count;
    buffer_room(&output, n);
    if (call.is_open) {
        memmove(output.bytes + call.start + n, output.bytes + call.start, output.count - call.start);
        memcpy(output.bytes + call.start, aside.bytes, n);
        call.start += n;
        if (call.events) call.events += n;
    } else {
        memcpy(output.bytes + output.count, aside.bytes, n);
    }
    output.count += n;
    aside.count = 0;
}

static uint32_t host_log_on(kimi_ctx *ctx, uint32_t level) { return ctx && level >= ((instance *)ctx)->log_level; }

static void host_log(kimi_ctx *ctx, uint32_t level, kimi_bytes text) {
    if (!host_log_on(ctx, level)) return;
    output_lock();
    size_t start = message_begin(&aside, ((instance *)ctx)->id, OP_LOG);
    put_u32(&aside, level);
    put_text(&aside, cut(text, MAX_LOG));
    message_end(&aside, start);
    send_aside();
    output_unlock();
}

static uint64_t clock_of(clockid_t id, uint64_t unit) {
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * (1000000000 / unit) + (uint64_t)now.tv_nsec / unit;
}

static uint64_t host_unix_ms(kimi_ctx *ctx) {
    (void)ctx;
    return clock_of(CLOCK_REALTIME, 1000000);
}

static uint64_t host_mono_ns(kimi_ctx *ctx) {
    (void)ctx;
    return clock_of(CLOCK_MONOTONIC, 1);
}

static kimi_status host_random(kimi_ctx *ctx, uint8_t *dst, size_t n) {
    (void)ctx;
    if (!dst) return n == 0 ? KIMI_OK : KIMI_E_ARG;
    while (n > 0) {
        ssize_t got = getrandom(dst, n > 256 ? 256 : n, 0);
        if (got < 0) return KIMI_E_INTERNAL;
        dst += got;
        n -= (size_t)got;
    }
    return KIMI_OK;
}

static kimi_status kv_put(kimi_ctx *ctx, kimi_bytes key, kimi_bytes value, uint64_t ttl) {
    if (!ctx || key.len == 0 || key.len > MAX_KV_KEY) return KIMI_E_ARG;
    if (value.len > MAX_KV) return KIMI_E_LIMIT;
    output_lock();
    size_t start = message_begin(&aside, ((instance *)ctx)->id, OP_KV_PUT);
    put_u64(&aside, ttl);
    put_text(&aside, key);
    put_text(&aside, value);
    message_end(&aside, start);
    send_aside();
    output_unlock();
    return KIMI_OK;
}

/* Takes the parent's KV_VALUE out of the input; other messages stay for later. */
static kimi_status kv_wait(uint8_t *dst, size_t capacity, size_t *length) {
    size_t at = 0;
    while (true) {
        size_t size = message_size(&input, at);
        if (size == 0) {
            input_more();
            continue;
        }
        if (input.bytes[at + 8] != OP_KV_VALUE) {
            at += size;
            continue;
        }
        reader from = {input.bytes + at + WIRE_HEAD, input.bytes + at + size, false};
        kimi_status status = (kimi_status)get_u32(&from);
        kimi_bytes value = get_text(&from);
        if (status == KIMI_OK) {
            *length = value.len;
            if (value.len > capacity) status = KIMI_E_LIMIT;
            else if (value.len && dst) memcpy(dst, value.ptr, value.len);
            else if (value.len) status = KIMI_E_ARG;
        }
        memmove(input.bytes + at, input.bytes + at + size, input.count - at - size);
        input.count -= size;
        return status;
    }
}

static kimi_status kv_get(kimi_ctx *ctx, kimi_bytes key, uint8_t *dst, size_t capacity, size_t *length) {
    if (!ctx || !length || key.len == 0 || key.len > MAX_KV_KEY) return KIMI_E_ARG;
    *length = 0;
    /* Only inside a call: nobody else reads what the parent sends. */
    if (!call.is_open || !pthread_equal(main_thread, pthread_self())) return KIMI_NONE;
    output_lock();
    size_t start = message_begin(&aside, ((instance *)ctx)->id, OP_KV_GET);
    put_text(&aside, key);
    message_end(&aside, start);
    send_aside();
    output_unlock();
    /* What is before this call's unfinished reply goes out. */
    output_lock();
    buffer unfinished = {0};
    size_t n = output.count - call.start;
    memcpy(buffer_room(&unfinished, n), output.bytes + call.start, n);
    output.count = call.start;
    output_flush();
    memcpy(buffer_room(&output, n), unfinished.bytes, n);
    output.count = n;
    if (call.events) call.events -= call.start;
    call.start = 0;
    free(unfinished.bytes);
    output_unlock();
    return kv_wait(dst, capacity, length);
}

static kimi_status kv_forget(kimi_ctx *ctx, kimi_bytes key) {
    if (!ctx || key.len == 0 || key.len > MAX_KV_KEY) return KIMI_E_ARG;
    output_lock();
    size_t start = message_begin(&aside, ((instance *)ctx)->id, OP_KV_FORGET);
    put_text(&aside, key);
    message_end(&aside, start);
    send_aside();
    output_unlock();
    return KIMI_OK;
}

static bool is_kind(kimi_bytes kind) {
    if (kind.len == 0 || kind.len > MAX_KIND) return false;
    for (size_t i = 0; i < kind.len; i++) {
        uint8_t byte = kind.ptr[i];
        if (!((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_')) return false;
    }
    return true;
}

static kimi_status note(kimi_bytes kind, uint64_t count, kimi_bytes detail) {
    detail = cut(detail, MAX_DETAIL);
    if (!is_kind(kind)) return KIMI_E_ARG;
    if (!item(ITEM_NOTE, 64 + kind.len + detail.len)) return KIMI_E_ARG;
    put_text(&output, kind);
    put_u64(&output, count);
    put_text(&output, detail);
    return item_end();
}

static kimi_status note_request(kimi_out *out, kimi_bytes kind, uint64_t count, kimi_bytes detail) {
    return out ? note(kind, count, detail) : KIMI_E_ARG;
}

static kimi_status note_reply(kimi_sink *sink, kimi_bytes kind, uint64_t count, kimi_bytes detail) {
    return sink ? note(kind, count, detail) : KIMI_E_ARG;
}

static const kimi_host_kv kv_table = {sizeof(kv_table), 0, kv_put, kv_get, kv_forget};
static const kimi_host_notes notes_table = {sizeof(notes_table), 0, note_request, note_reply};

static const void *host_extension(kimi_ctx *ctx, const char *id) {
    (void)ctx;
    if (!id) return NULL;
    if (strcmp(id, KIMI_HOST_KV_ID) == 0) return &kv_table;
    return strcmp(id, KIMI_HOST_NOTES_ID) == 0 ? &notes_table : NULL;
}

const kimi_host host_table = {
    .struct_size = sizeof(kimi_host), .abi_minor = KIMI_ABI_MINOR, .extension = host_extension,
    .log_on = host_log_on, .log = host_log, .unix_ms = host_unix_ms, .mono_ns = host_mono_ns, .random = host_random,
    .fail = host_fail, .put = host_put, .plan_field = host_plan_field, .plan_step = host_plan_step, .text = host_text,
    .emit = host_emit, .scratch = host_scratch,
};
