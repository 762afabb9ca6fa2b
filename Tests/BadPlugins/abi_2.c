/* A plugin for ABI 2 only. */
#include "base.h"

KIMI_EXPORT kimi_status kimi_plugin_entry_v2(kimi_handshake *handshake, kimi_error *error);
KIMI_EXPORT kimi_status kimi_plugin_entry_v2(kimi_handshake *handshake, kimi_error *error) {
    (void)error;
    return base_answer(handshake, MANIFEST("abi-2"));
}
