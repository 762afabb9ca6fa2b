import PluginABI
import Testing

/// One struct of the ABI as Swift sees it: name, size, alignment and (member, offset) pairs.
struct StructLayout: CustomTestStringConvertible, Sendable {
    let name: String
    let found: [Int]
    let expected: [Int]
    let members: [String]

    var testDescription: String { name }
}

/// The numbers of ABI 1.0; the C compilers assert the same list in Tests/ABILayout/layout_1_0.c.
enum ABILayout10 {
    static let structs: [StructLayout] = [
        layout(
            "kimi_bytes", kimi_bytes.self, size: 16, alignment: 8,
            [
                ("ptr", \kimi_bytes.ptr, 0),
                ("len", \kimi_bytes.len, 8),
            ]),
        layout(
            "kimi_header", kimi_header.self, size: 32, alignment: 8,
            [
                ("name", \kimi_header.name, 0),
                ("value", \kimi_header.value, 16),
            ]),
        layout(
            "kimi_frame", kimi_frame.self, size: 40, alignment: 8,
            [
                ("kind", \kimi_frame.kind, 0),
                ("flags", \kimi_frame.flags, 4),
                ("name", \kimi_frame.name, 8),
                ("data", \kimi_frame.data, 24),
            ]),
        layout(
            "kimi_event", kimi_event.self, size: 96, alignment: 8,
            [
                ("type", \kimi_event.type, 0),
                ("flags", \kimi_event.flags, 4),
                ("choice", \kimi_event.choice, 8),
                ("index", \kimi_event.index, 12),
                ("a", \kimi_event.a, 16),
                ("b", \kimi_event.b, 32),
                ("c", \kimi_event.c, 48),
                ("i0", \kimi_event.i0, 64),
                ("i1", \kimi_event.i1, 72),
                ("i2", \kimi_event.i2, 80),
                ("i3", \kimi_event.i3, 88),
            ]),
        layout(
            "kimi_result", kimi_result.self, size: 48, alignment: 8,
            [
                ("kind", \kimi_result.kind, 0),
                ("id", \kimi_result.id, 4),
                ("status", \kimi_result.status, 8),
                ("http_status", \kimi_result.http_status, 12),
                ("body", \kimi_result.body, 16),
                ("headers", \kimi_result.headers, 32),
                ("n_headers", \kimi_result.n_headers, 40),
            ]),
        layout(
            "kimi_request", kimi_request.self, size: 104, alignment: 8,
            [
                ("struct_size", \kimi_request.struct_size, 0),
                ("flags", \kimi_request.flags, 4),
                ("json", \kimi_request.json, 8),
                ("model", \kimi_request.model, 24),
                ("exchange_id", \kimi_request.exchange_id, 40),
                ("dialect", \kimi_request.dialect, 56),
                ("conversation", \kimi_request.conversation, 72),
                ("attempt", \kimi_request.attempt, 88),
                ("deadline_ms", \kimi_request.deadline_ms, 96),
            ]),
        layout(
            "kimi_host", kimi_host.self, size: 112, alignment: 8,
            [
                ("struct_size", \kimi_host.struct_size, 0),
                ("abi_minor", \kimi_host.abi_minor, 4),
                ("extension", \kimi_host.extension, 8),
                ("log_on", \kimi_host.log_on, 16),
                ("log", \kimi_host.log, 24),
                ("unix_ms", \kimi_host.unix_ms, 32),
                ("mono_ns", \kimi_host.mono_ns, 40),
                ("random", \kimi_host.random, 48),
                ("fail", \kimi_host.fail, 56),
                ("put", \kimi_host.put, 64),
                ("plan_field", \kimi_host.plan_field, 72),
                ("plan_step", \kimi_host.plan_step, 80),
                ("text", \kimi_host.text, 88),
                ("emit", \kimi_host.emit, 96),
                ("scratch", \kimi_host.scratch, 104),
            ]),
        layout(
            "kimi_provider", kimi_provider.self, size: 72, alignment: 8,
            [
                ("struct_size", \kimi_provider.struct_size, 0),
                ("flags", \kimi_provider.flags, 4),
                ("create", \kimi_provider.create, 8),
                ("destroy", \kimi_provider.destroy, 16),
                ("begin", \kimi_provider.begin, 24),
                ("next", \kimi_provider.next, 32),
                ("result", \kimi_provider.result, 40),
                ("feed", \kimi_provider.feed, 48),
                ("flush", \kimi_provider.flush, 56),
                ("end", \kimi_provider.end, 64),
            ]),
        layout(
            "kimi_auth", kimi_auth.self, size: 40, alignment: 8,
            [
                ("struct_size", \kimi_auth.struct_size, 0),
                ("flags", \kimi_auth.flags, 4),
                ("begin", \kimi_auth.begin, 8),
                ("next", \kimi_auth.next, 16),
                ("result", \kimi_auth.result, 24),
                ("end", \kimi_auth.end, 32),
            ]),
        layout(
            "kimi_host_kv", kimi_host_kv.self, size: 32, alignment: 8,
            [
                ("struct_size", \kimi_host_kv.struct_size, 0),
                ("flags", \kimi_host_kv.flags, 4),
                ("put", \kimi_host_kv.put, 8),
                ("get", \kimi_host_kv.get, 16),
                ("forget", \kimi_host_kv.forget, 24),
            ]),
        layout(
            "kimi_host_notes", kimi_host_notes.self, size: 24, alignment: 8,
            [
                ("struct_size", \kimi_host_notes.struct_size, 0),
                ("flags", \kimi_host_notes.flags, 4),
                ("request", \kimi_host_notes.request, 8),
                ("reply", \kimi_host_notes.reply, 16),
            ]),
        layout(
            "kimi_transform", kimi_transform.self, size: 56, alignment: 8,
            [
                ("struct_size", \kimi_transform.struct_size, 0),
                ("event_mask", \kimi_transform.event_mask, 4),
                ("create", \kimi_transform.create, 8),
                ("destroy", \kimi_transform.destroy, 16),
                ("begin", \kimi_transform.begin, 24),
                ("feed", \kimi_transform.feed, 32),
                ("flush", \kimi_transform.flush, 40),
                ("end", \kimi_transform.end, 48),
            ]),
        layout(
            "kimi_handshake", kimi_handshake.self, size: 56, alignment: 8,
            [
                ("struct_size", \kimi_handshake.struct_size, 0),
                ("host_minor", \kimi_handshake.host_minor, 4),
                ("host", \kimi_handshake.host, 8),
                ("plugin_minor", \kimi_handshake.plugin_minor, 16),
                ("needs_minor", \kimi_handshake.needs_minor, 20),
                ("manifest", \kimi_handshake.manifest, 24),
                ("get_interface", \kimi_handshake.get_interface, 40),
                ("quiesce", \kimi_handshake.quiesce, 48),
            ]),
    ]

    static func layout<T>(
        _ name: String, _ type: T.Type, size: Int, alignment: Int, _ members: [(String, PartialKeyPath<T>, Int)]
    ) -> StructLayout {
        StructLayout(
            name: name,
            found: [MemoryLayout<T>.size, MemoryLayout<T>.alignment]
                + members.map { MemoryLayout<T>.offset(of: $0.1) ?? -1 },
            expected: [size, alignment] + members.map { $0.2 },
            members: ["size", "alignment"] + members.map { $0.0 })
    }
}
