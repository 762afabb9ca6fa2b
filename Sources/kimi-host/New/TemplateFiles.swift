// swift-format-ignore-file
// Written by scripts/templates.py from Templates/; do not edit.

/// The files of `kimi-host plugin new`.
enum TemplateFiles {
    static let all: [TemplateFile] = [
        .init(language: "c", kind: nil, path: "notes", text: notes0),
        .init(language: "c", kind: "provider", path: "kimi_plugin.h", text: text1),
        .init(language: "c", kind: "provider", path: ".gitignore", text: text2),
        .init(language: "c", kind: "provider", path: "README.md", text: text3),
        .init(language: "c", kind: "provider", path: "json.h", text: text4),
        .init(language: "c", kind: "provider", path: "transcripts/429.yaml", text: text5),
        .init(language: "c", kind: "provider", path: "transcripts/error-in-stream.yaml", text: text6),
        .init(language: "c", kind: "provider", path: "transcripts/tools.yaml", text: text7),
        .init(language: "c", kind: "provider", path: "transcripts/truncated.yaml", text: text8),
        .init(language: "c", kind: "provider", path: "transcripts/text.yaml", text: text9),
        .init(language: "c", kind: "provider", path: "Makefile", text: text10),
        .init(language: "c", kind: "provider", path: "plugin.c", text: text11),
        .init(language: "c", kind: "transform", path: "kimi_plugin.h", text: text1),
        .init(language: "c", kind: "transform", path: ".gitignore", text: text2),
        .init(language: "c", kind: "transform", path: "README.md", text: text12),
        .init(language: "c", kind: "transform", path: "transcripts/text.yaml", text: text13),
        .init(language: "c", kind: "transform", path: "Makefile", text: text10),
        .init(language: "c", kind: "transform", path: "plugin.c", text: text14),
        .init(language: "cpp", kind: nil, path: "notes", text: notes15),
        .init(language: "cpp", kind: "provider", path: "kimi_plugin.h", text: text1),
        .init(language: "cpp", kind: "provider", path: ".gitignore", text: text2),
        .init(language: "cpp", kind: "provider", path: "README.md", text: text3),
        .init(language: "cpp", kind: "provider", path: "json.h", text: text4),
        .init(language: "cpp", kind: "provider", path: "plugin.map", text: text16),
        .init(language: "cpp", kind: "provider", path: "transcripts/429.yaml", text: text5),
        .init(language: "cpp", kind: "provider", path: "transcripts/error-in-stream.yaml", text: text6),
        .init(language: "cpp", kind: "provider", path: "transcripts/tools.yaml", text: text7),
        .init(language: "cpp", kind: "provider", path: "transcripts/truncated.yaml", text: text8),
        .init(language: "cpp", kind: "provider", path: "transcripts/text.yaml", text: text9),
        .init(language: "cpp", kind: "provider", path: "Makefile", text: text17),
        .init(language: "cpp", kind: "provider", path: "plugin.cpp", text: text18),
        .init(language: "cpp", kind: "transform", path: "kimi_plugin.h", text: text1),
        .init(language: "cpp", kind: "transform", path: ".gitignore", text: text2),
        .init(language: "cpp", kind: "transform", path: "README.md", text: text12),
        .init(language: "cpp", kind: "transform", path: "plugin.map", text: text16),
        .init(language: "cpp", kind: "transform", path: "transcripts/text.yaml", text: text13),
        .init(language: "cpp", kind: "transform", path: "Makefile", text: text17),
        .init(language: "cpp", kind: "transform", path: "plugin.cpp", text: text19),
        .init(language: "rust", kind: nil, path: "notes", text: notes20),
        .init(language: "rust", kind: "provider", path: "kimi_plugin.h", text: text1),
        .init(language: "rust", kind: "provider", path: ".gitignore", text: text2),
        .init(language: "rust", kind: "provider", path: "README.md", text: text3),
        .init(language: "rust", kind: "provider", path: "transcripts/429.yaml", text: text5),
        .init(language: "rust", kind: "provider", path: "transcripts/error-in-stream.yaml", text: text6),
        .init(language: "rust", kind: "provider", path: "transcripts/tools.yaml", text: text7),
        .init(language: "rust", kind: "provider", path: "transcripts/truncated.yaml", text: text8),
        .init(language: "rust", kind: "provider", path: "transcripts/text.yaml", text: text9),
        .init(language: "rust", kind: "provider", path: "Cargo.toml", text: text21),
        .init(language: "rust", kind: "provider", path: "Makefile", text: text22),
        .init(language: "rust", kind: "provider", path: "json.rs", text: text23),
        .init(language: "rust", kind: "provider", path: "kimi_plugin.rs", text: text24),
        .init(language: "rust", kind: "provider", path: "plugin.rs", text: text25),
        .init(language: "rust", kind: "transform", path: "kimi_plugin.h", text: text1),
        .init(language: "rust", kind: "transform", path: ".gitignore", text: text2),
        .init(language: "rust", kind: "transform", path: "README.md", text: text12),
        .init(language: "rust", kind: "transform", path: "transcripts/text.yaml", text: text13),
        .init(language: "rust", kind: "transform", path: "Cargo.toml", text: text21),
        .init(language: "rust", kind: "transform", path: "Makefile", text: text22),
        .init(language: "rust", kind: "transform", path: "kimi_plugin.rs", text: text24),
        .init(language: "rust", kind: "transform", path: "plugin.rs", text: text26),
        .init(language: "swift", kind: nil, path: "notes", text: notes27),
        .init(language: "swift", kind: "provider", path: "kimi_plugin.h", text: text1),
        .init(language: "swift", kind: "provider", path: ".gitignore", text: text2),
        .init(language: "swift", kind: "provider", path: "README.md", text: text3),
        .init(language: "swift", kind: "provider", path: "json.h", text: text4),
        .init(language: "swift", kind: "provider", path: "plugin.map", text: text16),
        .init(language: "swift", kind: "provider", path: "transcripts/429.yaml", text: text5),
        .init(language: "swift", kind: "provider", path: "transcripts/error-in-stream.yaml", text: text6),
        .init(language: "swift", kind: "provider", path: "transcripts/tools.yaml", text: text7),
        .init(language: "swift", kind: "provider", path: "transcripts/truncated.yaml", text: text8),
        .init(language: "swift", kind: "provider", path: "transcripts/text.yaml", text: text9),
        .init(language: "swift", kind: "provider", path: "Makefile", text: text28),
        .init(language: "swift", kind: "provider", path: "Support.swift", text: text29),
        .init(language: "swift", kind: "provider", path: "bridge.h", text: text30),
        .init(language: "swift", kind: "provider", path: "plugin.swift", text: text31),
        .init(language: "swift", kind: "transform", path: "kimi_plugin.h", text: text1),
        .init(language: "swift", kind: "transform", path: ".gitignore", text: text2),
        .init(language: "swift", kind: "transform", path: "README.md", text: text12),
        .init(language: "swift", kind: "transform", path: "json.h", text: text4),
        .init(language: "swift", kind: "transform", path: "plugin.map", text: text16),
        .init(language: "swift", kind: "transform", path: "transcripts/text.yaml", text: text13),
        .init(language: "swift", kind: "transform", path: "Makefile", text: text28),
        .init(language: "swift", kind: "transform", path: "Support.swift", text: text29),
        .init(language: "swift", kind: "transform", path: "bridge.h", text: text30),
        .init(language: "swift", kind: "transform", path: "plugin.swift", text: text32),
        .init(language: "go", kind: nil, path: "notes", text: notes33),
        .init(language: "go", kind: "provider", path: "kimi_plugin.h", text: text1),
        .init(language: "go", kind: "provider", path: ".gitignore", text: text2),
        .init(language: "go", kind: "provider", path: "README.md", text: text3),
        .init(language: "go", kind: "provider", path: "plugin.map", text: text16),
        .init(language: "go", kind: "provider", path: "transcripts/429.yaml", text: text5),
        .init(language: "go", kind: "provider", path: "transcripts/error-in-stream.yaml", text: text6),
        .init(language: "go", kind: "provider", path: "transcripts/tools.yaml", text: text7),
        .init(language: "go", kind: "provider", path: "transcripts/truncated.yaml", text: text8),
        .init(language: "go", kind: "provider", path: "transcripts/text.yaml", text: text9),
        .init(language: "go", kind: "provider", path: "Makefile", text: text34),
        .init(language: "go", kind: "provider", path: "go.mod", text: text35),
        .init(language: "go", kind: "provider", path: "plugin.c", text: text36),
        .init(language: "go", kind: "provider", path: "plugin.go", text: text37),
        .init(language: "go", kind: "provider", path: "plugin.h", text: text38),
        .init(language: "go", kind: "transform", path: "kimi_plugin.h", text: text1),
        .init(language: "go", kind: "transform", path: ".gitignore", text: text2),
        .init(language: "go", kind: "transform", path: "README.md", text: text12),
        .init(language: "go", kind: "transform", path: "plugin.map", text: text16),
        .init(language: "go", kind: "transform", path: "transcripts/text.yaml", text: text13),
        .init(language: "go", kind: "transform", path: "Makefile", text: text34),
        .init(language: "go", kind: "transform", path: "go.mod", text: text35),
        .init(language: "go", kind: "transform", path: "plugin.c", text: text39),
        .init(language: "go", kind: "transform", path: "plugin.go", text: text40),
        .init(language: "go", kind: "transform", path: "plugin.h", text: text41),
        .init(language: "zig", kind: nil, path: "notes", text: notes42),
        .init(language: "zig", kind: "provider", path: "kimi_plugin.h", text: text1),
        .init(language: "zig", kind: "provider", path: ".gitignore", text: text2),
        .init(language: "zig", kind: "provider", path: "README.md", text: text3),
        .init(language: "zig", kind: "provider", path: "plugin.map", text: text16),
        .init(language: "zig", kind: "provider", path: "transcripts/429.yaml", text: text5),
        .init(language: "zig", kind: "provider", path: "transcripts/error-in-stream.yaml", text: text6),
        .init(language: "zig", kind: "provider", path: "transcripts/tools.yaml", text: text7),
        .init(language: "zig", kind: "provider", path: "transcripts/truncated.yaml", text: text8),
        .init(language: "zig", kind: "provider", path: "transcripts/text.yaml", text: text9),
        .init(language: "zig", kind: "provider", path: "Makefile", text: text43),
        .init(language: "zig", kind: "provider", path: "plugin.zig", text: text44),
        .init(language: "zig", kind: "transform", path: "kimi_plugin.h", text: text1),
        .init(language: "zig", kind: "transform", path: ".gitignore", text: text2),
        .init(language: "zig", kind: "transform", path: "README.md", text: text12),
        .init(language: "zig", kind: "transform", path: "plugin.map", text: text16),
        .init(language: "zig", kind: "transform", path: "transcripts/text.yaml", text: text13),
        .init(language: "zig", kind: "transform", path: "Makefile", text: text43),
        .init(language: "zig", kind: "transform", path: "plugin.zig", text: text45),
        .init(language: "python", kind: nil, path: "notes", text: notes46),
        .init(language: "python", kind: "provider", path: "kimi_plugin.py", text: text47),
        .init(language: "python", kind: "provider", path: ".gitignore", text: text48),
        .init(language: "python", kind: "provider", path: "README.md", text: text49),
        .init(language: "python", kind: "provider", path: "plugin.py", text: text50),
        .init(language: "python", kind: "provider", path: "test_plugin.py", text: text51),
        .init(language: "python", kind: "provider", path: "Makefile", text: text52),
        .init(language: "python", kind: "provider", path: "harness.py", text: text53),
        .init(language: "python", kind: "provider", path: "plugin.yaml", text: text54),
        .init(language: "python", kind: "provider", path: "transcripts/429.json", text: text55),
        .init(language: "python", kind: "provider", path: "transcripts/calls.json", text: text56),
        .init(language: "python", kind: "provider", path: "transcripts/error-in-stream.json", text: text57),
        .init(language: "python", kind: "provider", path: "transcripts/error-with-code.json", text: text58),
        .init(language: "python", kind: "provider", path: "transcripts/reasoning.json", text: text59),
        .init(language: "python", kind: "provider", path: "transcripts/tools.json", text: text60),
        .init(language: "python", kind: "provider", path: "transcripts/truncated.json", text: text61),
        .init(language: "python", kind: "provider", path: "transcripts/text.json", text: text62),
        .init(language: "python", kind: "transform", path: "kimi_plugin.py", text: text47),
        .init(language: "python", kind: "transform", path: ".gitignore", text: text48),
        .init(language: "python", kind: "transform", path: "README.md", text: text63),
        .init(language: "python", kind: "transform", path: "plugin.py", text: text64),
        .init(language: "python", kind: "transform", path: "test_plugin.py", text: text65),
        .init(language: "python", kind: "transform", path: "Makefile", text: text52),
        .init(language: "python", kind: "transform", path: "harness.py", text: text53),
        .init(language: "python", kind: "transform", path: "plugin.yaml", text: text54),
        .init(language: "python", kind: "transform", path: "transcripts/text.json", text: text66),
    ]

    static let notes0 = ##"""
Needs: a C99 compiler and make. `make CC=clang` works too.

"""##

    static let text1 = ##"""
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

"""##

    static let text2 = ##"""
build/

"""##

    static let text3 = ##"""
# @NAME@

A provider plugin for kimi-host: it knows an upstream that speaks Chat Completions.

    make                                   # build/lib@NAME@.so
    make test KIMI_HOST=path/to/kimi-host  # every rule of the ABI, a run, a load

@NOTES@
## Use it

    install -m 0755 build/lib@NAME@.so /path/to/plugins.d/

and in `model-config.yaml`; a host that runs takes both, and each new version, by itself:

    models:
      - name: my-model
        provider: @NAME@
        model: the-upstreams-name-of-it
        provider_config: {apiKey: $@ENV@_API_KEY, baseUrl: "https://api.example.com/v1"}

## Go on from here

`plugin.*` is the plugin. The comments in `kimi_plugin.h` are the contract. It decodes text, reasoning, tool calls, the
finish reason, usage and errors of the first choice; requests with `n` above 1 end in an error that says so. What your
upstream does differently is the first thing to add. `transcripts/` holds what the upstream says and the events that must
come of it: record one for each thing you add, and `make test` checks them, cut in 200 ways. Change the `id` in the manifest
from `com.example` to a name you own.

"""##

    static let text4 = ##"""
/* Reads JSON where it lies, without memory of its own. C99 and C++. Whatever the bytes are, it stays inside them. */
#ifndef JSON_H
#define JSON_H

#include <string.h>

#include "kimi_plugin.h"

static inline kimi_bytes json_slice(const uint8_t *ptr, size_t len) {
    kimi_bytes bytes;
    bytes.ptr = ptr;
    bytes.len = len;
    return bytes;
}

/* A literal's bytes. */
static inline kimi_bytes json_words(const char *text) {
    return json_slice((const uint8_t *)text, strlen(text));
}

static inline int json_equals(kimi_bytes bytes, const char *text) {
    return bytes.len == strlen(text) && (bytes.len == 0 || memcmp(bytes.ptr, text, bytes.len) == 0);
}

static inline kimi_bytes json_skip_space(kimi_bytes in) {
    while (in.len > 0 && *in.ptr <= ' ') in = json_slice(in.ptr + 1, in.len - 1);
    return in;
}

/* How long is the value that `in` begins with? Brackets are counted, not followed, so depth costs nothing. */
static inline size_t json_length(kimi_bytes in) {
    size_t depth = 0;
    int quoted = 0;
    for (size_t i = 0; i < in.len; i++) {
        const uint8_t c = in.ptr[i];
        if (quoted) {
            if (c == '\\') i++;
            if (c == '"') quoted = 0;
            if (c == '"' && depth == 0) return i + 1;
        } else if (c == '"') {
            quoted = 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0) return i;
            if (--depth == 0) return i + 1;
        } else if (depth == 0 && (c == ',' || c == ':' || c <= ' ')) {
            return i;
        }
    }
    return in.len;
}

/* Takes the value that `rest` begins with; empty at the end of an object or array. */
static inline kimi_bytes json_take(kimi_bytes *rest) {
    kimi_bytes value;
    *rest = json_skip_space(*rest);
    value = json_slice(rest->ptr, json_length(*rest));
    *rest = json_skip_space(json_slice(rest->ptr + value.len, rest->len - value.len));
    return value;
}

/* What is between the brackets of `value`, if it begins with `open`; else nothing. */
static inline kimi_bytes json_inside(kimi_bytes value, uint8_t open) {
    value = json_skip_space(value);
    return value.len > 1 && *value.ptr == open ? json_slice(value.ptr + 1, value.len - 2) : json_slice(value.ptr, 0);
}

/* The member `key` of an object as it is written; nothing if it is not there. Keys with escapes are not found. */
static inline kimi_bytes json_get(kimi_bytes object, const char *key) {
    kimi_bytes rest = json_inside(object, '{');
    while (rest.len > 0) {
        const kimi_bytes name = json_inside(json_take(&rest), '"');
        kimi_bytes value;
        if (rest.len == 0 || *rest.ptr != ':') break;
        rest = json_slice(rest.ptr + 1, rest.len - 1);
        value = json_take(&rest);
        if (json_equals(name, key)) return value;
        if (rest.len == 0 || *rest.ptr != ',') break;
        rest = json_slice(rest.ptr + 1, rest.len - 1);
    }
    return json_slice(object.ptr, 0);
}

/* Steps through what is inside an array: `rest` begins as json_inside(array, '['). 0 at the end. */
static inline int json_next(kimi_bytes *rest, kimi_bytes *element) {
    *element = json_take(rest);
    if (rest->len > 0 && *rest->ptr == ',') *rest = json_slice(rest->ptr + 1, rest->len - 1);
    return element->len > 0;
}

/* The first element of an array. */
static inline kimi_bytes json_first(kimi_bytes array) {
    kimi_bytes rest = json_inside(array, '[');
    return json_take(&rest);
}

/* A whole number from 0; -1 for anything else. */
static inline int64_t json_count(kimi_bytes value) {
    int64_t number = 0;
    if (value.len == 0 || value.len > 15) return -1;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9') return -1;
        number = number * 10 + (value.ptr[i] - '0');
    }
    return number;
}

static inline int json_hex4(const uint8_t *at, uint32_t *code) {
    *code = 0;
    for (int i = 0; i < 4; i++) {
        const uint8_t c = at[i], low = (uint8_t)(c | 0x20);
        if (c >= '0' && c <= '9') *code = *code * 16 + (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f') *code = *code * 16 + (uint32_t)(low - 'a' + 10);
        else return 0;
    }
    return 1;
}

static inline size_t json_put_utf8(uint8_t *to, uint32_t code) {
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (uint8_t)(0xC0 | code >> 6);
        to[1] = (uint8_t)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (uint8_t)(0xE0 | code >> 12);
        to[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        to[2] = (uint8_t)(0x80 | (code & 0x3F));
        return 3;
    }
    to[0] = (uint8_t)(0xF0 | code >> 18);
    to[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
    to[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    to[3] = (uint8_t)(0x80 | (code & 0x3F));
    return 4;
}

/* How long is the code point at `at`, of which `left` bytes are there? 0: no UTF-8. */
static inline size_t json_utf8_length(const uint8_t *at, size_t left) {
    const uint8_t c = at[0];
    const size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    if (n == 0 || n > left) return 0;
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xC0) != 0x80) return 0;
    }
    if ((c == 0xE0 && at[1] < 0xA0) || (c == 0xED && at[1] > 0x9F)) return 0;
    if ((c == 0xF0 && at[1] < 0x90) || (c == 0xF4 && at[1] > 0x8F)) return 0;
    return n;
}

/* Decodes the \u escape at in[i] (after the u) and moves i behind it; half a pair becomes U+FFFD. */
static inline int json_unicode(kimi_bytes in, size_t *i, uint32_t *code) {
    uint32_t low;
    if (in.len - *i < 4 || !json_hex4(in.ptr + *i, code)) return 0;
    *i += 4;
    if (*code < 0xD800 || *code > 0xDFFF) return 1;
    if (*code < 0xDC00 && in.len - *i >= 6 && in.ptr[*i] == '\\' && in.ptr[*i + 1] == 'u' &&
        json_hex4(in.ptr + *i + 2, &low) && low >= 0xDC00 && low <= 0xDFFF) {
        *i += 6;
        *code = 0x10000 + ((*code - 0xD800) << 10) + (low - 0xDC00);
    } else {
        *code = 0xFFFD;
    }
    return 1;
}

/* Decodes a string into `to`, which has room for value.len bytes; what is decoded is never longer. Returns the
 * length, or -1 if the value is no string, or a wrong one. */
static inline int64_t json_text(kimi_bytes value, uint8_t *to) {
    static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    const kimi_bytes in = json_inside(value, '"');
    size_t i = 0, n = 0;
    if (value.len < 2 || value.ptr[0] != '"' || value.ptr[value.len - 1] != '"') return -1;
    while (i < in.len) {
        if (in.ptr[i] != '\\') {
            const size_t length = json_utf8_length(in.ptr + i, in.len - i);
            if (length == 0) return -1;
            memcpy(to + n, in.ptr + i, length);
            n += length;
            i += length;
            continue;
        }
        if (++i >= in.len) return -1;
        if (in.ptr[i] == 'u') {
            uint32_t code;
            i++;
            if (!json_unicode(in, &i, &code)) return -1;
            n += json_put_utf8(to + n, code);
        } else {
            size_t e = 0;
            while (escapes[e] != 0 && (uint8_t)escapes[e] != in.ptr[i]) e += 2;
            if (escapes[e] == 0) return -1;
            to[n++] = (uint8_t)escapes[e + 1];
            i++;
        }
    }
    return (int64_t)n;
}

#endif

"""##

    static let text5 = ##"""
kimi-transcript: 1
name: the upstream says 429
kind: provider
config: {apiKey: sk-test-key, baseUrl: "https://api.example.com/v1"}
request:
  model: some-model
  stream: true
  messages: [{role: user, content: Say hello}]
steps:
  - send: {url: https://api.example.com/v1/chat/completions}
    answer:
      status: 429
      headers: {content-type: application/json, retry-after: "7"}
      body: {error: {message: "Slow down.", type: rate_limit_error}}
events:
  - error: {message: Slow down., category: rate_limited, status: 429, retry-after-ms: 7000}

"""##

    static let text6 = ##"""
kimi-transcript: 1
name: an error in the middle of the stream, and what the upstream sends after it
kind: provider
config: {apiKey: sk-test-key, baseUrl: "https://api.example.com/v1"}
request:
  model: some-model
  stream: true
  messages: [{role: user, content: Say hello}]
steps:
  - send: {url: https://api.example.com/v1/chat/completions}
    answer:
      sse:
        - {id: r1, model: m, choices: [{index: 0, delta: {content: "Hel"}}]}
        - {error: {message: "The engine is gone.", code: 500}}
        - {id: r1, model: m, choices: [], usage: {prompt_tokens: 5, completion_tokens: 3}}
        - "[DONE]"
events:
  - start: {id: r1, model: m}
  - text: Hel
  - error: {message: The engine is gone., category: upstream}

"""##

    static let text7 = ##"""
kimi-transcript: 1
name: a thought, a text and two tool calls in pieces
kind: provider
config: {apiKey: sk-test-key, baseUrl: "https://api.example.com/v1"}
request:
  model: some-model
  stream: true
  messages: [{role: user, content: Weather and time in Ulm?}]
  tools:
    - {type: function, function: {name: weather, parameters: {type: object}}}
    - {type: function, function: {name: clock, parameters: {type: object}}}
steps:
  - send: {url: https://api.example.com/v1/chat/completions}
    answer:
      sse:
        - {id: r1, model: m, choices: [{index: 0, delta: {role: assistant, content: null, reasoning_content: "Two tools."}}]}
        - {id: r1, model: m, choices: [{index: 0, delta: {content: "One moment."}}]}
        - {id: r1, model: m, choices: [{index: 0, delta: {tool_calls: [{index: 0, id: call_a, type: function, function: {name: weather, arguments: ""}}]}}]}
        - {id: r1, model: m, choices: [{index: 0, delta: {tool_calls: [{index: 0, function: {arguments: '{"city": "U'}}]}}]}
        - {id: r1, model: m, choices: [{index: 0, delta: {tool_calls: [{index: 0, function: {arguments: 'lm"}'}}]}}]}
        - {id: r1, model: m, choices: [{index: 0, delta: {tool_calls: [{index: 1, id: call_b, type: function, function: {name: clock, arguments: '{}'}}]}}]}
        - {id: r1, model: m, choices: [{index: 0, delta: {}, finish_reason: tool_calls}]}
        - "[DONE]"
events:
  - start: {id: r1, model: m}
  - reasoning: Two tools.
  - text: One moment.
  - tool: {index: 0, id: call_a, name: weather, args: '{"city": "Ulm"}'}
  - tool: {index: 1, id: call_b, name: clock, args: '{}'}
  - finish: tool_calls

"""##

    static let text8 = ##"""
kimi-transcript: 1
name: the connection breaks in the middle
kind: provider
config: {apiKey: sk-test-key, baseUrl: "https://api.example.com/v1"}
request:
  model: some-model
  stream: true
  messages: [{role: user, content: Say hello}]
steps:
  - send: {url: https://api.example.com/v1/chat/completions}
    answer:
      sse:
        - {id: r1, model: m, choices: [{index: 0, delta: {content: "Hel"}}]}
ends: truncated
events:
  - start: {id: r1, model: m}
  - text: Hel
fails: {in: flush, category: upstream}

"""##

    static let text9 = ##"""
kimi-transcript: 1
name: a streamed text
kind: provider
config: {apiKey: sk-test-key, baseUrl: "https://api.example.com/v1/"}
request:
  model: some-model
  stream: true
  messages: [{role: user, content: Say hello}]
steps:
  - send:
      method: POST
      url: https://api.example.com/v1/chat/completions
      headers: {Content-Type: application/json}
      secret-headers: {Authorization: Bearer sk-test-key}
    answer:
      sse:
        - {id: r1, created: 1760000000, model: m, choices: [{index: 0, delta: {role: assistant, content: "Hello, "}, finish_reason: null}]}
        - '{"id":"r1","model":"m","choices":[{"index":0,"delta":{"content":"\"w\u00f6rld\"\ud83d\ude00.\n"}}]}'
        - {id: r1, created: 1760000000, model: m, choices: [{index: 0, delta: {}, finish_reason: stop}]}
        - {id: r1, created: 1760000000, model: m, choices: [], usage: {prompt_tokens: 5, completion_tokens: 3}}
        - "[DONE]"
events:
  - start: {id: r1, model: m, created: 1760000000}
  - text: "Hello, \"wörld\"😀.\n"
  - finish: stop
  - usage: {input: 5, output: 3}

"""##

    static let text10 = ##"""
# make         build/lib@NAME@.so
# make test    checks it with kimi-host, which must be on PATH (or KIMI_HOST=/path/to/kimi-host)
# make clean
LIBRARY := build/lib@NAME@.so
CC ?= cc
CFLAGS ?= -O2 -g

# Hidden: only what KIMI_EXPORT marks is exported. -z defs: what is missing is found now, not when the host loads it.
FLAGS := -std=c99 -Wall -Wextra -fPIC -fvisibility=hidden -shared -Wl,-z,defs -Wl,-z,relro,-z,now

all: $(LIBRARY)

$(LIBRARY): plugin.c $(wildcard *.h) Makefile | build
	$(CC) $(FLAGS) $(CFLAGS) -o $@ plugin.c $(LDFLAGS)
	chmod 755 $@

KIMI_HOST ?= kimi-host

# A folder that others may write to is refused by the host.
build:
	mkdir -p build
	chmod 755 build

# Every rule of the ABI, then a run to look at, then the stock loader.
test: $(LIBRARY)
	$(KIMI_HOST) plugin check --strict --transcripts transcripts $(LIBRARY)
	$(KIMI_HOST) plugin run --in transcripts $(LIBRARY)
	$(KIMI_HOST) plugins list --plugins-dir build

clean:
	rm -rf build

.PHONY: all test clean

"""##

    static let text11 = ##"""
/* @NAME@: a provider for upstreams that speak Chat Completions.
 *
 * It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning, tool
 * calls, the finish reason, usage and errors, of the first choice. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "kimi_plugin.h"

static const char manifest[] =
    "{\"id\": \"com.example.@NAME@\", \"name\": \"@NAME@\", \"version\": \"0.1.0\","
    " \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"},"
    " \"provides\": [{\"interface\": \"kimi.provider/1\", \"name\": \"@NAME@\", \"frames\": \"sse\","
    "  \"features\": [\"stream\", \"tools\", \"reasoning\"]}],"
    " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false,"
    "  \"required\": [\"apiKey\", \"baseUrl\"], \"properties\": {"
    "   \"apiKey\": {\"type\": \"string\", \"minLength\": 1, \"x-secret\": true, \"x-env\": \"@ENV@_API_KEY\"},"
    "   \"baseUrl\": {\"type\": \"string\", \"pattern\": \"^https?://\", \"x-host\": true}}}}";

/* An instance is a configured use. Nothing changes it after create: many threads use it at once. */
struct kimi_inst {
    const kimi_host *host;
    char *url, *authorization; /* our own copies, with their lengths */
    size_t url_length, authorization_length;
};

/* An exchange is one attempt of one request. */
struct kimi_exch {
    const kimi_host *host;
    const kimi_inst *instance;
    uint32_t status;        /* of the HTTP answer */
    int64_t retry_after_ms; /* -1: not said */
    int started, finished;  /* START was emitted; FINISH or ERROR was */
    int failed;             /* ERROR was, and nothing may follow it */
    int calling;            /* a tool call is open: TOOL_BEGIN was emitted, TOOL_END was not */
    int64_t call;           /* the upstream's index of that call; -1: it gave none */
    uint32_t calls;         /* how many were begun; ours count from 0 */
};

static kimi_status fail(const kimi_host *host, kimi_error *error, kimi_status status, kimi_category category,
                        const char *sentence) {
    host->fail(error, status, category, 0, json_words(sentence));
    return status;
}

/* ---------------------------------------------------------------- instances */

/* prefix + the string that `value` holds + suffix in memory of our own; NULL without memory. */
static char *joined(const char *prefix, kimi_bytes value, const char *suffix, size_t *length) {
    const size_t before = strlen(prefix), after = strlen(suffix);
    char *made = (char *)malloc(before + value.len + after + 1);
    int64_t n;
    if (made == NULL) return NULL;
    memcpy(made, prefix, before);
    n = json_text(value, (uint8_t *)made + before);
    if (n < 0) n = 0;
    while (n > 0 && after > 0 && made[before + (size_t)n - 1] == '/') n--;
    memcpy(made + before + n, suffix, after);
    *length = before + (size_t)n + after;
    return made;
}

static void provider_destroy(kimi_inst *instance) {
    free(instance->url);
    free(instance->authorization);
    free(instance);
}

/* The host has checked the configuration against the manifest's schema. */
static kimi_status provider_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                                   kimi_error *error) {
    const kimi_bytes key = json_get(config, "apiKey"), base = json_get(config, "baseUrl");
    kimi_inst *made;
    (void)ctx;
    if (key.len == 0 || base.len == 0) {
        return fail(host, error, KIMI_E_CONFIG, KIMI_CAT_CONFIG, "apiKey and baseUrl must be strings");
    }
    made = (kimi_inst *)calloc(1, sizeof *made);
    if (made == NULL) return fail(host, error, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, "no memory for an instance");
    made->host = host;
    made->url = joined("", base, "/chat/completions", &made->url_length);
    made->authorization = joined("Bearer ", key, "", &made->authorization_length);
    if (made->url == NULL || made->authorization == NULL) {
        provider_destroy(made);
        return fail(host, error, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, "no memory for an instance");
    }
    *instance = made;
    return KIMI_OK;
}

/* ---------------------------------------------------------------- the request */

static kimi_status provider_begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange,
                                  kimi_error *error) {
    kimi_exch *made = (kimi_exch *)calloc(1, sizeof *made);
    (void)request; /* the host keeps it and sends it; here one could look into request->json */
    if (made == NULL) return fail(instance->host, error, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, "no memory for an exchange");
    made->host = instance->host;
    made->instance = instance;
    made->retry_after_ms = -1;
    *exchange = made;
    return KIMI_OK;
}

/* One step: send the request, with two members of its JSON changed and every other byte as it is. */
static kimi_status provider_next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    static const char patch[] = "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
    const kimi_host *host = exchange->host;
    const kimi_inst *in = exchange->instance;
    const kimi_bytes none = json_words("");
    kimi_status status =
        host->plan_field(plan, KIMI_FIELD_URL, none, json_slice((const uint8_t *)in->url, in->url_length));
    if (status >= 0) {
        status = host->plan_field(plan, KIMI_FIELD_HEADER, json_words("Content-Type"), json_words("application/json"));
    }
    if (status >= 0) { /* its value appears in no log */
        status = host->plan_field(plan, KIMI_FIELD_SECRET_HEADER, json_words("Authorization"),
                                  json_slice((const uint8_t *)in->authorization, in->authorization_length));
    }
    if (status >= 0) status = host->plan_field(plan, KIMI_FIELD_BODY_PATCH, none, json_words(patch));
    if (status >= 0) status = host->plan_step(plan, KIMI_STEP_SEND, 0, KIMI_SEND_STREAM);
    if (status < 0) return fail(host, error, status, KIMI_CAT_INTERNAL, "the host refused the request's plan");
    return KIMI_OK;
}

static int is_retry_after(kimi_bytes name) {
    static const char wanted[] = "retry-after";
    if (name.len != sizeof wanted - 1) return 0;
    for (size_t i = 0; i < name.len; i++) {
        const uint8_t c = name.ptr[i];
        if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != (uint8_t)wanted[i]) return 0;
    }
    return 1;
}

