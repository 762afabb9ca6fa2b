/* One plugin's calls, as the parent sends them. The parent keeps the state rules of the header; what a pipelined message
 * cannot know (a call before it failed, the reply is done) is kept here: such calls are answered as skipped. */
#define _GNU_SOURCE
#include "server.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

tables plugin;

typedef struct slot {
    bool is_used, is_over, is_done; /* failed or never begun; KIMI_DONE was said */
    uint32_t kind;
    kimi_exch *exchange;
} slot;

static slot *slots;
static size_t n_slots;
static instance **instances;
static size_t n_instances;
static kimi_event *events;
static kimi_frame *frames;
static kimi_header *headers;
static size_t events_room, frames_room, headers_room;

static void protocol_error(void) { _exit(EXIT_PROTOCOL); }

static void *grown(void *array, size_t *room, size_t n, size_t size) {
    if (n <= *room && array) return array;
    size_t count = *room ? *room : 16;
    while (count < n) count *= 2;
    void *larger = realloc(array, count * size);
    if (!larger) _exit(EXIT_MEMORY);
    memset((char *)larger + *room * size, 0, (count - *room) * size);
    *room = count;
    return larger;
}

static slot *slot_of(uint32_t id) {
    if (id >= WIRE_MAX_IDS) protocol_error();
    if (id >= n_slots) slots = grown(slots, &n_slots, (size_t)id + 1, sizeof(*slots));
    return &slots[id];
}

/* NULL: there is none, or its create failed. */
static instance *instance_of(uint32_t id) {
    return id < n_instances && instances[id] && instances[id]->is_used ? instances[id] : NULL;
}

static void create(uint32_t id, reader *from) {
    uint8_t kind = get_u8(from), level = get_u8(from);
    get_u16(from);
    kimi_bytes config = get_text(from);
    if (from->is_bad || id >= WIRE_MAX_IDS) protocol_error();
    if (id >= n_instances) instances = grown(instances, &n_instances, (size_t)id + 1, sizeof(*instances));
    if (!instances[id] && !(instances[id] = calloc(1, sizeof(instance)))) _exit(EXIT_MEMORY);
    instance *made = instances[id];
    *made = (instance){.id = id, .log_level = level, .kind = kind};
    call_begin(id, OP_CREATE);
    kimi_status status = KIMI_E_ARG;
    if (kind == KIND_PROVIDER && plugin.provider)
        status = plugin.provider->create(&host_table, (kimi_ctx *)made, config, &made->plugin, CALL(kimi_error));
    else if (kind == KIND_TRANSFORM && plugin.transform)
        status = plugin.transform->create(&host_table, (kimi_ctx *)made, config, &made->plugin, CALL(kimi_error));
    made->is_used = status >= 0 && made->plugin;
    call_end(0, status);
}

static void destroy(uint32_t id) {
    if (!instance_of(id)) return;
    instances[id]->is_used = false;
    if (instances[id]->kind == KIND_PROVIDER) plugin.provider->destroy(instances[id]->plugin);
    else plugin.transform->destroy(instances[id]->plugin);
}

static kimi_request request_of(reader *from) {
    kimi_request request = {.struct_size = sizeof(request)};
    request.flags = get_u32(from);
    request.attempt = get_u64(from);
    request.deadline_ms = get_u64(from);
    request.json = get_text(from);
    request.model = get_text(from);
    request.exchange_id = get_text(from);
    request.dialect = get_text(from);
    request.conversation = get_text(from);
    return request;
}

static void begin(uint32_t id, reader *from) {
    uint8_t kind = get_u8(from);
    get_u8(from);
    get_u16(from);
    instance *inst = instance_of(get_u32(from));
    slot *s = slot_of(id);
    kimi_request request = {0};
    kimi_bytes key = {0};
    if (kind == KIND_AUTH) key = get_text(from);
    else request = request_of(from);
    if (from->is_bad || s->is_used || (inst && kind != inst->kind && kind != KIND_AUTH)) protocol_error();
    *s = (slot){.is_used = true, .kind = kind, .is_over = true};
    call_begin(id, OP_BEGIN);
    kimi_status status = KIMI_E_UNSUPPORTED;
    if (!inst) return call_end(REPLY_NO_EXCHANGE, KIMI_E_CONFIG);
    if (kind == KIND_TRANSFORM)
        status = plugin.transform->begin(inst->plugin, &request, CALL(kimi_out), &s->exchange, CALL(kimi_error));
    else if (kind == KIND_PROVIDER)
        status = plugin.provider->begin(inst->plugin, &request, &s->exchange, CALL(kimi_error));
    else if (kind == KIND_AUTH && plugin.auth)
        status = plugin.auth->begin(inst->plugin, key, &s->exchange, CALL(kimi_error));
    if (status < 0) s->exchange = NULL;
    s->is_over = !s->exchange;
    call_end(s->exchange ? 0 : REPLY_NO_EXCHANGE, status);
}

