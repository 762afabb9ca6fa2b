/* kimi_plugin.h: the whole plugin ABI of kimi-host, version 1.0.
 *
 * Copy this one file. It is C99, includes two standard headers, links nothing.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A plugin is a shared library with one exported function, kimi_plugin_entry_v1. The host calls it
 * once, reads the JSON manifest it hands over, and asks get_interface for the tables of functions
 * that the manifest promises: providers (they know an upstream), auth machines (they fetch tokens),
 * transforms (they know a model's quirks). Plugins do no I/O: a provider is stepped, and says in a
 * plan what the host shall do next. docs/plugins/abi.md tells the same at length, with examples.
 *
 * THREADS. Each function carries one tag:
 *   [load]    once per process, before any other call into the library
 *   [any]     any thread, also at the same time as other calls on the same object
 *   [serial]  one call at a time per exchange; the thread may differ from call to call, so
 *             thread-locals must not carry state from one call to the next
 *   [call]    only inside the call that handed over the object, on that call's thread
 *
 * MEMORY. Nothing allocated on one side is freed on the other. What a call receives (bytes, arrays,
 * structs) is borrowed: it is valid until that call returns, and the callee copies what it keeps. What a
 * callee hands to a host function is copied before that function returns. Exceptions: the kimi_host
 * table lives as long as the process; manifest and interface tables are static in the plugin.
 *
 * TEXT is UTF-8, pointer and length, not NUL-terminated. A slice of length 0 may have a NULL pointer.
 * The host never cuts a text event inside a code point.
 *
 * GROWTH. Value types (kimi_bytes, kimi_header, kimi_frame, kimi_event, kimi_result) are frozen. Tables
 * grow at the end only, under struct_size: a member exists if struct_size reaches past its end and it is
 * not NULL (KIMI_HAS). NULL means "not offered". Larger ideas come as a new interface id. Unknown
 * constants must be tolerated: skip an event type, frame kind or flag that you do not know.
 *
 * RESULTS. Negative = failed, described through kimi_host.fail; otherwise a code >= 0.
 * Nothing may unwind across a function of this header: no C++ exception, Rust panic or longjmp.
 *
 * STATE RULES, kept by the host (H) or owed by the plugin (P); validators cite the numbers.
 *   S01 H  the entry comes first, once; create comes after it, once per configured instance.
 *   S02 H  if create fails there is no instance, and destroy is not called for it.
 *   S03 H  if begin fails there is no exchange, and end is not called for it.
 *   S04 H  after begin succeeds, end is called exactly once, always, as the exchange's last call.
 *   S05 H  after a negative result from any call on an exchange the only further call is end.
 *   S06 H  provider: next is called until a step is SEND or LOCAL_REPLY; result answers each earlier step.
 *   S07 P  next describes exactly one step (plan_step once, after its fields), or fails.
 *   S08 H  result(SEND) brings the response's head, once, before the first feed. If the upstream could
 *          not be reached, neither result, feed nor flush follow: only end(KIMI_WHY_FAILED).
 *   S09 H  feed is never called after a frame with KIMI_FRAME_F_LAST, after KIMI_DONE, or after flush.
 *   S10 H  flush is called at most once with a final reason (all but TIMEOUT), after the last feed, and
 *          only after SEND or LOCAL_REPLY. A transform may get flush(TIMEOUT) any number of times before.
 *   S11 P  events: START first and once; per tool call BEGIN, ARGS*, END in this order; one FINISH per
 *          choice, after which only USAGE and JSON of scope RESPONSE follow; nothing follows ERROR.
 *   S12 P  a sink, plan, out or error is not used after the call that brought it.
 *   S13 H  destroy comes after the end of the instance's last exchange, and once.
 *   S14 H  an exchange is never used for two attempts: a retry is a new begin.
 *   S15 P  no state outside instances and exchanges: two instances, and any number of exchanges, coexist.
 *   S16 P  when emit or text returns KIMI_STOP, return at once; end(KIMI_WHY_CANCELLED) follows.
 *   S17 H  the library is never unloaded; after quiesce no call follows but destroy and end.
 */
#ifndef KIMI_PLUGIN_H
#define KIMI_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define KIMI_EXTERN extern "C"
#define KIMI_NOTHROW noexcept
#else
#define KIMI_EXTERN
#define KIMI_NOTHROW
#endif

