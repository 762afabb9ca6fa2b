/* Provides the name that good_transform.c provides. */
#include "base.h"

ENTRY {
    return base_answer(handshake, MANIFEST_OF("duplicate-name", ABI_1_0, PROVIDES("kimi.transform/1", "good"), "{}"));
}