static kimi_status result(slot *s, reader *from) {
    kimi_result answer = {0};
    answer.kind = get_u32(from);
    answer.id = get_u32(from);
    answer.status = (int32_t)get_u32(from);
    answer.http_status = get_u32(from);
    answer.body = get_text(from);
    size_t n = get_u32(from);
    if (n > (size_t)(from->end - from->next) / 8) protocol_error();
    headers = grown(headers, &headers_room, n + 1, sizeof(*headers));
    for (size_t i = 0; i < n; i++) {
        headers[i].name = get_text(from);
        headers[i].value = get_text(from);
    }
    if (from->is_bad) protocol_error();
    answer.headers = headers;
    answer.n_headers = n;
    return s->kind == KIND_AUTH ? plugin.auth->result(s->exchange, &answer, CALL(kimi_error))
                                : plugin.provider->result(s->exchange, &answer, CALL(kimi_error));
}

static kimi_status feed(slot *s, reader *from) {
    size_t n = get_u32(from);
    if (n > (size_t)(from->end - from->next) / 4) protocol_error();
    if (s->kind == KIND_TRANSFORM) {
        events = grown(events, &events_room, n + 1, sizeof(*events));
        for (size_t i = 0; i < n; i++) events[i] = get_event(from);
        if (from->is_bad) protocol_error();
        return plugin.transform->feed(s->exchange, events, n, CALL(kimi_sink), CALL(kimi_error));
    }
    frames = grown(frames, &frames_room, n + 1, sizeof(*frames));
    for (size_t i = 0; i < n; i++) {
        frames[i].kind = get_u32(from);
        frames[i].flags = get_u32(from);
        frames[i].name = get_text(from);
        frames[i].data = get_text(from);
    }
    if (from->is_bad) protocol_error();
    kimi_status status = plugin.provider->feed(s->exchange, frames, n, CALL(kimi_sink), CALL(kimi_error));
    if (status == KIMI_DONE || (n && frames[n - 1].flags & KIMI_FRAME_F_LAST)) s->is_done = true;
    return status;
}

static kimi_status flush(slot *s, reader *from) {
    uint32_t why = get_u32(from);
    if (s->kind == KIND_TRANSFORM)
        return plugin.transform->flush(s->exchange, why, CALL(kimi_sink), CALL(kimi_error));
    return plugin.provider->flush(s->exchange, why, CALL(kimi_sink), CALL(kimi_error));
}

static void end(uint32_t id, uint32_t why) {
    slot *s = slot_of(id);
    if (s->is_used && s->exchange) {
        if (s->kind == KIND_PROVIDER) plugin.provider->end(s->exchange, why);
        else if (s->kind == KIND_TRANSFORM) plugin.transform->end(s->exchange, why);
        else plugin.auth->end(s->exchange, why);
    }
    memset(s, 0, sizeof(*s));
}

static void call_exchange(uint32_t id, uint8_t op, reader *from) {
    slot *s = slot_of(id);
    if (!s->is_used) protocol_error();
    bool is_auth = s->kind == KIND_AUTH;
    if ((is_auth && (op == OP_FEED || op == OP_FLUSH)) || (s->kind == KIND_TRANSFORM && (op == OP_NEXT || op == OP_RESULT)))
        protocol_error();
    call_begin(id, op);
    if (s->is_over || (s->is_done && op == OP_FEED)) return call_end(REPLY_SKIPPED, KIMI_OK);
    kimi_status status = KIMI_OK;
    switch (op) {
    case OP_NEXT:
        status = is_auth ? plugin.auth->next(s->exchange, CALL(kimi_plan), CALL(kimi_error))
                         : plugin.provider->next(s->exchange, CALL(kimi_plan), CALL(kimi_error));
        break;
    case OP_RESULT: status = result(s, from); break;
    case OP_FEED: status = feed(s, from); break;
    case OP_FLUSH: status = flush(s, from); break;
    }
    if (status < 0) s->is_over = true;
    call_end(0, status);
}