/* The answer's head. */
static kimi_status provider_result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    (void)error;
    exchange->status = result->http_status;
    for (size_t i = 0; i < result->n_headers; i++) {
        const int64_t seconds = json_count(result->headers[i].value);
        if (seconds >= 0 && is_retry_after(result->headers[i].name)) exchange->retry_after_ms = seconds * 1000;
    }
    return KIMI_OK;
}

/* ---------------------------------------------------------------- the reply */

static kimi_event event_of(uint32_t type) {
    kimi_event event;
    memset(&event, 0, sizeof event);
    event.type = type;
    return event;
}

/* The string that `value` holds, decoded into memory that dies with the call. Empty if it is no string. */
static kimi_bytes text_of(const kimi_exch *exchange, kimi_bytes value, kimi_sink *sink, int *failed) {
    uint8_t *room;
    int64_t length;
    if (value.len < 2 || *value.ptr != '"') return json_words("");
    room = (uint8_t *)exchange->host->scratch(sink, value.len);
    length = room != NULL ? json_text(value, room) : -1;
    if (length < 0) *failed = 1;
    return length < 0 ? json_words("") : json_slice(room, (size_t)length);
}

static uint32_t category_of(uint32_t status) {
    switch (status) {
    case 401: return KIMI_CAT_AUTH;
    case 402: return KIMI_CAT_QUOTA;
    case 403: return KIMI_CAT_PERMISSION;
    case 404: return KIMI_CAT_NOT_FOUND;
    case 408: return KIMI_CAT_TIMEOUT;
    case 429: return KIMI_CAT_RATE_LIMITED;
    case 503: return KIMI_CAT_OVERLOADED;
    default: return status >= 400 && status < 500 ? KIMI_CAT_BAD_REQUEST : KIMI_CAT_UPSTREAM;
    }
}

/* ERROR is the last event of a reply. */
static kimi_status emit_error(kimi_exch *exchange, kimi_bytes message, kimi_sink *sink) {
    kimi_event event = event_of(KIMI_EVENT_ERROR);
    event.a = message;
    event.i0 = category_of(exchange->status);
    event.i1 = exchange->status;
    event.i2 = exchange->retry_after_ms;
    if (exchange->failed) return KIMI_OK;
    exchange->finished = exchange->failed = 1;
    return exchange->host->emit(sink, &event, 1);
}

static kimi_status upstream_error(kimi_exch *exchange, kimi_bytes body, kimi_sink *sink) {
    int failed = 0;
    kimi_bytes message = text_of(exchange, json_get(json_get(body, "error"), "message"), sink, &failed);
    if (message.len == 0) message = json_words("the upstream answered with an error that has no message");
    return emit_error(exchange, message, sink);
}

static kimi_status emit_start(kimi_exch *exchange, kimi_bytes chunk, kimi_sink *sink, int *failed) {
    kimi_event event = event_of(KIMI_EVENT_START);
    const int64_t created = json_count(json_get(chunk, "created"));
    if (exchange->started) return KIMI_OK;
    exchange->started = 1;
    event.a = text_of(exchange, json_get(chunk, "id"), sink, failed);
    event.b = text_of(exchange, json_get(chunk, "model"), sink, failed);
    event.i0 = created > 0 ? created : 0;
    return exchange->host->emit(sink, &event, 1);
}

static kimi_status end_call(kimi_exch *exchange, kimi_sink *sink) {
    kimi_event event = event_of(KIMI_EVENT_TOOL_END);
    if (!exchange->calling) return KIMI_OK;
    exchange->calling = 0;
    event.index = exchange->calls - 1;
    return exchange->host->emit(sink, &event, 1);
}

/* A call's first piece brings its id and its name. The call before it is complete then. */
static kimi_status begin_call(kimi_exch *exchange, kimi_bytes id, kimi_bytes name, kimi_sink *sink) {
    kimi_event event = event_of(KIMI_EVENT_TOOL_BEGIN);
    const kimi_status status = end_call(exchange, sink);
    if (status != KIMI_OK) return status;
    if (name.len == 0) {
        return emit_error(exchange, json_words("the upstream sent a piece of a tool call that had not begun"), sink);
    }
    exchange->calling = 1;
    event.index = exchange->calls++;
    event.a = id;
    event.b = name;
    return exchange->host->emit(sink, &event, 1);
}

/* One element of delta.tool_calls: {index, id, function: {name, arguments}}, the last a piece of JSON text. */
static kimi_status take_call(kimi_exch *exchange, kimi_bytes piece, kimi_sink *sink, int *failed) {
    const kimi_bytes function = json_get(piece, "function"), arguments = json_get(function, "arguments");
    const kimi_bytes id = text_of(exchange, json_get(piece, "id"), sink, failed);
    const int64_t call = json_count(json_get(piece, "index"));
    kimi_bytes text = json_inside(arguments, '{').len > 0 ? arguments : text_of(exchange, arguments, sink, failed);
    if (!exchange->calling || call != exchange->call || (call < 0 && id.len > 0)) {
        const kimi_bytes name = text_of(exchange, json_get(function, "name"), sink, failed);
        const kimi_status status = begin_call(exchange, id, name, sink);
        exchange->call = call;
        if (status != KIMI_OK || exchange->finished) return status;
    }
    return text.len > 0 ? exchange->host->text(sink, KIMI_EVENT_TOOL_ARGS, 0, exchange->calls - 1, text) : KIMI_OK;
}

static kimi_status take_delta(kimi_exch *exchange, kimi_bytes choice, kimi_sink *sink, int *failed) {
    const kimi_bytes delta = json_get(choice, "delta");
    const kimi_bytes thought = text_of(exchange, json_get(delta, "reasoning_content"), sink, failed);
    const kimi_bytes text = text_of(exchange, json_get(delta, "content"), sink, failed);
    const kimi_bytes reason = text_of(exchange, json_get(choice, "finish_reason"), sink, failed);
    kimi_bytes calls = json_inside(json_get(delta, "tool_calls"), '['), piece;
    kimi_status status = KIMI_OK;
    if (json_count(json_get(choice, "index")) > 0) {
        return emit_error(exchange, json_words("plugin @NAME@ decodes one choice; ask without n"), sink);
    }
    if (thought.len > 0) status = exchange->host->text(sink, KIMI_EVENT_REASONING, 0, 0, thought);
    if (status == KIMI_OK && text.len > 0) status = exchange->host->text(sink, KIMI_EVENT_TEXT, 0, 0, text);
    while (status == KIMI_OK && !exchange->finished && json_next(&calls, &piece)) {
        status = take_call(exchange, piece, sink, failed);
    }
    if (status == KIMI_OK && !exchange->finished && reason.len > 0) status = end_call(exchange, sink);
    if (status == KIMI_OK && !exchange->finished && reason.len > 0) {
        kimi_event event = event_of(KIMI_EVENT_FINISH);
        event.a = event.b = reason;
        exchange->finished = 1;
        status = exchange->host->emit(sink, &event, 1);
    }
    return status;
}

static kimi_status emit_usage(const kimi_exch *exchange, kimi_bytes usage, kimi_sink *sink) {
    kimi_event event = event_of(KIMI_EVENT_USAGE);
    if (json_inside(usage, '{').len == 0) return KIMI_OK;
    event.i0 = json_count(json_get(usage, "prompt_tokens"));
    event.i1 = json_count(json_get(usage, "completion_tokens"));
    event.i2 = event.i3 = -1;
    return exchange->host->emit(sink, &event, 1);
}

/* One server-sent event. KIMI_OK, KIMI_DONE, KIMI_STOP, or negative after host->fail. */
static kimi_status take_chunk(kimi_exch *exchange, kimi_bytes data, kimi_sink *sink, kimi_error *error) {
    int failed = 0;
    kimi_status status = KIMI_OK;
    const kimi_host *host = exchange->host;
    if (json_equals(data, "[DONE]")) return KIMI_DONE;
    data = json_skip_space(data);
    if (data.len == 0 || *data.ptr != '{') {
        return fail(host, error, KIMI_E_PROTOCOL, KIMI_CAT_PROTOCOL, "the upstream's stream is not made of JSON objects");
    }
    if (exchange->failed) return KIMI_OK;
    if (json_inside(json_get(data, "error"), '{').len > 0 && !exchange->finished) {
        status = upstream_error(exchange, data, sink);
    } else {
        status = emit_start(exchange, data, sink, &failed);
        if (status == KIMI_OK && !exchange->finished) {
            status = take_delta(exchange, json_first(json_get(data, "choices")), sink, &failed);
        }
        if (status == KIMI_OK && !exchange->failed) status = emit_usage(exchange, json_get(data, "usage"), sink);
    }
    if (failed) return fail(host, error, KIMI_E_PROTOCOL, KIMI_CAT_PROTOCOL, "a string of the upstream cannot be decoded");
    return status < 0 ? fail(host, error, status, KIMI_CAT_INTERNAL, "the host did not take an event") : status;
}

static kimi_status provider_feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink,
                                 kimi_error *error) {
    for (size_t i = 0; i < n; i++) {
        kimi_status status = KIMI_OK;
        if (frames[i].flags & KIMI_FRAME_F_ERROR) {
            status = upstream_error(exchange, frames[i].data, sink);
            if (status < 0) fail(exchange->host, error, status, KIMI_CAT_INTERNAL, "the host did not take an event");
        } else if (frames[i].kind == KIMI_FRAME_SSE) {
            status = take_chunk(exchange, frames[i].data, sink, error);
        }
        /* KIMI_STOP: nobody listens any more. After ERROR nothing follows. */
        if (status == KIMI_STOP) return KIMI_OK;
        if (status != KIMI_OK) return status;
    }
    return KIMI_OK;
}

/* The body is over. A reply that did not finish is a failure, never a short answer. */
static kimi_status provider_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)sink;
    if (exchange->finished || why == KIMI_WHY_CANCELLED) return KIMI_OK;
    return fail(exchange->host, error, KIMI_E_PROTOCOL, KIMI_CAT_UPSTREAM,
                "the upstream's answer ended before its finish_reason");
}

static void provider_end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    free(exchange);
}

/* ---------------------------------------------------------------- the way in */

static const kimi_provider provider = {
    sizeof(kimi_provider), 0,               provider_create, provider_destroy, provider_begin,
    provider_next,         provider_result, provider_feed,   provider_flush,   provider_end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &provider : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION; /* no host of ABI 1 */
    handshake->plugin_minor = KIMI_ABI_MINOR; /* built with this header */
    handshake->needs_minor = 0;               /* works with every 1.x host */
    handshake->manifest = json_words(manifest);
    handshake->get_interface = get_interface;
    return KIMI_OK;
}

"""##

    static let text12 = ##"""
# @NAME@

A transform plugin for kimi-host: it makes typographic quotation marks in replies
plain ones.

    make                                   # build/lib@NAME@.so
    make test KIMI_HOST=path/to/kimi-host  # every rule of the ABI, a run, a load

@NOTES@
## Use it

    install -m 0755 build/lib@NAME@.so /path/to/plugins.d/

and in `model-config.yaml` name it in the `transforms` of a model; a host that runs takes both, and each new version,
by itself:

    models:
      - name: my-model
        provider: openai
        transforms: [@NAME@]

## Go on from here

`plugin.*` is the plugin. The comments in `kimi_plugin.h` are the contract. A transform may also change the request (in
`begin`), ask for further event types (`event_mask`), and hold text back until `flush`. `transcripts/` holds events from
below, and what must come of them: write one for each thing you add, and `make test` checks them, cut in 200 ways. Change
the `id` in the manifest from `com.example` to a name you own.

"""##

    static let text13 = ##"""
kimi-transcript: 1
name: quotation marks become plain ones
kind: transform
config: {}
request:
  model: some-model
  stream: true
  messages: [{role: user, content: A line of Python}]
request-out: unchanged
events-in:
  - start: {id: r1, model: m, created: 1760000000}
  - text: "print(“it‘s"
  - text: "’ … 10 €”)"
  - reasoning: "“as it was”"
  - finish: {reason: stop, raw: stop}
  - usage: {input: 9, output: 5, cached: 0}
events:
  - start: {id: r1, model: m, created: 1760000000}
  - text: "print(\"it's' … 10 €\")"
  - reasoning: "“as it was”"
  - finish: {reason: stop, raw: stop}
  - usage: {input: 9, output: 5, cached: 0}

"""##

    static let text14 = ##"""
/* @NAME@: a transform that makes typographic quotation marks in a reply plain ones, as code needs them.
 *
 * It asks for TEXT events only; everything else passes it by, in order. The host never cuts a text inside a code
 * point, so each event can be looked at by itself and nothing is held back. */
#include <stdlib.h>
#include <string.h>

#include "kimi_plugin.h"

static const char manifest[] =
    "{\"id\": \"com.example.@NAME@\", \"name\": \"@NAME@\", \"version\": \"0.1.0\","
    " \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"},"
    " \"provides\": [{\"interface\": \"kimi.transform/1\", \"name\": \"@NAME@\"}],"
    " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {}}}";

/* An instance is a configured use. Nothing changes it after create: many threads use it at once. */
struct kimi_inst {
    const kimi_host *host;
};

/* An exchange is one attempt of one request. What must be remembered from call to call belongs here. */
struct kimi_exch {
    const kimi_host *host;
};

static kimi_status fail(const kimi_host *host, kimi_error *error, kimi_status status, const char *sentence) {
    const kimi_bytes message = {(const uint8_t *)sentence, strlen(sentence)};
    host->fail(error, status, KIMI_CAT_INTERNAL, 0, message);
    return status;
}

static kimi_status transform_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                                    kimi_error *error) {
    kimi_inst *made = (kimi_inst *)calloc(1, sizeof *made);
    (void)ctx;
    (void)config;
    if (made == NULL) return fail(host, error, KIMI_E_NOMEM, "no memory for an instance");
    made->host = host;
    *instance = made;
    return KIMI_OK;
}

static void transform_destroy(kimi_inst *instance) {
    free(instance);
}

/* To change the request: host->put(out, KIMI_PUT_MERGE_PATCH, ...), and return KIMI_OK. */
static kimi_status transform_begin(kimi_inst *instance, const kimi_request *request, kimi_out *out,
                                   kimi_exch **exchange, kimi_error *error) {
    kimi_exch *made = (kimi_exch *)calloc(1, sizeof *made);
    (void)request;
    (void)out;
    if (made == NULL) return fail(instance->host, error, KIMI_E_NOMEM, "no memory for an exchange");
    made->host = instance->host;
    *exchange = made;
    return KIMI_UNCHANGED;
}

/* Is there a quotation mark, U+2018 to U+201F, at `at`? Its plain form, or 0. */
static uint8_t plain(const uint8_t *at, size_t left) {
    if (left < 3 || at[0] != 0xE2 || at[1] != 0x80 || at[2] < 0x98 || at[2] > 0x9F) return 0;
    return at[2] < 0x9C ? '\'' : '"';
}

static size_t first_quote(kimi_bytes text) {
    size_t i = 0;
    while (i < text.len && plain(text.ptr + i, text.len - i) == 0) i++;
    return i;
}

/* Copies `text` with plain marks into `to`, which has room for text.len bytes. Returns the length. */
static size_t copy_plain(kimi_bytes text, uint8_t *to) {
    size_t i = 0, n = 0;
    while (i < text.len) {
        const uint8_t mark = plain(text.ptr + i, text.len - i);
        to[n++] = mark != 0 ? mark : text.ptr[i];
        i += mark != 0 ? 3 : 1;
    }
    return n;
}

static kimi_status transform_feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink,
                                  kimi_error *error) {
    const kimi_host *host = exchange->host;
    for (size_t i = 0; i < n; i++) {
        kimi_event event = events[i];
        kimi_status status;
        if (event.type == KIMI_EVENT_TEXT && first_quote(event.a) < event.a.len) {
            uint8_t *room = (uint8_t *)host->scratch(sink, event.a.len); /* dies with this call */
            if (room == NULL) return fail(host, error, KIMI_E_NOMEM, "no scratch memory for a text");
            event.a.len = copy_plain(event.a, room);
            event.a.ptr = room;
        }
        status = host->emit(sink, &event, 1);
        if (status == KIMI_STOP) return KIMI_OK; /* nobody listens any more */
        if (status < 0) return fail(host, error, status, "the host did not take an event");
    }
    return KIMI_OK;
}

/* Nothing is held back, so there is nothing to give up. */
static kimi_status transform_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)exchange;
    (void)why;
    (void)sink;
    (void)error;
    return KIMI_OK;
}

static void transform_end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    free(exchange);
}

static const kimi_transform transform = {
    sizeof(kimi_transform), 1u << KIMI_EVENT_TEXT, transform_create, transform_destroy,
    transform_begin,        transform_feed,        transform_flush,  transform_end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &transform : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    const kimi_bytes text = {(const uint8_t *)manifest, sizeof manifest - 1};
    (void)error;
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION; /* no host of ABI 1 */
    handshake->plugin_minor = KIMI_ABI_MINOR; /* built with this header */
    handshake->needs_minor = 0;               /* works with every 1.x host */
    handshake->manifest = text;
    handshake->get_interface = get_interface;
    return KIMI_OK;
}

"""##

    static let notes15 = ##"""
Needs: a C++17 compiler and make. libstdc++ is linked in, so the library runs on machines with another one. The tables take
`noexcept` functions only; `guarded` makes a described failure of every exception.

"""##

    static let text16 = ##"""
/* What the library shows to the dynamic linker: its entry, nothing else. */
{
    global:
        kimi_plugin_entry_v1;
    local:
        *;
};

"""##

    static let text17 = ##"""
# make         build/lib@NAME@.so
# make test    checks it with kimi-host, which must be on PATH (or KIMI_HOST=/path/to/kimi-host)
# make clean
LIBRARY := build/lib@NAME@.so
CXX ?= c++
CXXFLAGS ?= -O2 -g

# The version script hides what libstdc++ brings; it is linked in, so that the library runs on other machines too.
# -z defs: what is missing is found now, not when the host loads it.
FLAGS := -std=c++17 -Wall -Wextra -fPIC -fvisibility=hidden -shared -static-libstdc++ -static-libgcc \
	-Wl,--version-script=plugin.map -Wl,-z,defs -Wl,-z,relro,-z,now

all: $(LIBRARY)

$(LIBRARY): plugin.cpp $(wildcard *.h) plugin.map Makefile | build
	$(CXX) $(FLAGS) $(CXXFLAGS) -o $@ plugin.cpp $(LDFLAGS)
	chmod 755 $@

KIMI_HOST ?= kimi-host

# A folder that others may write to is refused by the host.
build:
	mkdir -p build
	chmod 755 build

# Every rule of the ABI, then a run to look at, then the stock loader.
test: $(LIBRARY)
	$(KIMI_HOST) plugin check --strict --transcripts transcripts $(LIBRARY)
	$(KIMI_HOST) plugin run --in transcripts $(LIBRARY)
	$(KIMI_HOST) plugins list --plugins-dir build

clean:
	rm -rf build

.PHONY: all test clean

"""##

    static let text18 = ##"""
// @NAME@: a provider for upstreams that speak Chat Completions, in C++17.
//
// It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning,
// tool calls, the finish reason, usage and errors, of the first choice.
//
// No exception may leave a function of the tables: they are noexcept, and `guarded` catches what is thrown inside.
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "json.h"
#include "kimi_plugin.h"

namespace {

constexpr char manifest[] = R"({
  "id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
  "provides": [{"interface": "kimi.provider/1", "name": "@NAME@", "frames": "sse", "features": ["stream", "tools", "reasoning"]}],
  "config_schema": {
    "type": "object", "additionalProperties": false, "required": ["apiKey", "baseUrl"],
    "properties": {
      "apiKey": {"type": "string", "minLength": 1, "x-secret": true, "x-env": "@ENV@_API_KEY"},
      "baseUrl": {"type": "string", "pattern": "^https?://", "x-host": true}
    }
  }
})";

kimi_bytes bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

// A call that cannot succeed; the words reach the log and the client.
struct Failure {
    kimi_status status;
    kimi_category category;
    const char *sentence;
};

// Runs `body`, which returns a status, and makes a described failure of whatever it throws.
template <typename Body> kimi_status guarded(const kimi_host *host, kimi_error *error, Body body) noexcept {
    try {
        return body();
    } catch (const Failure &failure) {
        host->fail(error, failure.status, failure.category, 0, bytes(failure.sentence));
        return failure.status;
    } catch (const std::bad_alloc &) {
        host->fail(error, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, 0, bytes("out of memory"));
        return KIMI_E_NOMEM;
    } catch (const std::exception &thrown) {
        host->fail(error, KIMI_E_INTERNAL, KIMI_CAT_INTERNAL, 0, bytes(thrown.what()));
        return KIMI_E_INTERNAL;
    } catch (...) {
        host->fail(error, KIMI_E_INTERNAL, KIMI_CAT_INTERNAL, 0, bytes("an unknown exception"));
        return KIMI_E_INTERNAL;
    }
}

// The string that a JSON value holds; nothing if it is no string. Throws for a string that cannot be decoded.
std::string text_of(kimi_bytes value) {
    if (value.len < 2 || *value.ptr != '"') return {};
    std::string text(value.len, '\0');
    const int64_t length = json_text(value, reinterpret_cast<uint8_t *>(text.data()));
    if (length < 0) throw Failure{KIMI_E_PROTOCOL, KIMI_CAT_PROTOCOL, "a string of the upstream cannot be decoded"};
    text.resize(static_cast<size_t>(length));
    return text;
}

} // namespace

// An instance is a configured use. Nothing changes it after create: many threads use it at once.
struct kimi_inst {
    const kimi_host *host;
    std::string url, authorization;

    kimi_inst(const kimi_host *host, kimi_bytes config) : host(host) {
        url = text_of(json_get(config, "baseUrl"));
        const std::string key = text_of(json_get(config, "apiKey"));
        if (url.empty() || key.empty()) {
            throw Failure{KIMI_E_CONFIG, KIMI_CAT_CONFIG, "apiKey and baseUrl must be strings"};
        }
        while (!url.empty() && url.back() == '/') url.pop_back();
        url += "/chat/completions";
        authorization = "Bearer " + key;
    }
};

// An exchange is one attempt of one request.
struct kimi_exch {
    const kimi_inst &instance;
    uint32_t status = 0;         // of the HTTP answer
    int64_t retry_after_ms = -1; // -1: not said
    bool started = false;        // START was emitted
    bool finished = false;       // FINISH or ERROR was emitted
    bool failed = false;         // ERROR was, and nothing may follow it
    bool calling = false;        // a tool call is open: TOOL_BEGIN was emitted, TOOL_END was not
    int64_t call = -1;           // the upstream's index of that call; -1: it gave none
    uint32_t calls = 0;          // how many were begun; ours count from 0

    explicit kimi_exch(const kimi_inst &instance) : instance(instance) {}

    void plan(kimi_plan *plan) const;
    void head(const kimi_result &result);
    kimi_status feed(const kimi_frame &frame, kimi_sink *sink);

private:
    bool emit(kimi_sink *sink, const kimi_event &event) const;
    bool fail_with(kimi_sink *sink, std::string_view message);
    bool upstream_error(kimi_sink *sink, kimi_bytes body);
    bool take_chunk(kimi_sink *sink, kimi_bytes data);
    bool emit_text(kimi_sink *sink, uint32_t type, std::string_view text, uint32_t index = 0) const;
    bool end_call(kimi_sink *sink);
    bool begin_call(kimi_sink *sink, std::string_view id, std::string_view name);
    bool take_call(kimi_sink *sink, kimi_bytes piece);
    bool take_delta(kimi_sink *sink, kimi_bytes choice);
};

// One step: send the request, with two members of its JSON changed and every other byte as it is.
void kimi_exch::plan(kimi_plan *plan) const {
    const kimi_host *host = instance.host;
    const auto field = [&](kimi_field field, std::string_view key, std::string_view value) {
        const kimi_status status = host->plan_field(plan, field, bytes(key), bytes(value));
        if (status < 0) throw Failure{status, KIMI_CAT_INTERNAL, "the host refused a field of the request's plan"};
    };
    field(KIMI_FIELD_URL, "", instance.url);
    field(KIMI_FIELD_HEADER, "Content-Type", "application/json");
    field(KIMI_FIELD_SECRET_HEADER, "Authorization", instance.authorization); // its value appears in no log
    field(KIMI_FIELD_BODY_PATCH, "", R"({"stream":true,"stream_options":{"include_usage":true}})");
    const kimi_status status = host->plan_step(plan, KIMI_STEP_SEND, 0, KIMI_SEND_STREAM);
    if (status < 0) throw Failure{status, KIMI_CAT_INTERNAL, "the host refused the request's plan"};
}

void kimi_exch::head(const kimi_result &result) {
    constexpr std::string_view wanted = "retry-after";
    status = result.http_status;
    for (size_t i = 0; i < result.n_headers; i++) {
        const kimi_header &header = result.headers[i];
        bool same = header.name.len == wanted.size();
        for (size_t j = 0; same && j < wanted.size(); j++) {
            const uint8_t c = header.name.ptr[j];
            same = (c >= 'A' && c <= 'Z' ? c | 0x20 : c) == static_cast<uint8_t>(wanted[j]);
        }
        const int64_t seconds = json_count(header.value);
        if (same && seconds >= 0) retry_after_ms = seconds * 1000;
    }
}

// False: nobody listens any more (KIMI_STOP).
bool kimi_exch::emit(kimi_sink *sink, const kimi_event &event) const {
    const kimi_status status = instance.host->emit(sink, &event, 1);
    if (status < 0) throw Failure{status, KIMI_CAT_INTERNAL, "the host did not take an event"};
    return status != KIMI_STOP;
}

static uint32_t category_of(uint32_t status) {
    switch (status) {
    case 401: return KIMI_CAT_AUTH;
    case 402: return KIMI_CAT_QUOTA;
    case 403: return KIMI_CAT_PERMISSION;
    case 404: return KIMI_CAT_NOT_FOUND;
    case 408: return KIMI_CAT_TIMEOUT;
    case 429: return KIMI_CAT_RATE_LIMITED;
    case 503: return KIMI_CAT_OVERLOADED;
    default: return status >= 400 && status < 500 ? KIMI_CAT_BAD_REQUEST : KIMI_CAT_UPSTREAM;
    }
}

// ERROR is the last event of a reply.
bool kimi_exch::fail_with(kimi_sink *sink, std::string_view message) {
    if (failed) return true;
    kimi_event event{};
    event.type = KIMI_EVENT_ERROR;
    event.a = bytes(message);
    event.i0 = category_of(status);
    event.i1 = status;
    event.i2 = retry_after_ms;
    finished = failed = true;
    return emit(sink, event);
}

bool kimi_exch::upstream_error(kimi_sink *sink, kimi_bytes body) {
    const std::string message = text_of(json_get(json_get(body, "error"), "message"));
    return fail_with(sink, message.empty() ? "the upstream answered with an error that has no message" : message);
}

bool kimi_exch::emit_text(kimi_sink *sink, uint32_t type, std::string_view text, uint32_t index) const {
    kimi_event event{};
    event.type = type;
    event.index = index;
    event.a = bytes(text);
    return text.empty() || emit(sink, event);
}

bool kimi_exch::end_call(kimi_sink *sink) {
    if (!calling) return true;
    calling = false;
    kimi_event event{};
    event.type = KIMI_EVENT_TOOL_END;
    event.index = calls - 1;
    return emit(sink, event);
}

// A call's first piece brings its id and its name. The call before it is complete then.
bool kimi_exch::begin_call(kimi_sink *sink, std::string_view id, std::string_view name) {
    if (!end_call(sink)) return false;
    if (name.empty()) return fail_with(sink, "the upstream sent a piece of a tool call that had not begun");
    calling = true;
    kimi_event event{};
    event.type = KIMI_EVENT_TOOL_BEGIN;
    event.index = calls++;
    event.a = bytes(id);
    event.b = bytes(name);
    return emit(sink, event);
}

// One element of delta.tool_calls: {index, id, function: {name, arguments}}, the last a piece of JSON text.
bool kimi_exch::take_call(kimi_sink *sink, kimi_bytes piece) {
    const kimi_bytes function = json_get(piece, "function"), arguments = json_get(function, "arguments");
    const std::string id = text_of(json_get(piece, "id"));
    const int64_t number = json_count(json_get(piece, "index"));
    if (!calling || number != call || (number < 0 && !id.empty())) {
        call = number;
        if (!begin_call(sink, id, text_of(json_get(function, "name")))) return false;
        if (finished) return true;
    }
    if (json_inside(arguments, '{').len > 0) {
        const std::string_view object{reinterpret_cast<const char *>(arguments.ptr), arguments.len};
        return emit_text(sink, KIMI_EVENT_TOOL_ARGS, object, calls - 1);
    }
    return emit_text(sink, KIMI_EVENT_TOOL_ARGS, text_of(arguments), calls - 1);
}

