/* The entry fails and does not say why. */
#include "base.h"

ENTRY {
    base_answer(handshake, MANIFEST("entry-error-silent"));
    return KIMI_E_INTERNAL;
}
