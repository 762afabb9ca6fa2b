/* A function that no library has: found under RTLD_NOW, not when it is called. */
#include "base.h"

int a_function_that_nobody_wrote(void);

ENTRY {
    return a_function_that_nobody_wrote() ? KIMI_E_INTERNAL : base_answer(handshake, MANIFEST("undefined-symbol"));
}
