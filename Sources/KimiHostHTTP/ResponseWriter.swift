import CanonicalModel
import Dialects
import KimiHostCore
import NIOCore
import NIOHTTP1
import WireJSON

/// Writes one connection's responses, one after the other. Event loop only.
final class ResponseWriter {
    private var context: ChannelHandlerContext?
    private var version = HTTPVersion.http1_1
    private var isKeepAlive = true
    private var isHead = false

    /// The API that the present request speaks.
    var dialect = ClientDialect.chat
    /// What of the present request has no equivalent upstream: the value of `x-kimi-dropped`.
    var dropped = ""
    /// How tool calls were ensured: the value of `x-kimi-enforcement`.
    var enforcement = ""
    /// The upstream's headers that are the client's business: rate limits.
    var relayed: [(name: String, value: String)] = []
    /// What the log sees of the present request.
    var tap: ExchangeTap?
    /// The id of the present request.
    private(set) var requestID = ""
    /// Of the present response; 0: its head has not gone out.
    private(set) var status = 0
    /// The connection is closed when the present response is out.
    var closesAfterReply = false
    /// Is the connection closed behind the present reply, by our wish or the client's?
    var closesConnection: Bool { closesAfterReply || !isKeepAlive }
    /// The request is not read to its end: see `linger`.
    var lingers = false

    /// Milliseconds for a client to take an answer to a request that was not read to its end.
    static let lingerMs: Int64 = 1_000

    init(context: ChannelHandlerContext) {
        self.context = context
    }

    func detach() { context = nil }

    /// Bytes that were written and that the socket has not taken.
    var bufferedBytes: Int {
        guard let options = context?.channel.syncOptions else { return 0 }
        return (try? options.getOption(.bufferedWritableBytes)) ?? 0
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// A request came; responses from now on answer it.
    func begin(_ head: HTTPRequestHead, ids: inout FastRandom) {
        version = head.version
        isKeepAlive = head.isKeepAlive
        isHead = head.method == .HEAD
        (dialect, dropped, enforcement, relayed) = (.chat, "", "", [])
        status = 0
        requestID = RequestID.accept(head.headers.first(name: "x-request-id"), or: &ids)
    }

    /// Something came that is no request.
    func beginUnreadable(ids: inout FastRandom) {
        (version, isKeepAlive, isHead) = (.http1_1, false, false)
        (dialect, dropped, enforcement, relayed) = (.chat, "", "", [])
        requestID = RequestID.make(using: &ids)
        status = 0
    }

    /// The interim answer to `Expect: 100-continue`.
    func writeContinue() {
        guard version.minor >= 1 else { return }
        write(.head(HTTPResponseHead(version: version, status: .continue)))
        flush()
    }

    func beginStream() {
        var headers = baseHeaders(contentType: "text/event-stream")
        headers.add(name: "cache-control", value: "no-cache")
        headers.add(name: "x-accel-buffering", value: "no")
        // HTTP/1.0 knows no chunks: there the end of the connection ends the stream.
        if version.minor >= 1 { headers.add(name: "transfer-encoding", value: "chunked") } else { isKeepAlive = false }
        addConnection(&headers)
        status = 200
        write(.head(HTTPResponseHead(version: version, status: .ok, headers: headers)))
    }

    func stream(_ bytes: ByteWriter) {
        guard bytes.count > 0 else { return }
        let bytes = buffer(bytes)
        tap?.replied(bytes)
        write(.body(.byteBuffer(bytes)))
    }

    func endStream() { end() }

    /// A whole successful reply, with further headers.
    func reply(_ body: ByteWriter, _ more: [(name: String, value: String)] = []) {
        var headers = baseHeaders(contentType: "application/json")
        for header in more { headers.add(name: header.name, value: header.value) }
        respond(.ok, body, headers)
    }

    func fail(_ error: ExchangeError) {
        let body = ByteWriter(capacity: 512)
        dialect.write(error, requestID: requestID, to: body)
        let status = dialect.httpStatus(of: error)
        var headers = baseHeaders(contentType: "application/json")
        addRetryAfter(error.retryAfterMs, to: &headers)
        if status == 401 { headers.add(name: "www-authenticate", value: "Bearer") }
        if status == 405 { headers.add(name: "allow", value: "POST") }
        respond(HTTPResponseStatus(statusCode: status), body, headers)
    }

    /// A refusal in the upstream's own words.
    func refuse(_ refusal: NativeRefusal, retryAfterMs: Int?) {
        let body = ByteWriter(capacity: refusal.body.count)
        refusal.body.withUnsafeBytes { body.append(bytes: $0) }
        var headers = baseHeaders(contentType: "application/json")
        addRetryAfter(retryAfterMs, to: &headers)
        respond(HTTPResponseStatus(statusCode: refusal.status), body, headers)
    }

    func flush() { context?.flush() }

    func close() { context?.close(promise: nil) }

    // MARK: Inside

    private func respond(_ status: HTTPResponseStatus, _ body: ByteWriter, _ headers: HTTPHeaders) {
        var headers = headers
        headers.add(name: "content-length", value: "\(body.count)")
        addConnection(&headers)
        self.status = Int(status.code)
        write(.head(HTTPResponseHead(version: version, status: status, headers: headers)))
        let bytes = buffer(body)
        tap?.replied(Int(status.code))
        tap?.replied(bytes)
        if !isHead { write(.body(.byteBuffer(bytes))) }
        end()
    }

    private func end() {
        guard let context else { return }
        guard closesConnection else { return write(.end(nil)) }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [self] _ in lingers ? linger() : close() }
        context.writeAndFlush(NIOAny(HTTPServerResponsePart.end(nil)), promise: promise)
    }

    /// Closes the output only, for a moment: closing with unread bytes of the request in the kernel would send a
    /// reset, and the reset can overtake the answer.
    private func linger() {
        guard let context else { return }
        context.channel.close(mode: .output, promise: nil)
        let channel = context.channel
        context.eventLoop.scheduleTask(in: .milliseconds(Self.lingerMs)) { channel.close(promise: nil) }
    }

    private func addRetryAfter(_ milliseconds: Int?, to headers: inout HTTPHeaders) {
        guard let milliseconds else { return }
        headers.add(name: "retry-after", value: "\((milliseconds + 999) / 1000)")
        headers.add(name: "retry-after-ms", value: "\(milliseconds)")
    }

    private func addConnection(_ headers: inout HTTPHeaders) {
        if closesConnection {
            headers.add(name: "connection", value: "close")
        } else if version.minor == 0 {
            headers.add(name: "connection", value: "keep-alive")
        }
    }

    private func baseHeaders(contentType: String) -> HTTPHeaders {
        var headers = HTTPHeaders()
        headers.reserveCapacity(8)
        headers.add(name: "content-type", value: contentType)
        headers.add(name: "x-request-id", value: requestID)
        if dialect == .messages { headers.add(name: "request-id", value: requestID) }
        if !dropped.isEmpty { headers.add(name: "x-kimi-dropped", value: dropped) }
        if !enforcement.isEmpty { headers.add(name: "x-kimi-enforcement", value: enforcement) }
        for header in relayed { headers.add(name: header.name, value: header.value) }
        return headers
    }

    private func buffer(_ bytes: ByteWriter) -> ByteBuffer {
        bytes.withBytes { source in
            var buffer = context?.channel.allocator.buffer(capacity: source.count) ?? ByteBuffer()
            buffer.writeBytes(source)
            return buffer
        }
    }

    private func write(_ part: HTTPServerResponsePart) {
        context?.write(NIOAny(part), promise: nil)
    }
}