bool kimi_exch::take_delta(kimi_sink *sink, kimi_bytes choice) {
    if (json_count(json_get(choice, "index")) > 0) {
        return fail_with(sink, "plugin @NAME@ decodes one choice; ask without n");
    }
    const kimi_bytes delta = json_get(choice, "delta");
    if (!emit_text(sink, KIMI_EVENT_REASONING, text_of(json_get(delta, "reasoning_content")))) return false;
    if (!emit_text(sink, KIMI_EVENT_TEXT, text_of(json_get(delta, "content")))) return false;
    kimi_bytes pieces = json_inside(json_get(delta, "tool_calls"), '['), piece;
    while (!finished && json_next(&pieces, &piece)) {
        if (!take_call(sink, piece)) return false;
    }
    const std::string reason = text_of(json_get(choice, "finish_reason"));
    if (finished || reason.empty()) return true;
    if (!end_call(sink)) return false;
    finished = true;
    kimi_event event{};
    event.type = KIMI_EVENT_FINISH;
    event.a = event.b = bytes(reason);
    return emit(sink, event);
}

// One chunk. False: nobody listens any more.
bool kimi_exch::take_chunk(kimi_sink *sink, kimi_bytes data) {
    if (failed) return true;
    if (json_inside(json_get(data, "error"), '{').len > 0 && !finished) return upstream_error(sink, data);
    if (!started) {
        const std::string id = text_of(json_get(data, "id")), model = text_of(json_get(data, "model"));
        const int64_t created = json_count(json_get(data, "created"));
        kimi_event event{};
        event.type = KIMI_EVENT_START;
        event.a = bytes(id);
        event.b = bytes(model);
        event.i0 = created > 0 ? created : 0;
        started = true;
        if (!emit(sink, event)) return false;
    }
    if (!finished && !take_delta(sink, json_first(json_get(data, "choices")))) return false;
    const kimi_bytes usage = json_get(data, "usage");
    if (failed || json_inside(usage, '{').len == 0) return true;
    kimi_event event{};
    event.type = KIMI_EVENT_USAGE;
    event.i0 = json_count(json_get(usage, "prompt_tokens"));
    event.i1 = json_count(json_get(usage, "completion_tokens"));
    event.i2 = event.i3 = -1;
    return emit(sink, event);
}

// KIMI_OK: go on; KIMI_STOP: nobody listens; KIMI_DONE: the reply is complete.
kimi_status kimi_exch::feed(const kimi_frame &frame, kimi_sink *sink) {
    if (frame.flags & KIMI_FRAME_F_ERROR) return upstream_error(sink, frame.data) ? KIMI_OK : KIMI_STOP;
    if (frame.kind != KIMI_FRAME_SSE) return KIMI_OK;
    if (json_equals(frame.data, "[DONE]")) return KIMI_DONE;
    const kimi_bytes data = json_skip_space(frame.data);
    if (data.len == 0 || *data.ptr != '{') {
        throw Failure{KIMI_E_PROTOCOL, KIMI_CAT_PROTOCOL, "the upstream's stream is not made of JSON objects"};
    }
    return take_chunk(sink, data) ? KIMI_OK : KIMI_STOP;
}

namespace {

// ---------------------------------------------------------------- the table

kimi_status create(const kimi_host *host, kimi_ctx *, kimi_bytes config, kimi_inst **instance,
                   kimi_error *error) noexcept {
    return guarded(host, error, [&] {
        *instance = new kimi_inst(host, config);
        return KIMI_OK;
    });
}

void destroy(kimi_inst *instance) noexcept {
    delete instance;
}

kimi_status begin(kimi_inst *instance, const kimi_request *, kimi_exch **exchange, kimi_error *error) noexcept {
    return guarded(instance->host, error, [&] {
        *exchange = new kimi_exch(*instance);
        return KIMI_OK;
    });
}

kimi_status next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) noexcept {
    return guarded(exchange->instance.host, error, [&] {
        exchange->plan(plan);
        return KIMI_OK;
    });
}

kimi_status result(kimi_exch *exchange, const kimi_result *result, kimi_error *) noexcept {
    exchange->head(*result);
    return KIMI_OK;
}

kimi_status feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink, kimi_error *error) noexcept {
    return guarded(exchange->instance.host, error, [&]() -> kimi_status {
        for (size_t i = 0; i < n; i++) {
            const kimi_status status = exchange->feed(frames[i], sink);
            if (status == KIMI_STOP) return KIMI_OK;
            if (status != KIMI_OK) return status;
        }
        return KIMI_OK;
    });
}

// The body is over. A reply that did not finish is a failure, never a short answer.
kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *, kimi_error *error) noexcept {
    return guarded(exchange->instance.host, error, [&]() -> kimi_status {
        if (exchange->finished || why == KIMI_WHY_CANCELLED) return KIMI_OK;
        throw Failure{KIMI_E_PROTOCOL, KIMI_CAT_UPSTREAM, "the upstream's answer ended before its finish_reason"};
    });
}

void end(kimi_exch *exchange, uint32_t) noexcept {
    delete exchange;
}

constexpr kimi_provider provider = {
    sizeof(kimi_provider), 0, create, destroy, begin, next, result, feed, flush, end,
};

const void *get_interface(const char *id) noexcept {
    return std::strcmp(id, KIMI_PROVIDER_ID) == 0 ? &provider : nullptr;
}

} // namespace

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *) noexcept {
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION; // no host of ABI 1
    handshake->plugin_minor = KIMI_ABI_MINOR; // built with this header
    handshake->needs_minor = 0;               // works with every 1.x host
    handshake->manifest = bytes(manifest);
    handshake->get_interface = get_interface;
    return KIMI_OK;
}

"""##

    static let text19 = ##"""
// @NAME@: a transform that makes typographic quotation marks in a reply plain ones, as code needs them. C++17.
//
// It asks for TEXT events only; everything else passes it by, in order. The host never cuts a text inside a code
// point, so each event can be looked at by itself and nothing is held back.
//
// No exception may leave a function of the tables: they are noexcept, and `guarded` catches what is thrown inside.
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "kimi_plugin.h"

// An instance is a configured use. Nothing changes it after create: many threads use it at once.
struct kimi_inst {
    const kimi_host *host;
};

// An exchange is one attempt of one request. What must be remembered from call to call belongs here.
struct kimi_exch {
    const kimi_host *host;
};

namespace {

constexpr char manifest[] = R"({
  "id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
  "provides": [{"interface": "kimi.transform/1", "name": "@NAME@"}],
  "config_schema": {"type": "object", "additionalProperties": false, "properties": {}}
})";

kimi_bytes bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

// Runs `body`, which returns a status, and makes a described failure of whatever it throws.
template <typename Body> kimi_status guarded(const kimi_host *host, kimi_error *error, Body body) noexcept {
    try {
        return body();
    } catch (const std::bad_alloc &) {
        host->fail(error, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, 0, bytes("out of memory"));
        return KIMI_E_NOMEM;
    } catch (const std::exception &thrown) {
        host->fail(error, KIMI_E_INTERNAL, KIMI_CAT_INTERNAL, 0, bytes(thrown.what()));
        return KIMI_E_INTERNAL;
    } catch (...) {
        host->fail(error, KIMI_E_INTERNAL, KIMI_CAT_INTERNAL, 0, bytes("an unknown exception"));
        return KIMI_E_INTERNAL;
    }
}

// Is there a quotation mark, U+2018 to U+201F, at the beginning? Its plain form, or 0.
char plain(std::string_view text) {
    if (text.size() < 3 || text[0] != '\xE2' || text[1] != '\x80') return 0;
    const auto last = static_cast<unsigned char>(text[2]);
    return last < 0x98 || last > 0x9F ? 0 : last < 0x9C ? '\'' : '"';
}

std::string with_plain_quotes(std::string_view text) {
    std::string made;
    made.reserve(text.size());
    while (!text.empty()) {
        const char mark = plain(text);
        made += mark != 0 ? mark : text.front();
        text.remove_prefix(mark != 0 ? 3 : 1);
    }
    return made;
}

kimi_status create(const kimi_host *host, kimi_ctx *, kimi_bytes, kimi_inst **instance, kimi_error *error) noexcept {
    return guarded(host, error, [&] {
        *instance = new kimi_inst{host};
        return KIMI_OK;
    });
}

void destroy(kimi_inst *instance) noexcept {
    delete instance;
}

// To change the request: host->put(out, KIMI_PUT_MERGE_PATCH, ...), and return KIMI_OK.
kimi_status begin(kimi_inst *instance, const kimi_request *, kimi_out *, kimi_exch **exchange,
                  kimi_error *error) noexcept {
    return guarded(instance->host, error, [&] {
        *exchange = new kimi_exch{instance->host};
        return KIMI_UNCHANGED;
    });
}

kimi_status feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink, kimi_error *error) noexcept {
    return guarded(exchange->host, error, [&]() -> kimi_status {
        for (size_t i = 0; i < n; i++) {
            kimi_event event = events[i];
            std::string changed;
            const std::string_view text(reinterpret_cast<const char *>(event.a.ptr), event.a.len);
            if (event.type == KIMI_EVENT_TEXT && text.find("\xE2\x80") != text.npos) {
                changed = with_plain_quotes(text);
                event.a = bytes(changed); // the host copies it before emit returns
            }
            const kimi_status status = exchange->host->emit(sink, &event, 1);
            if (status == KIMI_STOP) return KIMI_OK; // nobody listens any more
            if (status < 0) {
                exchange->host->fail(error, status, KIMI_CAT_INTERNAL, 0, bytes("the host did not take an event"));
                return status;
            }
        }
        return KIMI_OK;
    });
}

// Nothing is held back, so there is nothing to give up.
kimi_status flush(kimi_exch *, uint32_t, kimi_sink *, kimi_error *) noexcept {
    return KIMI_OK;
}

void end(kimi_exch *exchange, uint32_t) noexcept {
    delete exchange;
}

constexpr kimi_transform transform = {
    sizeof(kimi_transform), 1u << KIMI_EVENT_TEXT, create, destroy, begin, feed, flush, end,
};

const void *get_interface(const char *id) noexcept {
    return std::strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &transform : nullptr;
}

} // namespace

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *) noexcept {
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION; // no host of ABI 1
    handshake->plugin_minor = KIMI_ABI_MINOR; // built with this header
    handshake->needs_minor = 0;               // works with every 1.x host
    handshake->manifest = bytes(manifest);
    handshake->get_interface = get_interface;
    return KIMI_OK;
}

"""##

    static let notes20 = ##"""
Needs: cargo (Rust 1.80 or newer), a linker and make; no crates. `kimi_plugin.rs` is the part of the header that this plugin
uses; add what you need, next to an assertion of its size. Keep `panic = "unwind"`, and no jemalloc as the global allocator.

"""##

    static let text21 = ##"""
[package]
name = "@NAME@"
version = "0.1.0"
edition = "2021"

[lib]
name = "@MODULE@"
path = "plugin.rs"
crate-type = ["cdylib"]

[profile.release]
panic = "unwind"

"""##

    static let text22 = ##"""
# make         build/lib@NAME@.so
# make test    checks it with kimi-host, which must be on PATH (or KIMI_HOST=/path/to/kimi-host)
# make clean
LIBRARY := build/lib@NAME@.so
CARGO ?= cargo

all: $(LIBRARY)

# A cdylib exports its entry and nothing else. -z defs: what is missing is found now, not when the host loads it.
$(LIBRARY): $(wildcard *.rs) Cargo.toml Makefile | build
	$(CARGO) rustc --release --offline --target-dir build/cargo -- -D warnings -C link-arg=-Wl,-z,defs
	cp build/cargo/release/lib@MODULE@.so $@
	chmod 755 $@

KIMI_HOST ?= kimi-host

# A folder that others may write to is refused by the host.
build:
	mkdir -p build
	chmod 755 build

# Every rule of the ABI, then a run to look at, then the stock loader.
test: $(LIBRARY)
	$(KIMI_HOST) plugin check --strict --transcripts transcripts $(LIBRARY)
	$(KIMI_HOST) plugin run --in transcripts $(LIBRARY)
	$(KIMI_HOST) plugins list --plugins-dir build

clean:
	rm -rf build

.PHONY: all test clean

"""##

    static let text23 = ##"""
//! Reads JSON where it lies. Whatever the bytes are, it stays inside them.
use crate::kimi_plugin::{append, Failure, CAT_PROTOCOL, E_PROTOCOL};

/// How long is the value that `json` begins with? Brackets are counted, not followed, so depth costs nothing.
fn length(json: &[u8]) -> usize {
    let (mut depth, mut quoted, mut i) = (0usize, false, 0);
    while i < json.len() {
        let c = json[i];
        match c {
            b'\\' if quoted => i += 1,
            b'"' if quoted && depth == 0 => return i + 1,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return i,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return i + 1;
                }
            }
            b',' | b':' if depth == 0 => return i,
            c if depth == 0 && c <= b' ' => return i,
            _ => {}
        }
        i += 1;
    }
    json.len()
}

/// Takes the value that `rest` begins with; empty at the end of an object or array.
fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let json = rest.trim_ascii_start();
    let (value, after) = json.split_at(length(json));
    *rest = after.trim_ascii_start();
    value
}

/// What is between the brackets of `value`, if it begins with `open`; else nothing.
pub fn inside(value: &[u8], open: u8) -> &[u8] {
    let value = value.trim_ascii_start();
    if value.len() > 1 && value[0] == open {
        &value[1..value.len() - 1]
    } else {
        &[]
    }
}

/// The member `key` of an object as it is written; nothing if it is not there. Keys with escapes are not found.
pub fn get<'a>(object: &'a [u8], key: &str) -> &'a [u8] {
    let mut rest = inside(object, b'{');
    while !rest.is_empty() {
        let name = inside(take(&mut rest), b'"');
        let Some(after) = rest.strip_prefix(b":") else { break };
        rest = after;
        let value = take(&mut rest);
        if name == key.as_bytes() {
            return value;
        }
        let Some(after) = rest.strip_prefix(b",") else { break };
        rest = after;
    }
    &[]
}

/// The elements of an array, as they are written.
pub fn elements(array: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = inside(array, b'[');
    std::iter::from_fn(move || {
        let value = take(&mut rest);
        rest = rest.strip_prefix(b",").unwrap_or(rest);
        (!value.is_empty()).then_some(value)
    })
}

/// The first element of an array.
pub fn first(array: &[u8]) -> &[u8] {
    take(&mut inside(array, b'['))
}

/// A whole number from 0; -1 for anything else.
pub fn count(value: &[u8]) -> i64 {
    if value.is_empty() || value.len() > 15 || !value.iter().all(u8::is_ascii_digit) {
        return -1;
    }
    value.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}

const WRONG: Failure = Failure(E_PROTOCOL, CAT_PROTOCOL, "a JSON string cannot be decoded");

/// The string that `value` holds, as UTF-8; empty if it is no string.
pub fn text(value: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    if value.first() != Some(&b'"') {
        return Ok(text);
    }
    if value.len() < 2 || value.last() != Some(&b'"') {
        return Err(WRONG);
    }
    let mut rest = std::str::from_utf8(inside(value, b'"')).map_err(|_| WRONG)?;
    while let Some(at) = rest.find('\\') {
        append(&mut text, rest[..at].as_bytes())?;
        rest = &rest[at + 1..];
        let escape = rest.chars().next().ok_or(WRONG)?;
        rest = &rest[escape.len_utf8()..];
        let decoded = match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => unicode(&mut rest)?,
            _ => return Err(WRONG),
        };
        append(&mut text, decoded.encode_utf8(&mut [0; 4]).as_bytes())?;
    }
    append(&mut text, rest.as_bytes())?;
    Ok(text)
}

/// Four hexadecimal digits, and a second escape if they are the first half of a pair; half a pair becomes U+FFFD.
fn unicode(rest: &mut &str) -> Result<char, Failure> {
    let high = hex4(rest).ok_or(WRONG)?;
    *rest = &rest[4..];
    if let (0xD800..=0xDBFF, Some(after)) = (high, rest.strip_prefix("\\u")) {
        if let Some(low @ 0xDC00..=0xDFFF) = hex4(after) {
            *rest = &after[4..];
            return char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).ok_or(WRONG);
        }
    }
    Ok(char::from_u32(high).unwrap_or('\u{FFFD}'))
}

fn hex4(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

"""##

    static let text24 = ##"""
//! kimi_plugin.h in Rust, as far as this plugin needs it, and what makes its functions safe to write. The header's
//! comments are the contract; `layout` at the end fails the build where this file and the header part.
#![allow(dead_code)]

use std::ffi::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};

pub type Status = i32;
pub const OK: Status = 0;
pub const UNCHANGED: Status = 1;
pub const STOP: Status = 2;
pub const DONE: Status = 3;
pub const E_CONFIG: Status = -2;
pub const E_PROTOCOL: Status = -4;
pub const E_NOMEM: Status = -8;
pub const E_INTERNAL: Status = -10;
pub const E_VERSION: Status = -12;

pub const CAT_AUTH: u32 = 1;
pub const CAT_RATE_LIMITED: u32 = 2;
pub const CAT_OVERLOADED: u32 = 3;
pub const CAT_BAD_REQUEST: u32 = 6;
pub const CAT_UPSTREAM: u32 = 7;
pub const CAT_PROTOCOL: u32 = 8;
pub const CAT_CONFIG: u32 = 9;
pub const CAT_INTERNAL: u32 = 10;
pub const CAT_NOT_FOUND: u32 = 11;
pub const CAT_PERMISSION: u32 = 12;
pub const CAT_QUOTA: u32 = 13;
pub const CAT_TIMEOUT: u32 = 14;

pub const WHY_CANCELLED: u32 = 3;
pub const FRAME_SSE: u32 = 2;
pub const FRAME_F_ERROR: u32 = 2;
pub const EVENT_START: u32 = 1;
pub const EVENT_TEXT: u32 = 2;
pub const EVENT_REASONING: u32 = 3;
pub const EVENT_TOOL_BEGIN: u32 = 4;
pub const EVENT_TOOL_ARGS: u32 = 5;
pub const EVENT_TOOL_END: u32 = 6;
pub const EVENT_USAGE: u32 = 8;
pub const EVENT_FINISH: u32 = 9;
pub const EVENT_ERROR: u32 = 10;
pub const STEP_SEND: u32 = 1;
pub const SEND_STREAM: u64 = 1;
pub const FIELD_URL: u32 = 2;
pub const FIELD_HEADER: u32 = 3;
pub const FIELD_BODY_PATCH: u32 = 5;
pub const FIELD_SECRET_HEADER: u32 = 13;
pub const PUT_MERGE_PATCH: u32 = 2;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub ptr: *const u8,
    pub len: usize,
}

impl Default for Bytes {
    fn default() -> Self {
        Bytes { ptr: std::ptr::null(), len: 0 }
    }
}

#[repr(C)]
pub struct Header {
    pub name: Bytes,
    pub value: Bytes,
}

#[repr(C)]
pub struct Frame {
    pub kind: u32,
    pub flags: u32,
    pub name: Bytes,
    pub data: Bytes,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Event {
    pub kind: u32,
    pub flags: u32,
    pub choice: u32,
    pub index: u32,
    pub a: Bytes,
    pub b: Bytes,
    pub c: Bytes,
    pub i: [i64; 4],
}

#[repr(C)]
pub struct StepResult {
    pub kind: u32,
    pub id: u32,
    pub status: i32,
    pub http_status: u32,
    pub body: Bytes,
    pub headers: *const Header,
    pub n_headers: usize,
}

#[repr(C)]
pub struct Host {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub extension: unsafe extern "C" fn(*mut c_void, *const c_char) -> *const c_void,
    pub log_on: unsafe extern "C" fn(*mut c_void, u32) -> u32,
    pub log: unsafe extern "C" fn(*mut c_void, u32, Bytes),
    pub unix_ms: unsafe extern "C" fn(*mut c_void) -> u64,
    pub mono_ns: unsafe extern "C" fn(*mut c_void) -> u64,
    pub random: unsafe extern "C" fn(*mut c_void, *mut u8, usize) -> Status,
    pub fail: unsafe extern "C" fn(*mut c_void, Status, u32, u64, Bytes),
    pub put: unsafe extern "C" fn(*mut c_void, u32, Bytes) -> Status,
    pub plan_field: unsafe extern "C" fn(*mut c_void, u32, Bytes, Bytes) -> Status,
    pub plan_step: unsafe extern "C" fn(*mut c_void, u32, u32, u64) -> Status,
    pub text: unsafe extern "C" fn(*mut c_void, u32, u32, u32, Bytes) -> Status,
    pub emit: unsafe extern "C" fn(*mut c_void, *const Event, usize) -> Status,
    pub scratch: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void,
}

pub type Create =
    unsafe extern "C" fn(*const Host, *mut c_void, Bytes, *mut *mut c_void, *mut c_void) -> Status;
pub type Feed<T> = unsafe extern "C" fn(*mut c_void, *const T, usize, *mut c_void, *mut c_void) -> Status;
pub type Flush = unsafe extern "C" fn(*mut c_void, u32, *mut c_void, *mut c_void) -> Status;

#[repr(C)]
pub struct Provider {
    pub struct_size: u32,
    pub flags: u32,
    pub create: Create,
    pub destroy: unsafe extern "C" fn(*mut c_void),
    pub begin: unsafe extern "C" fn(*mut c_void, *const c_void, *mut *mut c_void, *mut c_void) -> Status,
    pub next: unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void) -> Status,
    pub result: unsafe extern "C" fn(*mut c_void, *const StepResult, *mut c_void) -> Status,
    pub feed: Feed<Frame>,
    pub flush: Flush,
    pub end: unsafe extern "C" fn(*mut c_void, u32),
}

#[repr(C)]
pub struct Transform {
    pub struct_size: u32,
    pub event_mask: u32,
    pub create: Create,
    pub destroy: unsafe extern "C" fn(*mut c_void),
    pub begin:
        unsafe extern "C" fn(*mut c_void, *const c_void, *mut c_void, *mut *mut c_void, *mut c_void) -> Status,
    pub feed: Feed<Event>,
    pub flush: Flush,
    pub end: unsafe extern "C" fn(*mut c_void, u32),
}

type GetInterface = unsafe extern "C" fn(*const c_char) -> *const c_void;

#[repr(C)]
pub struct Handshake {
    pub struct_size: u32,
    pub host_minor: u32,
    pub host: *const Host,
    pub plugin_minor: u32,
    pub needs_minor: u32,
    pub manifest: Bytes,
    pub get_interface: Option<GetInterface>,
    pub quiesce: Option<unsafe extern "C" fn()>,
}

const _: () = {
    assert!(std::mem::size_of::<Frame>() == 40 && std::mem::size_of::<Event>() == 96);
    assert!(std::mem::size_of::<StepResult>() == 48 && std::mem::size_of::<Host>() == 112);
    assert!(std::mem::size_of::<Provider>() == 72 && std::mem::size_of::<Transform>() == 56);
    assert!(std::mem::size_of::<Handshake>() == 56);
};

/// Fills the plugin's half of the handshake.
pub unsafe fn answer(handshake: *mut Handshake, manifest: &'static str, get_interface: GetInterface) -> Status {
    if ((*handshake).struct_size as usize) < std::mem::size_of::<Handshake>() {
        return E_VERSION; // no host of ABI 1
    }
    (*handshake).plugin_minor = 0; // built for ABI 1.0
    (*handshake).needs_minor = 0; // works with every 1.x host
    (*handshake).manifest = bytes(manifest.as_bytes());
    (*handshake).get_interface = Some(get_interface);
    OK
}

/// A call that cannot succeed: status, category, one sentence.
pub struct Failure(pub Status, pub u32, pub &'static str);

pub const NO_MEMORY: Failure = Failure(E_NOMEM, CAT_INTERNAL, "out of memory");

/// Runs the body, and makes a described failure of an Err or a panic.
pub fn guarded(host: &Host, error: *mut c_void, body: impl FnOnce() -> Result<Status, Failure>) -> Status {
    let outcome = catch_unwind(AssertUnwindSafe(body))
        .unwrap_or(Err(Failure(E_INTERNAL, CAT_INTERNAL, "the plugin panicked")));
    match outcome {
        Ok(status) => status,
        Err(Failure(status, category, sentence)) => {
            unsafe { (host.fail)(error, status, category, 0, bytes(sentence.as_bytes())) };
            status
        }
    }
}

/// A negative answer of the host is a failure.
pub fn checked(status: Status) -> Result<Status, Failure> {
    if status < 0 {
        return Err(Failure(status, CAT_INTERNAL, "the host refused what the plugin gave it"));
    }
    Ok(status)
}

/// A box that is an error when memory runs out, as an opaque pointer; `Box::from_raw` frees it.
pub fn boxed<T>(value: T) -> Result<*mut c_void, Failure> {
    let memory = unsafe { std::alloc::alloc(std::alloc::Layout::new::<T>()) } as *mut T;
    if memory.is_null() {
        return Err(NO_MEMORY);
    }
    unsafe { memory.write(value) };
    Ok(memory as *mut c_void)
}

pub fn append(to: &mut Vec<u8>, what: &[u8]) -> Result<(), Failure> {
    to.try_reserve(what.len()).map_err(|_| NO_MEMORY)?;
    to.extend_from_slice(what);
    Ok(())
}

pub fn bytes(slice: &[u8]) -> Bytes {
    Bytes { ptr: slice.as_ptr(), len: slice.len() }
}

/// What a call lent. The pointer of an empty slice may be NULL.
pub unsafe fn slice<'a>(bytes: &'a Bytes) -> &'a [u8] {
    array(bytes.ptr, bytes.len)
}

pub unsafe fn array<'a, T>(ptr: *const T, n: usize) -> &'a [T] {
    if n == 0 {
        return &[];
    }
    std::slice::from_raw_parts(ptr, n)
}

"""##

    static let text25 = ##"""
//! @NAME@: a provider for upstreams that speak Chat Completions, in Rust without crates.
//!
//! It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning,
//! tool calls, the finish reason, usage and errors, of the first choice.
//!
//! No panic may leave a function of the tables: `guarded` catches it. `Box` and `String` end the process when memory
//! runs out, so what lives longer than a call goes through `try_reserve`.
mod json;
mod kimi_plugin;

use kimi_plugin::*;
use std::ffi::{c_char, c_void, CStr};

static MANIFEST: &str = r#"{
  "id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
  "provides": [{"interface": "kimi.provider/1", "name": "@NAME@", "frames": "sse", "features": ["stream", "tools", "reasoning"]}],
  "config_schema": {
    "type": "object", "additionalProperties": false, "required": ["apiKey", "baseUrl"],
    "properties": {
      "apiKey": {"type": "string", "minLength": 1, "x-secret": true, "x-env": "@ENV@_API_KEY"},
      "baseUrl": {"type": "string", "pattern": "^https?://", "x-host": true}
    }
  }
}"#;

/// A configured use. Nothing changes it after create: many threads use it at once.
struct Instance {
    host: &'static Host,
    url: Vec<u8>,
    authorization: Vec<u8>,
}

/// One attempt of one request. The host ends it before it destroys the instance.
struct Exchange {
    instance: *const Instance,
    status: u32,
    retry_after_ms: i64,
    started: bool,
    finished: bool,
    /// ERROR was emitted, and nothing may follow it.
    failed: bool,
    /// The open tool call, by the upstream's index (-1: it gave none). `calls` were begun; ours count from 0.
    call: Option<i64>,
    calls: u32,
}

impl Instance {
    fn new(host: &'static Host, config: &[u8]) -> Result<Instance, Failure> {
        let wrong = Failure(E_CONFIG, CAT_CONFIG, "apiKey and baseUrl must be strings");
        let mut url = json::text(json::get(config, "baseUrl"))?;
        let key = json::text(json::get(config, "apiKey"))?;
        if url.is_empty() || key.is_empty() {
            return Err(wrong);
        }
        while url.last() == Some(&b'/') {
            url.pop();
        }
        append(&mut url, b"/chat/completions")?;
        let mut authorization = Vec::new();
        append(&mut authorization, b"Bearer ")?;
        append(&mut authorization, &key)?;
        Ok(Instance { host, url, authorization })
    }
}

impl Exchange {
    const NEW: Exchange = Exchange {
        instance: std::ptr::null(),
        status: 0,
        retry_after_ms: -1,
        started: false,
        finished: false,
        failed: false,
        call: None,
        calls: 0,
    };

    fn instance(&self) -> &Instance {
        unsafe { &*self.instance }
    }

