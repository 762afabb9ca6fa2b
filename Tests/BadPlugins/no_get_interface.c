/* get_interface is NULL. */
#include "base.h"

ENTRY {
    base_answer(handshake, MANIFEST("no-get-interface"));
    handshake->get_interface = 0;
    return KIMI_OK;
}
