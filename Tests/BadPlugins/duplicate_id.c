/* Has the id of good_transform.c. */
#include "base.h"

ENTRY {
    return base_answer(handshake, MANIFEST_OF("good", ABI_1_0, PROVIDES("kimi.transform/1", "duplicate-id"), "{}"));
}
