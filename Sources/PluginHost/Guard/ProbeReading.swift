#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a prober says, as far as it got.
struct ProbeReading {
    enum Step { case more, silence, end }

    private let report: Int32
    private let output: Int32
    private let keptOutputBytes: Int
    private(set) var outcomes: [ProbeProcess.Outcome] = []
    /// A library was begun that is not done.
    private(set) var isUnderWay = false
    /// The report came to its end.
    private(set) var isEnded = false
    private(set) var phase = "dlopen"
    private(set) var reportBytes = 0
    private var printed: [UInt8] = []
    private var unfinished: [UInt8] = []
    private var isOutputOpen = true

    init(report: Int32, output: Int32, keptOutputBytes: Int) {
        (self.report, self.output, self.keptOutputBytes) = (report, output, keptOutputBytes)
    }

    /// The last line that was printed, without control characters.
    var lastPrinted: String {
        let text = String(decoding: printed, as: UTF8.self)
        let line = text.split(whereSeparator: \.isNewline).last ?? ""
        let shown = line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
        return String(shown.map(Character.init).prefix(200))
    }

    /// Waits for words. Printing is none: `silence` after so long without.
    mutating func wait(milliseconds: Int64) -> Step {
        let deadline = Int64(HostTable.monotonicMs) + milliseconds
        while true {
            let left = deadline - Int64(HostTable.monotonicMs)
            guard left > 0 else { return .silence }
            var polled = [
                pollfd(fd: report, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isOutputOpen ? output : -1, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&polled, 2, Int32(left))
            if count < 0, errno == EINTR { continue }
            if polled[1].revents != 0 { takeOutput() }
            guard polled[0].revents != 0 else { continue }
            return takeReport()
        }
    }

    private mutating func takeOutput() {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = read(output, &buffer, buffer.count)
        guard count > 0 else { return isOutputOpen = false }
        printed = Array((printed + buffer[..<count]).suffix(keptOutputBytes))
    }

    private mutating func takeReport() -> Step {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(report, &buffer, buffer.count)
        guard count > 0 else {
            isEnded = true
            drainOutput()
            return .end
        }
        reportBytes += count
        unfinished += buffer[..<count]
        while let end = unfinished.firstIndex(of: 0x0A) {
            take(String(decoding: unfinished[..<end], as: UTF8.self))
            unfinished.removeSubrange(...end)
        }
        return .more
    }

    /// What is left there: the other end may be kept open by what the child started.
    private mutating func drainOutput() {
        var polled = [pollfd(fd: output, events: Int16(POLLIN), revents: 0)]
        while isOutputOpen, poll(&polled, 1, 0) > 0 { takeOutput() }
    }

    private mutating func take(_ line: String) {
        switch line {
        case "dlopen", "entry": phase = line
        case "refused": end(.refused)
        case _ where line.hasPrefix("begin "): (isUnderWay, phase) = (true, "dlopen")
        case _ where line.hasPrefix("fine "): end(.fine(manifest: String(line.dropFirst(5))))
        default: break  // A library wrote to the descriptor.
        }
    }

    private mutating func end(_ outcome: ProbeProcess.Outcome) {
        guard isUnderWay else { return }
        isUnderWay = false
        outcomes.append(outcome)
    }
}
