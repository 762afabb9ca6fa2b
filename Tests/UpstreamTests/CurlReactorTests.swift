import NIOCore
import NIOPosix
import Synchronization
import Testing
import Upstream

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Collects one transfer's deliveries on its event loop.
final class Collector: UpstreamReceiver, @unchecked Sendable {
    struct Result: Sendable {
        var status = 0
        var type: String?
        var body: [UInt8] = []
        var deliveries = 0
        var end: UpstreamEnd?
    }

    private let state = Mutex(Result())
    /// Acknowledges what it gets, or leaves it outstanding.
    let consumes: Bool
    /// Set on the event loop before the first delivery.
    var transfer: Transfer?

    init(consumes: Bool = true) { self.consumes = consumes }

    var result: Result { state.withLock { $0 } }

    func received(_ delivery: UpstreamDelivery) {
        state.withLock { result in
            if let head = delivery.head {
                result.status = head.status
                result.type = head.first("content-type")
            }
            result.body += delivery.body
            result.deliveries += 1
            result.end = delivery.end
        }
        if consumes { transfer?.consumed(delivery.body.count) }
    }

    /// Waits until `condition` holds, at most ten seconds.
    func wait(_ condition: (Result) -> Bool) async throws -> Result {
        for _ in 0..<1000 {
            let result = self.result
            if condition(result) { return result }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("gave up waiting; have \(result.body.count) bytes, end \(String(describing: result.end))")
        return result
    }
}

@Suite(.timeLimit(.minutes(1))) struct CurlReactorTests {
    static let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    static let ok = [UInt8]("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello".utf8)

    private func start(_ port: Int, _ collector: Collector, on reactor: CurlReactor, body: String = "bodyEND")
        async throws
    {
        let request = UpstreamRequest(
            method: "POST", url: "http://127.0.0.1:\(port)/path", headers: [("x-test", "1"), ("x-empty", "")],
            body: Array(body.utf8), connectTimeoutMs: 2_000)
        try await reactor.eventLoop.submit { collector.transfer = reactor.start(request, receiver: collector) }.get()
    }

    private func withReactor(_ body: (CurlReactor) async throws -> Void) async throws {
        let reactor = try CurlReactor(eventLoop: Self.group.next(), settings: UpstreamSettings(environment: [:]))
        try await body(reactor)
        await Task.detached { reactor.stop() }.value
    }

    @Test func `a request and its answer`() async throws {
        let server = try await ScriptedServer(.init(bytes: Self.ok), group: Self.group)
        try await withReactor { reactor in
            let collector = Collector()
            try await start(server.port, collector, on: reactor)
            let result = try await collector.wait { $0.end != nil }
            #expect(result.status == 200)
            #expect(result.type == "text/plain")
            #expect(String(decoding: result.body, as: UTF8.self) == "hello")
            guard case .complete = result.end else { return #expect(Bool(false), "\(String(describing: result.end))") }
            #expect(server.received.hasPrefix("POST /path HTTP/1.1\r\n"))
            #expect(server.received.contains("x-test: 1\r\n"))
            #expect(server.received.contains("x-empty:\r\n"))
            #expect(!server.received.contains("Expect"))
        }
        try await server.stop()
    }

    @Test func `connections are used again`() async throws {
        let server = try await ScriptedServer(.init(bytes: Self.ok), group: Self.group)
        try await withReactor { reactor in
            for _ in 0..<20 {
                let collector = Collector()
                try await start(server.port, collector, on: reactor)
                _ = try await collector.wait { $0.end != nil }
            }
            #expect(server.connections == 1)
        }
        try await server.stop()
    }

    @Test func `a refused connection says so`() async throws {
        // Bound and not listened to, so that nobody else gets the port meanwhile.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, length)
                _ = getsockname(descriptor, $0, &length)
            }
        }
        let port = Int(UInt16(bigEndian: address.sin_port))
        try await withReactor { reactor in
            let collector = Collector()
            try await start(port, collector, on: reactor)
            let result = try await collector.wait { $0.end != nil }
            guard case .failed(let error) = result.end else { return #expect(Bool(false), "no failure") }
            #expect(error.kind == .connect)
            #expect(error.message.contains("\(port)"))
        }
    }

    @Test func `a body that ends early is a failure`() async throws {
        let bytes = [UInt8]("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello".utf8)
        let server = try await ScriptedServer(.init(bytes: bytes, closes: true), group: Self.group)
        try await withReactor { reactor in
            let collector = Collector()
            try await start(server.port, collector, on: reactor)
            let result = try await collector.wait { $0.end != nil }
            #expect(String(decoding: result.body, as: UTF8.self) == "hello")
            guard case .failed(let error) = result.end else { return #expect(Bool(false), "no failure") }
            #expect(error.kind == .interrupted)
        }
        try await server.stop()
    }

    @Test func `interim answers are left out`() async throws {
        let bytes = [UInt8]("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".utf8) + Self.ok
        let server = try await ScriptedServer(.init(bytes: bytes), group: Self.group)
        try await withReactor { reactor in
            let collector = Collector()
            try await start(server.port, collector, on: reactor)
            let result = try await collector.wait { $0.end != nil }
            #expect(result.status == 200)
            #expect(result.type == "text/plain")
        }
        try await server.stop()
    }

    @Test func `cancelling closes the connection`() async throws {
        let bytes = [UInt8]("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello".utf8)
        let server = try await ScriptedServer(.init(bytes: bytes), group: Self.group)
        try await withReactor { reactor in
            let collector = Collector()
            try await start(server.port, collector, on: reactor)
            _ = try await collector.wait { !$0.body.isEmpty }
            try await reactor.eventLoop.submit { collector.transfer?.cancel() }.get()
            for _ in 0..<200 where server.closed == 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(server.closed == 1)
            #expect(collector.result.end == nil)
        }
        try await server.stop()
    }

    @Test func `what is not consumed stays bounded, and goes on when it is`() async throws {
        let total = 32 << 20
        let head = [UInt8]("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n".utf8)
        let server = try await ScriptedServer(
            .init(bytes: head + [UInt8](repeating: 0x78, count: total)), group: Self.group)
        try await withReactor { reactor in
            let collector = Collector(consumes: false)
            try await start(server.port, collector, on: reactor)
            _ = try await collector.wait { $0.body.count > UpstreamLimits.highWater - (64 << 10) }
            try await Task.sleep(for: .milliseconds(300))
            let held = collector.result.body.count
            #expect(held <= UpstreamLimits.highWater + (64 << 10))

            var acknowledged = 0
            while acknowledged < total {
                let have = try await collector.wait { $0.body.count > acknowledged }.body.count
                guard have > acknowledged else { break }
                let count = have - acknowledged
                try await reactor.eventLoop.submit { collector.transfer?.consumed(count) }.get()
                acknowledged = have
            }
            let result = try await collector.wait { $0.end != nil }
            #expect(result.body.count == total)
        }
        try await server.stop()
    }

    @Test func `many transfers at once`() async throws {
        let server = try await ScriptedServer(.init(bytes: Self.ok), group: Self.group)
        try await withReactor { reactor in
            let collectors = (0..<200).map { _ in Collector() }
            for collector in collectors { try await start(server.port, collector, on: reactor) }
            for collector in collectors {
                let result = try await collector.wait { $0.end != nil }
                #expect(String(decoding: result.body, as: UTF8.self) == "hello")
            }
        }
        try await server.stop()
    }

    @Test func `a head without end is refused`() async throws {
        let line = "X-Filler: " + String(repeating: "y", count: 8_000) + "\r\n"
        let bytes = [UInt8]("HTTP/1.1 200 OK\r\n".utf8) + [UInt8](String(repeating: line, count: 60).utf8)
        let server = try await ScriptedServer(.init(bytes: bytes), group: Self.group)
        try await withReactor { reactor in
            let collector = Collector()
            try await start(server.port, collector, on: reactor)
            let result = try await collector.wait { $0.end != nil }
            guard case .failed = result.end else { return #expect(Bool(false), "no failure") }
        }
        try await server.stop()
    }
}
