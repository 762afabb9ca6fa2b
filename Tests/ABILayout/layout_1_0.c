/* The layout of ABI 1.0 in numbers: size and alignment of every struct, offset and size of every member,
 * value of every constant. Released numbers never change; a later minor gets a file of its own beside this one.
 * Compiles as C99, C11, C17, C++17 and C++20 (scripts/compile-headers.sh). */
#include "abi_layout.h"

#include <kimi_plugin.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

#if defined(__cplusplus)
#define HOLDS(condition) static_assert(condition, #condition)
#define ALIGN_OF(type) alignof(type)
#elif __STDC_VERSION__ >= 201112L
#define HOLDS(condition) _Static_assert(condition, #condition)
#define ALIGN_OF(type) _Alignof(type)
#else /* C99: an array of -1 elements does not compile */
#define HOLDS(condition) typedef char JOIN(holds_at_line_, __LINE__)[(condition) ? 1 : -1]
#define ALIGN_OF(type) sizeof(void *) /* asserted by the newer modes */
#endif

#define STRUCT(type, size, alignment) HOLDS(sizeof(type) == (size) && ALIGN_OF(type) == (alignment))
/* Tables grow at the end with later minors: of 1.0 only the beginning is for ever. */
#define TABLE(type, size, alignment) \
    HOLDS((KIMI_ABI_MINOR > 0 ? sizeof(type) >= (size) : sizeof(type) == (size)) && ALIGN_OF(type) == (alignment))
#define MEMBER(type, member, offset, size) \
    HOLDS(offsetof(type, member) == (offset) && sizeof(((type *)0)->member) == (size))
#define VALUE(name, value) HOLDS((name) == (value))

/* 64-bit with 8-byte pointers: x86-64, arm64, riscv64 and the like are all the ABI is for. */
HOLDS(sizeof(void *) == 8 && sizeof(size_t) == 8 && sizeof(kimi_status) == 4 && (kimi_status)-1 < 0);

/* ---- structs */
STRUCT(kimi_bytes, 16, 8);
MEMBER(kimi_bytes, ptr, 0, 8);
MEMBER(kimi_bytes, len, 8, 8);

STRUCT(kimi_header, 32, 8);
MEMBER(kimi_header, name, 0, 16);
MEMBER(kimi_header, value, 16, 16);

STRUCT(kimi_frame, 40, 8);
MEMBER(kimi_frame, kind, 0, 4);
MEMBER(kimi_frame, flags, 4, 4);
MEMBER(kimi_frame, name, 8, 16);
MEMBER(kimi_frame, data, 24, 16);

STRUCT(kimi_event, 96, 8);
MEMBER(kimi_event, type, 0, 4);
MEMBER(kimi_event, flags, 4, 4);
MEMBER(kimi_event, choice, 8, 4);
MEMBER(kimi_event, index, 12, 4);
MEMBER(kimi_event, a, 16, 16);
MEMBER(kimi_event, b, 32, 16);
MEMBER(kimi_event, c, 48, 16);
MEMBER(kimi_event, i0, 64, 8);
MEMBER(kimi_event, i1, 72, 8);
MEMBER(kimi_event, i2, 80, 8);
MEMBER(kimi_event, i3, 88, 8);

STRUCT(kimi_result, 48, 8);
MEMBER(kimi_result, kind, 0, 4);
MEMBER(kimi_result, id, 4, 4);
MEMBER(kimi_result, status, 8, 4);
MEMBER(kimi_result, http_status, 12, 4);
MEMBER(kimi_result, body, 16, 16);
MEMBER(kimi_result, headers, 32, 8);
MEMBER(kimi_result, n_headers, 40, 8);

TABLE(kimi_request, 104, 8);
MEMBER(kimi_request, struct_size, 0, 4);
MEMBER(kimi_request, flags, 4, 4);
MEMBER(kimi_request, json, 8, 16);
MEMBER(kimi_request, model, 24, 16);
MEMBER(kimi_request, exchange_id, 40, 16);
MEMBER(kimi_request, dialect, 56, 16);
MEMBER(kimi_request, conversation, 72, 16);
MEMBER(kimi_request, attempt, 88, 8);
MEMBER(kimi_request, deadline_ms, 96, 8);

TABLE(kimi_host, 112, 8);
MEMBER(kimi_host, struct_size, 0, 4);
MEMBER(kimi_host, abi_minor, 4, 4);
MEMBER(kimi_host, extension, 8, 8);
MEMBER(kimi_host, log_on, 16, 8);
MEMBER(kimi_host, log, 24, 8);
MEMBER(kimi_host, unix_ms, 32, 8);
MEMBER(kimi_host, mono_ns, 40, 8);
MEMBER(kimi_host, random, 48, 8);
MEMBER(kimi_host, fail, 56, 8);
MEMBER(kimi_host, put, 64, 8);
MEMBER(kimi_host, plan_field, 72, 8);
MEMBER(kimi_host, plan_step, 80, 8);
MEMBER(kimi_host, text, 88, 8);
MEMBER(kimi_host, emit, 96, 8);
MEMBER(kimi_host, scratch, 104, 8);

