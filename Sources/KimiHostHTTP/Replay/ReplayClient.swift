import CanonicalModel
import Dialects
import KimiHostCore
import WireJSON

/// The client of a replay: keeps what it is sent.
final class ReplayClient: ExchangeClient {
    private let dialect: ClientDialect
    private let requestID: String
    private(set) var status = 200
    private(set) var reply: [UInt8] = []
    private(set) var isOver = false
    private(set) var error: ExchangeError?

    init(_ dialect: ClientDialect, requestID: String) {
        self.dialect = dialect
        self.requestID = requestID
    }

    var isWritable: Bool { true }
    var bufferedBytes: Int { 0 }
    var keepAlive: StaticString { dialect.keepAlive }

    func exchangeReceived(headers: [(name: String, value: String)]) {}
    func exchangeBeganStream() {}
    func exchangeStreamed(_ bytes: ByteWriter) { reply.append(contentsOf: bytes.bytes) }
    func exchangeFlushed() {}
    func exchangeDropped(_ fields: [DroppedField]) {}

    func exchangeReplied(_ body: ByteWriter) {
        reply = body.bytes
        isOver = true
    }

    func exchangeFailed(_ error: ExchangeError, refusal: NativeRefusal?) {
        self.error = error
        isOver = true
        if let refusal {
            (status, reply) = (refusal.status, refusal.body)
            return
        }
        let body = ByteWriter(capacity: 512)
        dialect.write(error, requestID: requestID, to: body)
        status = dialect.httpStatus(of: error)
        reply = body.bytes
    }

    func exchangeEndedStream(failed: Bool) { isOver = true }
    func exchangeAbandoned() { isOver = true }
}
