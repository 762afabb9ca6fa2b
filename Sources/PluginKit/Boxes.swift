internal import PluginABI

// What the host's opaque pointers point at. C functions cannot be generic, so each box holds an existential:
// one dynamic call per batch.

final class Box<Content>: Sendable where Content: Sendable {
    let context: PluginContext
    let content: Content

    init(_ content: Content, _ context: PluginContext) {
        self.content = content
        self.context = context
    }
}

/// An exchange, with the host's table at hand for sinks and plans.
final class ExchangeBox<Content> {
    let host: UnsafePointer<kimi_host>
    let content: Content

    init(_ content: Content, _ host: UnsafePointer<kimi_host>) {
        self.content = content
        self.host = host
    }
}

typealias ProviderBox = Box<any ProviderPlugin>
typealias TransformBox = Box<any TransformPlugin>
typealias ProviderExchangeBox = ExchangeBox<any ProviderExchange>
typealias TransformExchangeBox = ExchangeBox<any TransformExchange>

/// Gives the object to the host, which holds it until `release`.
func hold(_ object: AnyObject) -> OpaquePointer {
    OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

/// The object behind the host's pointer, which keeps it alive during the call.
func held<Object: AnyObject>(_ pointer: OpaquePointer?, as type: Object.Type) -> Object? {
    guard let pointer else { return nil }
    return Unmanaged<Object>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
}

func release<Object: AnyObject>(_ pointer: OpaquePointer?, as type: Object.Type) {
    guard let pointer else { return }
    Unmanaged<Object>.fromOpaque(UnsafeRawPointer(pointer)).release()
}
