internal import PluginABI

/// A failure's sentence is cut here: it is for a log line, not a document.
private let longestMessage = 2048

/// Runs a plugin's code for a call of the host and turns its error into a described status.
func guarded(
    _ host: UnsafePointer<kimi_host>, _ errorOut: OpaquePointer?,
    _ body: () throws(PluginFailure) -> kimi_status_code
) -> kimi_status {
    do throws(PluginFailure) {
        return kimi_status(try body().rawValue)
    } catch {
        return describe(error, host, errorOut)
    }
}

/// Tells the host why a call fails; returns the status to return.
func describe(_ failure: PluginFailure, _ host: UnsafePointer<kimi_host>, _ errorOut: OpaquePointer?) -> kimi_status {
    var message = failure.message
    if message.utf8.count > longestMessage {
        message = String(decoding: message.utf8.prefix(longestMessage), as: UTF8.self)
    }
    if let fail = host.pointee.fail, let errorOut {
        message.withBytes { fail(errorOut, failure.status, failure.category, failure.retryAfterMs, $0) }
    }
    return failure.status
}

/// For a NULL where the header demands a pointer: nothing can be described without the object's host.
let badArgument = kimi_status(KIMI_E_ARG.rawValue)
