package import PluginABI

/// Tells the host what the plugin did to an exchange (`kimi.host.notes/1`): for its row in the log and for /metrics.
///
/// `kind` is one of a fixed set of the plugin's own: 1 to 64 bytes of a-z, 0-9 and _. `detail` is one line without
/// secrets, or empty.
public struct Notes: @unchecked Sendable {
    // Unchecked: the table is static and immutable.
    private let table: UnsafePointer<kimi_host_notes>

    package init(table: UnsafePointer<kimi_host_notes>) { self.table = table }

    /// In `begin`, about the request.
    public func request(_ editor: RequestEditor, _ kind: String, count: Int = 1, detail: String = "") {
        guard count > 0, let note = table.pointee.request else { return }
        kind.withBytes { kind in
            detail.withBytes { _ = note(editor.out, kind, UInt64(count), $0) }
        }
    }

    /// In `feed` or `flush`, about the reply.
    public func reply(_ sink: Sink, _ kind: String, count: Int = 1, detail: String = "") {
        guard count > 0, let note = table.pointee.reply else { return }
        kind.withBytes { kind in
            detail.withBytes { _ = note(sink.sink, kind, UInt64(count), $0) }
        }
    }
}

extension PluginContext {
    /// Where to tell of repairs; nil if this host does not want to know.
    public var notes: Notes? {
        guard let table = `extension`(KIMI_HOST_NOTES_ID)?.assumingMemoryBound(to: kimi_host_notes.self),
            table.pointee.struct_size >= 24  // reply is the last member of revision 1, and ends there
        else { return nil }
        return Notes(table: table)
    }
}
