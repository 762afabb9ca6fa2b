public import PluginABI

/// Why a call into a plugin fails: what the host needs for its retry and error policies, and one sentence.
///
/// PluginKit hands it to the host's `fail` and returns the status; nothing else may leave a plugin's call.
public struct PluginFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// Negative, one of the `KIMI_E_…` codes.
    public let status: kimi_status
    /// A `kimi_category` number.
    public let category: UInt32
    /// One sentence that names what is wrong and the cure; it must hold no secret.
    public let message: String
    /// How long the upstream asks to wait, 0 if it did not say.
    public let retryAfterMs: UInt64

    /// A failure of the plugin's own finding.
    public init(
        _ status: kimi_status_code, _ category: kimi_category, _ message: String, retryAfterMs: UInt64 = 0
    ) {
        self.init(status: kimi_status(status.rawValue), category: category, message, retryAfterMs: retryAfterMs)
    }

    /// For a status that came from the host; one that is not negative counts as an internal error.
    public init(status: kimi_status, category: kimi_category, _ message: String, retryAfterMs: UInt64 = 0) {
        self.status = status < 0 ? status : kimi_status(KIMI_E_INTERNAL.rawValue)
        self.category = category.rawValue
        self.message = message
        self.retryAfterMs = retryAfterMs
    }

    /// What a sink throws when the host wants no more events (S16).
    public static var stopped: PluginFailure {
        PluginFailure(KIMI_E_CANCELLED, KIMI_CAT_NONE, "The host wants no more events.")
    }

    /// The sentence.
    public var description: String { message }
}

/// Turns a host function's answer into an error, naming the function.
func check(_ status: kimi_status, _ function: StaticString) throws(PluginFailure) {
    guard status < 0 else { return }
    throw PluginFailure(
        status: status, category: KIMI_CAT_INTERNAL, "The host refused \(function) with status \(status).")
}

/// The host's table lacks a function that this plugin needs.
func missing(_ function: StaticString) -> PluginFailure {
    PluginFailure(
        KIMI_E_UNSUPPORTED, KIMI_CAT_INTERNAL, "This host has no function \(function); use a newer kimi-host.")
}
