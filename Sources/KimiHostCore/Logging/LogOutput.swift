import Synchronization

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Where lines of the process log go: a descriptor that may be a pipe which nobody reads.
///
/// Lines are written by whoever has something to say, event loops too. So a reader that hangs is waited for once, shortly;
/// then lines are dropped, and counted, until it takes some again. Any thread.
final class LogOutput: Sendable {
    /// How long a line waits for room.
    static let patienceMs: Int32 = 100
    /// After a wait in vain no line waits for so long.
    static let restMs: UInt64 = 10_000
    /// What is written at once: a pipe that has room at all has room for it (PIPE_BUF).
    #if canImport(Darwin)
    private static let pieceBytes = 512
    #else
    private static let pieceBytes = 4_096
    #endif

    /// Lines that nobody took, of the whole process.
    private static let lost = Atomic<Int>(0)

    static var dropped: Int { lost.load(ordering: .relaxed) }

    private struct State {
        /// No line waits before then; milliseconds.
        var restsUntil: UInt64 = 0
        /// Lines that were dropped, and of which nothing was said yet.
        var untold = 0
        /// The last line was not written to its end.
        var isTorn = false
    }

    private let descriptor: Int32
    private let state = Mutex(State())

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Writes a line, with its end. `report`: the line about so many that were dropped.
    func write(_ line: [UInt8], report: (_ dropped: Int) -> [UInt8]) {
        state.withLock { state in
            if state.isTorn {
                guard put([UInt8(ascii: "\n")], &state) else { return Self.lose(&state) }
                state.isTorn = false
            }
            if state.untold > 0 {
                guard put(report(state.untold), &state) else { return Self.lose(&state) }
                state.untold = 0
            }
            if !put(line, &state) { Self.lose(&state) }
        }
    }

    private static func lose(_ state: inout State) {
        state.untold += 1
        lost.wrappingAdd(1, ordering: .relaxed)
    }

    /// False: it is not out, or not all of it.
    private func put(_ bytes: [UInt8], _ state: inout State) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var rest = bytes
            while !rest.isEmpty {
                let count = hasRoom(&state) ? writeSome(rest) : 0
                guard count > 0 else {
                    state.isTorn = state.isTorn || rest.count < bytes.count
                    return false
                }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
            return true
        }
    }

    /// Waits for room, if it is time for that.
    private func hasRoom(_ state: inout State) -> Bool {
        var one = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        if poll(&one, 1, 0) > 0 { return true }
        let now = Self.milliseconds()
        guard now >= state.restsUntil else { return false }
        let end = now + UInt64(Self.patienceMs)
        var left = Self.patienceMs
        while left > 0 {
            if poll(&one, 1, left) > 0 { return true }
            left = Int32(clamping: Int64(end) - Int64(Self.milliseconds()))
        }
        state.restsUntil = end + Self.restMs
        return false
    }

    /// 0 when nobody is there to take it.
    private func writeSome(_ bytes: UnsafeRawBufferPointer) -> Int {
        let size = min(bytes.count, Self.pieceBytes)
        while true {
            #if canImport(Darwin)
            let count = Darwin.write(descriptor, bytes.baseAddress, size)
            #else
            let count = Glibc.write(descriptor, bytes.baseAddress, size)
            #endif
            if count >= 0 || errno != EINTR { return max(0, count) }
        }
    }

    private static func milliseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }
}
