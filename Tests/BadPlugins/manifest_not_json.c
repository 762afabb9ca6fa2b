/* The manifest is not JSON. */
#include "base.h"

ENTRY {
    return base_answer(handshake, "id: test.manifest-not-json");
}