#define KIMI_EXPORT KIMI_EXTERN __attribute__((visibility("default")))

/* The major version is part of the entry's name; a minor only ever adds. */
#define KIMI_ABI_MAJOR 1
#define KIMI_ABI_MINOR 0
#define KIMI_ENTRY_SYMBOL "kimi_plugin_entry_v1"

#define KIMI_PROVIDER_ID "kimi.provider/1"
#define KIMI_AUTH_ID "kimi.auth/1"
#define KIMI_TRANSFORM_ID "kimi.transform/1"
/* Ids of the host's own further tables, for kimi_host.extension. */
#define KIMI_HOST_KV_ID "kimi.host.kv/1"
#define KIMI_HOST_NOTES_ID "kimi.host.notes/1"

/* Does table *t have member m? False for a table older than m and for a member left NULL. */
#define KIMI_HAS(t, m) \
    ((t)->struct_size >= offsetof(__typeof__(*(t)), m) + sizeof((t)->m) && (t)->m != 0)

/* ---------------------------------------------------------------- constants ----------------------- */

/* What a function returns. An open set: a host or plugin may meet numbers that it does not know, and
 * treats unknown negative ones as KIMI_E_INTERNAL, unknown others as KIMI_OK. */
typedef int32_t kimi_status;
typedef enum kimi_status_code {
    KIMI_OK = 0,
    KIMI_UNCHANGED = 1,  /* transform begin: the request stays as it is, byte for byte */
    KIMI_STOP = 2,       /* from emit or text: take no more trouble, return (S16) */
    KIMI_DONE = 3,       /* provider feed: the reply is complete, bytes that follow are not wanted */
    KIMI_WHOLE = 4,      /* provider result(SEND): give me the body as one BODY frame, not framed */
    KIMI_NONE = 5,       /* kimi_host_kv.get: nothing is filed under that key */
    KIMI_E_ARG = -1,     /* the caller broke a rule of this header */
    KIMI_E_CONFIG = -2,
    KIMI_E_STATE = -3,
    KIMI_E_PROTOCOL = -4, /* the upstream's bytes make no sense */
    KIMI_E_UPSTREAM = -5, /* the upstream says no, or cannot be reached */
    KIMI_E_AUTH = -6,
    KIMI_E_LIMIT = -7,   /* a named bound was reached */
    KIMI_E_NOMEM = -8,
    KIMI_E_UNSUPPORTED = -9,
    KIMI_E_INTERNAL = -10,
    KIMI_E_CANCELLED = -11,
    KIMI_E_VERSION = -12
} kimi_status_code;

/* What kind of trouble it is, for the host's retry, fallback and error policies. */
typedef enum kimi_category {
    KIMI_CAT_NONE = 0,
    KIMI_CAT_AUTH = 1,            /* credentials missing, wrong or expired */
    KIMI_CAT_RATE_LIMITED = 2,
    KIMI_CAT_OVERLOADED = 3,
    KIMI_CAT_CONTEXT_LENGTH = 4,
    KIMI_CAT_CONTENT_FILTER = 5,
    KIMI_CAT_BAD_REQUEST = 6,
    KIMI_CAT_UPSTREAM = 7,        /* the upstream failed by itself: 5xx and the like */
    KIMI_CAT_PROTOCOL = 8,        /* an answer that is not what the API promises */
    KIMI_CAT_CONFIG = 9,
    KIMI_CAT_INTERNAL = 10,
    KIMI_CAT_NOT_FOUND = 11,      /* model or resource unknown upstream */
    KIMI_CAT_PERMISSION = 12,
    KIMI_CAT_QUOTA = 13,          /* paid or granted amount used up */
    KIMI_CAT_TIMEOUT = 14,
    KIMI_CAT_NETWORK = 15         /* resolve, connect, TLS, connection lost */
} kimi_category;

typedef enum kimi_level {
    KIMI_LOG_TRACE = 0,
    KIMI_LOG_DEBUG = 1,
    KIMI_LOG_INFO = 2,
    KIMI_LOG_WARNING = 3,
    KIMI_LOG_ERROR = 4
} kimi_level;

