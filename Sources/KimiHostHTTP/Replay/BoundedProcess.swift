#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Runs the host's own program with bounds of time and output. Blocks; any thread.
enum BoundedProcess {
    enum Outcome: Sendable {
        /// `said`: the end of what it wrote to standard error.
        case ended(output: [UInt8], status: Int, said: String)
        case crashed(signal: String, said: String)
        /// It took more than so many seconds.
        case late(Int)
        case tooLong
        case givenUp
        case notStarted(String)
    }

    static let maxOutput = 16 << 20
    private static let maxSaid = 2_000
    /// Milliseconds between two looks at whether it is still wanted.
    private static let tick: Int32 = 50

    /// - Parameter isUnwanted: true ends it.
    static func run(_ arguments: [String], limit: Duration, isUnwanted: () -> Bool) -> Outcome {
        var (output, errors): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        guard openPipe(&output) else { return .notStarted(reason(errno)) }
        guard openPipe(&errors) else {
            closeAll(output)
            return .notStarted(reason(errno))
        }
        var child: pid_t = 0
        let status = spawn(arguments, output[1], errors[1], &child)
        closeAll([output[1], errors[1]])
        defer { closeAll([output[0], errors[0]]) }
        guard status == 0 else { return .notStarted(reason(status)) }
        var reading = Reading(output: output[0], errors: errors[0])
        let ended = follow(&reading, until: .now + limit, isUnwanted)
        if ended != nil { kill(child, SIGKILL) }
        var state: Int32 = 0
        while waitpid(child, &state, 0) < 0, errno == EINTR {}
        switch ended {
        case .late: return .late(Int(limit.components.seconds))
        case .tooLong: return .tooLong
        case .givenUp: return .givenUp
        case nil: break
        }
        let signal = state & 0x7F
        guard signal == 0 else { return .crashed(signal: name(of: signal), said: reading.lastSaid) }
        return .ended(output: reading.bytes, status: Int(state >> 8 & 0xFF), said: reading.lastSaid)
    }

    /// Why it was ended.
    private enum Reason { case late, tooLong, givenUp }

    /// Nil: it has closed its output by itself.
    private static func follow(
        _ reading: inout Reading, until deadline: ContinuousClock.Instant, _ isUnwanted: () -> Bool
    ) -> Reason? {
        while !reading.isOver {
            if isUnwanted() { return .givenUp }
            if ContinuousClock.now > deadline { return .late }
            reading.take(within: tick)
            if reading.bytes.count > maxOutput { return .tooLong }
        }
        return nil
    }

    /// What has come out of the two pipes.
    private struct Reading {
        private(set) var bytes: [UInt8] = []
        private var said: [UInt8] = []
        private var open: [pollfd]

        init(output: Int32, errors: Int32) {
            open = [output, errors].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        }

        var isOver: Bool { open.allSatisfy { $0.fd < 0 } }

        mutating func take(within milliseconds: Int32) {
            guard poll(&open, nfds_t(open.count), milliseconds) > 0 else { return }
            for place in open.indices where open[place].fd >= 0 && open[place].revents != 0 { read(place) }
        }

        private mutating func read(_ place: Int) {
            var piece = [UInt8](repeating: 0, count: 65_536)
            let descriptor = open[place].fd
            let count = piece.withUnsafeMutableBytes { readInto(descriptor, $0) }
            if count < 0, errno == EINTR { return }
            guard count > 0 else {
                open[place].fd = -1
                return
            }
            if place == 0 {
                bytes += piece.prefix(count)
            } else {
                said = Array((said + piece.prefix(count)).suffix(maxSaid))
            }
        }

        /// The last lines, as one.
        var lastSaid: String {
            let text = String(decoding: said, as: UTF8.self)
            let lines = text.split(separator: "\n").suffix(3).joined(separator: "; ")
            return String(lines.map { $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } ? " " : $0 })
        }
    }

    private static func readInto(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Darwin)
        Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
        Musl.read(descriptor, buffer.baseAddress, buffer.count)
        #else
        Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }

    private static func openPipe(_ ends: inout [Int32]) -> Bool {
        guard pipe(&ends) == 0 else { return false }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return true
    }

    private static func closeAll(_ descriptors: [Int32]) {
        for descriptor in descriptors { close(descriptor) }
    }

    private static func reason(_ error: Int32) -> String { String(cString: strerror(error)) }

    private static func name(of signal: Int32) -> String {
        let names: [Int32: String] = [
            SIGSEGV: "SIGSEGV", SIGBUS: "SIGBUS", SIGILL: "SIGILL", SIGFPE: "SIGFPE", SIGABRT: "SIGABRT",
            SIGTRAP: "SIGTRAP", SIGKILL: "SIGKILL", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM",
        ]
        return names[signal] ?? "signal \(signal)"
    }
}
