/* inject: a transform that puts a system prompt before the messages of each request. */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "kimi_plugin.h"

static const char manifest[] =
    "{\"id\": \"com.example.inject\", \"name\": \"Inject\", \"version\": \"0.1.0\","
    " \"abi\": {\"built\": \"1.0\", \"needs\": \"1.0\"},"
    " \"provides\": [{\"interface\": \"kimi.transform/1\", \"name\": \"inject\"}],"
    " \"config_schema\": {\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"prompt\"],"
    "  \"properties\": {\"prompt\": {\"type\": \"string\", \"minLength\": 1}}}}";

struct kimi_inst {
    const kimi_host *host;
    size_t length;
    uint8_t prompt[]; /* as it is written in the configuration's JSON, with its quotes */
};

static kimi_status fail(const kimi_host *host, kimi_error *error, kimi_status status, const char *sentence) {
    host->fail(error, status, KIMI_CAT_INTERNAL, 0, json_words(sentence));
    return status;
}

static kimi_status inject_create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **instance,
                                 kimi_error *error) {
    const kimi_bytes prompt = json_get(config, "prompt");
    kimi_inst *made = prompt.len > 0 ? malloc(sizeof *made + prompt.len) : NULL;
    if (prompt.len == 0) return fail(host, error, KIMI_E_CONFIG, "prompt must be a string");
    if (made == NULL) return fail(host, error, KIMI_E_NOMEM, "no memory for an instance");
    made->host = host;
    made->length = prompt.len;
    memcpy(made->prompt, prompt.ptr, prompt.len);
    *instance = made;
    return KIMI_OK;
}

static void inject_destroy(kimi_inst *instance) {
    free(instance);
}

/* region begin */
/* A merge patch replaces `messages` as a whole; the messages that were there keep their bytes. */
static kimi_status inject_begin(kimi_inst *instance, const kimi_request *request, kimi_out *out,
                                kimi_exch **exchange, kimi_error *error) {
    const kimi_bytes pieces[] = {
        json_words("{\"messages\":[{\"role\":\"system\",\"content\":"),
        json_slice(instance->prompt, instance->length),
        json_words("},"),
        json_inside(json_get(request->json, "messages"), '['),
        json_words("]}"),
    };
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        const kimi_status status = instance->host->put(out, KIMI_PUT_MERGE_PATCH, pieces[i]);
        if (status < 0) return fail(instance->host, error, status, "the host did not take the changed request");
    }
    *exchange = NULL; /* no part in the reply: feed, flush and end are not called */
    return KIMI_OK;
}
/* end */

static kimi_status inject_feed(kimi_exch *exchange, const kimi_event *events, size_t n, kimi_sink *sink,
                               kimi_error *error) {
    return KIMI_E_STATE;
}

static kimi_status inject_flush(kimi_exch *exchange, uint32_t why, kimi_sink *sink, kimi_error *error) {
    return KIMI_E_STATE;
}

static void inject_end(kimi_exch *exchange, uint32_t why) {
}

static const kimi_transform transform = {
    sizeof(kimi_transform), 0, inject_create, inject_destroy, inject_begin, inject_feed, inject_flush, inject_end,
};

static const void *get_interface(const char *id) {
    return strcmp(id, KIMI_TRANSFORM_ID) == 0 ? &transform : NULL;
}

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION;
    handshake->plugin_minor = KIMI_ABI_MINOR;
    handshake->needs_minor = 0;
    handshake->manifest = json_words(manifest);
    handshake->get_interface = get_interface;
    return KIMI_OK;
}
