internal import CCurl
internal import CPlatform

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// The reactor thread's loop: waits for sockets, lets libcurl work, hands over what came. Never leaves its thread.
final class CurlLoop {
    private let reactor: CurlReactor
    private let poller: OpaquePointer
    private let multi: UnsafeMutableRawPointer
    private var handles: CurlHandles
    /// In no order; each knows its place.
    private var running: [Transfer] = []
    /// Monotonic milliseconds at which libcurl wants to be called, or nil.
    private var deadline: Int?
    private var isStopping = false

    /// A multi handle, or nil when memory is out. Called on the starting thread, so that the start can fail.
    static func makeMulti() -> UnsafeMutableRawPointer? {
        curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK ? curl_multi_init() : nil
    }

    /// Owns `multi` from now on.
    init(
        reactor: CurlReactor, poller: OpaquePointer, multi: UnsafeMutableRawPointer, settings: UpstreamSettings
    ) {
        self.reactor = reactor
        self.poller = poller
        self.multi = multi
        self.handles = CurlHandles(settings: settings, poller: poller)
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, context)
        ccurl_multi_set_socket_fn(multi, Self.onSocket)
        ccurl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, context)
        ccurl_multi_set_timer_fn(multi, Self.onTimer)
        ccurl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, UpstreamLimits.maxIdleConnections)
    }

    deinit {
        handles.removeAll()
        curl_multi_cleanup(multi)
    }

    func run() {
        var events = [cp_event](repeating: cp_event(), count: UpstreamLimits.eventsPerWait)
        while !isStopping {
            let count = cp_poller_wait(poller, &events, Int32(events.count), waitMilliseconds())
            for command in reactor.takeCommands() { perform(command) }
            for event in events.prefix(Int(max(count, 0))) { act(on: event) }
            actOnTimer()
            finishDone()
            reactor.tell(running: running.count)
            reactor.deliver()
        }
        while let transfer = running.last, let easy = transfer.easy { drop(easy, transfer) }
    }

    // MARK: Commands

    private func perform(_ command: CurlReactor.Command) {
        switch command {
        case .start(let transfer): start(transfer)
        case .cancel(let transfer): cancel(transfer)
        case .resume(let transfer):
            if let easy = transfer.easy { curl_easy_pause(easy, CURLPAUSE_CONT) }
        case .stop: isStopping = true
        }
    }

    private func start(_ transfer: Transfer) {
        guard let easy = handles.make(for: transfer) else {
            return fail(
                transfer, UpstreamError(kind: .other, code: 0, message: "out of memory for an upstream request"))
        }
        transfer.easy = easy
        transfer.place = running.count
        running.append(transfer)
        let code = curl_multi_add_handle(multi, easy)
        guard code != CURLM_OK else { return }
        drop(easy, transfer)
        fail(
            transfer,
            UpstreamError(kind: .other, code: Int(code.rawValue), message: String(cString: curl_multi_strerror(code))))
    }

    private func cancel(_ transfer: Transfer) {
        if let easy = transfer.easy { drop(easy, transfer) }
    }

    /// Takes a handle out of libcurl and its transfer out of `running`.
    private func drop(_ easy: UnsafeMutableRawPointer, _ transfer: Transfer) {
        curl_multi_remove_handle(multi, easy)
        transfer.easy = nil
        if let last = running.last {
            running[transfer.place] = last
            last.place = transfer.place
            running.removeLast()
        }
        handles.recycle(easy, of: transfer)
    }

    private func fail(_ transfer: Transfer, _ error: UpstreamError) {
        transfer.end = .failed(error)
        reactor.markDirty(transfer)
    }

    // MARK: libcurl

    private func act(on event: cp_event) {
        var what: Int32 = 0
        if event.ready & UInt32(CP_READ) != 0 { what |= CURL_CSELECT_IN }
        if event.ready & UInt32(CP_WRITE) != 0 { what |= CURL_CSELECT_OUT }
        if event.ready & UInt32(CP_ERROR) != 0 { what |= CURL_CSELECT_ERR }
        var left: Int32 = 0
        curl_multi_socket_action(multi, event.fd, what, &left)
    }

    private func actOnTimer() {
        guard let due = deadline, due <= Self.now() else { return }
        deadline = nil
        var left: Int32 = 0
        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &left)
    }

    private func finishDone() {
        var code = CURLE_OK
        while let easy = ccurl_multi_next_done(multi, &code) {
            var context: UnsafeMutableRawPointer?
            guard ccurl_get_pointer(easy, CURLINFO_PRIVATE, &context) == CURLE_OK, let context else { continue }
            let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
            if code == CURLE_ABORTED_BY_CALLBACK, !transfer.needsFreshConnection {
                // Nothing has been sent: see KeptSockets.
                drop(easy, transfer)
                transfer.needsFreshConnection = true
                start(transfer)
                continue
            }
            if code == CURLE_OK { handles.sockets.keep(easy) }
            // The words are read before the handle forgets where it wrote them.
            let end: UpstreamEnd = code == CURLE_OK ? .complete : .failed(error(code, transfer))
            drop(easy, transfer)
            transfer.end = end
            reactor.markDirty(transfer)
        }
    }

    private func error(_ code: CURLcode, _ transfer: Transfer) -> UpstreamError {
        transfer.headIsTooLong
            ? UpstreamError(
                kind: .tooLarge, code: Int(code.rawValue),
                message: "the response's head is larger than \(UpstreamLimits.maxHeadBytes) bytes")
            : UpstreamError(code, detail: String(cString: transfer.errorText))
    }

    private func waitMilliseconds() -> Int32 {
        guard let deadline else { return -1 }
        return Int32(clamping: max(0, deadline - Self.now()))
    }

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }

    private static let onTimer: ccurl_timer_fn = { _, milliseconds, context in
        guard let context else { return 0 }
        let loop = Unmanaged<CurlLoop>.fromOpaque(context).takeUnretainedValue()
        loop.deadline = milliseconds < 0 ? nil : now() + milliseconds
        return 0
    }

    private static let onSocket: ccurl_socket_fn = { _, socket, what, context, _ in
        guard let context else { return 0 }
        let loop = Unmanaged<CurlLoop>.fromOpaque(context).takeUnretainedValue()
        var interest: UInt32 = 0
        if what == CURL_POLL_IN || what == CURL_POLL_INOUT { interest |= UInt32(CP_READ) }
        if what == CURL_POLL_OUT || what == CURL_POLL_INOUT { interest |= UInt32(CP_WRITE) }
        // A refusal (out of memory or watches) surfaces as the transfer's time-out; there is nobody to tell here.
        cp_poller_watch(loop.poller, socket, interest)
        return 0
    }
}