TABLE(kimi_provider, 72, 8);
MEMBER(kimi_provider, struct_size, 0, 4);
MEMBER(kimi_provider, flags, 4, 4);
MEMBER(kimi_provider, create, 8, 8);
MEMBER(kimi_provider, destroy, 16, 8);
MEMBER(kimi_provider, begin, 24, 8);
MEMBER(kimi_provider, next, 32, 8);
MEMBER(kimi_provider, result, 40, 8);
MEMBER(kimi_provider, feed, 48, 8);
MEMBER(kimi_provider, flush, 56, 8);
MEMBER(kimi_provider, end, 64, 8);

TABLE(kimi_auth, 40, 8);
MEMBER(kimi_auth, struct_size, 0, 4);
MEMBER(kimi_auth, flags, 4, 4);
MEMBER(kimi_auth, begin, 8, 8);
MEMBER(kimi_auth, next, 16, 8);
MEMBER(kimi_auth, result, 24, 8);
MEMBER(kimi_auth, end, 32, 8);

TABLE(kimi_host_kv, 32, 8);
MEMBER(kimi_host_kv, struct_size, 0, 4);
MEMBER(kimi_host_kv, flags, 4, 4);
MEMBER(kimi_host_kv, put, 8, 8);
MEMBER(kimi_host_kv, get, 16, 8);
MEMBER(kimi_host_kv, forget, 24, 8);

TABLE(kimi_host_notes, 24, 8);
MEMBER(kimi_host_notes, struct_size, 0, 4);
MEMBER(kimi_host_notes, flags, 4, 4);
MEMBER(kimi_host_notes, request, 8, 8);
MEMBER(kimi_host_notes, reply, 16, 8);

TABLE(kimi_transform, 56, 8);
MEMBER(kimi_transform, struct_size, 0, 4);
MEMBER(kimi_transform, event_mask, 4, 4);
MEMBER(kimi_transform, create, 8, 8);
MEMBER(kimi_transform, destroy, 16, 8);
MEMBER(kimi_transform, begin, 24, 8);
MEMBER(kimi_transform, feed, 32, 8);
MEMBER(kimi_transform, flush, 40, 8);
MEMBER(kimi_transform, end, 48, 8);

TABLE(kimi_handshake, 56, 8);
MEMBER(kimi_handshake, struct_size, 0, 4);
MEMBER(kimi_handshake, host_minor, 4, 4);
MEMBER(kimi_handshake, host, 8, 8);
MEMBER(kimi_handshake, plugin_minor, 16, 4);
MEMBER(kimi_handshake, needs_minor, 20, 4);
MEMBER(kimi_handshake, manifest, 24, 16);
MEMBER(kimi_handshake, get_interface, 40, 8);
MEMBER(kimi_handshake, quiesce, 48, 8);

/* ---- constants (the texts of the ids are compared by PluginABITests) */
VALUE(KIMI_ABI_MAJOR, 1);
HOLDS(sizeof(KIMI_ENTRY_SYMBOL) == sizeof("kimi_plugin_entry_v1"));
HOLDS(sizeof(KIMI_PROVIDER_ID) == sizeof("kimi.provider/1"));
HOLDS(sizeof(KIMI_AUTH_ID) == sizeof("kimi.auth/1"));
HOLDS(sizeof(KIMI_TRANSFORM_ID) == sizeof("kimi.transform/1"));
HOLDS(sizeof(KIMI_HOST_KV_ID) == sizeof("kimi.host.kv/1"));
HOLDS(sizeof(KIMI_HOST_NOTES_ID) == sizeof("kimi.host.notes/1"));

HOLDS(sizeof(kimi_status_code) == 4);
VALUE(KIMI_OK, 0);
VALUE(KIMI_UNCHANGED, 1);
VALUE(KIMI_STOP, 2);
VALUE(KIMI_DONE, 3);
VALUE(KIMI_WHOLE, 4);
VALUE(KIMI_NONE, 5);
VALUE(KIMI_E_ARG, -1);
VALUE(KIMI_E_CONFIG, -2);
VALUE(KIMI_E_STATE, -3);
VALUE(KIMI_E_PROTOCOL, -4);
VALUE(KIMI_E_UPSTREAM, -5);
VALUE(KIMI_E_AUTH, -6);
VALUE(KIMI_E_LIMIT, -7);
VALUE(KIMI_E_NOMEM, -8);
VALUE(KIMI_E_UNSUPPORTED, -9);
VALUE(KIMI_E_INTERNAL, -10);
VALUE(KIMI_E_CANCELLED, -11);
VALUE(KIMI_E_VERSION, -12);

