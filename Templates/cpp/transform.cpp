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
