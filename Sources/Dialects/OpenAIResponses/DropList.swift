import CanonicalModel

/// What of a request has no equivalent, each path once.
final class DropList {
    /// Entries kept; a request that drops more is told so in the last one.
    private static let maxFields = 100

    let hosted: HostedTools
    private(set) var fields: [DroppedField] = []
    private var paths: Set<String> = []

    init(_ hosted: HostedTools) { self.hosted = hosted }

    func add(_ path: String, _ reason: String) {
        guard fields.count < Self.maxFields, paths.insert(path).inserted else { return }
        fields.append(DroppedField(path: path, reason: reason))
    }

    /// A tool or item that only OpenAI's servers can run.
    func addHosted(_ path: String, _ type: String) throws(ExchangeError) {
        guard hosted == .strip else {
            throw .badRequest(
                "'\(path)' is of type '\(LogText.oneLine(type))', which runs on OpenAI's servers only and is refused "
                    + "here: leave it out, or set hosted tools to 'strip'", param: path, code: "unsupported_value")
        }
        add(path, "'\(LogText.oneLine(type))' runs on OpenAI's servers only")
    }
}