HOLDS(sizeof(kimi_category) == 4);
VALUE(KIMI_CAT_NONE, 0);
VALUE(KIMI_CAT_AUTH, 1);
VALUE(KIMI_CAT_RATE_LIMITED, 2);
VALUE(KIMI_CAT_OVERLOADED, 3);
VALUE(KIMI_CAT_CONTEXT_LENGTH, 4);
VALUE(KIMI_CAT_CONTENT_FILTER, 5);
VALUE(KIMI_CAT_BAD_REQUEST, 6);
VALUE(KIMI_CAT_UPSTREAM, 7);
VALUE(KIMI_CAT_PROTOCOL, 8);
VALUE(KIMI_CAT_CONFIG, 9);
VALUE(KIMI_CAT_INTERNAL, 10);
VALUE(KIMI_CAT_NOT_FOUND, 11);
VALUE(KIMI_CAT_PERMISSION, 12);
VALUE(KIMI_CAT_QUOTA, 13);
VALUE(KIMI_CAT_TIMEOUT, 14);
VALUE(KIMI_CAT_NETWORK, 15);

HOLDS(sizeof(kimi_level) == 4);
VALUE(KIMI_LOG_TRACE, 0);
VALUE(KIMI_LOG_DEBUG, 1);
VALUE(KIMI_LOG_INFO, 2);
VALUE(KIMI_LOG_WARNING, 3);
VALUE(KIMI_LOG_ERROR, 4);

HOLDS(sizeof(kimi_why) == 4);
VALUE(KIMI_WHY_END, 1);
VALUE(KIMI_WHY_TRUNCATED, 2);
VALUE(KIMI_WHY_CANCELLED, 3);
VALUE(KIMI_WHY_TIMEOUT, 4);
VALUE(KIMI_WHY_FAILED, 5);

HOLDS(sizeof(kimi_frame_kind) == 4);
VALUE(KIMI_FRAME_RAW, 1);
VALUE(KIMI_FRAME_SSE, 2);
VALUE(KIMI_FRAME_LINE, 3);
VALUE(KIMI_FRAME_BODY, 4);
VALUE(KIMI_FRAME_TICK, 5);

HOLDS(sizeof(kimi_frame_flag) == 4);
VALUE(KIMI_FRAME_F_LAST, 1);
VALUE(KIMI_FRAME_F_ERROR, 2);
VALUE(KIMI_FRAME_F_CUT, 4);

HOLDS(sizeof(kimi_event_type) == 4);
VALUE(KIMI_EVENT_START, 1);
VALUE(KIMI_EVENT_TEXT, 2);
VALUE(KIMI_EVENT_REASONING, 3);
VALUE(KIMI_EVENT_TOOL_BEGIN, 4);
VALUE(KIMI_EVENT_TOOL_ARGS, 5);
VALUE(KIMI_EVENT_TOOL_END, 6);
VALUE(KIMI_EVENT_PART, 7);
VALUE(KIMI_EVENT_USAGE, 8);
VALUE(KIMI_EVENT_FINISH, 9);
VALUE(KIMI_EVENT_ERROR, 10);
VALUE(KIMI_EVENT_JSON, 11);

HOLDS(sizeof(kimi_scope) == 4);
VALUE(KIMI_SCOPE_RESPONSE, 0);
VALUE(KIMI_SCOPE_CHOICE, 1);
VALUE(KIMI_SCOPE_MESSAGE, 2);

HOLDS(sizeof(kimi_request_flag) == 4);
VALUE(KIMI_REQUEST_STREAM, 1);
VALUE(KIMI_REQUEST_NATIVE, 2);

HOLDS(sizeof(kimi_step) == 4);
VALUE(KIMI_STEP_SEND, 1);
VALUE(KIMI_STEP_TOKEN, 2);
VALUE(KIMI_STEP_HTTP, 3);
VALUE(KIMI_STEP_SIGN, 4);
VALUE(KIMI_STEP_LOCAL_REPLY, 5);
VALUE(KIMI_STEP_WAIT, 6);
VALUE(KIMI_STEP_GRANT, 7);

HOLDS(sizeof(kimi_send_flag) == 4);
VALUE(KIMI_SEND_STREAM, 1);
VALUE(KIMI_SEND_NO_BODY, 2);

HOLDS(sizeof(kimi_field) == 4);
VALUE(KIMI_FIELD_METHOD, 1);
VALUE(KIMI_FIELD_URL, 2);
VALUE(KIMI_FIELD_HEADER, 3);
VALUE(KIMI_FIELD_BODY, 4);
VALUE(KIMI_FIELD_BODY_PATCH, 5);
VALUE(KIMI_FIELD_TOKEN_KEY, 6);
VALUE(KIMI_FIELD_SIGN_ALG, 7);
VALUE(KIMI_FIELD_SIGN_KEY, 8);
VALUE(KIMI_FIELD_SIGN_DATA, 9);
VALUE(KIMI_FIELD_TOKEN_VALUE, 10);
VALUE(KIMI_FIELD_EXPIRES_AT, 11);
VALUE(KIMI_FIELD_REFRESH_AT, 12);
VALUE(KIMI_FIELD_SECRET_HEADER, 13);

HOLDS(sizeof(kimi_put) == 4);
VALUE(KIMI_PUT_REPLACE, 1);
VALUE(KIMI_PUT_MERGE_PATCH, 2);

int kimi_abi_layout_is_1_0(void) {
    return 1;
}
