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