    /// One step: send the request, with two members of its JSON changed and every other byte as it is.
    fn plan(&self, plan: *mut c_void) -> Result<Status, Failure> {
        let host = self.instance().host;
        let field = |field: u32, key: &[u8], value: &[u8]| {
            checked(unsafe { (host.plan_field)(plan, field, bytes(key), bytes(value)) })
        };
        field(FIELD_URL, b"", &self.instance().url)?;
        field(FIELD_HEADER, b"Content-Type", b"application/json")?;
        // Its value appears in no log.
        field(FIELD_SECRET_HEADER, b"Authorization", &self.instance().authorization)?;
        field(FIELD_BODY_PATCH, b"", br#"{"stream":true,"stream_options":{"include_usage":true}}"#)?;
        checked(unsafe { (host.plan_step)(plan, STEP_SEND, 0, SEND_STREAM) })?;
        Ok(OK)
    }

    fn head(&mut self, result: &StepResult) {
        self.status = result.http_status;
        for header in unsafe { array(result.headers, result.n_headers) } {
            let (name, value) = unsafe { (slice(&header.name), slice(&header.value)) };
            if name.eq_ignore_ascii_case(b"retry-after") && json::count(value) >= 0 {
                self.retry_after_ms = json::count(value) * 1000;
            }
        }
    }

    /// False: nobody listens any more.
    fn emit(&self, sink: *mut c_void, event: Event) -> Result<bool, Failure> {
        Ok(checked(unsafe { (self.instance().host.emit)(sink, &event, 1) })? != STOP)
    }

    /// ERROR is the last event of a reply.
    fn fail_with(&mut self, sink: *mut c_void, message: &[u8]) -> Result<bool, Failure> {
        if self.failed {
            return Ok(true);
        }
        self.finished = true;
        self.failed = true;
        let i = [category(self.status), self.status as i64, self.retry_after_ms, 0];
        self.emit(sink, Event { kind: EVENT_ERROR, a: bytes(message), i, ..Event::default() })
    }

    fn upstream_error(&mut self, sink: *mut c_void, body: &[u8]) -> Result<bool, Failure> {
        let message = json::text(json::get(json::get(body, "error"), "message"))?;
        if message.is_empty() {
            return self.fail_with(sink, b"the upstream answered with an error that has no message");
        }
        self.fail_with(sink, &message)
    }

    fn emit_text(&self, sink: *mut c_void, kind: u32, text: &[u8], index: u32) -> Result<bool, Failure> {
        Ok(text.is_empty() || self.emit(sink, Event { kind, index, a: bytes(text), ..Event::default() })?)
    }

    fn end_call(&mut self, sink: *mut c_void) -> Result<bool, Failure> {
        if self.call.take().is_none() {
            return Ok(true);
        }
        self.emit(sink, Event { kind: EVENT_TOOL_END, index: self.calls - 1, ..Event::default() })
    }

    /// A call's first piece brings its id and its name. The call before it is complete then.
    fn begin_call(&mut self, sink: *mut c_void, number: i64, id: &[u8], name: &[u8]) -> Result<bool, Failure> {
        if !self.end_call(sink)? {
            return Ok(false);
        }
        if name.is_empty() {
            return self.fail_with(sink, b"the upstream sent a piece of a tool call that had not begun");
        }
        let index = self.calls;
        self.calls += 1;
        self.call = Some(number);
        self.emit(sink, Event { kind: EVENT_TOOL_BEGIN, index, a: bytes(id), b: bytes(name), ..Event::default() })
    }

    /// One element of delta.tool_calls: {index, id, function: {name, arguments}}, the last a piece of JSON text.
    fn take_call(&mut self, sink: *mut c_void, piece: &[u8]) -> Result<bool, Failure> {
        let (function, number) = (json::get(piece, "function"), json::count(json::get(piece, "index")));
        let id = json::text(json::get(piece, "id"))?;
        if self.call != Some(number) || (number < 0 && !id.is_empty()) {
            let name = json::text(json::get(function, "name"))?;
            if !self.begin_call(sink, number, &id, &name)? {
                return Ok(false);
            }
            if self.finished {
                return Ok(true);
            }
        }
        let arguments = json::get(function, "arguments");
        if !json::inside(arguments, b'{').is_empty() {
            return self.emit_text(sink, EVENT_TOOL_ARGS, arguments, self.calls - 1);
        }
        self.emit_text(sink, EVENT_TOOL_ARGS, &json::text(arguments)?, self.calls - 1)
    }

    fn take_delta(&mut self, sink: *mut c_void, choice: &[u8]) -> Result<bool, Failure> {
        if json::count(json::get(choice, "index")) > 0 {
            return self.fail_with(sink, b"plugin @NAME@ decodes one choice; ask without n");
        }
        let delta = json::get(choice, "delta");
        for (kind, name) in [(EVENT_REASONING, "reasoning_content"), (EVENT_TEXT, "content")] {
            if !self.emit_text(sink, kind, &json::text(json::get(delta, name))?, 0)? {
                return Ok(false);
            }
        }
        for piece in json::elements(json::get(delta, "tool_calls")) {
            if !self.take_call(sink, piece)? {
                return Ok(false);
            }
            if self.finished {
                return Ok(true);
            }
        }
        let reason = json::text(json::get(choice, "finish_reason"))?;
        if reason.is_empty() {
            return Ok(true);
        }
        if !self.end_call(sink)? {
            return Ok(false);
        }
        self.finished = true;
        self.emit(sink, Event { kind: EVENT_FINISH, a: bytes(&reason), b: bytes(&reason), ..Event::default() })
    }

    /// One chunk. False: nobody listens any more.
    fn take_chunk(&mut self, sink: *mut c_void, data: &[u8]) -> Result<bool, Failure> {
        if self.failed {
            return Ok(true);
        }
        if !json::inside(json::get(data, "error"), b'{').is_empty() && !self.finished {
            return self.upstream_error(sink, data);
        }
        if !self.started {
            let (id, model) = (json::text(json::get(data, "id"))?, json::text(json::get(data, "model"))?);
            let i = [json::count(json::get(data, "created")).max(0), 0, 0, 0];
            self.started = true;
            let event = Event { kind: EVENT_START, a: bytes(&id), b: bytes(&model), i, ..Event::default() };
            if !self.emit(sink, event)? {
                return Ok(false);
            }
        }
        if !self.finished && !self.take_delta(sink, json::first(json::get(data, "choices")))? {
            return Ok(false);
        }
        let usage = json::get(data, "usage");
        if self.failed || json::inside(usage, b'{').is_empty() {
            return Ok(true);
        }
        let tokens = |name| json::count(json::get(usage, name));
        let i = [tokens("prompt_tokens"), tokens("completion_tokens"), -1, -1];
        self.emit(sink, Event { kind: EVENT_USAGE, i, ..Event::default() })
    }

    fn feed(&mut self, frame: &Frame, sink: *mut c_void) -> Result<Status, Failure> {
        let data = unsafe { slice(&frame.data) };
        let goes_on = if frame.flags & FRAME_F_ERROR != 0 {
            self.upstream_error(sink, data)?
        } else if frame.kind != FRAME_SSE {
            true
        } else if data == b"[DONE]" {
            return Ok(DONE);
        } else {
            let data = data.trim_ascii_start();
            if data.first() != Some(&b'{') {
                return Err(Failure(E_PROTOCOL, CAT_PROTOCOL, "the upstream's stream is not made of JSON objects"));
            }
            self.take_chunk(sink, data)?
        };
        Ok(if goes_on { OK } else { STOP })
    }
}

fn category(status: u32) -> i64 {
    match status {
        401 => CAT_AUTH as i64,
        402 => CAT_QUOTA as i64,
        403 => CAT_PERMISSION as i64,
        404 => CAT_NOT_FOUND as i64,
        408 => CAT_TIMEOUT as i64,
        429 => CAT_RATE_LIMITED as i64,
        503 => CAT_OVERLOADED as i64,
        400..=499 => CAT_BAD_REQUEST as i64,
        _ => CAT_UPSTREAM as i64,
    }
}

// ---------------------------------------------------------------- the table

unsafe extern "C" fn create(
    host: *const Host, _ctx: *mut c_void, config: Bytes, instance: *mut *mut c_void, error: *mut c_void,
) -> Status {
    let host: &'static Host = &*host;
    guarded(host, error, || {
        *instance = boxed(Instance::new(host, slice(&config))?)?;
        Ok(OK)
    })
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance as *mut Instance));
}

unsafe extern "C" fn begin(
    instance: *mut c_void, _request: *const c_void, exchange: *mut *mut c_void, error: *mut c_void,
) -> Status {
    let instance = instance as *const Instance;
    guarded((*instance).host, error, || {
        *exchange = boxed(Exchange { instance, ..Exchange::NEW })?;
        Ok(OK)
    })
}

unsafe extern "C" fn next(exchange: *mut c_void, plan: *mut c_void, error: *mut c_void) -> Status {
    let exchange = &*(exchange as *const Exchange);
    guarded(exchange.instance().host, error, || exchange.plan(plan))
}

unsafe extern "C" fn result(exchange: *mut c_void, result: *const StepResult, error: *mut c_void) -> Status {
    let exchange = &mut *(exchange as *mut Exchange);
    guarded((*exchange.instance).host, error, || {
        exchange.head(&*result);
        Ok(OK)
    })
}

unsafe extern "C" fn feed(
    exchange: *mut c_void, frames: *const Frame, n: usize, sink: *mut c_void, error: *mut c_void,
) -> Status {
    let exchange = &mut *(exchange as *mut Exchange);
    guarded((*exchange.instance).host, error, || {
        for frame in array(frames, n) {
            match exchange.feed(frame, sink)? {
                OK => {}
                STOP => return Ok(OK),
                other => return Ok(other),
            }
        }
        Ok(OK)
    })
}

/// The body is over. A reply that did not finish is a failure, never a short answer.
unsafe extern "C" fn flush(exchange: *mut c_void, why: u32, _sink: *mut c_void, error: *mut c_void) -> Status {
    let exchange = &*(exchange as *const Exchange);
    guarded(exchange.instance().host, error, || {
        if exchange.finished || why == WHY_CANCELLED {
            return Ok(OK);
        }
        Err(Failure(E_PROTOCOL, CAT_UPSTREAM, "the upstream's answer ended before its finish_reason"))
    })
}

unsafe extern "C" fn end(exchange: *mut c_void, _why: u32) {
    drop(Box::from_raw(exchange as *mut Exchange));
}

static PROVIDER: Provider = Provider {
    struct_size: std::mem::size_of::<Provider>() as u32,
    flags: 0,
    create,
    destroy,
    begin,
    next,
    result,
    feed,
    flush,
    end,
};

unsafe extern "C" fn get_interface(id: *const c_char) -> *const c_void {
    match CStr::from_ptr(id).to_bytes() {
        b"kimi.provider/1" => &PROVIDER as *const Provider as *const c_void,
        _ => std::ptr::null(),
    }
}

#[no_mangle]
pub unsafe extern "C" fn kimi_plugin_entry_v1(handshake: *mut Handshake, _error: *mut c_void) -> Status {
    answer(handshake, MANIFEST, get_interface)
}

"""##

    static let text26 = ##"""
//! @NAME@: a transform that makes typographic quotation marks in a reply plain ones, as code needs them. Rust
//! without crates.
//!
//! It asks for TEXT events only; everything else passes it by, in order. The host never cuts a text inside a code
//! point, so each event can be looked at by itself and nothing is held back.
//!
//! No panic may leave a function of the tables: `guarded` catches it. `Box` and `String` end the process when memory
//! runs out, so memory is asked for with `try_reserve`.
#[allow(dead_code)]
mod kimi_plugin;

use kimi_plugin::*;
use std::ffi::{c_char, c_void, CStr};

static MANIFEST: &str = r#"{
  "id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
  "provides": [{"interface": "kimi.transform/1", "name": "@NAME@"}],
  "config_schema": {"type": "object", "additionalProperties": false, "properties": {}}
}"#;

/// A configured use. Nothing changes it after create: many threads use it at once.
struct Instance {
    host: &'static Host,
}

/// One attempt of one request. What must be remembered from call to call belongs here.
struct Exchange {
    host: &'static Host,
}

/// Is there a quotation mark, U+2018 to U+201F, at the beginning? Its plain form.
fn plain(text: &[u8]) -> Option<u8> {
    match text {
        [0xE2, 0x80, 0x98..=0x9B, ..] => Some(b'\''),
        [0xE2, 0x80, 0x9C..=0x9F, ..] => Some(b'"'),
        _ => None,
    }
}

/// The text with plain marks; None if there are none to change.
fn with_plain_quotes(text: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    if !(0..text.len()).any(|at| plain(&text[at..]).is_some()) {
        return Ok(None);
    }
    let mut made = Vec::new();
    made.try_reserve_exact(text.len()).map_err(|_| NO_MEMORY)?;
    let mut at = 0;
    while at < text.len() {
        let mark = plain(&text[at..]);
        made.push(mark.unwrap_or(text[at]));
        at += if mark.is_some() { 3 } else { 1 };
    }
    Ok(Some(made))
}

unsafe extern "C" fn create(
    host: *const Host, _ctx: *mut c_void, _config: Bytes, instance: *mut *mut c_void, error: *mut c_void,
) -> Status {
    let host: &'static Host = &*host;
    guarded(host, error, || {
        *instance = boxed(Instance { host })?;
        Ok(OK)
    })
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance as *mut Instance));
}

/// To change the request: `(host.put)(out, PUT_MERGE_PATCH, ...)`, and return OK.
unsafe extern "C" fn begin(
    instance: *mut c_void, _request: *const c_void, _out: *mut c_void, exchange: *mut *mut c_void, error: *mut c_void,
) -> Status {
    let instance = &*(instance as *const Instance);
    guarded(instance.host, error, || {
        *exchange = boxed(Exchange { host: instance.host })?;
        Ok(UNCHANGED)
    })
}

unsafe extern "C" fn feed(
    exchange: *mut c_void, events: *const Event, n: usize, sink: *mut c_void, error: *mut c_void,
) -> Status {
    let exchange = &*(exchange as *const Exchange);
    guarded(exchange.host, error, || {
        for event in array(events, n) {
            let mut event = *event;
            let changed = if event.kind == EVENT_TEXT { with_plain_quotes(slice(&event.a))? } else { None };
            if let Some(text) = &changed {
                event.a = bytes(text); // the host copies it before emit returns
            }
            if checked((exchange.host.emit)(sink, &event, 1))? == STOP {
                return Ok(OK); // nobody listens any more
            }
        }
        Ok(OK)
    })
}

/// Nothing is held back, so there is nothing to give up.
unsafe extern "C" fn flush(_exchange: *mut c_void, _why: u32, _sink: *mut c_void, _error: *mut c_void) -> Status {
    OK
}

unsafe extern "C" fn end(exchange: *mut c_void, _why: u32) {
    drop(Box::from_raw(exchange as *mut Exchange));
}

static TRANSFORM: Transform = Transform {
    struct_size: std::mem::size_of::<Transform>() as u32,
    event_mask: 1 << EVENT_TEXT,
    create,
    destroy,
    begin,
    feed,
    flush,
    end,
};

unsafe extern "C" fn get_interface(id: *const c_char) -> *const c_void {
    match CStr::from_ptr(id).to_bytes() {
        b"kimi.transform/1" => &TRANSFORM as *const Transform as *const c_void,
        _ => std::ptr::null(),
    }
}

#[no_mangle]
pub unsafe extern "C" fn kimi_plugin_entry_v1(handshake: *mut Handshake, _error: *mut c_void) -> Status {
    answer(handshake, MANIFEST, get_interface)
}

"""##

    static let notes27 = ##"""
Needs: Swift 6.3 or newer and make. It is built against the C header alone and takes the Swift runtime of the machine, which
must be of the host's major version. A trap ends the host: no `!`, no unchecked index or sum. Give each plugin a module name
of its own (the Makefile does).

"""##

    static let text28 = ##"""
# make         build/lib@NAME@.so
# make test    checks it with kimi-host, which must be on PATH (or KIMI_HOST=/path/to/kimi-host)
# make clean
LIBRARY := build/lib@NAME@.so
SWIFTC ?= swiftc
SWIFTFLAGS ?= -O

# The version script hides Swift's own names. -z defs: what is missing is found now, not when the host loads it.
FLAGS := -swift-version 6 -wmo -emit-library -module-name @MODULE@ -import-objc-header bridge.h \
	-Xlinker --version-script=plugin.map -Xlinker -z -Xlinker defs

all: $(LIBRARY)

$(LIBRARY): $(wildcard *.swift *.h) plugin.map Makefile | build
	$(SWIFTC) $(FLAGS) $(SWIFTFLAGS) -o $@ $(wildcard *.swift)
	chmod 755 $@

KIMI_HOST ?= kimi-host

# A folder that others may write to is refused by the host.
build:
	mkdir -p build
	chmod 755 build

# Every rule of the ABI, then a run to look at, then the stock loader.
test: $(LIBRARY)
	$(KIMI_HOST) plugin check --strict --transcripts transcripts $(LIBRARY)
	$(KIMI_HOST) plugin run --in transcripts $(LIBRARY)
	$(KIMI_HOST) plugins list --plugins-dir build

clean:
	rm -rf build

.PHONY: all test clean

"""##

    static let text29 = ##"""
// What makes the tables' functions short. Nothing here is particular to this plugin.

/// A call that cannot succeed. A negative answer of the host's is one too.
struct Failure: Error {
    var status: kimi_status_code
    var category: kimi_category
    var sentence: StaticString

    static let refused = Failure(
        status: KIMI_E_INTERNAL, category: KIMI_CAT_INTERNAL, sentence: "the host refused what the plugin gave it")
}

typealias Host = UnsafePointer<kimi_host>

extension kimi_bytes {
    /// A literal lives as long as the library.
    init(_ literal: StaticString) { self.init(ptr: literal.utf8Start, len: literal.utf8CodeUnitCount) }

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.init(ptr: bytes.baseAddress, len: bytes.count) }

    var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: ptr, count: len) }
}

/// Runs the body, and describes what it throws.
func guarded(_ host: Host, _ error: OpaquePointer?, _ body: () throws(Failure) -> kimi_status_code) -> kimi_status {
    do throws(Failure) {
        return kimi_status(try body().rawValue)
    } catch let failure {
        let status = kimi_status(failure.status.rawValue)
        host.pointee.fail(error, status, failure.category.rawValue, 0, kimi_bytes(failure.sentence))
        return status
    }
}

/// True: nobody listens any more (KIMI_STOP).
func isStop(_ status: kimi_status) throws(Failure) -> Bool {
    if status < 0 { throw Failure.refused }
    return status == kimi_status(KIMI_STOP.rawValue)
}

/// An object as the opaque pointer that the host keeps for us.
func handedOver(_ object: AnyObject) -> OpaquePointer { OpaquePointer(Unmanaged.passRetained(object).toOpaque()) }

func borrowed<T: AnyObject>(_ pointer: OpaquePointer?, _: T.Type) -> T? {
    pointer.map { Unmanaged<T>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
}

func takenBack(_ pointer: OpaquePointer?) {
    if let pointer { Unmanaged<AnyObject>.fromOpaque(UnsafeRawPointer(pointer)).release() }
}

let misuse = kimi_status(KIMI_E_ARG.rawValue)

/// Fills the plugin's half of the handshake.
func answer(
    _ handshake: UnsafeMutablePointer<kimi_handshake>?, _ manifest: StaticString,
    _ interfaces: @escaping @convention(c) (UnsafePointer<CChar>?) -> UnsafeRawPointer?
) -> kimi_status {
    guard let handshake, handshake.pointee.struct_size >= MemoryLayout<kimi_handshake>.size else {
        return kimi_status(KIMI_E_VERSION.rawValue)  // no host of ABI 1
    }
    handshake.pointee.plugin_minor = UInt32(KIMI_ABI_MINOR)  // built with this header
    handshake.pointee.needs_minor = 0  // works with every 1.x host
    handshake.pointee.manifest = kimi_bytes(manifest)
    handshake.pointee.get_interface = interfaces
    return kimi_status(KIMI_OK.rawValue)
}

"""##

    static let text30 = ##"""
/* What Swift sees of C. */
#include "json.h"
#include "kimi_plugin.h"

"""##

    static let text31 = ##"""
// @NAME@: a provider for upstreams that speak Chat Completions, in Swift on the C header alone.
//
// It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning,
// tool calls, the finish reason, usage and errors, of the first choice.
//
// A trap (`!`, an index out of range, an overflow) ends the host's process: write code that cannot trap.

let manifest: StaticString = """
    {
      "id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
      "provides": [{"interface": "kimi.provider/1", "name": "@NAME@", "frames": "sse", "features": ["stream", "tools", "reasoning"]}],
      "config_schema": {
        "type": "object", "additionalProperties": false, "required": ["apiKey", "baseUrl"],
        "properties": {
          "apiKey": {"type": "string", "minLength": 1, "x-secret": true, "x-env": "@ENV@_API_KEY"},
          "baseUrl": {"type": "string", "pattern": "^https?://", "x-host": true}
        }
      }
    }
    """

/// The string that a JSON value holds, as UTF-8; empty if it is no string.
func text(_ value: kimi_bytes) throws(Failure) -> [UInt8] {
    guard value.len >= 2, value.buffer.first == UInt8(ascii: "\"") else { return [] }
    let text = [UInt8](unsafeUninitializedCapacity: value.len) { room, count in
        count = Int(max(json_text(value, room.baseAddress), 0))
    }
    // json_text says -1 for a broken string; one that is not empty must not become so.
    if text.isEmpty, value.len > 2 {
        throw Failure(
            status: KIMI_E_PROTOCOL, category: KIMI_CAT_PROTOCOL, sentence: "a string of the upstream cannot be decoded")
    }
    return text
}

/// A configured use. Nothing changes it after create: many threads use it at once.
final class Instance: Sendable {
    nonisolated(unsafe) let host: Host
    let url: [UInt8]
    let authorization: [UInt8]

    init(host: Host, config: kimi_bytes) throws(Failure) {
        var url = try text(json_get(config, "baseUrl"))
        let key = try text(json_get(config, "apiKey"))
        guard !url.isEmpty, !key.isEmpty else {
            throw Failure(
                status: KIMI_E_CONFIG, category: KIMI_CAT_CONFIG, sentence: "apiKey and baseUrl must be strings")
        }
        while url.last == UInt8(ascii: "/") { url.removeLast() }
        self.host = host
        self.url = url + Array("/chat/completions".utf8)
        self.authorization = Array("Bearer ".utf8) + key
    }
}

/// One attempt of one request.
final class Exchange {
    let instance: Instance
    private var status: UInt32 = 0
    private var retryAfterMs: Int64 = -1
    private var isStarted = false
    private(set) var isFinished = false
    /// ERROR was emitted, and nothing may follow it.
    private var isFailed = false
    /// The open tool call, by the upstream's index (-1: it gave none). `calls` were begun; ours count from 0.
    private var call: Int64?
    private var calls: UInt32 = 0

    init(_ instance: Instance) { self.instance = instance }

    private var host: kimi_host { instance.host.pointee }

    /// One step: send the request, with two members of its JSON changed and every other byte as it is.
    func plan(_ plan: OpaquePointer?) throws(Failure) {
        let patch: StaticString = #"{"stream":true,"stream_options":{"include_usage":true}}"#
        try field(plan, KIMI_FIELD_URL, "", instance.url)
        let type: StaticString = "application/json"
        if host.plan_field(plan, KIMI_FIELD_HEADER.rawValue, kimi_bytes("Content-Type"), kimi_bytes(type)) < 0 {
            throw Failure.refused
        }
        try field(plan, KIMI_FIELD_SECRET_HEADER, "Authorization", instance.authorization)  // in no log
        if host.plan_field(plan, KIMI_FIELD_BODY_PATCH.rawValue, kimi_bytes(""), kimi_bytes(patch)) < 0 {
            throw Failure.refused
        }
        if host.plan_step(plan, KIMI_STEP_SEND.rawValue, 0, UInt64(KIMI_SEND_STREAM.rawValue)) < 0 {
            throw Failure.refused
        }
    }

    private func field(
        _ plan: OpaquePointer?, _ field: kimi_field, _ key: StaticString, _ value: [UInt8]
    ) throws(Failure) {
        let status = value.withUnsafeBufferPointer {
            host.plan_field(plan, field.rawValue, kimi_bytes(key), kimi_bytes($0))
        }
        if status < 0 { throw Failure.refused }
    }

    /// The answer's head.
    func head(_ result: kimi_result) {
        status = result.http_status
        for header in UnsafeBufferPointer(start: result.headers, count: result.n_headers) {
            let name = header.name.buffer.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
            let seconds = json_count(header.value)
            if seconds >= 0, name == Array("retry-after".utf8) { retryAfterMs = seconds * 1000 }
        }
    }

    /// False: nobody listens any more.
    private func emit(
        _ sink: OpaquePointer?, _ type: kimi_event_type, _ a: [UInt8] = [], _ b: [UInt8] = [],
        _ numbers: (Int64, Int64, Int64, Int64) = (0, 0, 0, 0), index: UInt32 = 0
    ) throws(Failure) -> Bool {
        let status = a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                var event = kimi_event()
                event.type = type.rawValue
                event.index = index
                (event.a, event.b) = (kimi_bytes(a), kimi_bytes(b))
                (event.i0, event.i1, event.i2, event.i3) = numbers
                return host.emit(sink, &event, 1)
            }
        }
        return try !isStop(status)
    }

    /// ERROR is the last event of a reply.
    private func failWith(_ sink: OpaquePointer?, _ message: [UInt8]) throws(Failure) -> Bool {
        if isFailed { return true }
        isFinished = true
        isFailed = true
        return try emit(
            sink, KIMI_EVENT_ERROR, message, [],
            (Int64(Self.category(status).rawValue), Int64(status), retryAfterMs, 0))
    }

    private static func category(_ status: UInt32) -> kimi_category {
        switch status {
        case 401: KIMI_CAT_AUTH
        case 402: KIMI_CAT_QUOTA
        case 403: KIMI_CAT_PERMISSION
        case 404: KIMI_CAT_NOT_FOUND
        case 408: KIMI_CAT_TIMEOUT
        case 429: KIMI_CAT_RATE_LIMITED
        case 503: KIMI_CAT_OVERLOADED
        case 400...499: KIMI_CAT_BAD_REQUEST
        default: KIMI_CAT_UPSTREAM
        }
    }

    private func upstreamError(_ sink: OpaquePointer?, _ body: kimi_bytes) throws(Failure) -> Bool {
        let message = try text(json_get(json_get(body, "error"), "message"))
        let unknown = Array("the upstream answered with an error that has no message".utf8)
        return try failWith(sink, message.isEmpty ? unknown : message)
    }

    private func endCall(_ sink: OpaquePointer?) throws(Failure) -> Bool {
        if call == nil { return true }
        call = nil
        return try emit(sink, KIMI_EVENT_TOOL_END, index: calls &- 1)
    }

    /// A call's first piece brings its id and its name. The call before it is complete then.
    private func beginCall(
        _ sink: OpaquePointer?, _ number: Int64, id: [UInt8], name: [UInt8]
    ) throws(Failure) -> Bool {
        guard try endCall(sink) else { return false }
        if name.isEmpty {
            return try failWith(sink, Array("the upstream sent a piece of a tool call that had not begun".utf8))
        }
        call = number
        calls &+= 1
        return try emit(sink, KIMI_EVENT_TOOL_BEGIN, id, name, index: calls &- 1)
    }

    /// One element of delta.tool_calls: {index, id, function: {name, arguments}}, the last a piece of JSON text.
    private func takeCall(_ sink: OpaquePointer?, _ piece: kimi_bytes) throws(Failure) -> Bool {
        let function = json_get(piece, "function")
        let number = json_count(json_get(piece, "index"))
        let id = try text(json_get(piece, "id"))
        if call != number || (number < 0 && !id.isEmpty) {
            let name = try text(json_get(function, "name"))
            guard try beginCall(sink, number, id: id, name: name) else { return false }
            if isFinished { return true }
        }
        let arguments = json_get(function, "arguments")
        let isObject = json_inside(arguments, UInt8(ascii: "{")).len > 0
        let written = isObject ? Array(arguments.buffer) : try text(arguments)
        if written.isEmpty { return true }
        return try emit(sink, KIMI_EVENT_TOOL_ARGS, written, index: calls &- 1)
    }

    private func takeDelta(_ sink: OpaquePointer?, _ choice: kimi_bytes) throws(Failure) -> Bool {
        if json_count(json_get(choice, "index")) > 0 {
            return try failWith(sink, Array("plugin @NAME@ decodes one choice; ask without n".utf8))
        }
        let delta = json_get(choice, "delta")
        let thought = try text(json_get(delta, "reasoning_content"))
        if !thought.isEmpty, try !emit(sink, KIMI_EVENT_REASONING, thought) { return false }
        let content = try text(json_get(delta, "content"))
        if !content.isEmpty, try !emit(sink, KIMI_EVENT_TEXT, content) { return false }
        var pieces = json_inside(json_get(delta, "tool_calls"), UInt8(ascii: "["))
        var piece = kimi_bytes()
        while !isFinished, json_next(&pieces, &piece) != 0 {
            guard try takeCall(sink, piece) else { return false }
        }
        let reason = try text(json_get(choice, "finish_reason"))
        if isFinished || reason.isEmpty { return true }
        guard try endCall(sink) else { return false }
        isFinished = true
        return try emit(sink, KIMI_EVENT_FINISH, reason, reason)
    }

    /// One chunk. False: nobody listens any more.
    private func takeChunk(_ sink: OpaquePointer?, _ data: kimi_bytes) throws(Failure) -> Bool {
        let brace = UInt8(ascii: "{")
        if isFailed { return true }
        if json_inside(json_get(data, "error"), brace).len > 0, !isFinished { return try upstreamError(sink, data) }
        if !isStarted {
            isStarted = true
            let created = max(json_count(json_get(data, "created")), 0)
            let (id, model) = (try text(json_get(data, "id")), try text(json_get(data, "model")))
            guard try emit(sink, KIMI_EVENT_START, id, model, (created, 0, 0, 0)) else { return false }
        }
        if !isFinished, try !takeDelta(sink, json_first(json_get(data, "choices"))) { return false }
        let usage = json_get(data, "usage")
        guard !isFailed, json_inside(usage, brace).len > 0 else { return true }
        let input = json_count(json_get(usage, "prompt_tokens"))
        return try emit(
            sink, KIMI_EVENT_USAGE, [], [], (input, json_count(json_get(usage, "completion_tokens")), -1, -1))
    }

    /// KIMI_OK: go on; KIMI_STOP: nobody listens; KIMI_DONE: the reply is complete.
    func feed(_ frame: kimi_frame, _ sink: OpaquePointer?) throws(Failure) -> kimi_status_code {
        if frame.flags & KIMI_FRAME_F_ERROR.rawValue != 0 {
            return try upstreamError(sink, frame.data) ? KIMI_OK : KIMI_STOP
        }
        guard frame.kind == KIMI_FRAME_SSE.rawValue else { return KIMI_OK }
        if json_equals(frame.data, "[DONE]") != 0 { return KIMI_DONE }
        let data = json_skip_space(frame.data)
        guard data.buffer.first == UInt8(ascii: "{") else {
            throw Failure(
                status: KIMI_E_PROTOCOL, category: KIMI_CAT_PROTOCOL,
                sentence: "the upstream's stream is not made of JSON objects")
        }
        return try takeChunk(sink, data) ? KIMI_OK : KIMI_STOP
    }
}

// MARK: The table

nonisolated(unsafe) let table: UnsafePointer<kimi_provider> = {
    let table = UnsafeMutablePointer<kimi_provider>.allocate(capacity: 1)
    table.initialize(
        to: kimi_provider(
            struct_size: UInt32(MemoryLayout<kimi_provider>.size), flags: 0,
            create: { host, _, config, instance, error in
                guard let host, let instance else { return misuse }
                return guarded(host, error) { () throws(Failure) in
                    instance.pointee = handedOver(try Instance(host: host, config: config))
                    return KIMI_OK
                }
            },
            destroy: { takenBack($0) },
            begin: { instance, _, exchange, _ in
                guard let instance = borrowed(instance, Instance.self), let exchange else { return misuse }
                exchange.pointee = handedOver(Exchange(instance))
                return kimi_status(KIMI_OK.rawValue)
            },
            next: { exchange, plan, error in
                guard let exchange = borrowed(exchange, Exchange.self) else { return misuse }
                return guarded(exchange.instance.host, error) { () throws(Failure) in
                    try exchange.plan(plan)
                    return KIMI_OK
                }
            },
            result: { exchange, result, _ in
                guard let exchange = borrowed(exchange, Exchange.self), let result else { return misuse }
                exchange.head(result.pointee)
                return kimi_status(KIMI_OK.rawValue)
            },
            feed: { exchange, frames, n, sink, error in
                guard let exchange = borrowed(exchange, Exchange.self) else { return misuse }
                return guarded(exchange.instance.host, error) { () throws(Failure) in
                    for frame in UnsafeBufferPointer(start: frames, count: n) {
                        let status = try exchange.feed(frame, sink)
                        if status == KIMI_STOP { return KIMI_OK }
                        if status != KIMI_OK { return status }
                    }
                    return KIMI_OK
                }
            },
            flush: { exchange, why, _, error in
                guard let exchange = borrowed(exchange, Exchange.self) else { return misuse }
                return guarded(exchange.instance.host, error) { () throws(Failure) in
                    // A reply that did not finish is a failure, never a short answer.
                    if exchange.isFinished || why == KIMI_WHY_CANCELLED.rawValue { return KIMI_OK }
                    throw Failure(
                        status: KIMI_E_PROTOCOL, category: KIMI_CAT_UPSTREAM,
                        sentence: "the upstream's answer ended before its finish_reason")
                }
            },
            end: { exchange, _ in takenBack(exchange) }))
    return UnsafePointer(table)
}()

@c @implementation
public func kimi_plugin_entry_v1(
    _ handshake: UnsafeMutablePointer<kimi_handshake>?, _ error: OpaquePointer?
) -> kimi_status {
    answer(handshake, manifest) { id in
        guard let id, String(cString: id) == KIMI_PROVIDER_ID else { return nil }
        return UnsafeRawPointer(table)
    }
}

"""##

    static let text32 = ##"""
// @NAME@: a transform that makes typographic quotation marks in a reply plain ones, as code needs them. Swift on the
// C header alone.
//
// It asks for TEXT events only; everything else passes it by, in order. The host never cuts a text inside a code
// point, so each event can be looked at by itself and nothing is held back.
//
// A trap (`!`, an index out of range, an overflow) ends the host's process: write code that cannot trap.

