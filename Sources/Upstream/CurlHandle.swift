internal import CCurl
internal import CPlatform

/// Options of every transfer that come from the process's environment, as the curl tool reads them.
package struct UpstreamSettings: Sendable {
    /// File with CA certificates, from CURL_CA_BUNDLE or SSL_CERT_FILE; nil: the system's.
    package var caFile: String?
    /// Folder with CA certificates, from SSL_CERT_DIR.
    package var caDirectory: String?

    /// Reads the CA variables. Proxies (http_proxy, https_proxy, all_proxy, no_proxy) are libcurl's own business.
    package init(environment: [String: String]) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        self.caFile = value("CURL_CA_BUNDLE") ?? value("SSL_CERT_FILE")
        self.caDirectory = value("SSL_CERT_DIR")
    }
}

/// Setting up and recycling easy handles. A handle is always given the same set of options, so a used one needs
/// no reset. Reactor thread only.
struct CurlHandles {
    private var idle: [UnsafeMutableRawPointer] = []
    private let settings: UpstreamSettings
    private let poller: OpaquePointer
    let sockets: KeptSockets

    init(settings: UpstreamSettings, poller: OpaquePointer) {
        self.sockets = KeptSockets(poller: poller)
        self.settings = settings
        self.poller = poller
    }

    /// A handle ready for `transfer`, or nil when memory is out.
    mutating func make(for transfer: Transfer) -> UnsafeMutableRawPointer? {
        guard let easy = idle.popLast() ?? fresh() else { return nil }
        let request = transfer.request
        let context = Unmanaged.passUnretained(transfer).toOpaque()
        ccurl_set_string(easy, CURLOPT_URL, request.url)
        ccurl_set_pointer(easy, CURLOPT_PRIVATE, context)
        ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context)
        ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context)
        ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, transfer.errorText)
        ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeoutMs)
        ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, transfer.needsFreshConnection ? 1 : 0)
        // Waiting to share a connection pays with HTTP/2 only, which is offered over TLS only.
        ccurl_set_long(easy, CURLOPT_PIPEWAIT, request.url.hasPrefix("https:") ? 1 : 0)
        transfer.headerList = headerList(request.headers)
        ccurl_set_pointer(easy, CURLOPT_HTTPHEADER, transfer.headerList)
        setBody(easy, request)
        return easy
    }

    /// Takes a handle back. The transfer's header list is freed.
    mutating func recycle(_ easy: UnsafeMutableRawPointer, of transfer: Transfer) {
        curl_slist_free_all(transfer.headerList)
        transfer.headerList = nil
        ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, nil)
        if idle.count < UpstreamLimits.maxIdleHandles {
            ccurl_set_pointer(easy, CURLOPT_HTTPHEADER, nil)
            ccurl_set_pointer(easy, CURLOPT_POSTFIELDS, nil)
            idle.append(easy)
        } else {
            curl_easy_cleanup(easy)
        }
    }

    mutating func removeAll() {
        for easy in idle { curl_easy_cleanup(easy) }
        idle = []
    }

    private func setBody(_ easy: UnsafeMutableRawPointer, _ request: UpstreamRequest) {
        if let body = request.body {
            ccurl_set_long(easy, CURLOPT_POST, 1)
            ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            // The array is immutable and owned by the request, which outlives the transfer: its storage stays put.
            body.withUnsafeBytes {
                _ = ccurl_set_pointer(easy, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress))
            }
            ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method == "POST" ? nil : request.method)
        } else {
            // Each of POST, HTTPGET and NOBODY undoes what the others left on a used handle.
            ccurl_set_long(easy, request.method == "HEAD" ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1)
            ccurl_set_string(
                easy, CURLOPT_CUSTOMREQUEST, ["GET", "HEAD"].contains(request.method) ? nil : request.method)
        }
    }

    private func headerList(_ headers: [(name: String, value: String)]) -> UnsafeMutablePointer<curl_slist>? {
        // Without the first, libcurl waits up to a second for "100 Continue" before it sends a larger body.
        var list = curl_slist_append(nil, "Expect:")
        for (name, value) in headers {
            // "Name;" is how libcurl is told to send a header that has no value.
            list = curl_slist_append(list, value.isEmpty ? name + ";" : name + ": " + value)
        }
        return list
    }

    private func fresh() -> UnsafeMutableRawPointer? {
        guard let easy = curl_easy_init() else { return nil }
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
        ccurl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        ccurl_set_long(easy, CURLOPT_TCP_NODELAY, 1)
        ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
        ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        if let file = settings.caFile { ccurl_set_string(easy, CURLOPT_CAINFO, file) }
        if let folder = settings.caDirectory { ccurl_set_string(easy, CURLOPT_CAPATH, folder) }
        ccurl_set_pointer(easy, CURLOPT_OPENSOCKETDATA, UnsafeMutableRawPointer(poller))
        ccurl_set_open_fn(easy, Self.onOpen)
        sockets.watch(easy)
        ccurl_set_data_fn(easy, CURLOPT_WRITEFUNCTION, Self.onBody)
        ccurl_set_data_fn(easy, CURLOPT_HEADERFUNCTION, Self.onHeadLine)
        return easy
    }

    private static let onOpen: ccurl_open_fn = { context, _, address in
        guard let context, let address else { return CURL_SOCKET_BAD }
        let socket = ccurl_open_socket(address)
        if socket != CURL_SOCKET_BAD { cp_poller_keep(OpaquePointer(context), socket) }
        return socket
    }

    private static let onBody: ccurl_data_fn = { data, size, count, context in
        guard let context else { return 0 }
        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        return transfer.receiveBody(UnsafeRawBufferPointer(start: data, count: size * count))
    }

    private static let onHeadLine: ccurl_data_fn = { data, size, count, context in
        guard let context else { return 0 }
        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        return transfer.receiveHeadLine(UnsafeRawBufferPointer(start: data, count: size * count))
    }
}
