/* The entry returns a number that is no status. */
#include "base.h"

ENTRY {
    base_answer(handshake, MANIFEST("entry-weird"));
    return 12345;
}
