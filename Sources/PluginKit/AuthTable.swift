internal import PluginABI

typealias AuthExchangeBox = ExchangeBox<any AuthExchange>

/// The C functions of an auth machine: it works on instances that ``ProviderTable`` made.
enum AuthTable {
    // Written once by the entry, before any other call into the library ([load]); read only after that.
    nonisolated(unsafe) static var isOffered = false

    // The host reads it for the life of the process, so it is never freed; nobody writes to it.
    nonisolated(unsafe) static let table: UnsafeMutablePointer<kimi_auth> = {
        let table = UnsafeMutablePointer<kimi_auth>.allocate(capacity: 1)
        table.initialize(
            to: kimi_auth(
                struct_size: UInt32(MemoryLayout<kimi_auth>.size), flags: 0,
                begin: { AuthTable.begin($0, $1, $2, $3) },
                next: { AuthTable.next($0, $1, $2) },
                result: { AuthTable.result($0, $1, $2) },
                end: { exchange, _ in release(exchange, as: AuthExchangeBox.self) }))
        return table
    }()

    private static func begin(
        _ instance: OpaquePointer?, _ key: kimi_bytes, _ exchange: UnsafeMutablePointer<OpaquePointer?>?,
        _ error: OpaquePointer?
    ) -> kimi_status {
        guard let box = held(instance, as: ProviderBox.self), let exchange else { return badArgument }
        let host = box.context.host
        return guarded(host, error) { () throws(PluginFailure) in
            guard let plugin = box.content as? any AuthPlugin else {
                throw PluginFailure(KIMI_E_UNSUPPORTED, KIMI_CAT_INTERNAL, "This provider fetches no tokens.")
            }
            exchange.pointee = hold(AuthExchangeBox(try plugin.authenticate(key.buffer), host))
            return KIMI_OK
        }
    }

    private static func next(_ exchange: OpaquePointer?, _ plan: OpaquePointer?, _ error: OpaquePointer?) -> kimi_status
    {
        guard let box = held(exchange, as: AuthExchangeBox.self) else { return badArgument }
        return guarded(box.host, error) { () throws(PluginFailure) in
            try box.content.next(Plan(host: box.host, plan: plan))
            return KIMI_OK
        }
    }

    private static func result(
        _ exchange: OpaquePointer?, _ result: UnsafePointer<kimi_result>?, _ error: OpaquePointer?
    ) -> kimi_status {
        guard let box = held(exchange, as: AuthExchangeBox.self), let result else { return badArgument }
        return guarded(box.host, error) { () throws(PluginFailure) in
            try box.content.result(result.pointee)
            return KIMI_OK
        }
    }
}
