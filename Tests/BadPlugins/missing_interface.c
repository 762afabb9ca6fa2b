/* The manifest promises an interface that get_interface does not know. */
#include "base.h"

ENTRY {
    return base_answer(handshake, MANIFEST_OF("missing-interface", ABI_1_0,
        "\"provides\":[{\"interface\":\"kimi.provider/1\",\"name\":\"missing-interface\"},"
        "{\"interface\":\"kimi.auth/1\",\"name\":\"missing-interface\"}]", "{}"));
}
