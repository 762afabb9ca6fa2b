package import Dashboard
import Dispatch
import RequestLog
import Synchronization
import WireJSON

/// Replays exchanges for the dashboard, each in a process of its own: a replay sets the clock that plugins see, and a
/// plugin that crashes or hangs takes nobody else with it. Any thread.
package final class ReplaySpawner: Sendable {
    /// Processes at once; further wishes are refused.
    package static let atOnce = 2
    /// Seconds that one may take.
    package static let seconds = 30
    /// Seconds after which one ends by itself, should nobody be there any more to end it.
    private static let lastSeconds = seconds + 5

    /// Of `kimi-host`, from its subcommand on, without the exchange.
    private let arguments: [String]
    private let limit: Duration
    private let running = Atomic<Int>(0)
    private let queue = DispatchQueue(label: "kimi.replay", qos: .utility, attributes: .concurrent)

    /// - Parameters:
    ///   - arguments: such as `["replay", "--db", "logs.db"]`.
    ///   - limit: tests shorten it.
    package init(arguments: [String], limit: Duration = .seconds(ReplaySpawner.seconds)) {
        self.arguments = arguments
        self.limit = limit
    }

    /// - Parameter isEnding: asked now and then; true ends it.
    package func replay(sequence: Int64, isEnding: @escaping @Sendable () -> Bool) async -> ReplayAnswer {
        let count = running.add(1, ordering: .relaxed).newValue
        defer { running.subtract(1, ordering: .relaxed) }
        guard count <= Self.atOnce else { return .busy(Self.atOnce) }
        let gone = Flag()
        let words = arguments + ["--json", "--by-sequence", "--end-after", "\(Self.lastSeconds)", "\(sequence)"]
        let outcome: BoundedProcess.Outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async { [limit] in
                    continuation.resume(
                        returning: BoundedProcess.run(words, limit: limit) { gone.isSet || isEnding() })
                }
            }
        } onCancel: {
            gone.set()
        }
        return .done(Self.answer(outcome))
    }

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    private static func answer(_ outcome: BoundedProcess.Outcome) -> [UInt8] {
        switch outcome {
        case .ended(let output, let status, let said):
            // Plugins may print as well: the report is the last line that is one.
            let parser = JSONParser(maxBytes: BoundedProcess.maxOutput)
            for line in output.split(separator: 0x0A).reversed() where line.starts(with: "{\"sequence\":".utf8) {
                if (try? parser.parse(Array(line))) != nil { return Array(line) }
            }
            return failure(
                "failed", "the replay ended with status \(status)" + (said.isEmpty ? "" : ": \(said)"))
        case .crashed(let signal, let said):
            return failure(
                "crashed",
                "the replay's process ended by \(signal), a plugin's crash most likely"
                    + (said.isEmpty ? "" : ": \(said)"))
        case .late(let seconds):
            return failure("time_limit", "the replay took longer than \(seconds) s and was ended")
        case .tooLong:
            return failure("too_large", "the replay printed more than \(BoundedProcess.maxOutput) bytes and was ended")
        case .givenUp: return failure("cancelled", "the replay was given up")
        case .notStarted(let reason): return failure("not_started", "the replay cannot be started: \(reason)")
        }
    }

    private static func failure(_ code: String, _ message: String) -> [UInt8] {
        let object = JSONObjectWriter()
        object.object("error") { object in
            object.text("code", code)
            object.text("message", message)
        }
        return object.end()
    }
}
