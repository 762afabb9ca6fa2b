/* The table's struct_size ends before its last member. */
#include "base.h"

ENTRY {
    provider.struct_size = offsetof(kimi_provider, end);
    return base_answer(handshake, PROVIDER_MANIFEST("size-small"));
}
