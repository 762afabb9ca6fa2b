/* The plugin needs a host of ABI 1.5. */
#include "base.h"

ENTRY {
    base_answer(handshake, MANIFEST_OF("needs-newer", "\"abi\":{\"built\":\"1.6\",\"needs\":\"1.5\"}",
                                       PROVIDES("kimi.transform/1", "needs-newer"), "{}"));
    handshake->plugin_minor = 6;
    handshake->needs_minor = 5;
    return KIMI_OK;
}
