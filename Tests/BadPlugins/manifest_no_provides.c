/* The manifest provides nothing. */
#include "base.h"

ENTRY {
    return base_answer(handshake, MANIFEST_OF("manifest-no-provides", ABI_1_0, "\"provides\":[]", "{}"));
}
