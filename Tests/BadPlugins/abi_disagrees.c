/* Manifest and handshake name different ABI versions. */
#include "base.h"

ENTRY {
    base_answer(handshake, MANIFEST_OF("abi-disagrees", "\"abi\":{\"built\":\"1.3\",\"needs\":\"1.0\"}",
                                       PROVIDES("kimi.transform/1", "abi-disagrees"), "{}"));
    return KIMI_OK;
}