void serve(const uint8_t *message, size_t size) {
    reader from = {message + 4, message + size, false};
    uint32_t id = get_u32(&from);
    uint8_t op = get_u8(&from);
    get_u8(&from);
    get_u16(&from);
    switch (op) {
    case OP_CREATE: create(id, &from); break;
    case OP_DESTROY: destroy(id); break;
    case OP_BEGIN: begin(id, &from); break;
    case OP_NEXT: case OP_RESULT: case OP_FEED: case OP_FLUSH: call_exchange(id, op, &from); break;
    case OP_END: end(id, get_u32(&from)); break;
    default: protocol_error();
    }
}

/* ---------------------------------------------------------------- the beginning ------------------- */

static bool is_there(const void *table, size_t size) { return table && *(const uint32_t *)table >= size; }

static const char *load(const char *path, kimi_handshake *shake) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) return dlerror();
    kimi_entry_fn entry = (kimi_entry_fn)dlsym(library, KIMI_ENTRY_SYMBOL);
    if (!entry) return "there is no " KIMI_ENTRY_SYMBOL " in it";
    kimi_status status = entry(shake, CALL(kimi_error));
    if (status != KIMI_OK) return "the plugin refuses to start";
    if (!shake->get_interface) return "get_interface is NULL";
    plugin.provider = shake->get_interface(KIMI_PROVIDER_ID);
    plugin.auth = shake->get_interface(KIMI_AUTH_ID);
    plugin.transform = shake->get_interface(KIMI_TRANSFORM_ID);
    if (plugin.provider && !is_there(plugin.provider, sizeof(kimi_provider))) return "the provider's table is too small";
    if (plugin.auth && !is_there(plugin.auth, sizeof(kimi_auth))) return "the auth machine's table is too small";
    if (plugin.transform && !is_there(plugin.transform, sizeof(kimi_transform)))
        return "the transform's table is too small";
    return NULL;
}

static bool is_whole(void) {
    const kimi_provider *p = plugin.provider;
    const kimi_auth *a = plugin.auth;
    const kimi_transform *t = plugin.transform;
    if (p && !(p->create && p->destroy && p->begin && p->next && p->result && p->feed && p->flush && p->end)) return false;
    if (a && !(a->begin && a->next && a->result && a->end)) return false;
    return !t || (t->create && t->destroy && t->begin && t->feed && t->flush && t->end);
}

void serve_hello(const char *path, uint32_t host_minor) {
    buffer notice = {0};
    kimi_handshake shake = {.struct_size = sizeof(shake), .host_minor = host_minor, .host = &host_table};
    call_begin(0, OP_HELLO);
    const char *problem = load(path, &shake);
    if (!problem && !is_whole()) problem = "a table lacks a required function";
    if (!problem && shake.manifest.len > 1 << 20) problem = "the manifest is longer than a megabyte";
    if (!problem) lock_down(&notice);
    if (problem) {
        kimi_bytes text = {(const uint8_t *)problem, strlen(problem)};
        put_u8(&output, ITEM_FAIL + 1);
        put_text(&output, text);
        return call_end(0, KIMI_E_CONFIG);
    }
    put_u8(&output, 0);
    put_u32(&output, WIRE_VERSION);
    put_u32(&output, shake.plugin_minor);
    put_u32(&output, shake.needs_minor);
    put_u32(&output, (plugin.provider ? 1u : 0) | (plugin.auth ? 2u : 0) | (plugin.transform ? 4u : 0));
    put_u32(&output, plugin.transform ? plugin.transform->event_mask : 0);
    put_text(&output, shake.manifest);
    put_text(&output, (kimi_bytes){notice.bytes, notice.count});
    call_end(0, KIMI_OK);
    free(notice.bytes);
}
