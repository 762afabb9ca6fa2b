/* A library without any entry. */
#include "base.h"

KIMI_EXPORT const void *some_other_function(void);
KIMI_EXPORT const void *some_other_function(void) {
    return base_get_interface(KIMI_TRANSFORM_ID);
}
