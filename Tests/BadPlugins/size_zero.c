/* The table's struct_size is 0. */
#include "base.h"

ENTRY {
    transform.struct_size = 0;
    return base_answer(handshake, MANIFEST("size-zero"));
}
