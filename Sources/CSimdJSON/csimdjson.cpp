#define SIMDJSON_EXCEPTIONS 0
#include "csimdjson.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <simdjson.h>

namespace {

// Buffers grow in powers of two, so that a stream of slightly longer events does not reallocate each time.
constexpr size_t smallest_capacity = 4096;
// After a document this long the buffers are given back as soon as a short one follows: parsers are pooled.
constexpr size_t longest_kept_capacity = size_t(4) << 20;
constexpr size_t short_document = size_t(64) << 10;

int32_t code_of(simdjson::error_code error) noexcept {
    switch (error) {
    case simdjson::SUCCESS: return CSJ_OK;
    case simdjson::CAPACITY: return CSJ_TOO_LONG;
    case simdjson::DEPTH_ERROR: return CSJ_TOO_DEEP;
    case simdjson::MEMALLOC: return CSJ_NO_MEMORY;
    case simdjson::EMPTY: return CSJ_EMPTY;
    case simdjson::STRING_ERROR: return CSJ_BAD_STRING;
    case simdjson::UNCLOSED_STRING: return CSJ_UNCLOSED_STRING;
    case simdjson::UNESCAPED_CHARS: return CSJ_UNESCAPED;
    case simdjson::UTF8_ERROR: return CSJ_BAD_UTF8;
    case simdjson::NUMBER_ERROR: return CSJ_BAD_NUMBER;
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR: return CSJ_BAD_LITERAL;
    default: return CSJ_BAD_STRUCTURE;
    }
}

}  // namespace

struct csj_parser {
    simdjson::dom::parser parser;
    uint8_t *text = nullptr;
    size_t capacity = 0;
    size_t max_bytes;
    size_t max_depth;

    csj_parser(size_t bytes, size_t depth) noexcept : parser(bytes), max_bytes(bytes), max_depth(depth) {}
    csj_parser(const csj_parser &) = delete;
    csj_parser &operator=(const csj_parser &) = delete;
    ~csj_parser() { std::free(text); }

    int32_t resize(size_t wanted) noexcept {
        std::free(text);
        capacity = 0;
        text = static_cast<uint8_t *>(std::malloc(wanted + simdjson::SIMDJSON_PADDING));
        if (!text) return CSJ_NO_MEMORY;
        std::memset(text + wanted, 0, simdjson::SIMDJSON_PADDING);
        if (auto error = parser.allocate(wanted, max_depth)) return code_of(error);
        if (auto error = parser.doc.allocate(wanted)) return code_of(error);
        capacity = wanted;
        return CSJ_OK;
    }

    int32_t reserve(size_t length) noexcept {
        const bool shrink = capacity > longest_kept_capacity && length <= short_document;
        if (length <= capacity && !shrink) return CSJ_OK;
        size_t wanted = smallest_capacity;
        while (wanted < length) wanted *= 2;
        // Never beyond the bound, but simdjson wants room for one block even of a tiny one.
        if (wanted > max_bytes && max_bytes >= length && max_bytes >= smallest_capacity) wanted = max_bytes;
        return resize(wanted);
    }
};

extern "C" csj_parser *csj_parser_create(size_t max_bytes, size_t max_depth) {
    // simdjson itself stops at 4 GB; below one block its allocation has no meaning.
    const size_t ceiling = size_t(0xFFFFFFFF) - 4096;
    const size_t bytes = max_bytes > ceiling ? ceiling : max_bytes;
    return new (std::nothrow) csj_parser(bytes, max_depth);
}

extern "C" void csj_parser_destroy(csj_parser *parser) { delete parser; }

extern "C" int32_t csj_parse(csj_parser *parser, const void *text, size_t length, csj_document *document) {
    if (length > parser->max_bytes) return CSJ_TOO_LONG;
    if (length == 0) return CSJ_EMPTY;
    if (const int32_t code = parser->reserve(length)) return code;
    std::memcpy(parser->text, text, length);
    std::memset(parser->text + length, 0, simdjson::SIMDJSON_PADDING);
    const auto error = parser->parser.parse(parser->text, length, false).error();
    if (error) return code_of(error);
    document->tape = parser->parser.doc.tape.get();
    document->strings = parser->parser.doc.string_buf.get();
    return CSJ_OK;
}

extern "C" bool csj_validate_utf8(const void *text, size_t length) {
    return simdjson::validate_utf8(static_cast<const char *>(text), length);
}
