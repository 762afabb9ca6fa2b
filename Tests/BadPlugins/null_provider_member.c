/* The provider's flush is NULL. */
#include "base.h"

ENTRY {
    provider.flush = 0;
    return base_answer(handshake, PROVIDER_MANIFEST("null-provider-member"));
}