let manifest: StaticString = """
    {
      "id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
      "provides": [{"interface": "kimi.transform/1", "name": "@NAME@"}],
      "config_schema": {"type": "object", "additionalProperties": false, "properties": {}}
    }
    """

/// A configured use. Nothing changes it after create: many threads use it at once.
final class Instance: Sendable {
    nonisolated(unsafe) let host: Host

    init(host: Host) { self.host = host }
}

/// One attempt of one request. What must be remembered from call to call belongs here.
final class Exchange {
    let host: Host

    init(_ instance: Instance) { host = instance.host }

    /// False: nobody listens any more.
    func feed(_ event: kimi_event, _ sink: OpaquePointer?) throws(Failure) -> Bool {
        var event = event
        guard event.type == KIMI_EVENT_TEXT.rawValue, let changed = withPlainQuotes(event.a.buffer) else {
            return try !isStop(host.pointee.emit(sink, &event, 1))
        }
        let status = changed.withUnsafeBufferPointer { text in
            event.a = kimi_bytes(text)  // the host copies it before emit returns
            return host.pointee.emit(sink, &event, 1)
        }
        return try !isStop(status)
    }
}

/// Is there a quotation mark, U+2018 to U+201F, at this place? Its plain form.
func plain(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> UInt8? {
    guard text.count - index >= 3, text[index] == 0xE2, text[index + 1] == 0x80 else { return nil }
    switch text[index + 2] {
    case 0x98...0x9B: return UInt8(ascii: "'")
    case 0x9C...0x9F: return UInt8(ascii: "\"")
    default: return nil
    }
}

/// The text with plain marks; nil if there are none to change.
func withPlainQuotes(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    guard text.indices.contains(where: { plain(text, at: $0) != nil }) else { return nil }
    var made: [UInt8] = []
    made.reserveCapacity(text.count)
    var index = 0
    while index < text.count {
        let mark = plain(text, at: index)
        made.append(mark ?? text[index])
        index += mark != nil ? 3 : 1
    }
    return made
}

// MARK: The table

nonisolated(unsafe) let table: UnsafePointer<kimi_transform> = {
    let table = UnsafeMutablePointer<kimi_transform>.allocate(capacity: 1)
    table.initialize(
        to: kimi_transform(
            struct_size: UInt32(MemoryLayout<kimi_transform>.size), event_mask: 1 << KIMI_EVENT_TEXT.rawValue,
            create: { host, _, _, instance, _ in
                guard let host, let instance else { return misuse }
                instance.pointee = handedOver(Instance(host: host))
                return kimi_status(KIMI_OK.rawValue)
            },
            destroy: { takenBack($0) },
            // To change the request: host.pointee.put(out, KIMI_PUT_MERGE_PATCH.rawValue, ...), and return KIMI_OK.
            begin: { instance, _, _, exchange, _ in
                guard let instance = borrowed(instance, Instance.self), let exchange else { return misuse }
                exchange.pointee = handedOver(Exchange(instance))
                return kimi_status(KIMI_UNCHANGED.rawValue)
            },
            feed: { exchange, events, n, sink, error in
                guard let exchange = borrowed(exchange, Exchange.self) else { return misuse }
                return guarded(exchange.host, error) { () throws(Failure) in
                    for event in UnsafeBufferPointer(start: events, count: n) {
                        guard try exchange.feed(event, sink) else { break }
                    }
                    return KIMI_OK
                }
            },
            // Nothing is held back, so there is nothing to give up.
            flush: { _, _, _, _ in kimi_status(KIMI_OK.rawValue) },
            end: { exchange, _ in takenBack(exchange) }))
    return UnsafePointer(table)
}()

@c @implementation
public func kimi_plugin_entry_v1(
    _ handshake: UnsafeMutablePointer<kimi_handshake>?, _ error: OpaquePointer?
) -> kimi_status {
    answer(handshake, manifest) { id in
        guard let id, String(cString: id) == KIMI_TRANSFORM_ID else { return nil }
        return UnsafeRawPointer(table)
    }
}

"""##

    static let notes33 = ##"""
Needs: Go 1.19 or newer with cgo, a C compiler and make. Tried with Go 1.19. Only one Go plugin can be in a process; Go's
runtime takes threads, signal handlers and static TLS, which `plugin check` notes and forgives. Go plugins do not load on musl.

"""##

    static let text34 = ##"""
# make         build/lib@NAME@.so
# make test    checks it with kimi-host, which must be on PATH (or KIMI_HOST=/path/to/kimi-host)
# make clean
LIBRARY := build/lib@NAME@.so
GO ?= go

export CGO_ENABLED := 1

# The version script hides what cgo exports besides the entry.
LINK := -extldflags '-Wl,--version-script=$(CURDIR)/plugin.map -Wl,-z,defs'

all: $(LIBRARY)

$(LIBRARY): $(wildcard *.go *.c *.h) go.mod plugin.map Makefile | build
	$(GO) build -buildvcs=false -buildmode=c-shared -ldflags "$(LINK)" -o $@ .
	rm -f build/lib@NAME@.h
	chmod 755 $@

KIMI_HOST ?= kimi-host

# A folder that others may write to is refused by the host.
build:
	mkdir -p build
	chmod 755 build

# Every rule of the ABI, then a run to look at, then the stock loader.
test: $(LIBRARY)
	$(KIMI_HOST) plugin check --strict --transcripts transcripts $(LIBRARY)
	$(KIMI_HOST) plugin run --in transcripts $(LIBRARY)
	$(KIMI_HOST) plugins list --plugins-dir build

clean:
	rm -rf build

.PHONY: all test clean

"""##

    static let text35 = ##"""
module @NAME@

go 1.19

"""##

    static let text36 = ##"""
/* The plugin's way in, and the table. Instances and exchanges are handles of Go's, never Go pointers. */
#include <string.h>

#include "_cgo_export.h"
#include "kimi_plugin.h"

static const char manifest[] =
    "{\"id\": \"com.example.@NAME@\", \"name\": \"@NAME@\", \"version\": \"0.1.0\","
    " \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"},"
    " \"provides\": [{\"interface\": \"kimi.provider/1\", \"name\": \"@NAME@\", \"frames\": \"sse\","
    "  \"features\": [\"stream\", \"tools\", \"reasoning\"]}],"
    " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false,"
    "  \"required\": [\"apiKey\", \"baseUrl\"], \"properties\": {"
    "   \"apiKey\": {\"type\": \"string\", \"minLength\": 1, \"x-secret\": true, \"x-env\": \"@ENV@_API_KEY\"},"
    "   \"baseUrl\": {\"type\": \"string\", \"pattern\": \"^https?://\", \"x-host\": true}}}}";

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) {
    uintptr_t handle = 0;
    const kimi_status status = goCreate((kimi_host *)host, config, &handle, error);
    (void)ctx;
    if (status >= 0) *instance = (kimi_inst *)handle;
    return status;
}

static void destroy(kimi_inst *instance) {
    goRelease((uintptr_t)instance);
}

static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_exch **exchange, kimi_error *error) {
    (void)request; /* the host keeps it and sends it; here one could look into request->json */
    (void)error;
    *exchange = (kimi_exch *)goBegin((uintptr_t)instance);
    return KIMI_OK;
}

static kimi_status next(kimi_exch *exchange, kimi_plan *plan, kimi_error *error) {
    return goNext((uintptr_t)exchange, plan, error);
}

static kimi_status result(kimi_exch *exchange, const kimi_result *result, kimi_error *error) {
    return goResult((uintptr_t)exchange, (kimi_result *)result, error);
}

static kimi_status feed(kimi_exch *exchange, const kimi_frame *frames, size_t n, kimi_sink *sink, kimi_error *error) {
    for (size_t i = 0; i < n; i++) {
        const kimi_status status = goFeed((uintptr_t)exchange, (kimi_frame *)&frames[i], sink, error);
        if (status == KIMI_STOP) return KIMI_OK; /* nobody listens any more */
        if (status != KIMI_OK) return status;
    }
    return KIMI_OK;
}

static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)sink;
    return goFlush((uintptr_t)exchange, why, error);
}

static void end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    goRelease((uintptr_t)exchange);
}

static const kimi_provider provider = {
    sizeof(kimi_provider), 0, create, destroy, begin, next, result, feed, flush, end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &provider : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    const kimi_bytes text = {(const uint8_t *)manifest, sizeof manifest - 1};
    (void)error;
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION; /* no host of ABI 1 */
    handshake->plugin_minor = KIMI_ABI_MINOR; /* built with this header */
    handshake->needs_minor = 0;               /* works with every 1.x host */
    handshake->manifest = text;
    handshake->get_interface = get_interface;
    return KIMI_OK;
}

"""##

    static let text37 = ##"""
// @NAME@: a provider for upstreams that speak Chat Completions, in Go.
//
// It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning,
// tool calls, the finish reason, usage and errors, of the first choice.
//
// No panic may leave a function of the table: every export recovers.
package main

// #include "plugin.h"
import "C"

import (
	"bytes"
	"encoding/json"
	"runtime/cgo"
	"strconv"
	"strings"
	"unsafe"
)

// An instance is a configured use. Nothing changes it after create: many threads use it at once.
type instance struct {
	host               *C.kimi_host
	url, authorization string
}

// An exchange is one attempt of one request.
type exchange struct {
	*instance
	status            uint32
	retryAfterMs      int64 // -1: not said
	started, finished bool
	failed            bool   // ERROR was emitted, and nothing may follow it
	calling           bool   // a tool call is open: TOOL_BEGIN was emitted, TOOL_END was not
	call              int64  // the upstream's index of that call; -1: it gave none
	calls             uint32 // how many were begun; ours count from 0
}

// A failure is a call that cannot succeed.
type failure struct {
	status   C.kimi_status
	category uint32
	sentence string
}

var refused = &failure{C.KIMI_E_INTERNAL, C.KIMI_CAT_INTERNAL, "the host refused what the plugin gave it"}

func main() {}

// data is nil for nothing: Go has no address for that.
func data(text string) (unsafe.Pointer, C.size_t) {
	if text == "" {
		return nil, 0
	}
	bytes := []byte(text)
	return unsafe.Pointer(&bytes[0]), C.size_t(len(bytes))
}

func copied(slice C.kimi_bytes) []byte {
	return C.GoBytes(unsafe.Pointer(slice.ptr), C.int(slice.len))
}

// guarded runs the body, and describes its failure or panic.
func guarded(host *C.kimi_host, err *C.kimi_error, body func() (C.kimi_status, *failure)) (status C.kimi_status) {
	fail := func(what *failure) C.kimi_status {
		text, n := data(what.sentence)
		C.host_fail(host, err, what.status, C.uint32_t(what.category), text, n)
		return what.status
	}
	defer func() {
		if recover() != nil {
			status = fail(&failure{C.KIMI_E_INTERNAL, C.KIMI_CAT_INTERNAL, "the plugin panicked"})
		}
	}()
	status, what := body()
	if what != nil {
		return fail(what)
	}
	return status
}

//export goCreate
func goCreate(host *C.kimi_host, config C.kimi_bytes, handle *C.uintptr_t, err *C.kimi_error) C.kimi_status {
	return guarded(host, err, func() (C.kimi_status, *failure) {
		var settings struct {
			APIKey  string `json:"apiKey"`
			BaseURL string `json:"baseUrl"`
		}
		wrong := json.Unmarshal(copied(config), &settings)
		if wrong != nil || settings.APIKey == "" || settings.BaseURL == "" {
			return 0, &failure{C.KIMI_E_CONFIG, C.KIMI_CAT_CONFIG, "apiKey and baseUrl must be strings"}
		}
		url := strings.TrimRight(settings.BaseURL, "/") + "/chat/completions"
		*handle = C.uintptr_t(cgo.NewHandle(&instance{host, url, "Bearer " + settings.APIKey}))
		return C.KIMI_OK, nil
	})
}

//export goBegin
func goBegin(handle C.uintptr_t) C.uintptr_t {
	return C.uintptr_t(cgo.NewHandle(&exchange{instance: cgo.Handle(handle).Value().(*instance), retryAfterMs: -1}))
}

//export goRelease
func goRelease(handle C.uintptr_t) {
	cgo.Handle(handle).Delete()
}

// goNext describes the one step: send the request, with two members of its JSON changed and every other byte as it is.
//
//export goNext
func goNext(handle C.uintptr_t, plan *C.kimi_plan, err *C.kimi_error) C.kimi_status {
	e := cgo.Handle(handle).Value().(*exchange)
	return guarded(e.host, err, func() (C.kimi_status, *failure) {
		fields := []struct {
			field      uint32
			key, value string
		}{
			{C.KIMI_FIELD_URL, "", e.url},
			{C.KIMI_FIELD_HEADER, "Content-Type", "application/json"},
			{C.KIMI_FIELD_SECRET_HEADER, "Authorization", e.authorization}, // in no log
			{C.KIMI_FIELD_BODY_PATCH, "", `{"stream":true,"stream_options":{"include_usage":true}}`},
		}
		for _, one := range fields {
			key, keyLength := data(one.key)
			value, valueLength := data(one.value)
			if C.host_field(e.host, plan, C.uint32_t(one.field), key, keyLength, value, valueLength) < 0 {
				return 0, refused
			}
		}
		if C.host_send(e.host, plan) < 0 {
			return 0, refused
		}
		return C.KIMI_OK, nil
	})
}

// goResult gets the answer's head.
//
//export goResult
func goResult(handle C.uintptr_t, result *C.kimi_result, err *C.kimi_error) C.kimi_status {
	e := cgo.Handle(handle).Value().(*exchange)
	return guarded(e.host, err, func() (C.kimi_status, *failure) {
		e.status = uint32(result.http_status)
		for _, header := range unsafe.Slice(result.headers, int(result.n_headers)) {
			if !strings.EqualFold(string(copied(header.name)), "retry-after") {
				continue
			}
			if seconds, wrong := strconv.ParseUint(string(copied(header.value)), 10, 32); wrong == nil {
				e.retryAfterMs = int64(seconds) * 1000
			}
		}
		return C.KIMI_OK, nil
	})
}

// emit says KIMI_STOP when nobody listens any more.
func (e *exchange) emit(sink *C.kimi_sink, kind uint32, a, b string, i0, i1, i2, i3 int64) (C.kimi_status, *failure) {
	return e.emitAt(sink, kind, 0, a, b, i0, i1, i2, i3)
}

func (e *exchange) emitAt(sink *C.kimi_sink, kind, index uint32, a, b string, i0, i1, i2, i3 int64) (C.kimi_status, *failure) {
	aText, aLength := data(a)
	bText, bLength := data(b)
	status := C.host_event(e.host, sink, C.uint32_t(kind), C.uint32_t(index), aText, aLength, bText, bLength,
		C.int64_t(i0), C.int64_t(i1), C.int64_t(i2), C.int64_t(i3))
	if status < 0 {
		return 0, refused
	}
	return status, nil
}

func category(status uint32) int64 {
	switch {
	case status == 401:
		return C.KIMI_CAT_AUTH
	case status == 402:
		return C.KIMI_CAT_QUOTA
	case status == 403:
		return C.KIMI_CAT_PERMISSION
	case status == 404:
		return C.KIMI_CAT_NOT_FOUND
	case status == 408:
		return C.KIMI_CAT_TIMEOUT
	case status == 429:
		return C.KIMI_CAT_RATE_LIMITED
	case status == 503:
		return C.KIMI_CAT_OVERLOADED
	case status >= 400 && status < 500:
		return C.KIMI_CAT_BAD_REQUEST
	}
	return C.KIMI_CAT_UPSTREAM
}

// failWith emits ERROR, the last event of a reply.
func (e *exchange) failWith(sink *C.kimi_sink, message string) (C.kimi_status, *failure) {
	if e.failed {
		return C.KIMI_OK, nil
	}
	e.finished, e.failed = true, true
	if message == "" {
		message = "the upstream answered with an error that has no message"
	}
	return e.emit(sink, C.KIMI_EVENT_ERROR, message, "", category(e.status), int64(e.status), e.retryAfterMs, 0)
}

type apiError struct{ Message string }

// One element of delta.tool_calls: a call's first piece brings id and name, all bring pieces of its arguments' JSON text.
type callPiece struct {
	Index    *int64
	ID       string
	Function struct{ Name, Arguments string }
}

type choice struct {
	Index int64
	Delta struct {
		Content   string
		Reasoning string      `json:"reasoning_content"`
		ToolCalls []callPiece `json:"tool_calls"`
	}
	FinishReason string `json:"finish_reason"`
}

type chunk struct {
	ID, Model string
	Created   int64
	Choices   []choice
	Error     *apiError
	Usage     *struct {
		Input  *int64 `json:"prompt_tokens"`
		Output *int64 `json:"completion_tokens"`
	}
}

func count(number *int64) int64 {
	if number == nil || *number < 0 {
		return -1
	}
	return *number
}

func (e *exchange) emitText(sink *C.kimi_sink, kind, index uint32, text string) (C.kimi_status, *failure) {
	if text == "" {
		return C.KIMI_OK, nil
	}
	return e.emitAt(sink, kind, index, text, "", 0, 0, 0, 0)
}

func (e *exchange) endCall(sink *C.kimi_sink) (C.kimi_status, *failure) {
	if !e.calling {
		return C.KIMI_OK, nil
	}
	e.calling = false
	return e.emitAt(sink, C.KIMI_EVENT_TOOL_END, e.calls-1, "", "", 0, 0, 0, 0)
}

func (e *exchange) takeCall(sink *C.kimi_sink, piece callPiece) (C.kimi_status, *failure) {
	number := count(piece.Index)
	if !e.calling || number != e.call || (number < 0 && piece.ID != "") {
		// Another call begins. The one before it is complete then.
		if status, what := e.endCall(sink); status != C.KIMI_OK || what != nil {
			return status, what
		}
		if piece.Function.Name == "" {
			return e.failWith(sink, "the upstream sent a piece of a tool call that had not begun")
		}
		e.calling, e.call = true, number
		e.calls++
		status, what := e.emitAt(sink, C.KIMI_EVENT_TOOL_BEGIN, e.calls-1, piece.ID, piece.Function.Name, 0, 0, 0, 0)
		if status != C.KIMI_OK || what != nil {
			return status, what
		}
	}
	return e.emitText(sink, C.KIMI_EVENT_TOOL_ARGS, e.calls-1, piece.Function.Arguments)
}

func (e *exchange) takeDelta(sink *C.kimi_sink, one choice) (C.kimi_status, *failure) {
	if one.Index > 0 {
		return e.failWith(sink, "plugin @NAME@ decodes one choice; ask without n")
	}
	status, what := e.emitText(sink, C.KIMI_EVENT_REASONING, 0, one.Delta.Reasoning)
	if status == C.KIMI_OK && what == nil {
		status, what = e.emitText(sink, C.KIMI_EVENT_TEXT, 0, one.Delta.Content)
	}
	for _, piece := range one.Delta.ToolCalls {
		if status == C.KIMI_OK && what == nil && !e.finished {
			status, what = e.takeCall(sink, piece)
		}
	}
	if status != C.KIMI_OK || what != nil || e.finished || one.FinishReason == "" {
		return status, what
	}
	if status, what = e.endCall(sink); status != C.KIMI_OK || what != nil {
		return status, what
	}
	e.finished = true
	return e.emit(sink, C.KIMI_EVENT_FINISH, one.FinishReason, one.FinishReason, 0, 0, 0, 0)
}

func (e *exchange) takeChunk(sink *C.kimi_sink, one chunk) (status C.kimi_status, what *failure) {
	if e.failed {
		return C.KIMI_OK, nil
	}
	if one.Error != nil && !e.finished {
		return e.failWith(sink, one.Error.Message)
	}
	if !e.started {
		e.started = true
		created := one.Created
		if created < 0 {
			created = 0
		}
		status, what = e.emit(sink, C.KIMI_EVENT_START, one.ID, one.Model, created, 0, 0, 0)
	}
	if status == C.KIMI_OK && what == nil && !e.finished && len(one.Choices) > 0 {
		status, what = e.takeDelta(sink, one.Choices[0])
	}
	if status == C.KIMI_OK && what == nil && !e.failed && one.Usage != nil {
		return e.emit(sink, C.KIMI_EVENT_USAGE, "", "", count(one.Usage.Input), count(one.Usage.Output), -1, -1)
	}
	return status, what
}

// goFeed takes one frame. KIMI_STOP: nobody listens any more; KIMI_DONE: the reply is complete.
//
//export goFeed
func goFeed(handle C.uintptr_t, frame *C.kimi_frame, sink *C.kimi_sink, err *C.kimi_error) C.kimi_status {
	e := cgo.Handle(handle).Value().(*exchange)
	return guarded(e.host, err, func() (C.kimi_status, *failure) {
		body := copied(frame.data)
		if frame.flags&C.KIMI_FRAME_F_ERROR != 0 {
			var answer struct{ Error apiError }
			_ = json.Unmarshal(body, &answer) // an HTML page has no message
			return e.failWith(sink, answer.Error.Message)
		}
		if frame.kind != C.KIMI_FRAME_SSE {
			return C.KIMI_OK, nil
		}
		if bytes.Equal(body, []byte("[DONE]")) {
			return C.KIMI_DONE, nil
		}
		var one chunk
		if wrong := json.Unmarshal(body, &one); wrong != nil {
			return 0, &failure{C.KIMI_E_PROTOCOL, C.KIMI_CAT_PROTOCOL, "the upstream's stream cannot be read: " + wrong.Error()}
		}
		return e.takeChunk(sink, one)
	})
}

// goFlush: the body is over. A reply that did not finish is a failure, never a short answer.
//
//export goFlush
func goFlush(handle C.uintptr_t, why C.uint32_t, err *C.kimi_error) C.kimi_status {
	e := cgo.Handle(handle).Value().(*exchange)
	return guarded(e.host, err, func() (C.kimi_status, *failure) {
		if e.finished || why == C.KIMI_WHY_CANCELLED {
			return C.KIMI_OK, nil
		}
		return 0, &failure{C.KIMI_E_PROTOCOL, C.KIMI_CAT_UPSTREAM, "the upstream's answer ended before its finish_reason"}
	})
}

"""##

    static let text38 = ##"""
/* What Go sees of C: the header, and calls of the host's functions, which Go cannot make through pointers. Slices go
 * over as pointer and length, because cgo lets no struct with a Go pointer pass. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include "kimi_plugin.h"

static inline kimi_bytes slice(const void *ptr, size_t len) {
    kimi_bytes bytes = {(const uint8_t *)ptr, len};
    return bytes;
}

static inline void host_fail(const kimi_host *host, kimi_error *error, kimi_status status, uint32_t category,
                             const void *text, size_t n) {
    host->fail(error, status, category, 0, slice(text, n));
}

static inline kimi_status host_field(const kimi_host *host, kimi_plan *plan, uint32_t field, const void *key,
                                     size_t key_n, const void *value, size_t value_n) {
    return host->plan_field(plan, field, slice(key, key_n), slice(value, value_n));
}

static inline kimi_status host_send(const kimi_host *host, kimi_plan *plan) {
    return host->plan_step(plan, KIMI_STEP_SEND, 0, KIMI_SEND_STREAM);
}

static inline kimi_status host_event(const kimi_host *host, kimi_sink *sink, uint32_t type, uint32_t index,
                                     const void *a, size_t a_n, const void *b, size_t b_n,
                                     int64_t i0, int64_t i1, int64_t i2, int64_t i3) {
    kimi_event event = {.type = type, .index = index, .a = slice(a, a_n), .b = slice(b, b_n),
                        .i0 = i0, .i1 = i1, .i2 = i2, .i3 = i3};
    return host->emit(sink, &event, 1);
}

#endif

"""##

    static let text39 = ##"""
/* The plugin's way in, and the table. Instances and exchanges are handles of Go's, never Go pointers. */
#include <string.h>

#include "_cgo_export.h"
#include "kimi_plugin.h"

static const char manifest[] =
    "{\"id\": \"com.example.@NAME@\", \"name\": \"@NAME@\", \"version\": \"0.1.0\","
    " \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"},"
    " \"provides\": [{\"interface\": \"kimi.transform/1\", \"name\": \"@NAME@\"}],"
    " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false, \"properties\": {}}}";

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                          kimi_error *error) {
    (void)ctx;
    (void)config;
    (void)error;
    *instance = (kimi_inst *)goCreate((kimi_host *)host);
    return KIMI_OK;
}

static void destroy(kimi_inst *instance) {
    goRelease((uintptr_t)instance);
}

/* To change the request: host->put(out, KIMI_PUT_MERGE_PATCH, ...), and return KIMI_OK. */
static kimi_status begin(kimi_inst *instance, const kimi_request *request, kimi_out *out, kimi_exch **exchange,
                         kimi_error *error) {
    (void)request;
    (void)out;
    (void)error;
    *exchange = (kimi_exch *)goBegin((uintptr_t)instance);
    return KIMI_UNCHANGED;
}

static kimi_status feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink, kimi_error *error) {
    return goFeed((uintptr_t)exchange, (kimi_event *)events, n, sink, error);
}

/* Nothing is held back, so there is nothing to give up. */
static kimi_status flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    (void)exchange;
    (void)why;
    (void)sink;
    (void)error;
    return KIMI_OK;
}

static void end(kimi_exch *exchange, uint32_t why) {
    (void)why;
    goRelease((uintptr_t)exchange);
}

static const kimi_transform transform = {
    sizeof(kimi_transform), 1u << KIMI_EVENT_TEXT, create, destroy, begin, feed, flush, end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &transform : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    const kimi_bytes text = {(const uint8_t *)manifest, sizeof manifest - 1};
    (void)error;
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION; /* no host of ABI 1 */
    handshake->plugin_minor = KIMI_ABI_MINOR; /* built with this header */
    handshake->needs_minor = 0;               /* works with every 1.x host */
    handshake->manifest = text;
    handshake->get_interface = get_interface;
    return KIMI_OK;
}

"""##

    static let text40 = ##"""
// @NAME@: a transform that makes typographic quotation marks in a reply plain ones, as code needs them. In Go.
//
// It asks for TEXT events only; everything else passes it by, in order. The host never cuts a text inside a code
// point, so each event can be looked at by itself and nothing is held back.
//
// No panic may leave a function of the table: what can panic recovers.
package main

// #include "plugin.h"
import "C"

import (
	"bytes"
	"runtime/cgo"
	"strings"
	"unsafe"
)

// An instance is a configured use. Nothing changes it after create: many threads use it at once.
type instance struct{ host *C.kimi_host }

// An exchange is one attempt of one request. What must be remembered from call to call belongs here.
type exchange struct{ *instance }

var plain = strings.NewReplacer("‘", "'", "’", "'", "‚", "'", "‛", "'", "“", `"`, "”", `"`, "„", `"`, "‟", `"`)

func main() {}

//export goCreate
func goCreate(host *C.kimi_host) C.uintptr_t {
	return C.uintptr_t(cgo.NewHandle(&instance{host}))
}

//export goBegin
func goBegin(handle C.uintptr_t) C.uintptr_t {
	return C.uintptr_t(cgo.NewHandle(&exchange{cgo.Handle(handle).Value().(*instance)}))
}

//export goRelease
func goRelease(handle C.uintptr_t) {
	cgo.Handle(handle).Delete()
}

//export goFeed
func goFeed(handle C.uintptr_t, events *C.kimi_event, n C.size_t, sink *C.kimi_sink, err *C.kimi_error) (status C.kimi_status) {
	e := cgo.Handle(handle).Value().(*exchange)
	fail := func(status C.kimi_status, sentence string) C.kimi_status {
		text := []byte(sentence)
		C.host_fail(e.host, err, status, unsafe.Pointer(&text[0]), C.size_t(len(text)))
		return status
	}
	defer func() {
		if recover() != nil {
			status = fail(C.KIMI_E_INTERNAL, "the plugin panicked")
		}
	}()
	list := unsafe.Slice(events, int(n))
	for i := range list {
		switch status := e.pass(&list[i], sink); {
		case status == C.KIMI_STOP:
			return C.KIMI_OK // nobody listens any more
		case status < 0:
			return fail(status, "the host did not take an event")
		}
	}
	return C.KIMI_OK
}

func (e *exchange) pass(event *C.kimi_event, sink *C.kimi_sink) C.kimi_status {
	if event._type != C.KIMI_EVENT_TEXT {
		return C.host_emit(e.host, sink, event, nil, 0)
	}
	text := C.GoBytes(unsafe.Pointer(event.a.ptr), C.int(event.a.len))
	if !bytes.Contains(text, []byte("\xE2\x80")) {
		return C.host_emit(e.host, sink, event, nil, 0)
	}
	changed := []byte(plain.Replace(string(text))) // the host copies it before emit returns
	return C.host_emit(e.host, sink, event, unsafe.Pointer(&changed[0]), C.size_t(len(changed)))
}

"""##

    static let text41 = ##"""
/* What Go sees of C: the header, and calls of the host's functions, which Go cannot make through pointers. Texts go
 * over as pointer and length, because cgo lets no struct with a Go pointer pass. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include "kimi_plugin.h"

static inline void host_fail(const kimi_host *host, kimi_error *error, kimi_status status, const void *text, size_t n) {
    kimi_bytes message = {(const uint8_t *)text, n};
    host->fail(error, status, KIMI_CAT_INTERNAL, 0, message);
}

/* An event as it came, or with another text. */
static inline kimi_status host_emit(const kimi_host *host, kimi_sink *sink, const kimi_event *event, const void *text,
                                    size_t n) {
    kimi_event changed = *event;
    if (text != NULL) {
        changed.a.ptr = (const uint8_t *)text;
        changed.a.len = n;
    }
    return host->emit(sink, &changed, 1);
}

#endif

"""##

    static let notes42 = ##"""
Needs: Zig 0.14 (`pip install ziglang==0.14.1` brings it: then `make ZIG='python3 -m ziglang'`) and make.

"""##

    static let text43 = ##"""
# make         build/lib@NAME@.so
# make test    checks it with kimi-host, which must be on PATH (or KIMI_HOST=/path/to/kimi-host)
# make clean
LIBRARY := build/lib@NAME@.so
ZIG ?= zig

# ReleaseSafe: a bug ends in a panic with its place, not in wrong memory. zig cc links for this machine's own libc.
FLAGS := build-lib -dynamic -fPIC -lc -O ReleaseSafe -fno-stack-check -fstrip -z defs --version-script plugin.map

all: $(LIBRARY)

$(LIBRARY): $(wildcard *.zig *.h) plugin.map Makefile | build
	$(ZIG) $(FLAGS) -I. --cache-dir build/cache --name @NAME@ -femit-bin=$@ plugin.zig
	chmod 755 $@

KIMI_HOST ?= kimi-host

# A folder that others may write to is refused by the host.
build:
	mkdir -p build
	chmod 755 build

# Every rule of the ABI, then a run to look at, then the stock loader.
test: $(LIBRARY)
	$(KIMI_HOST) plugin check --strict --transcripts transcripts $(LIBRARY)
	$(KIMI_HOST) plugin run --in transcripts $(LIBRARY)
	$(KIMI_HOST) plugins list --plugins-dir build

clean:
	rm -rf build

.PHONY: all test clean

"""##

    static let text44 = ##"""
//! @NAME@: a provider for upstreams that speak Chat Completions, in Zig 0.14.
//!
//! It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning,
//! tool calls, the finish reason, usage and errors, of the first choice.
const std = @import("std");
const c = @cImport(@cInclude("kimi_plugin.h"));

