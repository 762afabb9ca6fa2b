import KimiHostHTTP

/// Words for an address that cannot be listened on.
enum BindFailure {
    /// Nil for errors of another kind.
    static func sentence(_ error: any Error, host: String, port: Int) -> String? {
        guard let failure = ListenFailure(error) else { return nil }
        let place = "\(host):\(port)"
        switch failure {
        case .inUse: return "error: \(place) is in use: stop what listens there, or choose another --port"
        case .notPermitted: return "error: \(place) may not be used by this user: choose a --port above 1023"
        case .notLocal: return "error: \(host) is no address of this machine: choose another --host"
        case .unknownHost: return "error: \(host) is not an address and cannot be resolved: choose another --host"
        }
    }
}
