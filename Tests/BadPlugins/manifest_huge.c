/* The manifest claims to be larger than any the host reads. */
#include "base.h"

ENTRY {
    base_answer(handshake, MANIFEST("manifest-huge"));
    handshake->manifest.len = (size_t)4 << 30;
    return KIMI_OK;
}
