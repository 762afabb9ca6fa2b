/* A member points into libc. */
#include "base.h"

#include <stdlib.h>

ENTRY {
    transform.destroy = (void (*)(kimi_inst *))&free;
    return base_answer(handshake, MANIFEST("foreign-pointer"));
}
