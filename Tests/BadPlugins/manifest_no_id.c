/* The manifest has no id. */
#include "base.h"

ENTRY {
    return base_answer(handshake, "{\"name\":\"x\",\"version\":\"1.0.0\"," ABI_1_0 ","
                                  PROVIDES("kimi.transform/1", "x") "}");
}
