#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Integers are copied as they lie in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a little-endian machine");

enum { BIT_CHOICE = 1, BIT_INDEX = 2, BIT_A = 4, BIT_B = 8, BIT_C = 16, BIT_I0 = 32, BIT_FLAGS = 512 };

uint8_t *buffer_room(buffer *to, size_t n) {
    if (n > to->capacity - to->count) {
        size_t capacity = to->capacity ? to->capacity : 4096;
        while (capacity - to->count < n) capacity *= 2;
        uint8_t *bytes = realloc(to->bytes, capacity);
        if (!bytes) _exit(5);
        to->bytes = bytes;
        to->capacity = capacity;
    }
    return to->bytes + to->count;
}

void buffer_drop(buffer *from, size_t n) {
    memmove(from->bytes, from->bytes + n, from->count - n);
    from->count -= n;
}

static void put(buffer *to, const void *bytes, size_t n) {
    if (n == 0) return;
    memcpy(buffer_room(to, n), bytes, n);
    to->count += n;
}

void put_u8(buffer *to, uint8_t value) { put(to, &value, 1); }
void put_u16(buffer *to, uint16_t value) { put(to, &value, 2); }
void put_u32(buffer *to, uint32_t value) { put(to, &value, 4); }
void put_u64(buffer *to, uint64_t value) { put(to, &value, 8); }

void put_text(buffer *to, kimi_bytes text) {
    put_u32(to, (uint32_t)text.len);
    put(to, text.ptr, text.len);
}

void set_u32(buffer *to, size_t place, uint32_t value) { memcpy(to->bytes + place, &value, 4); }

size_t message_begin(buffer *to, uint32_t id, uint8_t op) {
    size_t start = to->count;
    put_u32(to, 0);
    put_u32(to, id);
    put_u32(to, op);
    return start;
}

void message_end(buffer *to, size_t start) { set_u32(to, start, (uint32_t)(to->count - start - 4)); }

void put_event(buffer *to, const kimi_event *event) {
    const int64_t numbers[4] = {event->i0, event->i1, event->i2, event->i3};
    const kimi_bytes texts[3] = {event->a, event->b, event->c};
    uint16_t bits = 0;
    if (event->choice) bits |= BIT_CHOICE;
    if (event->index) bits |= BIT_INDEX;
    if (event->flags) bits |= BIT_FLAGS;
    for (int i = 0; i < 3; i++)
        if (texts[i].len) bits |= (uint16_t)(BIT_A << i);
    for (int i = 0; i < 4; i++)
        if (numbers[i]) bits |= (uint16_t)(BIT_I0 << i);
    put_u16(to, (uint16_t)event->type);
    put_u16(to, bits);
    if (bits & BIT_CHOICE) put_u32(to, event->choice);
    if (bits & BIT_INDEX) put_u32(to, event->index);
    for (int i = 0; i < 3; i++)
        if (texts[i].len) put_text(to, texts[i]);
    for (int i = 0; i < 4; i++)
        if (numbers[i]) put_u64(to, (uint64_t)numbers[i]);
    if (bits & BIT_FLAGS) put_u32(to, event->flags);
}

static const uint8_t *take(reader *from, size_t n) {
    if (from->is_bad || (size_t)(from->end - from->next) < n) {
        from->is_bad = true;
        return NULL;
    }
    const uint8_t *bytes = from->next;
    from->next += n;
    return bytes;
}

#define GET(type, name)                               \
    type name(reader *from) {                         \
        type value = 0;                               \
        const uint8_t *bytes = take(from, sizeof(value)); \
        if (bytes) memcpy(&value, bytes, sizeof(value));  \
        return value;                                 \
    }
GET(uint8_t, get_u8)
GET(uint16_t, get_u16)
GET(uint32_t, get_u32)
GET(uint64_t, get_u64)

kimi_bytes get_text(reader *from) {
    size_t n = get_u32(from);
    const uint8_t *bytes = take(from, n);
    return bytes && n ? (kimi_bytes){bytes, n} : (kimi_bytes){NULL, 0};
}

kimi_event get_event(reader *from) {
    kimi_event event = {0};
    event.type = get_u16(from);
    uint16_t bits = get_u16(from);
    if (bits & BIT_CHOICE) event.choice = get_u32(from);
    if (bits & BIT_INDEX) event.index = get_u32(from);
    if (bits & BIT_A) event.a = get_text(from);
    if (bits & BIT_B) event.b = get_text(from);
    if (bits & BIT_C) event.c = get_text(from);
    if (bits & BIT_I0) event.i0 = (int64_t)get_u64(from);
    if (bits & BIT_I0 << 1) event.i1 = (int64_t)get_u64(from);
    if (bits & BIT_I0 << 2) event.i2 = (int64_t)get_u64(from);
    if (bits & BIT_I0 << 3) event.i3 = (int64_t)get_u64(from);
    if (bits & BIT_FLAGS) event.flags = get_u32(from);
    return event;
}
