/* mini: a provider for one more OpenAI-like upstream, 60 lines of code on the header alone. It takes the native route:
 * the answer's bytes reach Chat clients as they are, so text, tool calls and what comes next year need no code here. */
#include <stdlib.h>
#include <string.h>
#include "kimi_plugin.h"
#define HOST "api.example.com" /* your upstream */
#define LIT(s) ((kimi_bytes){(const uint8_t *)(s), sizeof(s) - 1})
#define FAIL(host, status, category, why) return (host)->fail(error, status, category, 0, LIT(why)), (status)

struct kimi_inst { const kimi_host *host; kimi_bytes authorization; char text[512]; };
struct kimi_exch { const kimi_host *host; const kimi_inst *in; int stream, over; uint32_t http; };

static const char manifest[] = "{\"id\":\"com.example.mini\",\"name\":\"Mini\",\"version\":\"0.1.0\",\"provides\":[{"
    "\"interface\":\"kimi.provider/1\",\"name\":\"mini\",\"frames\":\"sse\",\"dialects\":[\"openai.chat\"]}],"
    "\"abi\":{\"built\":\"1.0\",\"needs\":\"1.0\"},\"hosts\":[\"" HOST "\"],\"config_schema\":{\"type\":\"object\","
    "\"additionalProperties\":false,\"required\":[\"apiKey\"],\"properties\":{\"apiKey\":{\"type\":\"string\","
    "\"pattern\":\"^[0-9A-Za-z_.-]{1,400}$\",\"x-secret\":true,\"x-env\":\"MINI_API_KEY\"}}}}";

static kimi_status create(const kimi_host *host, kimi_ctx *ctx, kimi_bytes config, kimi_inst **out, kimi_error *error) {
    size_t end = config.len, start; /* {"apiKey": "..."}: the last string; the schema keeps escapes out of it */
    while (end > 0 && config.ptr[end - 1] != '"') end--;
    for (start = end > 0 ? --end : 0; start > 0 && config.ptr[start - 1] != '"';) start--;
    if (start == end || end - start > 400) FAIL(host, KIMI_E_CONFIG, KIMI_CAT_CONFIG, "apiKey must be a key");
    kimi_inst *in = calloc(1, sizeof *in);
    if (in == NULL) FAIL(host, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, "no memory");
    *in = (kimi_inst){host, {(const uint8_t *)in->text, 7 + end - start}, "Bearer "};
    memcpy(in->text + 7, config.ptr + start, end - start);
    return *out = in, KIMI_OK;
}

static kimi_status begin(kimi_inst *in, const kimi_request *request, kimi_exch **out, kimi_error *error) {
    const uint32_t native = request->flags & KIMI_REQUEST_NATIVE, stream = request->flags & KIMI_REQUEST_STREAM;
    if (!native) FAIL(in->host, KIMI_E_UNSUPPORTED, KIMI_CAT_BAD_REQUEST, "mini has Chat clients only, no transforms");
    kimi_exch *x = calloc(1, sizeof *x);
    if (x == NULL) FAIL(in->host, KIMI_E_NOMEM, KIMI_CAT_INTERNAL, "no memory");
    *x = (kimi_exch){.host = in->host, .in = in, .stream = stream != 0};
    return *out = x, KIMI_OK;
}

static kimi_status next(kimi_exch *x, kimi_plan *plan, kimi_error *error) { /* no BODY: the client's own goes up */
    if (x->host->plan_field(plan, KIMI_FIELD_URL, LIT(""), LIT("https://" HOST "/v1/chat/completions")) < 0 ||
        x->host->plan_field(plan, KIMI_FIELD_HEADER, LIT("Content-Type"), LIT("application/json")) < 0 ||
        x->host->plan_field(plan, KIMI_FIELD_SECRET_HEADER, LIT("Authorization"), x->in->authorization) < 0 ||
        x->host->plan_step(plan, KIMI_STEP_SEND, 0, x->stream ? KIMI_SEND_STREAM : 0) < 0)
        FAIL(x->host, KIMI_E_INTERNAL, KIMI_CAT_INTERNAL, "the host refused the plan");
    return KIMI_OK;
}

static kimi_status result(kimi_exch *x, const kimi_result *result, kimi_error *error) {
    return x->http = result->http_status, x->stream ? KIMI_OK : KIMI_WHOLE; /* whole: not cut into events */
}

static kimi_status feed(kimi_exch *x, const kimi_frame *frames, size_t n, kimi_sink *sink, kimi_error *error) {
    const kimi_event whole[] = {{.type = KIMI_EVENT_START}, {.type = KIMI_EVENT_FINISH, .a = LIT("stop")}};
    const uint32_t kind = x->http == 401 ? KIMI_CAT_AUTH : x->http == 429 ? KIMI_CAT_RATE_LIMITED
                          : x->http < 500 ? KIMI_CAT_BAD_REQUEST : KIMI_CAT_UPSTREAM;
    const kimi_event refusal = {.type = KIMI_EVENT_ERROR, .a = LIT("it refused"), .i0 = kind, .i1 = x->http, .i2 = -1};
    for (; n > 0 && !x->over; n--, frames++) /* what we emit serves the host's log and its retries */
        x->over = frames->kind == KIMI_FRAME_BODY || (frames->data.len == 6 && !memcmp(frames->data.ptr, "[DONE]", 6));
    if (!x->over) return KIMI_OK;
    if ((x->http < 400 ? x->host->emit(sink, whole, 2) : x->host->emit(sink, &refusal, 1)) >= 0) return KIMI_DONE;
    FAIL(x->host, KIMI_E_INTERNAL, KIMI_CAT_INTERNAL, "the host took no event");
}

static kimi_status flush(kimi_exch *x, uint32_t why, kimi_sink *sink, kimi_error *error) {
    if (x->over || why == KIMI_WHY_CANCELLED) return KIMI_OK;
    FAIL(x->host, KIMI_E_PROTOCOL, KIMI_CAT_UPSTREAM, "the upstream's answer ended before [DONE]");
}

static void destroy(kimi_inst *in) { free(in); }
static void end(kimi_exch *x, uint32_t why) { free(x); }
static const kimi_provider provider = {sizeof provider, 0, create, destroy, begin, next, result, feed, flush, end};
static const void *get_interface(const char *id) { return strcmp(id, KIMI_PROVIDER_ID) == 0 ? &provider : NULL; }

KIMI_EXPORT kimi_status kimi_plugin_entry_v1(kimi_handshake *handshake, kimi_error *error) {
    if (handshake->struct_size < sizeof *handshake) return KIMI_E_VERSION;
    handshake->plugin_minor = KIMI_ABI_MINOR, handshake->manifest = LIT(manifest);
    return handshake->get_interface = get_interface, KIMI_OK;
}