/* Why a stream is flushed or an exchange ended. */
typedef enum kimi_why {
    KIMI_WHY_END = 1,       /* complete as far as the transport knows */
    KIMI_WHY_TRUNCATED = 2, /* the connection broke in the middle */
    KIMI_WHY_CANCELLED = 3, /* the client went, or the host lost interest */
    KIMI_WHY_TIMEOUT = 4,   /* flush only, not final: held too long, give up what can be given up */
    KIMI_WHY_FAILED = 5     /* a call on this exchange failed, or the upstream could not be reached */
} kimi_why;

typedef enum kimi_frame_kind {
    KIMI_FRAME_RAW = 1,  /* data: bytes as they came, any cut */
    KIMI_FRAME_SSE = 2,  /* name: event name or empty; data: the event's data lines joined by \n */
    KIMI_FRAME_LINE = 3, /* data: one line of ndjson, without its end; blank lines are left out */
    KIMI_FRAME_BODY = 4, /* data: the whole body */
    KIMI_FRAME_TICK = 5  /* LOCAL_REPLY: no data, "go on" */
} kimi_frame_kind;

typedef enum kimi_frame_flag {
    KIMI_FRAME_F_LAST = 1, /* no frame follows in this exchange */
    KIMI_FRAME_F_ERROR = 2, /* BODY of an answer whose HTTP status is 400 or more */
    KIMI_FRAME_F_CUT = 4    /* BODY was longer than the host keeps and ends early */
} kimi_frame_flag;

/* Canonical events. Slices a, b, c and integers i0..i3 per type; what is not named is zero.
 *   START      a response id   b model   i0 created (unix s, 0 unknown)
 *   TEXT       a text of choice
 *   REASONING  a text of choice   b signature (opaque, may come alone)
 *   TOOL_BEGIN a call id (may be empty)   b name   index = number of the call in its choice, from 0
 *              A name may be empty where a transform can tell it; none is left for the client.
 *   TOOL_ARGS  a next piece of the arguments' JSON text   index as above
 *   TOOL_END   index as above
 *   PART       a JSON of a content part that is not text   b mime   c inline bytes
 *   USAGE      a the upstream's usage object (JSON, may be empty)   i0 input tokens (cached included)
 *              i1 output tokens (reasoning included)   i2 cached input   i3 reasoning; -1 = unknown
 *   FINISH     a canonical reason: stop, length, tool_calls, content_filter, or the upstream's own
 *              b the upstream's reason as it was
 *   ERROR      a message   b upstream code   c excerpt of the body   i0 kimi_category
 *              i1 HTTP status (0 none)   i2 retry after, ms (-1 unknown)
 *   JSON       a any JSON value   b its member name   i0 kimi_scope: where it belongs */
typedef enum kimi_event_type {
    KIMI_EVENT_START = 1,
    KIMI_EVENT_TEXT = 2,
    KIMI_EVENT_REASONING = 3,
    KIMI_EVENT_TOOL_BEGIN = 4,
    KIMI_EVENT_TOOL_ARGS = 5,
    KIMI_EVENT_TOOL_END = 6,
    KIMI_EVENT_PART = 7,
    KIMI_EVENT_USAGE = 8,
    KIMI_EVENT_FINISH = 9,
    KIMI_EVENT_ERROR = 10,
    KIMI_EVENT_JSON = 11
} kimi_event_type;

typedef enum kimi_scope {
    KIMI_SCOPE_RESPONSE = 0, /* a member of the response, such as system_fingerprint */
    KIMI_SCOPE_CHOICE = 1,   /* a member of the choice, such as logprobs */
    KIMI_SCOPE_MESSAGE = 2   /* a member of the message or delta, such as refusal */
} kimi_scope;

/* kimi_request.flags */
typedef enum kimi_request_flag {
    KIMI_REQUEST_STREAM = 1, /* the client wants a stream */
    KIMI_REQUEST_NATIVE = 2  /* the client's own dialect goes up and down; events serve the log only */
} kimi_request_flag;

