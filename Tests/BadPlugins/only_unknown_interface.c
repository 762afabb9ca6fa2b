/* The only interface is one that no host of ABI 1.0 knows. */
#include "base.h"

ENTRY {
    return base_answer(handshake, MANIFEST_OF("only-unknown-interface", ABI_1_0,
                                              PROVIDES("com.example.thing/1", "thing"), "{}"));
}
