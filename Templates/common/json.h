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
