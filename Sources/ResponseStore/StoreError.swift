/// Why the store cannot do what it was asked.
package enum StoreError: Error, Equatable, CustomStringConvertible {
    /// A limit makes no sense.
    case limits(String)
    /// The path can never work as it is; only at the start.
    case unusable(path: String, reason: String)
    /// The disk does not answer now; what is not in memory is unknown until it does.
    case unavailable(path: String, reason: String)
    /// After `close`.
    case closed

    package var description: String {
        switch self {
        case .limits(let what): "response store: \(what)"
        case .unusable(let path, let reason): "response store \(path): \(reason)"
        case .unavailable(let path, let reason): "response store \(path) is not available: \(reason)"
        case .closed: "response store: closed"
        }
    }
}