const allocator = std.heap.c_allocator;
const Value = std.json.Value;
const manifest =
    \\{"id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
    \\ "provides": [{"interface": "kimi.provider/1", "name": "@NAME@", "frames": "sse", "features": ["stream", "tools", "reasoning"]}],
    \\ "config_schema": {"type": "object", "additionalProperties": false, "required": ["apiKey", "baseUrl"],
    \\  "properties": {
    \\   "apiKey": {"type": "string", "minLength": 1, "x-secret": true, "x-env": "@ENV@_API_KEY"},
    \\   "baseUrl": {"type": "string", "pattern": "^https?://", "x-host": true}}}}
;

/// Why a call cannot succeed.
const Failure = error{ Config, OutOfMemory, Protocol, Refused, Unfinished };

/// A configured use. Nothing changes it after create: many threads use it at once.
const Instance = struct {
    host: *const c.kimi_host,
    url: []const u8,
    authorization: []const u8,

    fn make(host: *const c.kimi_host, config: []const u8) Failure!*Instance {
        var arena = std.heap.ArenaAllocator.init(allocator);
        defer arena.deinit();
        const settings = try parsed(arena.allocator(), config, error.Config);
        const base = std.mem.trimRight(u8, text(member(settings, "baseUrl")), "/");
        const key = text(member(settings, "apiKey"));
        if (base.len == 0 or key.len == 0) return error.Config;
        const made = try allocator.create(Instance);
        errdefer allocator.destroy(made);
        const url = try std.mem.concat(allocator, u8, &.{ base, "/chat/completions" });
        errdefer allocator.free(url);
        made.* = .{ .host = host, .url = url, .authorization = try std.mem.concat(allocator, u8, &.{ "Bearer ", key }) };
        return made;
    }
};

/// One attempt of one request.
const Exchange = struct {
    instance: *const Instance,
    status: u32 = 0,
    retry_after_ms: i64 = -1, // -1: not said
    started: bool = false,
    finished: bool = false,
    failed: bool = false, // ERROR was emitted, and nothing may follow it
    call: ?i64 = null, // the open tool call, by the upstream's index; -1: it gave none
    calls: u32 = 0, // how many were begun; ours count from 0

    /// One step: send the request, with two members of its JSON changed and every other byte as it is.
    fn plan(self: *Exchange, to: ?*c.kimi_plan) Failure!c.kimi_status {
        const host = self.instance.host;
        const patch = "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
        const Field = struct { u32, []const u8, []const u8 };
        for ([_]Field{
            .{ c.KIMI_FIELD_URL, "", self.instance.url },
            .{ c.KIMI_FIELD_HEADER, "Content-Type", "application/json" },
            .{ c.KIMI_FIELD_SECRET_HEADER, "Authorization", self.instance.authorization }, // in no log
            .{ c.KIMI_FIELD_BODY_PATCH, "", patch },
        }) |field| {
            if (host.plan_field.?(to, field[0], bytes(field[1]), bytes(field[2])) < 0) return error.Refused;
        }
        if (host.plan_step.?(to, c.KIMI_STEP_SEND, 0, c.KIMI_SEND_STREAM) < 0) return error.Refused;
        return c.KIMI_OK;
    }

    /// False: nobody listens any more.
    fn emit(self: *Exchange, sink: ?*c.kimi_sink, event: c.kimi_event) Failure!bool {
        const status = self.instance.host.emit.?(sink, &event, 1);
        if (status < 0) return error.Refused;
        return status != c.KIMI_STOP;
    }

    /// ERROR is the last event of a reply.
    fn failWith(self: *Exchange, sink: ?*c.kimi_sink, message: []const u8) Failure!bool {
        const words = if (message.len > 0) message else "the upstream answered with an error that has no message";
        if (self.failed) return true;
        self.finished = true;
        self.failed = true;
        return self.emit(sink, .{
            .type = c.KIMI_EVENT_ERROR,
            .a = bytes(words),
            .i0 = category(self.status),
            .i1 = self.status,
            .i2 = self.retry_after_ms,
        });
    }

    fn emitText(self: *Exchange, sink: ?*c.kimi_sink, kind: u32, words: []const u8, index: u32) Failure!bool {
        return words.len == 0 or try self.emit(sink, .{ .type = kind, .index = index, .a = bytes(words) });
    }

    fn endCall(self: *Exchange, sink: ?*c.kimi_sink) Failure!bool {
        if (self.call == null) return true;
        self.call = null;
        return self.emit(sink, .{ .type = c.KIMI_EVENT_TOOL_END, .index = self.calls - 1 });
    }

    /// A call's first piece brings its id and its name. The call before it is complete then.
    fn beginCall(self: *Exchange, sink: ?*c.kimi_sink, number: i64, id: []const u8, name: []const u8) Failure!bool {
        if (!try self.endCall(sink)) return false;
        if (name.len == 0) return self.failWith(sink, "the upstream sent a piece of a tool call that had not begun");
        self.call = number;
        self.calls += 1;
        return self.emit(sink, .{
            .type = c.KIMI_EVENT_TOOL_BEGIN,
            .index = self.calls - 1,
            .a = bytes(id),
            .b = bytes(name),
        });
    }

    /// One element of delta.tool_calls: {index, id, function: {name, arguments}}, the last a piece of JSON text.
    fn takeCall(self: *Exchange, sink: ?*c.kimi_sink, piece: Value) Failure!bool {
        const function = member(piece, "function");
        const number = count(member(piece, "index"));
        const id = text(member(piece, "id"));
        if (self.call != number or (number < 0 and id.len > 0)) {
            if (!try self.beginCall(sink, number, id, text(member(function, "name")))) return false;
            if (self.finished) return true;
        }
        const arguments = member(function, "arguments");
        if (arguments != null and arguments.? == .object) return error.Protocol;
        return self.emitText(sink, c.KIMI_EVENT_TOOL_ARGS, text(arguments), self.calls - 1);
    }

    fn takeDelta(self: *Exchange, sink: ?*c.kimi_sink, choice: ?Value) Failure!bool {
        if (count(member(choice, "index")) > 0) {
            return self.failWith(sink, "plugin @NAME@ decodes one choice; ask without n");
        }
        const delta = member(choice, "delta");
        if (!try self.emitText(sink, c.KIMI_EVENT_REASONING, text(member(delta, "reasoning_content")), 0)) return false;
        if (!try self.emitText(sink, c.KIMI_EVENT_TEXT, text(member(delta, "content")), 0)) return false;
        for (elements(member(delta, "tool_calls"))) |piece| {
            if (!try self.takeCall(sink, piece)) return false;
            if (self.finished) return true;
        }
        const reason = text(member(choice, "finish_reason"));
        if (reason.len == 0) return true;
        if (!try self.endCall(sink)) return false;
        self.finished = true;
        return self.emit(sink, .{ .type = c.KIMI_EVENT_FINISH, .a = bytes(reason), .b = bytes(reason) });
    }

    /// One chunk. False: nobody listens any more.
    fn takeChunk(self: *Exchange, sink: ?*c.kimi_sink, chunk: Value) Failure!bool {
        if (self.failed) return true;
        if (member(chunk, "error")) |wrong| {
            if (wrong == .object and !self.finished) return self.failWith(sink, text(member(wrong, "message")));
        }
        if (!self.started) {
            self.started = true;
            if (!try self.emit(sink, .{
                .type = c.KIMI_EVENT_START,
                .a = bytes(text(member(chunk, "id"))),
                .b = bytes(text(member(chunk, "model"))),
                .i0 = @max(count(member(chunk, "created")), 0),
            })) return false;
        }
        if (!self.finished and !try self.takeDelta(sink, first(member(chunk, "choices")))) return false;
        const usage = member(chunk, "usage") orelse return true;
        if (self.failed or usage != .object) return true;
        return self.emit(sink, .{
            .type = c.KIMI_EVENT_USAGE,
            .i0 = count(member(usage, "prompt_tokens")),
            .i1 = count(member(usage, "completion_tokens")),
            .i2 = -1,
            .i3 = -1,
        });
    }

    /// KIMI_OK: go on; KIMI_STOP: nobody listens; KIMI_DONE: the reply is complete.
    fn take(self: *Exchange, frame: c.kimi_frame, sink: ?*c.kimi_sink) Failure!c.kimi_status {
        var arena = std.heap.ArenaAllocator.init(allocator);
        defer arena.deinit();
        const data = slice(frame.data);
        if (frame.flags & c.KIMI_FRAME_F_ERROR != 0) {
            const body: ?Value = parsed(arena.allocator(), data, error.Protocol) catch null; // an HTML page
            const message = text(member(member(body, "error"), "message"));
            return if (try self.failWith(sink, message)) c.KIMI_OK else c.KIMI_STOP;
        }
        if (frame.kind != c.KIMI_FRAME_SSE) return c.KIMI_OK;
        if (std.mem.eql(u8, data, "[DONE]")) return c.KIMI_DONE;
        const chunk = try parsed(arena.allocator(), data, error.Protocol);
        return if (try self.takeChunk(sink, chunk)) c.KIMI_OK else c.KIMI_STOP;
    }
};

fn category(status: u32) i64 {
    return switch (status) {
        401 => c.KIMI_CAT_AUTH,
        402 => c.KIMI_CAT_QUOTA,
        403 => c.KIMI_CAT_PERMISSION,
        404 => c.KIMI_CAT_NOT_FOUND,
        408 => c.KIMI_CAT_TIMEOUT,
        429 => c.KIMI_CAT_RATE_LIMITED,
        503 => c.KIMI_CAT_OVERLOADED,
        400, 405...407, 409...428, 430...499 => c.KIMI_CAT_BAD_REQUEST,
        else => c.KIMI_CAT_UPSTREAM,
    };
}

// ---------------------------------------------------------------- slices and JSON

fn bytes(given: []const u8) c.kimi_bytes {
    return .{ .ptr = given.ptr, .len = given.len };
}

fn slice(given: c.kimi_bytes) []const u8 {
    return if (given.len == 0) "" else given.ptr[0..given.len];
}

fn parsed(arena: std.mem.Allocator, json: []const u8, wrong: Failure) Failure!Value {
    return std.json.parseFromSliceLeaky(Value, arena, json, .{}) catch |err| switch (err) {
        error.OutOfMemory => error.OutOfMemory,
        else => wrong,
    };
}

fn member(value: ?Value, name: []const u8) ?Value {
    const present = value orelse return null;
    return if (present == .object) present.object.get(name) else null;
}

fn elements(value: ?Value) []const Value {
    const present = value orelse return &.{};
    return if (present == .array) present.array.items else &.{};
}

fn first(value: ?Value) ?Value {
    const all = elements(value);
    return if (all.len > 0) all[0] else null;
}

fn text(value: ?Value) []const u8 {
    const present = value orelse return "";
    return if (present == .string) present.string else "";
}

/// A whole number from 0; -1 for anything else.
fn count(value: ?Value) i64 {
    const present = value orelse return -1;
    return if (present == .integer and present.integer >= 0) present.integer else -1;
}

// ---------------------------------------------------------------- the table

/// Describes why a call fails.
fn described(host: *const c.kimi_host, err: ?*c.kimi_error, failure: Failure) c.kimi_status {
    const status: c.kimi_status, const kind: u32, const sentence: []const u8 = switch (failure) {
        error.Config => .{ c.KIMI_E_CONFIG, c.KIMI_CAT_CONFIG, "apiKey and baseUrl must be strings" },
        error.OutOfMemory => .{ c.KIMI_E_NOMEM, c.KIMI_CAT_INTERNAL, "out of memory" },
        error.Protocol => .{ c.KIMI_E_PROTOCOL, c.KIMI_CAT_PROTOCOL, "the upstream's stream is not made of JSON" },
        error.Refused => .{ c.KIMI_E_INTERNAL, c.KIMI_CAT_INTERNAL, "the host refused what the plugin gave it" },
        error.Unfinished => .{ c.KIMI_E_PROTOCOL, c.KIMI_CAT_UPSTREAM, "the upstream's answer ended before its finish_reason" },
    };
    host.fail.?(err, status, kind, 0, bytes(sentence));
    return status;
}

fn create(host: [*c]const c.kimi_host, _: ?*c.kimi_ctx, config: c.kimi_bytes, instance: [*c]?*c.kimi_inst, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    instance.* = @ptrCast(Instance.make(host, slice(config)) catch |failure| return described(host, err, failure));
    return c.KIMI_OK;
}

fn destroy(given: ?*c.kimi_inst) callconv(.c) void {
    const instance: *Instance = @ptrCast(@alignCast(given.?));
    allocator.free(instance.url);
    allocator.free(instance.authorization);
    allocator.destroy(instance);
}

fn begin(given: ?*c.kimi_inst, _: [*c]const c.kimi_request, exchange: [*c]?*c.kimi_exch, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const instance: *Instance = @ptrCast(@alignCast(given.?));
    const made = allocator.create(Exchange) catch |failure| return described(instance.host, err, failure);
    made.* = .{ .instance = instance };
    exchange.* = @ptrCast(made);
    return c.KIMI_OK;
}

fn next(given: ?*c.kimi_exch, plan: ?*c.kimi_plan, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const exchange: *Exchange = @ptrCast(@alignCast(given.?));
    return exchange.plan(plan) catch |failure| described(exchange.instance.host, err, failure);
}

/// The answer's head.
fn result(given: ?*c.kimi_exch, answer: [*c]const c.kimi_result, _: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const exchange: *Exchange = @ptrCast(@alignCast(given.?));
    exchange.status = answer.*.http_status;
    for (0..answer.*.n_headers) |i| {
        const header = answer.*.headers[i];
        if (!std.ascii.eqlIgnoreCase(slice(header.name), "retry-after")) continue;
        const seconds = std.fmt.parseInt(u31, slice(header.value), 10) catch continue;
        exchange.retry_after_ms = @as(i64, seconds) * 1000;
    }
    return c.KIMI_OK;
}

fn feed(given: ?*c.kimi_exch, frames: [*c]const c.kimi_frame, n: usize, sink: ?*c.kimi_sink, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const exchange: *Exchange = @ptrCast(@alignCast(given.?));
    for (0..n) |i| {
        const status = exchange.take(frames[i], sink) catch |failure|
            return described(exchange.instance.host, err, failure);
        if (status == c.KIMI_STOP) return c.KIMI_OK; // nobody listens any more
        if (status != c.KIMI_OK) return status;
    }
    return c.KIMI_OK;
}

/// The body is over. A reply that did not finish is a failure, never a short answer.
fn flush(given: ?*c.kimi_exch, why: u32, _: ?*c.kimi_sink, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const exchange: *Exchange = @ptrCast(@alignCast(given.?));
    if (exchange.finished or why == c.KIMI_WHY_CANCELLED) return c.KIMI_OK;
    return described(exchange.instance.host, err, error.Unfinished);
}

fn end(exchange: ?*c.kimi_exch, _: u32) callconv(.c) void {
    allocator.destroy(@as(*Exchange, @ptrCast(@alignCast(exchange.?))));
}

const provider = c.kimi_provider{
    .struct_size = @sizeOf(c.kimi_provider),
    .flags = 0,
    .create = create,
    .destroy = destroy,
    .begin = begin,
    .next = next,
    .result = result,
    .feed = feed,
    .flush = flush,
    .end = end,
};

fn getInterface(id: [*c]const u8) callconv(.c) ?*const anyopaque {
    return if (std.mem.eql(u8, std.mem.span(id), c.KIMI_PROVIDER_ID)) &provider else null;
}

export fn kimi_plugin_entry_v1(handshake: *c.kimi_handshake, _: ?*c.kimi_error) callconv(.c) c.kimi_status {
    if (handshake.struct_size < @sizeOf(c.kimi_handshake)) return c.KIMI_E_VERSION; // no host of ABI 1
    handshake.plugin_minor = c.KIMI_ABI_MINOR; // built with this header
    handshake.needs_minor = 0; // works with every 1.x host
    handshake.manifest = bytes(manifest);
    handshake.get_interface = getInterface;
    return c.KIMI_OK;
}

"""##

    static let text45 = ##"""
//! @NAME@: a transform that makes typographic quotation marks in a reply plain ones, as code needs them. In Zig 0.14.
//!
//! It asks for TEXT events only; everything else passes it by, in order. The host never cuts a text inside a code
//! point, so each event can be looked at by itself and nothing is held back.
const std = @import("std");
const c = @cImport(@cInclude("kimi_plugin.h"));

const allocator = std.heap.c_allocator;
const manifest =
    \\{"id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
    \\ "provides": [{"interface": "kimi.transform/1", "name": "@NAME@"}],
    \\ "config_schema": {"type": "object", "additionalProperties": false, "properties": {}}}
;

/// A configured use. Nothing changes it after create: many threads use it at once.
const Instance = struct { host: *const c.kimi_host };

/// One attempt of one request. What must be remembered from call to call belongs here.
const Exchange = struct { host: *const c.kimi_host };

fn bytes(text: []const u8) c.kimi_bytes {
    return .{ .ptr = text.ptr, .len = text.len };
}

fn slice(given: c.kimi_bytes) []const u8 {
    return if (given.len == 0) "" else given.ptr[0..given.len];
}

fn fail(host: *const c.kimi_host, err: ?*c.kimi_error, status: c.kimi_status, sentence: []const u8) c.kimi_status {
    host.fail.?(err, status, c.KIMI_CAT_INTERNAL, 0, bytes(sentence));
    return status;
}

/// Is there a quotation mark, U+2018 to U+201F, at the beginning? Its plain form.
fn plain(text: []const u8) ?u8 {
    if (text.len < 3 or text[0] != 0xE2 or text[1] != 0x80) return null;
    return switch (text[2]) {
        0x98...0x9B => '\'',
        0x9C...0x9F => '"',
        else => null,
    };
}

fn hasQuote(text: []const u8) bool {
    for (0..text.len) |at| if (plain(text[at..]) != null) return true;
    return false;
}

/// Copies the text with plain marks into `to`, which is as long as `text`.
fn copyPlain(text: []const u8, to: []u8) []const u8 {
    var at: usize = 0;
    var n: usize = 0;
    while (at < text.len) : (n += 1) {
        const mark = plain(text[at..]);
        to[n] = mark orelse text[at];
        at += if (mark != null) 3 else 1;
    }
    return to[0..n];
}

fn create(host: [*c]const c.kimi_host, _: ?*c.kimi_ctx, _: c.kimi_bytes, instance: [*c]?*c.kimi_inst, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const made = allocator.create(Instance) catch return fail(host, err, c.KIMI_E_NOMEM, "no memory for an instance");
    made.* = .{ .host = host };
    instance.* = @ptrCast(made);
    return c.KIMI_OK;
}

fn destroy(instance: ?*c.kimi_inst) callconv(.c) void {
    allocator.destroy(@as(*Instance, @ptrCast(@alignCast(instance.?))));
}

/// To change the request: host.put.?(out, c.KIMI_PUT_MERGE_PATCH, ...), and return KIMI_OK.
fn begin(given: ?*c.kimi_inst, _: [*c]const c.kimi_request, _: ?*c.kimi_out, exchange: [*c]?*c.kimi_exch, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const instance: *Instance = @ptrCast(@alignCast(given.?));
    const made = allocator.create(Exchange) catch
        return fail(instance.host, err, c.KIMI_E_NOMEM, "no memory for an exchange");
    made.* = .{ .host = instance.host };
    exchange.* = @ptrCast(made);
    return c.KIMI_UNCHANGED;
}

fn feed(given: ?*c.kimi_exch, events: [*c]const c.kimi_event, n: usize, sink: ?*c.kimi_sink, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const exchange: *Exchange = @ptrCast(@alignCast(given.?));
    const host = exchange.host;
    for (0..n) |i| {
        var event = events[i];
        const text = slice(event.a);
        if (event.type == c.KIMI_EVENT_TEXT and hasQuote(text)) {
            const room = host.scratch.?(sink, text.len) orelse // dies with this call
                return fail(host, err, c.KIMI_E_NOMEM, "no scratch memory for a text");
            event.a = bytes(copyPlain(text, @as([*]u8, @ptrCast(room))[0..text.len]));
        }
        const status = host.emit.?(sink, &event, 1);
        if (status == c.KIMI_STOP) return c.KIMI_OK; // nobody listens any more
        if (status < 0) return fail(host, err, status, "the host did not take an event");
    }
    return c.KIMI_OK;
}

/// Nothing is held back, so there is nothing to give up.
fn flush(_: ?*c.kimi_exch, _: u32, _: ?*c.kimi_sink, _: ?*c.kimi_error) callconv(.c) c.kimi_status {
    return c.KIMI_OK;
}

fn end(exchange: ?*c.kimi_exch, _: u32) callconv(.c) void {
    allocator.destroy(@as(*Exchange, @ptrCast(@alignCast(exchange.?))));
}

const transform = c.kimi_transform{
    .struct_size = @sizeOf(c.kimi_transform),
    .event_mask = 1 << c.KIMI_EVENT_TEXT,
    .create = create,
    .destroy = destroy,
    .begin = begin,
    .feed = feed,
    .flush = flush,
    .end = end,
};

fn getInterface(id: [*c]const u8) callconv(.c) ?*const anyopaque {
    return if (std.mem.eql(u8, std.mem.span(id), c.KIMI_TRANSFORM_ID)) &transform else null;
}

export fn kimi_plugin_entry_v1(handshake: *c.kimi_handshake, _: ?*c.kimi_error) callconv(.c) c.kimi_status {
    if (handshake.struct_size < @sizeOf(c.kimi_handshake)) return c.KIMI_E_VERSION; // no host of ABI 1
    handshake.plugin_minor = c.KIMI_ABI_MINOR; // built with this header
    handshake.needs_minor = 0; // works with every 1.x host
    handshake.manifest = bytes(manifest);
    handshake.get_interface = getInterface;
    return c.KIMI_OK;
}

"""##

    static let notes46 = ##"""
Needs: Python 3.8 or newer (tried with 3.11) and make; nothing from PyPI. kimi-host runs it in a process of its own, with
its own `kimi_plugin.py`; the one in this folder is for the tests. What it imports, it imports at the top: later no file
can be opened. Its `print` goes nowhere: `self.instance.log("...")` writes to the host's log.

"""##

    static let text47 = ##"""
"""Plugins for kimi-host in one Python file, standard library only.

    import kimi_plugin as kimi

    class Redact(kimi.Transform):
        def feed(self, events, sink): ...

    kimi.plugin(id="com.example.redact", name="Redact", version="1.0.0", transform=Redact, word="redact")

The file lies in plugins.d with a sidecar of the same name (`isolation: process` goes without saying). kimi-host runs it
in a process of its own that can open no file and no socket; import what you need at the top, not later.
docs/plugins-isolation.md has the protocol, docs/plugins/abi.md the rules: an object of your class is one exchange.

SPDX-License-Identifier: Apache-2.0
"""

from __future__ import annotations

import ctypes
import json
import os
import struct
import sys
import time
import traceback
import types

# kimi_event_type
START, TEXT, REASONING, TOOL_BEGIN, TOOL_ARGS, TOOL_END, PART, USAGE, FINISH, ERROR, JSON = range(1, 12)
# kimi_status_code
OK, UNCHANGED, STOP, DONE, WHOLE, NONE = range(6)
E_CONFIG, E_PROTOCOL, E_UPSTREAM, E_UNSUPPORTED, E_INTERNAL = -2, -4, -5, -9, -10
# kimi_category
AUTH, RATE_LIMITED, OVERLOADED, BAD_REQUEST, UPSTREAM, PROTOCOL, CONFIG, INTERNAL = 1, 2, 3, 6, 7, 8, 9, 10
CONTEXT_LENGTH, CONTENT_FILTER, NOT_FOUND, PERMISSION, QUOTA, TIMED_OUT, NETWORK = 4, 5, 11, 12, 13, 14, 15
# kimi_step, kimi_send_flag, kimi_field, kimi_why, kimi_frame_kind, kimi_frame_flag, kimi_request_flag
SEND, TOKEN, HTTP, SIGN, LOCAL_REPLY, WAIT, GRANT = range(1, 8)
SEND_STREAM, SEND_NO_BODY = 1, 2
METHOD, URL, HEADER, BODY, BODY_PATCH, TOKEN_KEY, SIGN_ALG, SIGN_KEY, SIGN_DATA, TOKEN_VALUE, EXPIRES_AT, REFRESH_AT = range(1, 13)
SECRET_HEADER = 13
END, TRUNCATED, CANCELLED, TIMEOUT, FAILED = range(1, 6)
RAW, SSE, LINE, WHOLE_BODY, TICK = range(1, 6)
LAST, ERROR_BODY, CUT = 1, 2, 4
STREAM, NATIVE = 1, 2
DEBUG, INFO, WARNING = 1, 2, 3

_MAGIC, _VERSION, _REPLY = 0x494D494B, 1, 0x80
_NO_EXCHANGE, _SKIPPED, _RAISED, _TIMED = 1, 2, 4, 8  # flags of a reply
_MAX_IN, _MAX_REPLY = (256 << 20) + (1 << 20), 64 << 20
_MAX_ITEMS = 32 << 10  # The host takes twice as many: a note may end an item of events.


class Failure(Exception):
    """Fails the call. `message`: one sentence for the client, no secrets."""

    def __init__(self, message: str, category: int = INTERNAL, status: int = E_INTERNAL, retry_after_ms: int = 0):
        super().__init__(message)
        self.message, self.category, self.status, self.retry_after_ms = message, category, status, retry_after_ms


def unsupported(message: str) -> Failure:
    """A provider's answer to a native request that it would rather have in the canonical form."""
    return Failure(message, BAD_REQUEST, E_UNSUPPORTED)


class Event:
    """A canonical event; what its slices and numbers mean is in kimi_plugin.h. Slices are bytes."""

    __slots__ = ("type", "choice", "index", "a", "b", "c", "i", "flags")

    def __init__(self, type, a=b"", b=b"", c=b"", i=(0, 0, 0, 0), choice=0, index=0, flags=0):
        self.type, self.choice, self.index, self.i, self.flags = type, choice, index, tuple(i), flags
        self.a, self.b, self.c = _bytes(a), _bytes(b), _bytes(c)

    @property
    def text(self) -> str:
        return self.a.decode(errors="replace")

    def with_text(self, text: str) -> Event:
        return Event(self.type, text, self.b, self.c, self.i, self.choice, self.index, self.flags)


class Request:
    """What begin gets: `json` is the canonical request's bytes, `data` the same parsed."""

    def __init__(self, read):
        self.flags, self.attempt, self.deadline_ms = read.u32(), read.u64(), read.u64()
        self.json = read.text()
        self.model, self.exchange_id, self.dialect, self.conversation = (read.text().decode() for _ in range(4))

    @property
    def data(self):
        return json.loads(self.json)

    @property
    def wants_stream(self) -> bool:
        return bool(self.flags & STREAM)

    @property
    def is_native(self) -> bool:
        return bool(self.flags & NATIVE)


class Frame:
    """A piece of the upstream's body."""

    __slots__ = ("kind", "flags", "name", "data")

    def __init__(self, read):
        self.kind, self.flags, self.name, self.data = read.u32(), read.u32(), read.text(), read.text()


class Result:
    """What a step came back with."""

    def __init__(self, read):
        self.kind, self.id, self.status, self.http_status = read.u32(), read.u32(), read.i32(), read.u32()
        self.body = read.text()
        self.headers = [(read.text().decode("latin-1"), read.text().decode("latin-1")) for _ in range(read.u32())]


class Instance:
    """A configured plugin: `config` is a dict, checked against the manifest's schema. `kv` outlives exchanges."""

    def __init__(self, number, level, config):
        self._number, self._level, self.config = number, level, config

    def log(self, text: str, level: int = INFO):
        if level >= self._level:
            _server.send(0xC0, self._number, struct.pack("<I", level) + _text(text.encode()[:2048]))

    def kv_put(self, key, value, ttl_ms: int = 0):
        _server.send(0xC1, self._number, struct.pack("<Q", ttl_ms) + _text(_bytes(key)) + _text(_bytes(value)))

    def kv_forget(self, key):
        _server.send(0xC2, self._number, _text(_bytes(key)))

    def kv_get(self, key):
        """The bytes filed under key, or None."""
        return _server.kv_get(self._number, _bytes(key))


class Transform:
    """One attempt of one request. `instance` and `request` are set before begin."""

    #: The event types that feed gets; others pass it by.
    wants = (TEXT,)

    @classmethod
    def configure(cls, instance: Instance):
        """Once for each configuration, when it is loaded: may raise Failure, and keep what it makes in `instance`."""

    def __init__(self, instance: Instance, request: Request):
        self.instance, self.request = instance, request

    def begin(self, note):
        """None, a dict (a merge patch on the request), or bytes (the whole new request). note(kind, count, detail)."""

    def feed(self, events, sink):
        """Emit what shall go on: sink.emit(event), sink.text(text), sink.note(kind, count, detail)."""
        for event in events:
            sink.emit(event)

    def flush(self, why, sink):
        """The stream is over, or held too long (TIMEOUT): emit what is held."""

    def end(self, why):
        """The exchange's last call."""


class Provider:
    """One attempt of one request at an upstream: `next` plans steps, `result` answers them, `feed` reads the reply."""

    @classmethod
    def configure(cls, instance: Instance):
        """Once for each configuration, when it is loaded: may raise Failure, and keep what it makes in `instance`."""

    def __init__(self, instance: Instance, request: Request):
        self.instance, self.request = instance, request

    def begin(self):
        """May raise Failure."""

    def next(self, plan):
        """One step: plan.field(URL, url), plan.header(name, value), plan.step(SEND)."""
        raise Failure("this provider plans nothing")

    def result(self, result):
        """OK, or WHOLE to get the body in one piece."""
        return OK

    def feed(self, frames, sink):
        """OK, or DONE."""
        return OK

    def flush(self, why, sink):
        """Emit what is left, or raise Failure if the reply is incomplete."""

    def end(self, why):
        pass


class Auth:
    """One fetch of the token that the provider's step TOKEN asked for as `key`; it is cached and renewed by the host."""

    def __init__(self, instance: Instance, key: str):
        self.instance, self.key = instance, key

    def begin(self):
        """May raise Failure."""

    def next(self, plan):
        """One step: HTTP, SIGN or WAIT, and plan.grant(token, expires_at_ms) as the last."""
        raise Failure("this auth machine plans nothing")

    def result(self, result):
        """A step came back. `result.status` below 0: the host could not do it, and the body says why."""

    def end(self, why):
        pass


class _OfCall:
    """What lives for one call only."""

    is_over = False

    def _check(self):
        if self.is_over:
            raise RuntimeError(f"this {type(self).__name__.lower()} died with an earlier call (S12)")


class Sink(_OfCall):
    def __init__(self):
        self.items, self._events, self._count = [], [], 0

    def _counted(self):
        self._count += 1
        if self._count > _MAX_ITEMS:
            raise Failure("the reply has too many events")

    def emit(self, event: Event):
        if self.is_over:
            self._check()
        self._counted()
        self._events.append(_pack_event(event))

    def text(self, text, type=TEXT, choice=0, index=0):
        self.emit(Event(type, text, choice=choice, index=index))

    def note(self, kind: str, count: int = 1, detail: str = ""):
        self._check()
        self._counted()
        self._close()
        self.items.append(b"\x02" + _text(kind.encode()) + struct.pack("<Q", count) + _text(detail.encode()[:256]))

    def _close(self):
        if self._events:
            self.items.append(b"\x01" + struct.pack("<I", len(self._events)) + b"".join(self._events))
            self._events = []

    def bytes(self) -> bytes:
        self._close()
        return b"".join(self.items)