/* Steps of a plan; a result's kind is the kind of the step it answers. */
typedef enum kimi_step {
    KIMI_STEP_SEND = 1,  /* the upstream request. Fields METHOD?, URL, HEADER*, SECRET_HEADER*, and BODY
                            or BODY_PATCH; arg: kimi_send_flag. Result: the response's head. */
    KIMI_STEP_TOKEN = 2, /* the token filed under TOKEN_KEY. Result: body = token. */
    KIMI_STEP_HTTP = 3,  /* a side request; fields as for SEND. Result: status, headers, whole body. */
    KIMI_STEP_SIGN = 4,  /* SIGN_ALG, SIGN_KEY, SIGN_DATA. Result: body = signature. */
    KIMI_STEP_LOCAL_REPLY = 5, /* no upstream: feed gets TICK frames, every arg ms, until KIMI_DONE */
    KIMI_STEP_WAIT = 6,  /* call result after arg ms */
    KIMI_STEP_GRANT = 7  /* auth only, its last step: TOKEN_VALUE, EXPIRES_AT, REFRESH_AT? */
} kimi_step;

typedef enum kimi_send_flag {
    KIMI_SEND_STREAM = 1, /* the answer is meant to be a stream, framed as the manifest says */
    KIMI_SEND_NO_BODY = 2
} kimi_send_flag;

/* plan_field: key is used by HEADER and SECRET_HEADER only. Methods, URLs, header names and values without
 * control characters; anything else is KIMI_E_ARG. */
typedef enum kimi_field {
    KIMI_FIELD_METHOD = 1,        /* default POST */
    KIMI_FIELD_URL = 2,           /* absolute, http or https; its host must be one the manifest allows */
    KIMI_FIELD_HEADER = 3,        /* not content-length, transfer-encoding, connection: those are the host's */
    KIMI_FIELD_BODY = 4,          /* appended to what earlier BODY fields gave */
    KIMI_FIELD_BODY_PATCH = 5,    /* JSON merge patch (RFC 7396) on the exchange's request: untouched
                                     members keep their bytes. Neither BODY nor BODY_PATCH: as it is. */
    KIMI_FIELD_TOKEN_KEY = 6,
    KIMI_FIELD_SIGN_ALG = 7,      /* such as RS256 */
    KIMI_FIELD_SIGN_KEY = 8,      /* reference to a key that the host holds */
    KIMI_FIELD_SIGN_DATA = 9,
    KIMI_FIELD_TOKEN_VALUE = 10,
    KIMI_FIELD_EXPIRES_AT = 11,   /* unix ms, decimal text */
    KIMI_FIELD_REFRESH_AT = 12,   /* unix ms, decimal text */
    KIMI_FIELD_SECRET_HEADER = 13 /* a header whose value appears in no log */
} kimi_field;

typedef enum kimi_put {
    KIMI_PUT_REPLACE = 1,    /* data is the whole new request; further calls append */
    KIMI_PUT_MERGE_PATCH = 2 /* data is an RFC 7396 merge patch; further calls append to its text */
} kimi_put;

/* ---------------------------------------------------------------- value types (frozen) ------------ */

/* A borrowed slice: 16 bytes. */
typedef struct kimi_bytes {
    const uint8_t *ptr;
    size_t len;
} kimi_bytes;

/* One header line: 32 bytes. Names are as they came; compare without regard to case. */
typedef struct kimi_header {
    kimi_bytes name, value;
} kimi_header;

/* Provider input, one piece of the upstream's body: 40 bytes. */
typedef struct kimi_frame {
    uint32_t kind, flags; /* kimi_frame_kind, kimi_frame_flag */
    kimi_bytes name, data;
} kimi_frame;

/* A canonical event: 96 bytes. */
typedef struct kimi_event {
    uint32_t type, flags;   /* kimi_event_type; flags: 0 in 1.0 */
    uint32_t choice, index; /* number of the choice; number of the tool call in it */
    kimi_bytes a, b, c;
    int64_t i0, i1, i2, i3;
} kimi_event;

/* What a step came back with: 48 bytes. */
typedef struct kimi_result {
    uint32_t kind, id;     /* kimi_step; the id given to plan_step */
    int32_t status;        /* KIMI_OK, or why the host could not: then body is a sentence */
    uint32_t http_status;  /* SEND and HTTP */
    kimi_bytes body;
    const kimi_header *headers;
    size_t n_headers;
} kimi_result;

/* ---------------------------------------------------------------- opaque types -------------------- */

