/* csimdjson.h: the part of simdjson that WireJSON needs, as plain C.
 *
 * A parse validates the whole text (RFC 8259, UTF-8) and leaves simdjson's tape and string buffer; Swift
 * reads both directly, so no call crosses the language border per value. The layout is the one that
 * simdjson documents in doc/tape.md:
 *   tape[i] >> 56 is the type: r { } [ ] " l u d t f n; the low 56 bits are its payload.
 *   '{' and '[': low 32 bits = index after the matching end, next 24 bits = count (saturated).
 *   '"': offset into the strings; there a native-endian uint32 length, the bytes, and a NUL.
 *   'l' 'u' 'd': the next word is the int64, uint64 or double.
 * No exception leaves these functions. A parser is used by one thread at a time. */
#ifndef CSIMDJSON_H
#define CSIMDJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a parse came to. Numbers are ours, not simdjson's. */
typedef enum csj_code {
    CSJ_OK = 0,
    CSJ_TOO_LONG = 1,
    CSJ_TOO_DEEP = 2,
    CSJ_NO_MEMORY = 3,
    CSJ_EMPTY = 4,
    CSJ_BAD_STRING = 5,
    CSJ_UNCLOSED_STRING = 6,
    CSJ_UNESCAPED = 7,
    CSJ_BAD_UTF8 = 8,
    CSJ_BAD_NUMBER = 9,
    CSJ_BAD_LITERAL = 10,
    CSJ_BAD_STRUCTURE = 11
} csj_code;

typedef struct csj_parser csj_parser;

/* A parsed document: both arrays belong to the parser and last until its next parse. */
typedef struct csj_document {
    const uint64_t *tape;
    const uint8_t *strings;
} csj_document;

/* NULL when there is no memory. max_bytes bounds the text, max_depth its nesting. */
csj_parser *csj_parser_create(size_t max_bytes, size_t max_depth);
void csj_parser_destroy(csj_parser *parser);

/* Copies the text (any alignment, no padding needed) and parses it. Returns a csj_code. */
int32_t csj_parse(csj_parser *parser, const void *text, size_t length, csj_document *document);

bool csj_validate_utf8(const void *text, size_t length);

#ifdef __cplusplus
}
#endif

#endif
