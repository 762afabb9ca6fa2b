/* The manifest provides a name that cannot be written in a configuration. */
#include "base.h"

ENTRY {
    return base_answer(handshake, MANIFEST_OF("manifest-bad-name", ABI_1_0,
                                              PROVIDES("kimi.transform/1", "My Transform"), "{}"));
}
