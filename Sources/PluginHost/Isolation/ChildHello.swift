import CanonicalModel
import PluginABI

/// What a child says when it has loaded its plugin.
struct ChildHello {
    var pluginMinor: UInt32
    var needsMinor: UInt32
    var hasProvider: Bool
    var hasAuth: Bool
    var hasTransform: Bool
    var eventMask: UInt32
    var manifest: [UInt8]
    /// What this system cannot lock; empty: everything is locked.
    var notice: String

    /// Reads the reply's payload. Throws the child's own words, if it could not load the plugin.
    init(_ message: WireMessage) throws(StepFailure) {
        var from = message.payload
        let status: Int32 = from.number()
        var said = ""
        while !from.isAtEnd {
            switch from.number(UInt8.self) {
            case IsolationWire.Item.fail.rawValue:
                _ = (from.number(Int32.self), from.number(UInt32.self), from.number(UInt64.self))
                said = from.text().text
            case 7: said = said.isEmpty ? from.text().text : "\(from.text().text): \(said)"
            case 0 where status == 0:
                guard from.number(UInt32.self) == IsolationWire.version else {
                    throw StepFailure(
                        message: "kimi-plugin-host speaks another version of the protocol",
                        cure: "install the one that belongs to this kimi-host")
                }
                self.init(body: &from)
                if from.isBad { break }
                return
            default: throw Self.malformed
            }
        }
        guard !from.isBad, status != 0 else { throw Self.malformed }
        throw StepFailure(
            message: said.isEmpty ? "the plugin refuses to start (status \(status))" : said,
            cure: "see the plugin's own documentation")
    }

    private init(body from: inout WireReader) {
        pluginMinor = from.number()
        needsMinor = from.number()
        let tables = from.number(UInt32.self)
        (hasProvider, hasAuth, hasTransform) = (tables & 1 != 0, tables & 2 != 0, tables & 4 != 0)
        eventMask = from.number()
        manifest = Array(from.text().buffer)
        notice = from.text().text
    }

    static let malformed = StepFailure(
        message: "the child's first message makes no sense", cure: "check the plugin by itself")
}