class Plan(_OfCall):
    def __init__(self):
        self.items = []

    def field(self, field: int, value, key=b""):
        self._check()
        self.items.append(b"\x04" + struct.pack("<I", field) + _text(_bytes(key)) + _text(_bytes(value)))
        return self

    def header(self, name: str, value: str, secret: bool = False):
        return self.field(SECRET_HEADER if secret else HEADER, value, name)

    def step(self, kind: int, id: int = 0, arg: int = 0):
        self._check()
        self.items.append(b"\x05" + struct.pack("<IIQ", kind, id, arg))

    def grant(self, token, expires_at_ms: int, refresh_at_ms: int | None = None):
        """The last step of an Auth; times are Unix milliseconds."""
        self.field(TOKEN_VALUE, token).field(EXPIRES_AT, str(expires_at_ms))
        if refresh_at_ms is not None:
            self.field(REFRESH_AT, str(refresh_at_ms))
        self.step(GRANT)


_kinds: dict = {}
_manifest: dict = {}


def plugin(
    *, id, name, version, word, transform=None, provider=None, auth=None, config_schema=None, frames="sse", hosts=(), **more
):  # fmt: skip
    """Declares the file's one plugin. `word`: what the configuration calls it; `auth`: an Auth, beside a provider;
    `more`: further keys of the manifest."""
    provides = []
    if provider:
        _kinds[1] = provider
        provides.append({"interface": "kimi.provider/1", "name": word, "frames": frames})
    if transform:
        _kinds[2] = transform
        provides.append({"interface": "kimi.transform/1", "name": word})
    if auth:
        _kinds[3] = auth
        provides.append({"interface": "kimi.auth/1"})
    schema = config_schema or {"type": "object", "additionalProperties": False, "properties": {}}
    _manifest.update(
        {"id": id, "name": name, "version": version, "abi": {"built": "1.0", "needs": "1.0"}, "provides": provides,
         "config_schema": schema, "hosts": list(hosts), **more})  # fmt: skip


# ------------------------------------------------------------------------------------------------ the protocol


def _bytes(value) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(memoryview(value))  # bytes(7) would be seven zeros


def _text(value: bytes) -> bytes:
    return struct.pack("<I", len(value)) + value


def _pack_event(event: Event) -> bytes:
    bits, parts = 0, []
    for bit, number in ((1, event.choice), (2, event.index)):
        if number:
            bits |= bit
            parts.append(struct.pack("<I", number))
    for place, slice in enumerate((event.a, event.b, event.c)):
        if slice:
            bits |= 4 << place
            parts.append(_text(slice))
    for place, number in enumerate(event.i):
        if number:
            bits |= 32 << place
            parts.append(struct.pack("<q", number))
    if event.flags:
        bits |= 512
        parts.append(struct.pack("<I", event.flags))
    return struct.pack("<HH", event.type, bits) + b"".join(parts)


class _Reader:
    def __init__(self, data: bytes):
        self.data, self.place = data, 0

    def _number(self, form: str, size: int):
        value = struct.unpack_from(form, self.data, self.place)[0]
        self.place += size
        return value

    def u8(self): return self._number("<B", 1)
    def u16(self): return self._number("<H", 2)
    def u32(self): return self._number("<I", 4)
    def i32(self): return self._number("<i", 4)
    def u64(self): return self._number("<Q", 8)
    def i64(self): return self._number("<q", 8)

    def text(self) -> bytes:
        count = self.u32()
        if count > len(self.data) - self.place:
            raise ValueError("a text that ends too early")
        self.place += count
        return self.data[self.place - count : self.place]

    def event(self) -> Event:
        type, bits = self.u16(), self.u16()
        choice = self.u32() if bits & 1 else 0
        index = self.u32() if bits & 2 else 0
        a, b, c = (self.text() if bits & 4 << place else b"" for place in range(3))
        numbers = tuple(self.i64() if bits & 32 << place else 0 for place in range(4))
        return Event(type, a, b, c, numbers, choice, index, self.u32() if bits & 512 else 0)


def _words(error: BaseException) -> str:
    """An exception with its place in the plugin's file, or where it came from if it was not in it."""
    if isinstance(error, SyntaxError) and error.filename == _file:
        return f"{type(error).__name__} in line {error.lineno}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    place = ([frame for frame in frames if frame.filename == _file] or frames)[-1]
    return f"{type(error).__name__} in {place.name}, line {place.lineno}: {error}"


def _fail_item(error: BaseException) -> tuple[int, bytes]:
    if not isinstance(error, Failure):
        error = Failure(_words(error))
    # Whatever it says: what is no text, and a status that is no failure, would break the reply.
    words = str(error.message).encode(errors="replace")[:2048].decode(errors="ignore").encode()
    try:
        if error.status >= 0:
            raise struct.error
        head = struct.pack("<iIQ", error.status, error.category, error.retry_after_ms)
    except (struct.error, TypeError):
        error.status, head = E_INTERNAL, struct.pack("<iIQ", E_INTERNAL, INTERNAL, 0)
    return error.status, b"\x06" + head + _text(words)


class _Server:
    """Serves calls as they come, until the host closes the socket."""

    def __init__(self, descriptor: int):
        self.descriptor, self.buffer, self.instances, self.exchanges = descriptor, b"", {}, {}
        self.owners = {}  # instance and kind of an exchange
        # Exchanges that failed, and those that want no more frames.
        self.over, self.done = set(), set()
        self.sink = Sink()  # of the call that runs
        self.aside: list[bytes] = []

    def send(self, op: int, id: int, payload: bytes, flags: int = 0):
        self._write(struct.pack("<IIBBH", len(payload) + 8, id, op, flags, 0) + payload)

    def _write(self, data: bytes):
        view = memoryview(data)
        while view:
            view = view[os.write(self.descriptor, view) :]

    def receive(self):
        """(id, op, reader) of the next message."""
        while True:
            if len(self.buffer) >= 4:
                size = struct.unpack_from("<I", self.buffer)[0]
                if not 8 <= size <= _MAX_IN:
                    os._exit(4)
                if len(self.buffer) >= size + 4:
                    message, self.buffer = self.buffer[4 : size + 4], self.buffer[size + 4 :]
                    read = _Reader(message)
                    id, op, _ = read.u32(), read.u8(), read.u8() + read.u16()
                    return id, op, read
            more = os.read(self.descriptor, 1 << 18)
            if not more:
                os._exit(0)
            self.buffer += more

    def kv_get(self, instance: int, key: bytes):
        self.send(0xC3, instance, _text(key))
        while True:
            id, op, read = self.receive()
            if op == 10:
                return read.text() if read.i32() == OK else None
            self.aside.append((id, op, read))

    def run(self):
        while True:
            message = self.aside.pop(0) if self.aside else self.receive()
            self.serve(*message)

    def serve(self, id, op, read):
        if op == 3:
            self.instances.pop(id, None)
        elif op == 9:
            exchange, (instance, _) = self.exchanges.pop(id, None), self.owners.pop(id, (None, 0))
            self.over.discard(id)
            self.done.discard(id)
            if exchange is not None:
                self.end(exchange, instance, read.u32())
        elif op not in (2, 4, 5, 6, 7, 8):
            os._exit(4)
        else:
            self.answer(id, op, read)

    def end(self, exchange, instance, why):
        try:
            exchange.end(why)
        except Exception as error:
            # It has no reply; the host's log tells of it.
            text = _words(error).encode(errors="replace")[:2048].decode(errors="ignore").encode()
            if instance._level <= WARNING:
                self.send(0xC0, instance._number, struct.pack("<I", WARNING) + _text(text), _RAISED)

    def answer(self, id, op, read):
        began = time.perf_counter_ns()
        status, items, flags = self.work(id, op, read)
        took = min(time.perf_counter_ns() - began, (1 << 32) - 1)
        self.send(op | _REPLY, id, struct.pack("<iI", status, took) + items, flags | _TIMED)

    def work(self, id, op, read):
        """(status, items, flags) of a call."""
        if op != 2 and op != 4 and (id in self.over or (op == 7 and id in self.done)):
            return OK, b"", _SKIPPED
        self.sink = Sink()
        try:
            status, items, flags = (None, None, self.create, None, self.begin, self.next, self.result, self.feed,
                                    self.flush)[op](id, read)  # fmt: skip
            if not isinstance(status, int) or not -(1 << 31) <= status < 1 << 31:
                raise TypeError(f"it returned {status!r}, which is no status")
            if len(items) > _MAX_REPLY:
                raise Failure("the reply is too large")
        except Exception as error:
            status, items = _fail_item(error)
            items = self.sink.bytes() + items  # What was emitted before it counts.
            if len(items) > _MAX_REPLY:
                status, items = _fail_item(Failure("the reply is too large"))
            flags = (_NO_EXCHANGE if op == 4 else 0) | (0 if isinstance(error, Failure) else _RAISED)
        self.sink.is_over = True
        if status < 0 and op != 2:
            self.over.add(id)
        return status, items, flags

    def create(self, id, read):
        kind, level, _, config = read.u8(), read.u8(), read.u16(), read.text()
        if kind not in _kinds:
            raise Failure("this file has no such plugin", CONFIG, E_CONFIG)
        try:
            config = json.loads(config)
        except (ValueError, RecursionError):
            config = None
        if not isinstance(config, dict):
            raise Failure("the configuration is no JSON object", CONFIG, E_CONFIG)
        made = Instance(id, level, config)
        _kinds[kind].configure(made)
        self.instances[id] = made
        return OK, b"", 0

    def begin(self, id, read):
        kind, _, number = read.u8(), read.u8() + read.u16(), read.u32()
        instance = self.instances.get(number)
        if instance is None:
            raise Failure("its configuration was refused", CONFIG, E_CONFIG)
        if kind == 3:
            made = _kinds[kind](instance, read.text().decode(errors="replace"))
            made.begin()
            self.exchanges[id], self.owners[id] = made, (instance, kind)
            return OK, b"", 0
        request = Request(read)
        made = _kinds[kind](instance, request)
        change = made.begin(self.sink.note) if kind == 2 else made.begin()
        self.exchanges[id], self.owners[id] = made, (instance, kind)
        items = self.sink.bytes()
        if kind == 1 or change is None:
            return (OK if kind == 1 else UNCHANGED), items, 0
        how, data = (1, change) if isinstance(change, bytes) else (2, json.dumps(change).encode())
        return OK, items + b"\x03" + struct.pack("<I", how) + _text(data), 0

    def next(self, id, read):
        plan = Plan()
        try:
            self.exchanges[id].next(plan)
        finally:
            plan.is_over = True
        return OK, b"".join(plan.items), 0

    def result(self, id, read):
        return self.exchanges[id].result(Result(read)) or OK, b"", 0

    def feed(self, id, read):
        exchange, (_, kind), sink = self.exchanges[id], self.owners[id], self.sink
        pieces = [read.event() if kind == 2 else Frame(read) for _ in range(read.u32())]
        status = exchange.feed(pieces, sink) or OK
        if kind == 1 and (status == DONE or (pieces and pieces[-1].flags & LAST)):
            self.done.add(id)
        return status, sink.bytes(), 0

    def flush(self, id, read):
        self.exchanges[id].flush(read.u32(), self.sink)
        return OK, self.sink.bytes(), 0

    def hello(self, path: str, origin: str):
        """Loads the file, which is a copy of `origin`: that is what it and its tracebacks call it."""
        id, op, read = self.receive()
        if (id, op, read.u32(), read.u32()) != (0, 1, _MAGIC, _VERSION):
            os._exit(4)
        try:
            _install("KIMI_SECCOMP_LOADING")  # Whether it can be is told by _lock_down.
            with open(path, "rb") as file:
                source = file.read()
            module = sys.modules["kimi_plugin_file"] = types.ModuleType("kimi_plugin_file")
            module.__file__ = globals()["_file"] = origin
            exec(compile(source, origin, "exec"), module.__dict__)
            if not _kinds:
                raise Failure("it declares no plugin: call kimi_plugin.plugin(...)")
            json.dumps(_manifest)
            notice = _lock_down()
        except Exception as error:
            words = _fail_item(error)[1]
            return self.send(1 | _REPLY, 0, struct.pack("<i", E_CONFIG) + words)
        mask = sum(1 << type for type in _kinds[2].wants) if 2 in _kinds else 0
        tables = sum(bit for kind, bit in ((1, 1), (3, 2), (2, 4)) if kind in _kinds)
        body = struct.pack("<IIIII", _VERSION, 0, 0, tables, mask)
        body += _text(json.dumps(_manifest).encode()) + _text(notice.encode())
        self.send(1 | _REPLY, 0, struct.pack("<i", OK) + b"\x00" + body)


def _install(name: str) -> bool:
    """Puts a filter of system calls before all threads. False: it cannot be."""
    program = bytes.fromhex(os.environ.get(name, ""))
    call = int(os.environ.get("KIMI_SECCOMP_CALL", "-1"))
    if not program or call < 0:
        return False
    held = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(held))
    return ctypes.CDLL(None).syscall(call, 1, 1, head) == 0  # SECCOMP_SET_MODE_FILTER, for all threads


def _lock_down() -> str:
    """No files, sockets or processes from here on. What this system does not offer, as words."""
    if sys.platform != "linux":
        return "lockdown is for Linux only"
    libc, missing = ctypes.CDLL(None, use_errno=True), []
    time.strftime("%Z")  # Reads its file now.
    abi = libc.syscall(444, None, ctypes.c_size_t(0), 1)
    if abi >= 1:
        size = 24 if abi >= 6 else 16 if abi >= 4 else 8
        files = 0xFFFF if abi >= 5 else 0x7FFF if abi >= 3 else 0x3FFF if abi == 2 else 0x1FFF
        rules = struct.pack("<QQQ", files, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)[:size]
        ruleset = libc.syscall(444, rules, ctypes.c_size_t(size), 0)
        if ruleset < 0 or libc.syscall(446, ruleset, 8 if abi >= 8 else 0) != 0:  # 8: for all threads
            missing.append("Landlock")
        if ruleset >= 0:
            os.close(ruleset)
    else:
        missing.append("Landlock")
    libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    if not _install("KIMI_SECCOMP"):
        missing.append("seccomp")
    os.environ.clear()
    return "; ".join(missing)


_server: _Server
_file = ""

if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] != "--serve":
        sys.exit("kimi_plugin.py is run by kimi-host, for .py files in plugins.d")
    sys.modules["kimi_plugin"] = sys.modules["__main__"]
    _server = _Server(3)
    _server.hello(sys.argv[2], sys.argv[3])
    _server.run()

"""##

    static let text48 = ##"""
build/
__pycache__/

"""##

    static let text49 = ##"""
# @NAME@

A provider plugin for kimi-host: it knows an upstream that speaks Chat Completions.

    make                                   # build/@NAME@.py and its sidecar
    make test KIMI_HOST=path/to/kimi-host  # its tests, all rules of the ABI, a run to look at, a load

@NOTES@
## Use it

    install -m 0644 build/@NAME@.py build/@NAME@.yaml /path/to/plugins.d/

and in `model-config.yaml`; a host that runs takes both, and each new version, by itself:

    models:
      - name: my-model
        provider: @NAME@
        model: the-upstreams-name-of-it
        provider_config: {apiKey: $@ENV@_API_KEY, baseUrl: "https://api.example.com/v1"}

## Go on from here

`plugin.py` is the plugin. It decodes text, reasoning, tool calls, the finish reason, usage and errors of one choice; it
refuses `n` above 1, and replies whose tool calls come in mixed pieces. `transcripts/` holds what the upstream says and the
events that must come of it: record one for each thing you add. `test_plugin.py` feeds them whole, piece by piece and cut
at every place, `harness.py` plays the host; `make check` has kimi-host hold the plugin against the rules of the ABI, with
made-up and odd input too. `kimi-host plugin fuzz` looks for what you did not think of. The rules are told in `kimi_plugin.h` of kimi-host's repository. Change the `id` from `com.example` to a name you own.

"""##

    static let text50 = ##"""
"""@NAME@: a provider for upstreams that speak Chat Completions.

It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning, tool
calls, the finish reason, usage and errors, of one choice.
"""

import json

import kimi_plugin as kimi

CATEGORIES = {
    401: kimi.AUTH, 402: kimi.QUOTA, 403: kimi.PERMISSION, 404: kimi.NOT_FOUND, 408: kimi.TIMED_OUT,
    429: kimi.RATE_LIMITED, 503: kimi.OVERLOADED,
}  # fmt: skip
PATCH = json.dumps({"stream": True, "stream_options": {"include_usage": True}})


class Provider(kimi.Provider):
    """One attempt of one request."""

    def begin(self):
        # With null it counts as left out.
        if member(self.request.data, "n") not in (None, 1):
            raise kimi.unsupported("n: this provider decodes one choice; leave n out, and ask several times")
        self.status, self.retry_after_ms = 0, -1
        self.started = self.finished = self.failed = False  # START, FINISH, ERROR was emitted
        self.calls = Calls()

    # ------------------------------------------------------------ the request

    def next(self, plan):
        """One step: send the request, with two members of its JSON changed and every other byte as it is."""
        config = self.instance.config
        plan.field(kimi.URL, config["baseUrl"].rstrip("/") + "/chat/completions")
        plan.header("Content-Type", "application/json")
        plan.header("Authorization", "Bearer " + config["apiKey"], secret=True)  # in no log
        plan.field(kimi.BODY_PATCH, PATCH)
        plan.step(kimi.SEND, arg=kimi.SEND_STREAM)

    def result(self, result):
        """The answer's head."""
        self.status = result.http_status
        for name, value in result.headers:
            if name.lower() == "retry-after" and value.isascii() and value.isdigit() and len(value) < 10:
                self.retry_after_ms = int(value) * 1000
        return kimi.OK

    # ------------------------------------------------------------ the reply

    def feed(self, frames, sink):
        for frame in frames:
            if self.failed:
                return kimi.DONE  # Nothing may follow ERROR.
            if frame.flags & kimi.ERROR_BODY:
                self.fail_with(member(parsed(frame.data), "error"), sink)
            elif frame.kind == kimi.SSE:
                if frame.data.strip() == b"[DONE]":
                    return kimi.DONE
                self.take(parsed(frame.data), sink)
        return kimi.OK

    def flush(self, why, sink):
        """The body is over. A reply that did not finish is a failure, never a short answer."""
        if not (self.finished or self.failed or why == kimi.CANCELLED):
            raise kimi.Failure("the upstream's answer ended before its finish_reason", kimi.UPSTREAM, kimi.E_PROTOCOL)

    def take(self, chunk, sink):
        """One server-sent event."""
        if not isinstance(chunk, dict):
            raise protocol("the upstream's stream is not made of JSON objects")
        if chunk.get("error"):
            # Nothing but usage may follow FINISH.
            return None if self.finished else self.fail_with(chunk["error"], sink)
        if not self.started:
            self.started = True
            created = max(count(chunk.get("created")), 0)
            sink.emit(kimi.Event(kimi.START, text(chunk.get("id")), text(chunk.get("model")), i=(created, 0, 0, 0)))
        choices = chunk.get("choices")
        if isinstance(choices, list) and choices and not self.finished:
            self.take_choice(choices[0], sink)
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            cached = count(member(usage.get("prompt_tokens_details"), "cached_tokens"))
            reasoning = count(member(usage.get("completion_tokens_details"), "reasoning_tokens"))
            total = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
            sink.emit(kimi.Event(kimi.USAGE, i=(*total, cached, reasoning)))

    def take_choice(self, choice, sink):
        delta = member(choice, "delta")
        # Some upstreams send a thought under both names.
        thought = text(member(delta, "reasoning_content")) or text(member(delta, "reasoning"))
        if thought:
            sink.text(thought, kimi.REASONING)
        content = text(member(delta, "content"))
        if content:
            sink.text(content)
        pieces = member(delta, "tool_calls")
        for piece in pieces if isinstance(pieces, list) else ():
            self.calls.take(piece, sink)
        reason = text(member(choice, "finish_reason"))
        if reason:
            self.calls.close(sink)
            self.finished = True
            sink.emit(kimi.Event(kimi.FINISH, reason, reason))

    def fail_with(self, error, sink):
        """ERROR is the last event of a reply."""
        code = member(error, "code")
        status = code if isinstance(code, int) and 400 <= code < 600 else self.status if self.status >= 400 else 0
        kind = CATEGORIES.get(status, kimi.BAD_REQUEST if 400 <= status < 500 else kimi.UPSTREAM)
        message = text(member(error, "message")) or text(error)
        self.failed = True
        sink.emit(kimi.Event(
            kimi.ERROR, message or "the upstream answered with an error that has no message", text(code),
            i=(kind, status, self.retry_after_ms, 0)))  # fmt: skip


class Calls:
    """The reply's tool calls, one after the other: a call ends where the next one begins."""

    def __init__(self):
        self.number, self.open, self.begun = -1, False, False
        self.key, self.id, self.name = None, "", ""
        self.keys, self.ids = set(), set()  # of calls that have ended

    def take(self, piece, sink):
        function, key = member(piece, "function"), count(member(piece, "index"))
        id, name, arguments = (text(value) for value in (
            member(piece, "id"), member(function, "name"), member(function, "arguments")))  # fmt: skip
        if not (id or name or arguments):
            return
        if not self.is_of_open_call(key, id, name):
            self.start(key, id, name, sink)
        self.id, self.name = self.id or id, self.name or name
        if self.name or arguments:
            self.begin(sink)
        if arguments:
            sink.text(arguments, kimi.TOOL_ARGS, index=self.number)

    def is_of_open_call(self, key, id, name):
        # Some upstreams number every call 0: another id with a name is another call.
        if not self.open or (id and name and self.id and id != self.id):
            return False
        return key == self.key if key >= 0 else not id or id == self.id

    def start(self, key, id, name, sink):
        self.close(sink)
        # To guess which call it is of would mix up arguments.
        if not (id or name) or id in self.ids or (key in self.keys and not (id and name)):
            raise protocol("the upstream mixes the pieces of its tool calls, which this provider does not sort")
        self.number, self.open, self.begun = self.number + 1, True, False
        self.key, self.id, self.name = key, id, name

    def begin(self, sink):
        if not self.begun:
            self.begun = True
            sink.emit(kimi.Event(kimi.TOOL_BEGIN, self.id, self.name, index=self.number))

    def close(self, sink):
        if self.open:
            self.begin(sink)
            sink.emit(kimi.Event(kimi.TOOL_END, index=self.number))
            self.open = False
            self.ids.update({self.id} - {""})
            self.keys.update({self.key} - {-1})


# ---------------------------------------------------------------- JSON that may be anything


def protocol(sentence):
    return kimi.Failure(sentence, kimi.PROTOCOL, kimi.E_PROTOCOL)


def parsed(data):
    """None for what is no JSON, such as an error page."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def member(value, name):
    return value.get(name) if isinstance(value, dict) else None


def text(value):
    """A string that can be written as UTF-8; "" for anything else."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def count(value):
    """A whole number from 0; -1 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63 else -1


kimi.plugin(
    id="com.example.@NAME@", name="@NAME@", version="0.1.0", word="@NAME@", provider=Provider,
    config_schema={
        "type": "object", "additionalProperties": False, "required": ["apiKey", "baseUrl"],
        "properties": {
            "apiKey": {"type": "string", "minLength": 1, "x-secret": True, "x-env": "@ENV@_API_KEY"},
            "baseUrl": {"type": "string", "pattern": "^https?://", "x-host": True},
        },
    },
)  # fmt: skip

"""##

    static let text51 = ##"""
"""`make test`: what the upstream says, and what must come of it. Standard library only."""

import json
import pathlib
import unittest

import kimi_plugin as kimi
import plugin  # noqa: F401  declares the plugin
from harness import Host, Refused, matches

