/* The entry fails and says why. */
#include "base.h"

ENTRY {
    static const char sentence[] = "the licence file is missing";
    const kimi_bytes message = {(const uint8_t *)sentence, sizeof sentence - 1};
    base_answer(handshake, MANIFEST("entry-error"));
    handshake->host->fail(error, KIMI_E_CONFIG, KIMI_CAT_CONFIG, 0, message);
    return KIMI_E_CONFIG;
}