/* Made by the host. Which one you hold says which calls are legal; all but kimi_ctx die with the call. */
typedef struct kimi_ctx kimi_ctx;     /* one per instance, valid until destroy returns */
typedef struct kimi_error kimi_error; /* where a failure is described */
typedef struct kimi_out kimi_out;     /* the changed request being built */
typedef struct kimi_plan kimi_plan;   /* the next step being described */
typedef struct kimi_sink kimi_sink;   /* where events go */

/* Made by the plugin, never looked into by the host. */
typedef struct kimi_inst kimi_inst; /* a configured plugin: immutable after create, used by many threads */
typedef struct kimi_exch kimi_exch; /* one attempt of one request */

/* ---------------------------------------------------------------- tables -------------------------- */

/* One request, as begin gets it. Owned by the host, valid during begin, grows at the end. */
typedef struct kimi_request {
    uint32_t struct_size;
    uint32_t flags;          /* kimi_request_flag */
    kimi_bytes json;         /* canonical request: OpenAI Chat shape plus docs/canonical-request.md */
    kimi_bytes model;        /* the upstream's model name, also in json */
    kimi_bytes exchange_id;  /* for logs: the same as the client's x-request-id */
    kimi_bytes dialect;      /* what the client speaks: openai.chat, openai.responses, anthropic.messages */
    kimi_bytes conversation; /* stable for the turns of one conversation; empty if unknown */
    uint64_t attempt;        /* from 1 */
    uint64_t deadline_ms;    /* unix ms after which the host gives up; 0 = none */
} kimi_request;

/* What the host offers. Owned by the host, valid for the life of the process. */
typedef struct kimi_host {
    uint32_t struct_size;
    uint32_t abi_minor; /* the host's; the same for every plugin */

    /* [any] A further table by id, static for the life of the process, or NULL if this host has none. */
    const void *(*extension)(kimi_ctx *ctx, const char *id) KIMI_NOTHROW;
    /* [any] Would a line of this kimi_level be written? Ask before making an expensive one. */
    uint32_t (*log_on)(kimi_ctx *ctx, uint32_t level) KIMI_NOTHROW;
    /* [any] One line, without its end. The host adds plugin and instance and masks secrets. */
    void (*log)(kimi_ctx *ctx, uint32_t level, kimi_bytes text) KIMI_NOTHROW;
    /* [any] Wall clock, unix ms. Plugins use no other clock, so that runs can be replayed. */
    uint64_t (*unix_ms)(kimi_ctx *ctx) KIMI_NOTHROW;
    /* [any] Monotonic clock, ns since some start. */
    uint64_t (*mono_ns)(kimi_ctx *ctx) KIMI_NOTHROW;
    /* [any] n random bytes into dst, which the plugin owns. KIMI_OK or KIMI_E_INTERNAL. */
    kimi_status (*random)(kimi_ctx *ctx, uint8_t *dst, size_t n) KIMI_NOTHROW;

    /* [call] Describes why this call is about to return `status` (negative). category: kimi_category.
     * retry_after_ms: 0 = not said. message: one sentence, no secrets, copied. The last call counts. */
    void (*fail)(kimi_error *error, kimi_status status, uint32_t category, uint64_t retry_after_ms,
                 kimi_bytes message) KIMI_NOTHROW;
    /* [call] Appends to the changed request. how: kimi_put, one and the same within a call. Copied.
     * KIMI_OK, KIMI_E_ARG, or KIMI_E_LIMIT over the host's request limit. */
    kimi_status (*put)(kimi_out *out, uint32_t how, kimi_bytes data) KIMI_NOTHROW;
    /* [call] A field (kimi_field) of the step to come. key and value are copied.
     * KIMI_OK, KIMI_E_ARG for an unknown field, KIMI_E_LIMIT. */
    kimi_status (*plan_field)(kimi_plan *plan, uint32_t field, kimi_bytes key, kimi_bytes value)
        KIMI_NOTHROW;
    /* [call] The step (kimi_step) itself, after its fields. id comes back in the result. KIMI_OK,
     * KIMI_E_ARG for a missing field, KIMI_E_UNSUPPORTED for a step this host does not know. */
    kimi_status (*plan_step)(kimi_plan *plan, uint32_t kind, uint32_t id, uint64_t arg) KIMI_NOTHROW;
    /* [call] One event of type TEXT, REASONING or TOOL_ARGS whose slice a is `text`. For languages
     * that may not pass arrays of structs. KIMI_OK, KIMI_STOP (S16), or negative. */
    kimi_status (*text)(kimi_sink *sink, uint32_t type, uint32_t choice, uint32_t index, kimi_bytes text)
        KIMI_NOTHROW;
    /* [call] n events, taken in order before it returns; slices may point anywhere that lives until
     * then, the input array included. KIMI_OK, KIMI_STOP (S16), or negative. */
    kimi_status (*emit)(kimi_sink *sink, const kimi_event *events, size_t n) KIMI_NOTHROW;
    /* [call] n bytes, 16-aligned, that die with the call; NULL when the host's bound is reached. */
    void *(*scratch)(kimi_sink *sink, size_t n) KIMI_NOTHROW;
} kimi_host;

