/* The manifest's config_schema is no schema. */
#include "base.h"

ENTRY {
    return base_answer(handshake, MANIFEST_OF("manifest-bad-schema", ABI_1_0,
                                              PROVIDES("kimi.transform/1", "manifest-bad-schema"),
                                              "{\"type\":\"object\",\"proprties\":{}}"));
}
