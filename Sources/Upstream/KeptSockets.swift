internal import CCurl
internal import CPlatform

/// The sockets of HTTP/1 connections that are kept for further requests, by their local port. Reactor thread only.
///
/// An upstream may send more than the length it told. libcurl before 8.0 reads just that length, keeps the connection,
/// and takes the rest for the answer to the next request, which is another client's. So a kept connection on which
/// something lies is not used.
final class KeptSockets {
    private let poller: OpaquePointer
    private var ports: [curl_socket_t: Int] = [:]
    private var sockets: [Int: curl_socket_t] = [:]

    init(poller: OpaquePointer) { self.poller = poller }

    /// A transfer of this handle is done.
    func keep(_ easy: UnsafeMutableRawPointer) {
        let version = ccurl_get_long(easy, CURLINFO_HTTP_VERSION)
        // What lies on an HTTP/2 connection is for anybody, or for the protocol itself.
        guard version == Int(CURL_HTTP_VERSION_1_1) || version == Int(CURL_HTTP_VERSION_1_0) else { return }
        let (socket, port) = (ccurl_get_socket(easy), ccurl_get_long(easy, CURLINFO_LOCAL_PORT))
        guard socket != CURL_SOCKET_BAD, port > 0, ports[socket] != port else { return }
        forget(socket)
        ports[socket] = port
        sockets[port] = socket
    }

    private func forget(_ socket: curl_socket_t) {
        if let port = ports.removeValue(forKey: socket), sockets[port] == socket { sockets[port] = nil }
    }

    private func isStale(_ port: Int) -> Bool {
        sockets[port].map { ccurl_has_input($0) != 0 } ?? false
    }

    /// The options of a handle that this is for; `self` outlives it.
    func watch(_ easy: UnsafeMutableRawPointer) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_pointer(easy, CURLOPT_CLOSESOCKETDATA, context)
        ccurl_set_close_fn(easy, Self.onClose)
        ccurl_set_pointer(easy, CURLOPT_PREREQDATA, context)
        ccurl_set_prereq_fn(easy, Self.onRequest)
    }

    private static let onClose: ccurl_close_fn = { context, socket in
        if let context {
            let table = Unmanaged<KeptSockets>.fromOpaque(context).takeUnretainedValue()
            table.forget(socket)
            cp_poller_closed(table.poller, socket)
        }
        return ccurl_close_socket(socket)
    }

    private static let onRequest: ccurl_prereq_fn = { context, _, _, _, port in
        guard let context else { return Int32(CURL_PREREQFUNC_OK) }
        let table = Unmanaged<KeptSockets>.fromOpaque(context).takeUnretainedValue()
        return Int32(table.isStale(Int(port)) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK)
    }
}