/* A memory that outlives exchanges: extension("kimi.host.kv/1"). Owned by the host, valid for the life of the
 * process. One namespace per plugin id, shared by its instances. In memory only, lost at the host's end, bounded:
 * what was used longest ago goes first, so every value may be gone at the next call. */
typedef struct kimi_host_kv {
    uint32_t struct_size;
    uint32_t flags; /* 0 in 1.0 */
    /* [any] Files a copy of value under key (1 to 256 bytes) in place of what was there. ttl_ms: 0 = until its room
     * is needed. KIMI_OK, KIMI_E_ARG, or KIMI_E_LIMIT for a value larger than this host keeps. */
    kimi_status (*put)(kimi_ctx *ctx, kimi_bytes key, kimi_bytes value, uint64_t ttl_ms) KIMI_NOTHROW;
    /* [any] Copies the value into dst, which the plugin owns; *length says how long it is. KIMI_OK, KIMI_NONE, or
     * KIMI_E_LIMIT if capacity is too small: then dst is untouched. */
    kimi_status (*get)(kimi_ctx *ctx, kimi_bytes key, uint8_t *dst, size_t capacity, size_t *length)
        KIMI_NOTHROW;
    /* [any] Takes the value out. KIMI_OK, also if there was none. */
    kimi_status (*forget)(kimi_ctx *ctx, kimi_bytes key) KIMI_NOTHROW;
} kimi_host_kv;

/* What a plugin did to an exchange: extension("kimi.host.notes/1"). Owned by the host, valid for the life of the
 * process. Counts go to the exchange's row in the log and, by plugin and kind, to /metrics.
 * kind: 1 to 64 bytes of a-z, 0-9 and _, one of a fixed set of the plugin's own (a host may file kinds beyond the
 * 64th under "other"). detail: one line for the log, may be empty, no secrets. Both are copied.
 * KIMI_OK, or KIMI_E_ARG. */
typedef struct kimi_host_notes {
    uint32_t struct_size;
    uint32_t flags; /* 0 in 1.0 */
    /* [call] In a transform's begin, about the request. */
    kimi_status (*request)(kimi_out *out, kimi_bytes kind, uint64_t count, kimi_bytes detail) KIMI_NOTHROW;
    /* [call] In feed or flush, about the reply. */
    kimi_status (*reply)(kimi_sink *sink, kimi_bytes kind, uint64_t count, kimi_bytes detail) KIMI_NOTHROW;
} kimi_host_notes;

/* A provider: get_interface("kimi.provider/1"). Static in the plugin. All members but flags required. */
typedef struct kimi_provider {
    uint32_t struct_size;
    uint32_t flags; /* 0 in 1.0 */
    /* [any] Makes an instance. config: JSON, already checked against the manifest's schema, with
     * environment references resolved. host lives for ever, ctx until destroy returns. */
    kimi_status (*create)(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) KIMI_NOTHROW;
    /* [any] Frees the instance (S13). */
    void (*destroy)(kimi_inst *instance) KIMI_NOTHROW;
    /* [any] Starts an attempt. request is valid during this call; the host keeps its JSON for BODY_PATCH. */
    kimi_status (*begin)(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange,
                         kimi_error *error) KIMI_NOTHROW;
    /* [serial] Describes the next step in plan (S06, S07). */
    kimi_status (*next)(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) KIMI_NOTHROW;
    /* [serial] A step came back. For SEND: KIMI_OK, or KIMI_WHOLE to get the body in one piece. The body
     * of an answer with status >= 400 always comes in one piece, with KIMI_FRAME_F_ERROR. */
    kimi_status (*result)(kimi_exch *exchange, const kimi_result *result, kimi_error *error)
        KIMI_NOTHROW;
    /* [serial] n frames, all that one network read brought; events go to sink. KIMI_OK or KIMI_DONE. */
    kimi_status (*feed)(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink,
                        kimi_error *error) KIMI_NOTHROW;
    /* [serial] The body is over (kimi_why): emit what is left, or fail if the reply is incomplete. */
    kimi_status (*flush)(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error)
        KIMI_NOTHROW;
    /* [serial] Frees the exchange (S04). */
    void (*end)(kimi_exch *exchange, uint32_t why) KIMI_NOTHROW;
} kimi_provider;

