/* The transform's feed is NULL. */
#include "base.h"

ENTRY {
    transform.feed = 0;
    return base_answer(handshake, MANIFEST("null-transform-member"));
}
