/* A member points at data. */
#include "base.h"

ENTRY {
    static char data[64] = "x";
    void *address = data;
    memcpy(&transform.end, &address, sizeof address);
    return base_answer(handshake, MANIFEST("data-pointer"));
}
