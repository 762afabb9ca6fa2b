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

int hex_digit(uint8_t c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The code unit of the escape \uXXXX at p, or -1 if it is not one.
int escaped_unit(const uint8_t *p, const uint8_t *end) noexcept {
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return -1;
    int unit = 0;
    for (int i = 2; i < 6; i++) {
        const int digit = hex_digit(p[i]);
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

// Escaped halves of surrogate pairs become \uFFFD, in place. Tokenizers cut emoji in two; simdjson 3.0
// refuses some such halves and turns others into bytes that are not UTF-8.
void replace_lone_surrogates(uint8_t *text, size_t length) noexcept {
    uint8_t *p = text;
    uint8_t *const end = text + length;
    while (p < end && (p = static_cast<uint8_t *>(std::memchr(p, '\\', size_t(end - p))))) {
        const int unit = escaped_unit(p, end);
        if (unit < 0xD800 || unit > 0xDFFF) {
            p += 2;
            continue;
        }
        const int low = unit < 0xDC00 ? escaped_unit(p + 6, end) : -1;
        if (low >= 0xDC00 && low <= 0xDFFF) {
            p += 12;
        } else {
            std::memcpy(p + 2, "FFFD", 4);
            p += 6;
        }
    }
}

// The end of the string whose opening quote is at p: past its closing quote, or the end of the text.
const uint8_t *skip_string(const uint8_t *p, const uint8_t *end) noexcept {
    for (p++; p < end && *p != '"'; p++) {
        if (*p == '\\') p++;
    }
    return p < end ? p + 1 : end;
}

bool is_digit(uint8_t c) noexcept { return c >= '0' && c <= '9'; }

// Copies the text with ".0" after each integer of 19 digits or more, so that one beyond 64 bits reads as a
// double, as it does in JavaScript. Returns the new length, or 0 if there is none. out holds 9/8 length + 2.
size_t widen_long_integers(const uint8_t *p, size_t length, uint8_t *out) noexcept {
    const uint8_t *const begin = p;
    const uint8_t *const end = p + length;
    uint8_t *const start = out;
    bool widened = false;
    while (p < end) {
        const uint8_t *from = p;
        if (*p == '"') {
            p = skip_string(p, end);
        } else if (is_digit(*p)) {
            while (p < end && is_digit(*p)) p++;
        } else {
            p++;
        }
        std::memcpy(out, from, size_t(p - from));
        out += p - from;
        const bool integer = is_digit(*from) && (from == begin || !std::strchr(".eE+", from[-1]));
        const bool whole = p == end || (*p != '.' && (*p | 0x20) != 'e');
        if (p - from >= 19 && integer && whole) {
            *out++ = '.';
            *out++ = '0';
            widened = true;
        }
    }
    return widened ? size_t(out - start) : 0;
}

}  // namespace

struct csj_parser {
    simdjson::dom::parser parser;
    uint8_t *text = nullptr; // our copy: padded as simdjson wants it, and ours to repair
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

    simdjson::error_code parse_text(size_t length) noexcept {
        std::memset(text + length, 0, simdjson::SIMDJSON_PADDING);
        replace_lone_surrogates(text, length);
        return parser.parse(text, length, false).error();
    }

    // The slow path of a number that simdjson refuses.
    int32_t parse_widened(const void *original, size_t length) noexcept {
        uint8_t *wide = static_cast<uint8_t *>(std::malloc(length + length / 8 + 2));
        if (!wide) return CSJ_NO_MEMORY;
        const size_t wide_length = widen_long_integers(static_cast<const uint8_t *>(original), length, wide);
        int32_t code = wide_length ? reserve(wide_length) : int32_t(CSJ_BAD_NUMBER);
        if (code == CSJ_OK) {
            std::memcpy(text, wide, wide_length);
            code = code_of(parse_text(wide_length));
        }
        std::free(wide);
        return code;
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
    if (const int32_t failure = parser->reserve(length)) return failure;
    std::memcpy(parser->text, text, length);
    int32_t code = code_of(parser->parse_text(length));
    if (code == CSJ_BAD_NUMBER) code = parser->parse_widened(text, length);
    if (code != CSJ_OK) return code;
    document->tape = parser->parser.doc.tape.get();
    document->strings = parser->parser.doc.string_buf.get();
    return CSJ_OK;
}

extern "C" bool csj_validate_utf8(const void *text, size_t length) {
    return simdjson::validate_utf8(static_cast<const char *>(text), length);
}
