/* A library for abidw only: its one function's parameters name every type of the header, for opaque tables behind
 * `const void *` would show it nothing. Constants are reached through the enums' names. */
#include <kimi_plugin.h>

KIMI_EXPORT void kimi_abi_anchor(kimi_handshake *handshake, kimi_host *host, kimi_host_kv *kv, kimi_host_notes *notes,
                                 kimi_provider *provider, kimi_auth *auth, kimi_transform *transform,
                                 kimi_entry_fn entry);
KIMI_EXPORT void kimi_abi_values(kimi_request *request, kimi_result *result, kimi_frame *frame, kimi_event *event,
                                 kimi_header *header, kimi_bytes *bytes);
KIMI_EXPORT void kimi_abi_constants(kimi_status_code *status, kimi_category *category, kimi_level *level,
                                    kimi_why *why, kimi_frame_kind *kind, kimi_frame_flag *frame_flag,
                                    kimi_event_type *type, kimi_scope *scope, kimi_request_flag *request_flag,
                                    kimi_step *step, kimi_send_flag *send_flag, kimi_field *field, kimi_put *put);

void kimi_abi_anchor(kimi_handshake *handshake, kimi_host *host, kimi_host_kv *kv, kimi_host_notes *notes,
                     kimi_provider *provider, kimi_auth *auth, kimi_transform *transform, kimi_entry_fn entry) {
    (void)handshake, (void)host, (void)kv, (void)notes, (void)provider, (void)auth, (void)transform, (void)entry;
}

void kimi_abi_values(kimi_request *request, kimi_result *result, kimi_frame *frame, kimi_event *event,
                     kimi_header *header, kimi_bytes *bytes) {
    (void)request, (void)result, (void)frame, (void)event, (void)header, (void)bytes;
}

void kimi_abi_constants(kimi_status_code *status, kimi_category *category, kimi_level *level, kimi_why *why,
                        kimi_frame_kind *kind, kimi_frame_flag *frame_flag, kimi_event_type *type, kimi_scope *scope,
                        kimi_request_flag *request_flag, kimi_step *step, kimi_send_flag *send_flag, kimi_field *field,
                        kimi_put *put) {
    (void)status, (void)category, (void)level, (void)why, (void)kind, (void)frame_flag, (void)type, (void)scope;
    (void)request_flag, (void)step, (void)send_flag, (void)field, (void)put;
}