CONFIG = {"apiKey": "sk-test-key", "baseUrl": "https://api.example.com/v1"}
REQUEST = {"model": "some-model", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
FINISH = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def transcripts():
    for path in sorted(pathlib.Path(__file__).with_name("transcripts").glob("*.json")):
        yield path.name, json.loads(path.read_text(encoding="utf-8"))


def sse(*chunks):
    return [(kimi.SSE, 0, (c if isinstance(c, str) else json.dumps(c)).encode()) for c in chunks]


def cuts(frames):
    """All at once, one by one, and in two parts cut at every place."""
    yield [frames]
    yield [[frame] for frame in frames]
    for place in range(1, len(frames)):
        yield [frames[:place], frames[place:]]


def begun(request=REQUEST, status=200, headers=None):
    exchange = Host("provider", CONFIG).begin(request)
    exchange.plan()
    exchange.result(status, headers)
    return exchange


def reply(*chunks, why=kimi.END):
    """The events of a whole reply."""
    exchange = begun()
    if exchange.feed(sse(*chunks)) != kimi.DONE or why != kimi.END:
        exchange.flush(why)
    return exchange.end(why)


def delta(**more):
    return {"id": "r1", "model": "m", "choices": [{"index": 0, "delta": more}]}


def call(index=0, **more):
    return delta(tool_calls=[{"index": index, **more}])


class TranscriptTest(unittest.TestCase):
    def test_transcripts_cut_at_every_place(self):
        for name, wanted in transcripts():
            ((step),) = wanted["steps"]
            answer = step["answer"]
            status, headers = answer.get("status", 200), answer.get("headers")
            if "body" in answer:
                flags = kimi.LAST | (kimi.ERROR_BODY if status >= 400 else 0)
                frames = [(kimi.WHOLE_BODY, flags, json.dumps(answer["body"]).encode())]
            else:
                frames = sse(*answer["sse"])
            for parts in cuts(frames):
                with self.subTest(name, parts=[len(part) for part in parts]):
                    exchange = Host("provider", wanted["config"]).begin(wanted["request"])
                    self.check_plan(step["send"], exchange.plan())
                    exchange.result(status, headers)
                    done = any(exchange.feed(part) == kimi.DONE for part in parts)
                    failure, why = None, kimi.TRUNCATED if wanted.get("ends") == "truncated" else kimi.END
                    try:
                        if not done:
                            exchange.flush(why)
                    except Refused as refused:
                        failure = {"in": "flush", "category": refused.category}
                    events = exchange.end(why)
                    self.assertTrue(matches(wanted["events"], events), f"\nwanted {wanted['events']}\nfound  {events}")
                    category = {"upstream": kimi.UPSTREAM, "protocol": kimi.PROTOCOL}
                    fails = wanted.get("fails")
                    self.assertEqual(failure, fails and {**fails, "category": category[fails["category"]]})

    def check_plan(self, wanted, plan):
        self.assertEqual((plan["step"], plan["arg"]), (kimi.SEND, kimi.SEND_STREAM))
        self.assertEqual(plan[kimi.URL], wanted["url"])
        self.assertEqual(plan.get(kimi.METHOD, "POST"), wanted.get("method", "POST"))
        for kind in ("headers", "secret-headers"):
            self.assertEqual(plan[kind], {**plan[kind], **wanted.get(kind, {})})
        self.assertNotIn("sk-test-key", str(plan["headers"]), "a secret in a header that is logged")
        self.assertTrue(json.loads(plan[kimi.BODY_PATCH])["stream"])


class RequestTest(unittest.TestCase):
    def test_one_choice_is_all(self):
        for fine in ({}, {"n": 1}, {"n": None}):
            Host("provider", CONFIG).begin({**REQUEST, **fine})
        with self.assertRaisesRegex(Refused, "n: ") as refused:
            Host("provider", CONFIG).begin({**REQUEST, "n": 2})
        self.assertEqual(refused.exception.category, kimi.BAD_REQUEST)


class ReplyTest(unittest.TestCase):
    def test_nothing_follows_an_error(self):
        frames = sse(delta(content="a"), {"error": {"message": "no"}}, delta(content="b"), FINISH, "[DONE]")
        for parts in cuts(frames):
            exchange = begun()
            for part in parts:
                if exchange.feed(part) == kimi.DONE:
                    break
            self.assertEqual([list(event) for event in exchange.end()], [["start"], ["text"], ["error"]])

    def test_an_error_before_anything_else(self):
        self.assertEqual([list(event) for event in reply({"error": "busy"}, delta(content="a"))], [["error"]])

    def test_only_usage_follows_the_finish_reason(self):
        events = reply(delta(content="a"), FINISH, delta(content="b"), FINISH, {"error": {"message": "no"}}, {"usage": {}})
        self.assertEqual([list(event) for event in events], [["start"], ["text"], ["finish"], ["usage"]])

    def test_numbers_that_are_none(self):
        for odd in (True, -1, 1 << 63, 0.5, "7", None):
            start, usage = reply({**delta(), "created": odd, "usage": {"prompt_tokens": odd}}, why=kimi.CANCELLED)
            self.assertEqual(start["start"]["created"], 0)
            self.assertEqual(set(usage["usage"].values()), {-1})

    def test_an_error_page(self):
        exchange = begun(status=502)
        exchange.feed([(kimi.WHOLE_BODY, kimi.LAST | kimi.ERROR_BODY, b"<html>\xff")])
        exchange.flush()
        (event,) = exchange.end()
        self.assertEqual((event["error"]["category"], event["error"]["status"]), ("upstream", 502))
        self.assertTrue(event["error"]["message"])

    def test_statuses(self):
        date = {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
        categories = {401: "auth", 404: "not_found", 418: "bad_request", 429: "rate_limited", 500: "upstream"}
        for status, category in categories.items():
            exchange = begun(status=status, headers=date)
            exchange.feed([(kimi.WHOLE_BODY, kimi.ERROR_BODY, b'{"error": {"message": "m"}}')])
            (event,) = exchange.end()
            wanted = {"message": "m", "category": category, "status": status, "retry-after-ms": -1}
            self.assertEqual(event["error"], wanted)

    def test_what_is_no_json_is_a_protocol_error(self):
        for chunk in ("{", "[]", "7", "[" * 100_000):
            with self.assertRaises(Refused) as refused:
                reply(chunk)
            self.assertEqual(refused.exception.category, kimi.PROTOCOL)

    def test_any_types_are_borne(self):
        for odd in (None, 7, "x", [], {}, [None], [[]], True, -1, 1 << 70, 0.5):
            for name in ("id", "created", "model", "choices", "usage"):
                reply({**delta(content="a"), name: odd}, FINISH, "[DONE]")
            for name in ("content", "reasoning_content", "reasoning", "role"):
                reply(delta(**{name: odd}), FINISH, "[DONE]")
            for name in ("index", "id", "function"):
                reply(call(**{"id": "c", "function": {"name": "f", "arguments": "{}"}, name: odd}), FINISH, "[DONE]")
            reply(delta(tool_calls=odd), FINISH, "[DONE]")

    def test_half_a_surrogate_pair_is_replaced(self):
        self.assertIn({"text": "a\ufffdb"}, reply('{"choices":[{"delta":{"content":"a\\ud83db"}}]}', FINISH, "[DONE]"))

    def test_it_ends_without_a_finish_reason(self):
        for chunks in ([], [delta(content="a")], [delta(content="a"), "[DONE]"]):
            exchange = begun()
            exchange.feed(sse(*chunks))
            with self.assertRaises(Refused):
                exchange.flush()
        reply(delta(content="a"), why=kimi.CANCELLED)


class ToolCallTest(unittest.TestCase):
    def calls(self, *chunks):
        return [event["tool"] for event in reply(*chunks, FINISH, "[DONE]") if "tool" in event]

    def test_pieces(self):
        for repeated in ({}, {"id": "a"}):
            found = self.calls(
                call(id="a", type="function", function={"name": "f", "arguments": ""}),
                *[call(**repeated, function={"arguments": c}) for c in '{"k": "ö"}'],
                call(1, id="b", function={"name": "g", "arguments": "{}"}))  # fmt: skip
            self.assertEqual(found, [
                {"index": 0, "id": "a", "name": "f", "args": '{"k": "ö"}'},
                {"index": 1, "id": "b", "name": "g", "args": "{}"}])  # fmt: skip

    def test_all_numbered_0_or_not_at_all(self):
        for number in ({"index": 0}, {"index": None}):
            found = self.calls(*[call(**number, id=i, function={"name": "f", "arguments": "{}"}) for i in "abc"])
            self.assertEqual([(one["index"], one["id"], one["args"]) for one in found],
                             [(0, "a", "{}"), (1, "b", "{}"), (2, "c", "{}")])  # fmt: skip

    def test_a_name_that_comes_after_the_id(self):
        for numbers in ((0, 1), (None, None)):
            found = self.calls(*[piece for number, i in zip(numbers, "ab") for piece in (
                call(number, id=i), call(number, function={"name": "f" + i, "arguments": "{}"}))])  # fmt: skip
            self.assertEqual([(one["id"], one["name"]) for one in found], [("a", "fa"), ("b", "fb")])

    def test_no_arguments(self):
        found = self.calls(call(id="a", function={"name": "f"}))
        self.assertEqual(found, [{"index": 0, "id": "a", "name": "f", "args": ""}])

    def test_mixed_pieces_are_refused_and_not_mixed_up(self):
        begin = [call(n, id=f"c{n}", function={"name": "f", "arguments": "{"}) for n in (0, 1)]
        names = {}, {"name": "f"}
        for late in [call(0, **i, function={**n, "arguments": "}"}) for n in names for i in ({}, {"id": "c0"})]:
            with self.assertRaisesRegex(Refused, "mixes"):
                self.calls(*begin, late)


if __name__ == "__main__":
    unittest.main()

"""##

    static let text52 = ##"""
# make         build/@NAME@.py and its sidecar build/@NAME@.yaml, compiled once to find mistakes of syntax
# make test    its own tests, the rules of the ABI, a run to look at, and a load
# make check   the rules of the ABI alone
# make clean
#
# kimi-host must be on PATH (or KIMI_HOST=/path/to/kimi-host).
PYTHON ?= python3
KIMI_HOST ?= kimi-host
FILES := build/@NAME@.py build/@NAME@.yaml

all: $(FILES)

build/@NAME@.py: plugin.py Makefile | build
	$(PYTHON) -W error -m py_compile plugin.py
	install -m 0644 plugin.py $@

build/@NAME@.yaml: plugin.yaml Makefile | build
	install -m 0644 plugin.yaml $@

# A folder that others may write to is refused by the host.
build:
	mkdir -p build
	chmod 755 build

# The transcripts with the standard library alone, then with kimi-host, then the stock loader.
test: $(FILES)
	$(PYTHON) -W error -m unittest -v test_plugin
	$(MAKE) check
	$(KIMI_HOST) plugin run --in transcripts build/@NAME@.py
	$(KIMI_HOST) plugins list --plugins-dir build

check: $(FILES)
	$(KIMI_HOST) plugin check --strict --transcripts transcripts build/@NAME@.py

clean:
	rm -rf build __pycache__

.PHONY: all test check clean

"""##

    static let text53 = ##"""
"""Plays kimi-host for the tests: a plugin's classes get their calls through the binding's own protocol.

The rules of kimi_plugin.h that an exchange can break are checked on the way (S07, S11). Standard library only.
"""

import json
import struct

import kimi_plugin as kimi

KINDS = {"provider": 1, "transform": 2}
TYPES = {
    kimi.START: "start", kimi.TEXT: "text", kimi.REASONING: "reasoning", kimi.USAGE: "usage",
    kimi.FINISH: "finish", kimi.ERROR: "error",
}  # fmt: skip
CATEGORIES = {
    "auth": 1, "rate_limited": 2, "overloaded": 3, "context_length": 4, "content_filter": 5, "bad_request": 6, "upstream": 7,
    "protocol": 8, "config": 9, "internal": 10, "not_found": 11, "permission": 12, "quota": 13, "timeout": 14, "network": 15,
}  # fmt: skip


class Refused(Exception):
    """The plugin failed the call."""

    def __init__(self, status, category, message):
        super().__init__(message)
        self.status, self.category = status, category


class Child(kimi._Server):
    """The binding's side, with its messages kept instead of sent."""

    def __init__(self, host):
        super().__init__(-1)
        self.host = host

    def send(self, op, id, payload, flags=0):
        read = kimi._Reader(payload)
        if op & 0xC0 == 0x80:
            # Without the time that it took.
            self.reply = kimi._Reader(payload[:4] + payload[8:]) if flags & kimi._TIMED else read
        elif op == 0xC0:
            self.host.logs.append((read.u32(), read.text().decode()))
        elif op == 0xC1:
            read.u64()
            key, value = read.text(), read.text()
            self.host.values[key] = value
        elif op == 0xC2:
            self.host.values.pop(read.text(), None)

    def kv_get(self, instance, key):
        return self.host.values.get(key)


class Host:
    """One instance of the plugin. Several exchanges may be under way."""

    def __init__(self, kind, config):
        self.kind, self.logs, self.values, self.notes, self.number = KINDS[kind], [], {}, [], 0
        self.child = kimi._server = Child(self)
        self.ask(2, 0, struct.pack("<BBH", self.kind, 0, 0) + kimi._text(json.dumps(config).encode()))

    def begin(self, request, **more):
        self.number += 1
        return Exchange(self, self.number, request, **more)

    def ask(self, op, id, payload):
        """(status, items) of a call; raises Refused."""
        self.child.serve(id, op, kimi._Reader(payload))
        read = self.child.reply
        status, items = read.i32(), []
        while read.place < len(read.data):
            items.append(self.item(read))
        self.notes += [item[1:] for item in items if item[0] == "note"]
        if status < 0:
            raise Refused(status, *next((item[1:] for item in items if item[0] == "fail"), (0, "no reason was told")))
        return status, items

    @staticmethod
    def item(read):
        tag = read.u8()
        if tag == 1:
            return "events", [read.event() for _ in range(read.u32())]
        if tag == 2:
            return "note", read.text().decode(), read.u64(), read.text().decode()
        if tag == 3:
            return "put", read.u32(), json.loads(read.text())
        if tag == 4:
            return "field", read.u32(), read.text().decode(), read.text().decode()
        if tag == 5:
            return "step", read.u32(), read.u32(), read.u64()
        status, category = read.i32(), read.u32()
        read.u64()
        return "fail", category, read.text().decode()


class Exchange:
    """One exchange, and the events that have come of it."""

    def __init__(self, host, id, request, flags=1, conversation=""):
        self.host, self.id, self.events = host, id, []
        names = (request.get("model", ""), f"test-{id}", "openai.chat", conversation)
        payload = struct.pack("<BBHIIQQ", host.kind, 0, 0, 0, flags, 1, 600_000)
        _, items = host.ask(4, id, payload + b"".join(kimi._text(t.encode()) for t in (json.dumps(request), *names)))
        #: What begin gave: nothing, or the merge patch or new request.
        self.change = next((item[2] for item in items if item[0] == "put"), None)

    def plan(self):
        """The next step as {"step": 1, URL: ..., "headers": {...}, "secret-headers": {...}, "patch": {...}}."""
        _, items = self.host.ask(5, self.id, b"")
        made = {"headers": {}, "secret-headers": {}}
        for item in items:
            if item[0] == "field" and item[1] in (kimi.HEADER, kimi.SECRET_HEADER):
                made["headers" if item[1] == kimi.HEADER else "secret-headers"][item[2]] = item[3]
            elif item[0] == "field":
                made[item[1]] = item[3]
        steps = [item for item in items if item[0] == "step"]
        assert len(steps) == 1 and items[-1] is steps[0], "S07: next describes one step, after its fields"
        return {**made, "step": steps[0][1], "arg": steps[0][3]}

    def result(self, status=200, headers=None):
        lines = b"".join(kimi._text(k.encode()) + kimi._text(v.encode()) for k, v in (headers or {}).items())
        head = struct.pack("<IIiI", kimi.SEND, 0, 0, status) + kimi._text(b"")
        return self.host.ask(6, self.id, head + struct.pack("<I", len(headers or {})) + lines)[0]

    def feed(self, pieces):
        """Events for a transform; (kind, flags, data) for a provider. Returns the status."""
        if self.host.kind == 2:
            packed = [kimi._pack_event(event) for event in pieces]
        else:
            packed = [struct.pack("<II", k, f) + kimi._text(b"") + kimi._text(data) for k, f, data in pieces]
        status, items = self.host.ask(7, self.id, struct.pack("<I", len(pieces)) + b"".join(packed))
        self.collect(items)
        return status

    def flush(self, why=kimi.END):
        self.collect(self.host.ask(8, self.id, struct.pack("<I", why))[1])

    def end(self, why=kimi.END):
        self.host.child.serve(self.id, 9, kimi._Reader(struct.pack("<I", why)))
        if self.host.kind == 1:
            check_order(self.events)
        return told(self.events)

    def collect(self, items):
        for item in items:
            if item[0] == "events":
                self.events += item[1]


def check_order(events):
    """S11, for a provider's events."""
    started, finished, open_call, calls, last = False, set(), None, 0, None
    for event in events:
        assert last != kimi.ERROR, "S11: nothing follows ERROR"
        last = event.type
        assert event.type != kimi.START or not started, "S11: START once"
        started = started or event.type == kimi.START
        assert started or event.type == kimi.ERROR, "S11: START first"
        assert event.choice not in finished or event.type in (kimi.USAGE, kimi.JSON), "S11: something follows FINISH"
        if event.type == kimi.TOOL_BEGIN:
            assert open_call is None and event.index == calls, "S11: calls come one after the other, from 0"
            open_call, calls = event.index, calls + 1
        elif event.type in (kimi.TOOL_ARGS, kimi.TOOL_END):
            assert event.index == open_call, "S11: a piece of a call that is not open"
            open_call = None if event.type == kimi.TOOL_END else open_call
        elif event.type == kimi.FINISH:
            assert open_call is None, "S11: FINISH while a call is open"
            finished.add(event.choice)


def told(events):
    """Events as the transcripts write them: texts that follow each other are one, and so are a call's pieces."""
    out = []
    for e in events:
        a, b = e.a.decode(), e.b.decode()
        if e.type in (kimi.TEXT, kimi.REASONING):
            if out and TYPES[e.type] in out[-1]:
                out[-1][TYPES[e.type]] += a
            else:
                out.append({TYPES[e.type]: a})
        elif e.type == kimi.START:
            out.append({"start": {"id": a, "model": b, "created": e.i[0]}})
        elif e.type == kimi.TOOL_BEGIN:
            out.append({"tool": {"index": e.index, "id": a, "name": b, "args": ""}})
        elif e.type == kimi.TOOL_ARGS:
            out[-1]["tool"]["args"] += a
        elif e.type == kimi.USAGE:
            out.append({"usage": dict(zip(("input", "output", "cached", "reasoning"), e.i))})
        elif e.type == kimi.FINISH:
            out.append({"finish": {"reason": a, "raw": b}})
        elif e.type == kimi.ERROR:
            name = next(word for word, number in CATEGORIES.items() if number == e.i[0])
            out.append({"error": {"message": a, "category": name, "status": e.i[1], "retry-after-ms": e.i[2]}})
    return out


def events_of(list):
    """The transcripts' events as a transform gets them. The reverse of `told`."""
    for one in list:
        ((word, value),) = one.items()
        if word in ("text", "reasoning"):
            yield kimi.Event(kimi.TEXT if word == "text" else kimi.REASONING, value)
        elif word == "start":
            yield kimi.Event(kimi.START, value["id"], value["model"], i=(value.get("created", 0), 0, 0, 0))
        elif word == "finish":
            yield kimi.Event(kimi.FINISH, value["reason"], value["raw"])
        elif word == "usage":
            yield kimi.Event(kimi.USAGE, i=[value.get(k, -1) for k in ("input", "output", "cached", "reasoning")])
        elif word == "tool":
            yield kimi.Event(kimi.TOOL_BEGIN, value["id"], value["name"], index=value["index"])
            yield kimi.Event(kimi.TOOL_ARGS, value["args"], index=value["index"])
            yield kimi.Event(kimi.TOOL_END, index=value["index"])
        else:
            raise ValueError(f"the harness does not know the event {word}")


def matches(wanted, found):
    """Is `found` what a transcript wants? Members that it does not name may be anything; "finish: stop" is short."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(name in found and matches(value, found[name]) for name, value in wanted.items())
    if isinstance(wanted, str) and isinstance(found, dict) and "reason" in found:
        return wanted == found["reason"]
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(matches, wanted, found))
    return wanted == found

"""##

    static let text54 = ##"""
# The sidecar: it lies beside @NAME@.py in plugins.d. `python: /path/to/python3` names another interpreter.
isolation: process

"""##

    static let text55 = ##"""
{
  "kimi-transcript": 1,
  "name": "the upstream says 429",
  "kind": "provider",
  "config": {
    "apiKey": "sk-test-key",
    "baseUrl": "https://api.example.com/v1"
  },
  "request": {
    "model": "some-model",
    "stream": true,
    "messages": [
      {
        "role": "user",
        "content": "Say hello"
      }
    ]
  },
  "steps": [
    {
      "send": {
        "url": "https://api.example.com/v1/chat/completions"
      },
      "answer": {
        "status": 429,
        "headers": {
          "content-type": "application/json",
          "retry-after": "7"
        },
        "body": {
          "error": {
            "message": "Slow down.",
            "type": "rate_limit_error"
          }
        }
      }
    }
  ],
  "events": [
    {
      "error": {
        "message": "Slow down.",
        "category": "rate_limited",
        "status": 429,
        "retry-after-ms": 7000
      }
    }
  ]
}

"""##

    static let text56 = ##"""
{
  "kimi-transcript": 1,
  "name": "text, then two calls",
  "kind": "provider",
  "config": {"apiKey": "sk-test-key", "baseUrl": "https://api.example.com/v1"},
  "request": {"model": "some-model", "stream": true, "messages": [{"role": "user", "content": "Weather in Paris and Rome?"}], "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]},
  "steps": [{"send": {"url": "https://api.example.com/v1/chat/completions"}, "answer": {
    "sse": [
      {"id": "r1", "created": 1760000000, "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "I look."}}]},
      {"id": "r1", "created": 1760000000, "model": "m", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "call_a", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\":\"Paris\"}"}}]}}]},
      {"id": "r1", "created": 1760000000, "model": "m", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 1, "id": "call_b", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\":"}}]}}]},
      {"id": "r1", "created": 1760000000, "model": "m", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 1, "function": {"arguments": "\"Röm\"}"}}]}}]},
      {"id": "r1", "created": 1760000000, "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
      {"id": "r1", "model": "m", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 2}}},
      "[DONE]"
    ]}}],
  "events": [
    {"start": {"id": "r1", "model": "m", "created": 1760000000}},
    {"text": "I look."},
    {"tool": {"index": 0, "id": "call_a", "name": "get_weather", "args": "{\"city\":\"Paris\"}"}},
    {"tool": {"index": 1, "id": "call_b", "name": "get_weather", "args": "{\"city\":\"Röm\"}"}},
    {"finish": {"reason": "tool_calls", "raw": "tool_calls"}},
    {"usage": {"input": 9, "output": 5, "cached": 4, "reasoning": 2}}
  ]
}

"""##

    static let text57 = ##"""
{
  "kimi-transcript": 1,
  "name": "an error in the middle of the stream, and what the upstream sends after it",
  "kind": "provider",
  "config": {"apiKey": "sk-test-key", "baseUrl": "https://api.example.com/v1"},
  "request": {"model": "some-model", "stream": true, "messages": [{"role": "user", "content": "Say hello"}]},
  "steps": [{"send": {"url": "https://api.example.com/v1/chat/completions"}, "answer": {
    "sse": [
      {"id": "r1", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hel"}}]},
      {"error": {"message": "The engine is gone.", "code": 500}},
      {"id": "r1", "model": "m", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}},
      "[DONE]"
    ]}}],
  "events": [
    {"start": {"id": "r1", "model": "m"}},
    {"text": "Hel"},
    {"error": {"message": "The engine is gone.", "category": "upstream"}}
  ]
}

"""##

    static let text58 = ##"""
{
  "kimi-transcript": 1,
  "name": "an error in the middle of the stream",
  "kind": "provider",
  "config": {"apiKey": "sk-test-key", "baseUrl": "https://api.example.com/v1"},
  "request": {"model": "some-model", "stream": true, "messages": [{"role": "user", "content": "Say hello"}]},
  "steps": [{"send": {"url": "https://api.example.com/v1/chat/completions"}, "answer": {
    "sse": [
      {"id": "r1", "created": 1760000000, "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]},
      {"error": {"message": "The server is overloaded.", "code": 502}},
      {"id": "r1", "created": 1760000000, "model": "m", "choices": [{"index": 0, "delta": {"content": "never"}}]},
      {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}},
      "[DONE]"
    ]}}],
  "events": [
    {"start": {"id": "r1", "model": "m", "created": 1760000000}},
    {"text": "Hel"},
    {"error": {"message": "The server is overloaded.", "category": "upstream", "status": 502, "retry-after-ms": -1}}
  ]
}

"""##

    static let text59 = ##"""
{
  "kimi-transcript": 1,
  "name": "a thought before the answer",
  "kind": "provider",
  "config": {"apiKey": "sk-test-key", "baseUrl": "https://api.example.com/v1"},
  "request": {"model": "some-model", "stream": true, "messages": [{"role": "user", "content": "Say hello"}]},
  "steps": [{"send": {"url": "https://api.example.com/v1/chat/completions"}, "answer": {
    "sse": [
      {"id": "r1", "created": 1760000000, "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_content": "Let me "}}]},
      {"id": "r1", "created": 1760000000, "model": "m", "choices": [{"index": 0, "delta": {"reasoning_content": "think.", "reasoning": "think."}}]},
      {"id": "r1", "created": 1760000000, "model": "m", "choices": [{"index": 0, "delta": {"content": "42."}}]},
      {"id": "r1", "created": 1760000000, "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
      "[DONE]"
    ]}}],
  "events": [
    {"start": {"id": "r1", "model": "m", "created": 1760000000}},
    {"reasoning": "Let me think."},
    {"text": "42."},
    {"finish": "stop"}
  ]
}

"""##

    static let text60 = ##"""
{
  "kimi-transcript": 1,
  "name": "a thought, a text and two tool calls in pieces",
  "kind": "provider",
  "config": {
    "apiKey": "sk-test-key",
    "baseUrl": "https://api.example.com/v1"
  },
  "request": {
    "model": "some-model",
    "stream": true,
    "messages": [
      {
        "role": "user",
        "content": "Weather and time in Ulm?"
      }
    ],
    "tools": [
      {
        "type": "function",
        "function": {
          "name": "weather",
          "parameters": {
            "type": "object"
          }
        }
      },
      {
        "type": "function",
        "function": {
          "name": "clock",
          "parameters": {
            "type": "object"
          }
        }
      }
    ]
  },
  "steps": [
    {
      "send": {
        "url": "https://api.example.com/v1/chat/completions"
      },
      "answer": {
        "sse": [
          {
            "id": "r1",
            "model": "m",
            "choices": [
              {
                "index": 0,
                "delta": {
                  "role": "assistant",
                  "content": null,
                  "reasoning_content": "Two tools."
                }
              }
            ]
          },
          {
            "id": "r1",
            "model": "m",
            "choices": [
              {
                "index": 0,
                "delta": {
                  "content": "One moment."
                }
              }
            ]
          },
          {
            "id": "r1",
            "model": "m",
            "choices": [
              {
                "index": 0,
                "delta": {
                  "tool_calls": [
                    {
                      "index": 0,
                      "id": "call_a",
                      "type": "function",
                      "function": {
                        "name": "weather",
                        "arguments": ""
                      }
                    }
                  ]
                }
              }
            ]
          },
          {
            "id": "r1",
            "model": "m",
            "choices": [
              {
                "index": 0,
                "delta": {
                  "tool_calls": [
                    {
                      "index": 0,
                      "function": {
                        "arguments": "{\"city\": \"U"
                      }
                    }
                  ]
                }
              }
            ]
          },
          {
            "id": "r1",
            "model": "m",
            "choices": [
              {
                "index": 0,
                "delta": {
                  "tool_calls": [
                    {
                      "index": 0,
                      "function": {
                        "arguments": "lm\"}"
                      }
                    }
                  ]
                }
              }
            ]
          },
          {
            "id": "r1",
            "model": "m",
            "choices": [
              {
                "index": 0,
                "delta": {
                  "tool_calls": [
                    {
                      "index": 1,
                      "id": "call_b",
                      "type": "function",
                      "function": {
                        "name": "clock",
                        "arguments": "{}"
                      }
                    }
                  ]
                }
              }
            ]
          },
          {
            "id": "r1",
            "model": "m",
            "choices": [
              {
                "index": 0,
                "delta": {},
                "finish_reason": "tool_calls"
              }
            ]
          },
          "[DONE]"
        ]
      }
    }
  ],
  "events": [
    {
      "start": {
        "id": "r1",
        "model": "m"
      }
    },
    {
      "reasoning": "Two tools."
    },
    {
      "text": "One moment."
    },
    {
      "tool": {
        "index": 0,
        "id": "call_a",
        "name": "weather",
        "args": "{\"city\": \"Ulm\"}"
      }
    },
    {
      "tool": {
        "index": 1,
        "id": "call_b",
        "name": "clock",
        "args": "{}"
      }
    },
    {
      "finish": "tool_calls"
    }
  ]
}

"""##

    static let text61 = ##"""
{
  "kimi-transcript": 1,
  "name": "the connection breaks in the middle",
  "kind": "provider",
  "config": {
    "apiKey": "sk-test-key",
    "baseUrl": "https://api.example.com/v1"
  },
  "request": {
    "model": "some-model",
    "stream": true,
    "messages": [
      {
        "role": "user",
        "content": "Say hello"
      }
    ]
  },
  "steps": [
    {
      "send": {
        "url": "https://api.example.com/v1/chat/completions"
      },
      "answer": {
        "sse": [
          {
            "id": "r1",
            "model": "m",
            "choices": [
              {
                "index": 0,
                "delta": {
                  "content": "Hel"
                }
              }
            ]
          }
        ]
      }
    }
  ],
  "ends": "truncated",
  "events": [
    {
      "start": {
        "id": "r1",
        "model": "m"
      }
    },
    {
      "text": "Hel"
    }
  ],
  "fails": {
    "in": "flush",
    "category": "upstream"
  }
}

"""##

    static let text62 = ##"""
{
  "kimi-transcript": 1,
  "name": "a streamed text",
  "kind": "provider",
  "config": {
    "apiKey": "sk-test-key",
    "baseUrl": "https://api.example.com/v1/"
  },
  "request": {
    "model": "some-model",
    "stream": true,
    "messages": [
      {
        "role": "user",
        "content": "Say hello"
      }
    ]
  },
  "steps": [
    {
      "send": {
        "method": "POST",
        "url": "https://api.example.com/v1/chat/completions",
        "headers": {
          "Content-Type": "application/json"
        },
        "secret-headers": {
          "Authorization": "Bearer sk-test-key"
        }
      },
      "answer": {
        "sse": [
          {
            "id": "r1",
            "created": 1760000000,
            "model": "m",
            "choices": [
              {
                "index": 0,
                "delta": {
                  "role": "assistant",
                  "content": "Hello, "
                },
                "finish_reason": null
              }
            ]
          },
          "{\"id\":\"r1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\\"w\\u00f6rld\\\"\\ud83d\\ude00.\\n\"}}]}",
          {
            "id": "r1",
            "created": 1760000000,
            "model": "m",
            "choices": [
              {
                "index": 0,
                "delta": {},
                "finish_reason": "stop"
              }
            ]
          },
          {
            "id": "r1",
            "created": 1760000000,
            "model": "m",
            "choices": [],
            "usage": {
              "prompt_tokens": 5,
              "completion_tokens": 3
            }
          },
          "[DONE]"
        ]
      }
    }
  ],
  "events": [
    {
      "start": {
        "id": "r1",
        "model": "m",
        "created": 1760000000
      }
    },
    {
      "text": "Hello, \"wörld\"😀.\n"
    },
    {
      "finish": "stop"
    },
    {
      "usage": {
        "input": 5,
        "output": 3
      }
    }
  ]
}

"""##

    static let text63 = ##"""
# @NAME@

A transform plugin for kimi-host: it makes typographic quotation marks in replies
plain ones.

    make                                   # build/@NAME@.py and its sidecar
    make test KIMI_HOST=path/to/kimi-host  # its tests, all rules of the ABI, a run to look at, a load

@NOTES@
## Use it

    install -m 0644 build/@NAME@.py build/@NAME@.yaml /path/to/plugins.d/

and in `model-config.yaml` name it in the `transforms` of a model; a host that runs takes both, and each new version,
by itself:

    models:
      - name: my-model
        provider: openai
        transforms: [@NAME@]

## Go on from here

`plugin.py` is the plugin. A transform may also change the request (return a dict from `begin`), ask for further event types
(`wants`), and hold text back: a word may be cut in two, so keep its beginning in the object, and give it up in `flush`.
`transcripts/` holds events from below, and what must come of them: write one for each thing you add. `test_plugin.py` cuts
them at every pair of places, `harness.py` plays the host; `make check` has kimi-host hold the plugin against the rules of the
ABI, with made-up and odd input too. `kimi-host plugin fuzz` looks for what you did not think of. The rules are told in `kimi_plugin.h` of kimi-host's repository. Change the `id` from `com.example` to a
name you own.

"""##

    static let text64 = ##"""
"""@NAME@: a transform that makes typographic quotation marks in replies plain ones."""

import kimi_plugin as kimi

MARKS = str.maketrans("‘’‚‛“”„‟", "''''\"\"\"\"")


class Transform(kimi.Transform):
    """One attempt of one request. What must be remembered from call to call belongs into `self`."""

    # Other events pass by, in order.
    wants = (kimi.TEXT,)

    def begin(self, note):
        """To change the request, return a dict: a merge patch. `self.request.data` is what the client asked."""

    def feed(self, events, sink):
        """A mark is one character, and no event ends inside one, so nothing has to wait for the next event."""
        for event in events:
            sink.emit(event.with_text(event.text.translate(MARKS)))

    def flush(self, why, sink):
        """Nothing is held back, so there is nothing to give up."""


kimi.plugin(id="com.example.@NAME@", name="@NAME@", version="0.1.0", word="@NAME@", transform=Transform)

"""##

    static let text65 = ##"""
"""`make test`: events from below, and what must come of them. Standard library only."""

import json
import pathlib
import unittest

import kimi_plugin as kimi
import plugin
from harness import Host, events_of, matches, told


def transcripts():
    for path in sorted(pathlib.Path(__file__).with_name("transcripts").glob("*.json")):
        yield path.name, json.loads(path.read_text(encoding="utf-8"))


def run(wanted, calls, flushes=False):
    """The reply that comes of `calls`, lists of events; as the host does it, others than `wants` pass by in order."""
    exchange = Host("transform", wanted["config"]).begin(wanted["request"])
    if wanted["request-out"] == "unchanged":
        assert exchange.change is None, exchange.change
    else:
        assert exchange.change == wanted["request-out"], exchange.change
    for events in calls:
        for event in events:
            if event.type in plugin.Transform.wants:
                exchange.feed([event])
            else:
                exchange.events.append(event)
        if flushes:
            exchange.flush(kimi.TIMEOUT)
    exchange.flush()
    return exchange.end()


def single(events):
    """Each text as one event per character: the host cuts between any two, and never inside one."""
    for event in events:
        if event.type in (kimi.TEXT, kimi.REASONING, kimi.TOOL_ARGS):
            yield from (event.with_text(character) for character in event.text)
        else:
            yield event


def joined(events):
    """The other extreme: texts that follow each other as one."""
    out = []
    for event in events:
        if out and out[-1].type == event.type and event.type in (kimi.TEXT, kimi.REASONING, kimi.TOOL_ARGS):
            out[-1] = out[-1].with_text(out[-1].text + event.text)
        else:
            out.append(event)
    return out


class TranscriptTest(unittest.TestCase):
    def check(self, wanted, calls, **more):
        found = run(wanted, calls, **more)
        self.assertTrue(matches(wanted["events"], found), f"\nwanted {wanted['events']}\nfound  {found}")

    def test_transcripts_cut_at_every_pair_of_places(self):
        for name, wanted in transcripts():
            pieces = list(single(events_of(wanted["events-in"])))
            for first in range(len(pieces) + 1):
                for second in range(first, len(pieces) + 1):
                    parts = pieces[:first], pieces[first:second], pieces[second:]
                    with self.subTest(name, cut=(first, second)):
                        self.check(wanted, [joined(part) for part in parts])

    def test_transcripts_in_single_characters_and_all_at_once(self):
        for name, wanted in transcripts():
            pieces = list(single(events_of(wanted["events-in"])))
            with self.subTest(name):
                self.check(wanted, [[piece] for piece in pieces])
                self.check(wanted, [joined(pieces)])
                # What is held is asked for at any time. A transform that gives up too much then fails here.
                self.check(wanted, [[piece] for piece in pieces], flushes=True)

    def test_several_events_in_one_call(self):
        exchange = Host("transform", {}).begin({"model": "m", "messages": []})
        exchange.feed([kimi.Event(kimi.TEXT, "“"), kimi.Event(kimi.TEXT, "a’", choice=1)])
        exchange.flush()
        self.assertEqual([(event.choice, event.text) for event in exchange.events], [(0, '"'), (1, "a'")])

    def test_a_stream_that_breaks(self):
        for why in (kimi.TRUNCATED, kimi.CANCELLED):
            exchange = Host("transform", {}).begin({"model": "m", "messages": []})
            exchange.feed([kimi.Event(kimi.TEXT, "“a")])
            exchange.flush(why)
            self.assertEqual(told(exchange.events), [{"text": '"a'}])


if __name__ == "__main__":
    unittest.main()

"""##

    static let text66 = ##"""
{
  "kimi-transcript": 1,
  "name": "quotation marks become plain ones",
  "kind": "transform",
  "config": {},
  "request": {
    "model": "some-model",
    "stream": true,
    "messages": [
      {
        "role": "user",
        "content": "A line of Python"
      }
    ]
  },
  "request-out": "unchanged",
  "events-in": [
    {
      "start": {
        "id": "r1",
        "model": "m",
        "created": 1760000000
      }
    },
    {
      "text": "print(“it‘s"
    },
    {
      "text": "’ … 10 €”)"
    },
    {
      "reasoning": "“as it was”"
    },
    {
      "finish": {
        "reason": "stop",
        "raw": "stop"
      }
    },
    {
      "usage": {
        "input": 9,
        "output": 5,
        "cached": 0
      }
    }
  ],
  "events": [
    {
      "start": {
        "id": "r1",
        "model": "m",
        "created": 1760000000
      }
    },
    {
      "text": "print(\"it's' … 10 €\")"
    },
    {
      "reasoning": "“as it was”"
    },
    {
      "finish": {
        "reason": "stop",
        "raw": "stop"
      }
    },
    {
      "usage": {
        "input": 9,
        "output": 5,
        "cached": 0
      }
    }
  ]
}

"""##
}
