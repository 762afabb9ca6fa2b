/* There is no manifest. */
#include "base.h"

ENTRY {
    return base_answer(handshake, 0);
}
