internal import CPlatform
package import CanonicalModel
package import PluginABI

/// Bounds on what one plugin call may hand to the host, in bytes unless said otherwise.
package enum PluginLimits {
    /// A plan's body, or a changed request.
    package static let maxRequestBytes = 256 << 20
    /// URL, one header, one token key.
    package static let maxFieldBytes = 64 << 10
    /// Header lines of one plan.
    package static let maxHeaders = 128
    /// An error message; longer ones are cut.
    package static let maxMessageBytes = 2_048
    /// Scratch memory of one call.
    package static let maxScratchBytes = 16 << 20
    /// Steps before SEND or LOCAL_REPLY.
    package static let maxSteps = 32
    /// The longest WAIT, milliseconds.
    package static let maxWaitMs = 60_000
    /// The longest pause between two TICKs, milliseconds.
    package static let maxTickMs = 60_000
}

/// Behind `kimi_error`: what a failing call said about itself.
package final class ErrorRecord {
    private(set) var category = KIMI_CAT_NONE
    private(set) var retryAfterMs: UInt64 = 0
    private(set) var message = ""

    package init() {}

    package var opaque: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    static func at(_ pointer: OpaquePointer) -> ErrorRecord {
        Unmanaged<ErrorRecord>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }

    func set(_ status: kimi_status, _ category: UInt32, _ retryAfterMs: UInt64, _ message: UnsafeRawBufferPointer) {
        self.category = kimi_category(category)
        self.retryAfterMs = retryAfterMs
        self.message = String(decoding: message.prefix(PluginLimits.maxMessageBytes), as: UTF8.self)
    }

    /// Forgets what a call said that succeeded after all.
    func clear() {
        guard !message.isEmpty else { return }
        (category, retryAfterMs, message) = (KIMI_CAT_NONE, 0, "")
    }

    /// The last message, if there is one; used by the loader for the handshake.
    package var described: String? { message.isEmpty ? nil : message }

    /// The failure of a call that returned `status`, and forgets it.
    package func take(_ status: kimi_status, plugin: String, function: String) -> ExchangeError {
        defer { clear() }
        let text =
            message.isEmpty
            ? "plugin '\(plugin)' failed in \(function) with status \(status) and gave no reason" : message
        let category = category == KIMI_CAT_NONE ? Self.category(status) : category
        return ExchangeError(
            category, text, retryAfterMs: retryAfterMs > 0 ? Int(clamping: retryAfterMs) : nil)
    }

    /// The same, counted.
    func take(_ status: kimi_status, _ mark: PluginMark, plugin: String, _ function: pg_function) -> ExchangeError {
        take(status, mark, plugin: plugin, String(cString: pg_function_name(function.rawValue)))
    }

    /// The same for a call that may have been made elsewhere.
    func take(_ status: kimi_status, _ mark: PluginMark, plugin: String, _ words: String) -> ExchangeError {
        let error = take(status, plugin: plugin, function: words)
        PluginErrors.count(mark, words, error.category)
        return error
    }

    private static func category(_ status: kimi_status) -> kimi_category {
        switch kimi_status_code(status) {
        case KIMI_E_CONFIG: KIMI_CAT_CONFIG
        case KIMI_E_PROTOCOL: KIMI_CAT_PROTOCOL
        case KIMI_E_UPSTREAM: KIMI_CAT_UPSTREAM
        case KIMI_E_AUTH: KIMI_CAT_AUTH
        default: KIMI_CAT_INTERNAL
        }
    }
}

/// Behind `kimi_out`: a transform's change to the request.
final class RequestEditRecord {
    private(set) var how: kimi_put?
    private(set) var data: [UInt8] = []
    private let plugin: String
    private let book: NoteBook

    init(plugin: String, book: NoteBook) {
        self.plugin = plugin
        self.book = book
    }

    var opaque: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    /// Tells the book of the change that was made.
    func tell(_ status: kimi_status) {
        guard status != kimi_status(KIMI_UNCHANGED), let how else { return }
        book.onChange?(plugin, how == KIMI_PUT_REPLACE, data)
    }

    func note(_ kind: kimi_bytes, _ count: UInt64, _ detail: kimi_bytes) -> kimi_status {
        let isFiled = book.add(plugin: plugin, kind: kind.buffer, count: count, detail: detail.buffer)
        return kimi_status(isFiled ? KIMI_OK : KIMI_E_ARG)
    }

    static func at(_ pointer: OpaquePointer) -> RequestEditRecord {
        Unmanaged<RequestEditRecord>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }

    func put(_ how: UInt32, _ bytes: UnsafeRawBufferPointer) -> kimi_status_code {
        let how = kimi_put(how)
        guard how == KIMI_PUT_REPLACE || how == KIMI_PUT_MERGE_PATCH, self.how == nil || self.how == how else {
            return KIMI_E_ARG
        }
        guard data.count + bytes.count <= PluginLimits.maxRequestBytes else { return KIMI_E_LIMIT }
        self.how = how
        data.append(contentsOf: bytes)
        return KIMI_OK
    }
}

/// Behind `kimi_ctx`: one per instance, alive until its plugin's destroy has returned.
final class PluginContextRecord: Sendable {
    private let logger: PluginLogger
    /// What the plugin keeps between exchanges.
    let memory: PluginMemory

    init(logger: PluginLogger, memory: PluginMemory) {
        self.logger = logger
        self.memory = memory
    }

    var opaque: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    static func at(_ pointer: OpaquePointer) -> PluginContextRecord {
        Unmanaged<PluginContextRecord>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }

    func isLogged(_ level: UInt32) -> Bool { logger.isLogged(level) }

    func log(_ level: UInt32, _ text: UnsafeRawBufferPointer) { logger.log(level, text) }

    /// A line of the host's own about the plugin.
    func note(_ line: String) {
        var line = line
        line.withUTF8 { log(KIMI_LOG_WARNING.rawValue, UnsafeRawBufferPointer($0)) }
    }
}

/// Lends `kimi_error` objects to handshakes.
package struct BridgeHandshakeServices: HandshakeServices {
    package init() {}

    package func makeError() -> OpaquePointer {
        OpaquePointer(Unmanaged.passRetained(ErrorRecord()).toOpaque())
    }

    package func describe(_ error: OpaquePointer) -> String? { ErrorRecord.at(error).described }

    package func dispose(_ error: OpaquePointer) {
        Unmanaged<ErrorRecord>.fromOpaque(UnsafeRawPointer(error)).release()
    }
}
