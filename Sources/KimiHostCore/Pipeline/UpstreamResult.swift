import CanonicalModel
import PluginABI
import Upstream

/// A response's head as the ABI's result.
enum UpstreamResult {
    /// Calls `body` with a result whose slices are valid during the call only.
    static func with<Value>(
        _ head: UpstreamHead, kind: kimi_step = KIMI_STEP_SEND, id: UInt32, body content: [UInt8] = [],
        _ body: (kimi_result) throws(ExchangeError) -> Value
    ) throws(ExchangeError) -> Value {
        try head.block.withBytes { block throws(ExchangeError) in
            let headers = head.lines.map { line in
                kimi_header(
                    name: kimi_bytes(UnsafeRawBufferPointer(rebasing: block[line.name])),
                    value: kimi_bytes(UnsafeRawBufferPointer(rebasing: block[line.value])))
            }
            return try headers.withUnsafeBufferPointer { headers throws(ExchangeError) in
                try content.withBytes { content throws(ExchangeError) in
                    try body(
                        kimi_result(
                            kind: kind.rawValue, id: id, status: kimi_status(KIMI_OK),
                            http_status: UInt32(clamping: head.status), body: kimi_bytes(content),
                            headers: headers.baseAddress, n_headers: headers.count))
                }
            }
        }
    }
}

/// A side request (KIMI_STEP_HTTP): gathers the whole answer and hands it over once.
final class SideRequest: UpstreamReceiver {
    /// Bytes of an answer; more is cut off and fails the step.
    static let maxBodyBytes = 4 << 20

    private let id: UInt32
    private let target: String
    private let heard: () -> Void
    private let finished: (SideRequest) -> Void
    private var head: UpstreamHead?
    private var body: [UInt8] = []
    private var problem: String?
    /// Set by the exchange once the transfer is started.
    var transfer: Transfer?

    /// `target`: whom it goes to, for messages. `heard` tells that something came, `finished` that this is complete;
    /// the latter comes once.
    init(
        id: UInt32, target: String, heard: @escaping () -> Void, finished: @escaping (SideRequest) -> Void
    ) {
        self.id = id
        self.target = target
        self.heard = heard
        self.finished = finished
    }

    func received(_ delivery: UpstreamDelivery) {
        heard()
        if let head = delivery.head { self.head = head }
        transfer?.consumed(delivery.body.count)
        guard body.count + delivery.body.count <= Self.maxBodyBytes else {
            problem = "the answer is larger than \(Self.maxBodyBytes) bytes"
            transfer?.cancel()
            return finished(self)
        }
        body.append(contentsOf: delivery.body)
        guard let end = delivery.end else { return }
        if case .failed(let error) = end { problem = error.message }
        finished(self)
    }

    func withResult(_ body: (kimi_result) throws(ExchangeError) -> Void) throws(ExchangeError) {
        if problem == nil, let head {
            return try UpstreamResult.with(head, kind: KIMI_STEP_HTTP, id: id, body: self.body, body)
        }
        let words = Array("no answer from \(target): \(problem ?? "the answer has no head")".utf8)
        try StepAnswer.with(KIMI_STEP_HTTP, id, KIMI_E_UPSTREAM, content: words, body)
    }
}

extension ExchangeError {
    /// A transfer that never brought a head.
    init(_ error: UpstreamError, provider: String) {
        let category: kimi_category =
            switch error.kind {
            case .timeout: KIMI_CAT_TIMEOUT
            case .invalidRequest: KIMI_CAT_CONFIG
            case .protocolViolation, .tooLarge: KIMI_CAT_PROTOCOL
            default: KIMI_CAT_NETWORK
            }
        self.init(category, "no answer from the upstream of provider '\(provider)': \(error.message)")
    }
}
