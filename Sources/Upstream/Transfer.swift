internal import CCurl
import Synchronization

/// One transfer under way. Made by `CurlReactor.start`.
///
/// Three groups of state: `receiver` belongs to the event loop; the atomics belong to both sides; everything
/// else belongs to the reactor's thread. That split, kept by the callers below, is why it is `@unchecked`.
package final class Transfer: @unchecked Sendable {
    let request: UpstreamRequest
    private let reactor: CurlReactor

    // Event loop.
    private var receiver: (any UpstreamReceiver)?

    // Both: body bytes delivered and not consumed yet; whether libcurl was told to pause.
    private let outstanding = Atomic<Int>(0)
    private let paused = Atomic<Bool>(false)

    // Reactor thread.
    var easy: UnsafeMutableRawPointer?
    var headerList: UnsafeMutablePointer<curl_slist>?
    var isDirty = false
    /// A kept connection was not fit for it.
    var needsFreshConnection = false
    /// In the loop's list.
    var place = 0
    var end: UpstreamEnd?
    private var body: [UInt8] = []
    private var headBlock: [UInt8] = []
    private var status = 0
    private var head: UpstreamHead?
    private var headIsComplete = false
    private(set) var headIsTooLong = false
    /// Where libcurl writes what went wrong, in words.
    let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    init(request: UpstreamRequest, receiver: any UpstreamReceiver, reactor: CurlReactor) {
        self.request = request
        self.receiver = receiver
        self.reactor = reactor
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        errorText.deallocate()
    }

    // MARK: Event loop

    /// Event loop only. Tells that `count` delivered body bytes have left for the client; a paused transfer goes
    /// on once few enough are outstanding.
    package func consumed(_ count: Int) {
        let left = outstanding.subtract(count, ordering: .sequentiallyConsistent).newValue
        if left <= UpstreamLimits.lowWater, paused.exchange(false, ordering: .sequentiallyConsistent) {
            reactor.post(.resume(self))
        }
    }

    /// Event loop only. Ends the transfer at once; nothing is delivered afterwards. May be called again.
    package func cancel() {
        guard receiver != nil else { return }
        receiver = nil
        reactor.post(.cancel(self))
    }

    func deliver(_ delivery: UpstreamDelivery) {
        let target = receiver
        if delivery.end != nil { receiver = nil }
        target?.received(delivery)
    }

    // MARK: Reactor thread

    /// Takes what this wake-up has gathered.
    func takeDelivery() -> UpstreamDelivery {
        isDirty = false
        outstanding.add(body.count, ordering: .sequentiallyConsistent)
        let delivery = UpstreamDelivery(head: head, body: body, end: end)
        head = nil
        body = []
        return delivery
    }

    /// libcurl's write callback. Returns the count, or libcurl's "pause".
    func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        if isOverHighWater() {
            paused.store(true, ordering: .sequentiallyConsistent)
            // The loop may have consumed everything between the look and the store; then nobody would resume.
            if isOverHighWater() { return Int(CURL_WRITEFUNC_PAUSE) }
            paused.store(false, ordering: .sequentiallyConsistent)
        }
        body.append(contentsOf: bytes)
        reactor.markDirty(self)
        return bytes.count
    }

    private func isOverHighWater() -> Bool {
        outstanding.load(ordering: .sequentiallyConsistent) + body.count > UpstreamLimits.highWater
    }

    /// libcurl's header callback, one line with its end. Returns the count, or less to fail the transfer.
    func receiveHeadLine(_ line: UnsafeRawBufferPointer) -> Int {
        if headIsComplete { return line.count }  // trailers
        if line.starts(with: "HTTP/".utf8) {
            headBlock.removeAll(keepingCapacity: true)
            status = Self.status(line)
        } else if line.first == 0x0D || line.first == 0x0A {
            completeHead()
        } else {
            headIsTooLong = headBlock.count + line.count > UpstreamLimits.maxHeadBytes
            if headIsTooLong { return 0 }
            headBlock.append(contentsOf: line)
        }
        return line.count
    }

    private func completeHead() {
        guard status >= 200 else { return }
        headIsComplete = true
        head = UpstreamHead(status: status, block: headBlock)
        reactor.markDirty(self)
    }

    private static func status(_ line: UnsafeRawBufferPointer) -> Int {
        guard let space = line.firstIndex(of: 0x20) else { return 0 }
        return line[(space + 1)...].prefix(3).reduce(0) { $0 * 10 + Int($1 & 0x0F) }
    }
}
