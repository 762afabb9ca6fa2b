/* The protocol's bytes (docs/plugins-isolation.md): little-endian, unaligned, every length checked.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIMI_WIRE_H
#define KIMI_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kimi_plugin.h"

enum {
    WIRE_MAGIC = 0x494D494B, /* "KIMI" */
    WIRE_VERSION = 1,
    WIRE_HEAD = 12,          /* size, id, op, flags, zero */
    WIRE_MAX_ITEMS = (64 << 10) - 64, /* of one reply, events among them; a few less than the host takes */
    WIRE_MAX_IN = (256 << 20) + (1 << 20),
    WIRE_MAX_REPLY = 64 << 20,
    WIRE_MAX_IDS = 1 << 20
};

enum {
    OP_HELLO = 1, OP_CREATE, OP_DESTROY, OP_BEGIN, OP_NEXT, OP_RESULT, OP_FEED, OP_FLUSH, OP_END, OP_KV_VALUE,
    OP_REPLY = 0x80,
    OP_LOG = 0xC0, OP_KV_PUT, OP_KV_FORGET, OP_KV_GET
};

enum { ITEM_EVENTS = 1, ITEM_NOTE, ITEM_PUT, ITEM_FIELD, ITEM_STEP, ITEM_FAIL };

enum { KIND_PROVIDER = 1, KIND_TRANSFORM = 2, KIND_AUTH = 3 };

/* Flags of a reply. */
enum { REPLY_NO_EXCHANGE = 1, REPLY_SKIPPED = 2, REPLY_TIMED = 8 };

typedef struct buffer {
    uint8_t *bytes;
    size_t count, capacity;
} buffer;

/* Room for n more bytes; ends the process when memory is out. */
uint8_t *buffer_room(buffer *to, size_t n);
void buffer_drop(buffer *from, size_t n);
void put_u8(buffer *to, uint8_t value);
void put_u16(buffer *to, uint16_t value);
void put_u32(buffer *to, uint32_t value);
void put_u64(buffer *to, uint64_t value);
void put_text(buffer *to, kimi_bytes text);
void put_event(buffer *to, const kimi_event *event);
/* Begins a message and returns where; message_end writes its size. */
size_t message_begin(buffer *to, uint32_t id, uint8_t op);
void message_end(buffer *to, size_t start);
void set_u32(buffer *to, size_t place, uint32_t value);

/* Reads on; is_bad after the first read past the end. */
typedef struct reader {
    const uint8_t *next, *end;
    bool is_bad;
} reader;

uint8_t get_u8(reader *from);
uint16_t get_u16(reader *from);
uint32_t get_u32(reader *from);
uint64_t get_u64(reader *from);
kimi_bytes get_text(reader *from);
kimi_event get_event(reader *from);

#endif