/* A token machine: get_interface("kimi.auth/1"), optional, on instances of the same library's provider. */
typedef struct kimi_auth {
    uint32_t struct_size;
    uint32_t flags; /* 0 in 1.0 */
    /* [any] Starts fetching the token filed under key. */
    kimi_status (*begin)(kimi_inst *instance, kimi_bytes key, kimi_exch **exchange, kimi_error *error)
        KIMI_NOTHROW;
    /* [serial] HTTP, SIGN, WAIT, or GRANT as the last step. */
    kimi_status (*next)(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) KIMI_NOTHROW;
    /* [serial] A step came back. */
    kimi_status (*result)(kimi_exch *exchange, const kimi_result *result, kimi_error *error)
        KIMI_NOTHROW;
    /* [serial] Frees the exchange (S04). */
    void (*end)(kimi_exch *exchange, uint32_t why) KIMI_NOTHROW;
} kimi_auth;

/* A transform: get_interface("kimi.transform/1"). Static in the plugin. All members required. */
typedef struct kimi_transform {
    uint32_t struct_size;
    uint32_t event_mask; /* bit 1 << type for each kimi_event_type it wants; others pass it by, in order */
    /* [any] As for a provider. */
    kimi_status (*create)(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) KIMI_NOTHROW;
    /* [any] Frees the instance (S13). */
    void (*destroy)(kimi_inst *instance) KIMI_NOTHROW;
    /* [any] Starts an attempt. KIMI_UNCHANGED, or KIMI_OK after out was filled. An exchange is made in
     * both cases; leave *exchange NULL to have no part in the response (then end is not called). */
    kimi_status (*begin)(kimi_inst *instance, const kimi_request *request, kimi_out *out,
                         kimi_exch **exchange, kimi_error *error) KIMI_NOTHROW;
    /* [serial] n wanted events in order; what shall go on, changed or not, is emitted to sink. */
    kimi_status (*feed)(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink,
                        kimi_error *error) KIMI_NOTHROW;
    /* [serial] The stream is over, or was held too long (kimi_why): emit what was held. */
    kimi_status (*flush)(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error)
        KIMI_NOTHROW;
    /* [serial] Frees the exchange (S04). */
    void (*end)(kimi_exch *exchange, uint32_t why) KIMI_NOTHROW;
} kimi_transform;

/* The entry's argument. Host and plugin each fill their half. Owned by the host, valid during the entry. */
typedef struct kimi_handshake {
    uint32_t struct_size; /* host: the size it made room for */
    uint32_t host_minor;  /* host */
    const kimi_host *host; /* host: valid for the life of the process */
    uint32_t plugin_minor; /* plugin: KIMI_ABI_MINOR of the header it was built with */
    uint32_t needs_minor;  /* plugin: it cannot work with a host below this minor */
    kimi_bytes manifest;   /* plugin: JSON, static storage (docs/plugins/manifest.md) */
    /* plugin: [any] the table for an interface id, static, or NULL if the id is unknown. */
    const void *(*get_interface)(const char *id) KIMI_NOTHROW;
    /* plugin: [any] optional: stop threads of its own; the library stays mapped (S17). */
    void (*quiesce)(void) KIMI_NOTHROW;
} kimi_handshake;

typedef kimi_status (*kimi_entry_fn)(kimi_handshake *handshake, kimi_error *error) KIMI_NOTHROW;

/* [load] The one exported symbol of a plugin. Fills the handshake's plugin half; KIMI_OK, or negative
 * after handshake->host->fail. It may be called again with another handshake and answers the same. */
KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) KIMI_NOTHROW;

#endif
