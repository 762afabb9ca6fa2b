// What makes the tables' functions short. Nothing here is particular to this plugin.

/// A call that cannot succeed. A negative answer of the host's is one too.
struct Failure: Error {
    var status: kimi_status_code
    var category: kimi_category
    var sentence: StaticString

    static let refused = Failure(
        status: KIMI_E_INTERNAL, category: KIMI_CAT_INTERNAL, sentence: "the host refused what the plugin gave it")
}

typealias Host = UnsafePointer<kimi_host>

extension kimi_bytes {
    /// A literal lives as long as the library.
    init(_ literal: StaticString) { self.init(ptr: literal.utf8Start, len: literal.utf8CodeUnitCount) }

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.init(ptr: bytes.baseAddress, len: bytes.count) }

    var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: ptr, count: len) }
}

/// Runs the body, and describes what it throws.
func guarded(_ host: Host, _ error: OpaquePointer?, _ body: () throws(Failure) -> kimi_status_code) -> kimi_status {
    do throws(Failure) {
        return kimi_status(try body().rawValue)
    } catch let failure {
        let status = kimi_status(failure.status.rawValue)
        host.pointee.fail(error, status, failure.category.rawValue, 0, kimi_bytes(failure.sentence))
        return status
    }
}

/// True: nobody listens any more (KIMI_STOP).
func isStop(_ status: kimi_status) throws(Failure) -> Bool {
    if status < 0 { throw Failure.refused }
    return status == kimi_status(KIMI_STOP.rawValue)
}

/// An object as the opaque pointer that the host keeps for us.
func handedOver(_ object: AnyObject) -> OpaquePointer { OpaquePointer(Unmanaged.passRetained(object).toOpaque()) }

func borrowed<T: AnyObject>(_ pointer: OpaquePointer?, _: T.Type) -> T? {
    pointer.map { Unmanaged<T>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
}

func takenBack(_ pointer: OpaquePointer?) {
    if let pointer { Unmanaged<AnyObject>.fromOpaque(UnsafeRawPointer(pointer)).release() }
}

let misuse = kimi_status(KIMI_E_ARG.rawValue)

/// Fills the plugin's half of the handshake.
func answer(
    _ handshake: UnsafeMutablePointer<kimi_handshake>?, _ manifest: StaticString,
    _ interfaces: @escaping @convention(c) (UnsafePointer<CChar>?) -> UnsafeRawPointer?
) -> kimi_status {
    guard let handshake, handshake.pointee.struct_size >= MemoryLayout<kimi_handshake>.size else {
        return kimi_status(KIMI_E_VERSION.rawValue)  // no host of ABI 1
    }
    handshake.pointee.plugin_minor = UInt32(KIMI_ABI_MINOR)  // built with this header
    handshake.pointee.needs_minor = 0  // works with every 1.x host
    handshake.pointee.manifest = kimi_bytes(manifest)
    handshake.pointee.get_interface = interfaces
    return kimi_status(KIMI_OK.rawValue)
}
