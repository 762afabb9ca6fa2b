package import CanonicalModel
package import Dialects
package import PluginABI
package import WireJSON

/// An encoder before which an ``EnforcedTurn`` stands, for all attempts of one reply. Event loop only.
package final class EnforcedReply: ResponseEncoder {
    private let inner: any ResponseEncoder
    package private(set) var turn: EnforcedTurn
    /// An error before anything else of a further attempt: the attempt can be made again.
    private var ownFailure: ExchangeError?

    package init(_ inner: any ResponseEncoder, _ turn: EnforcedTurn) {
        self.inner = inner
        self.turn = turn
    }

    package var output: ByteWriter { inner.output }
    package var failure: ExchangeError? { ownFailure ?? inner.failure }
    package var repairs: Repairs { inner.repairs }
    package var tokens: TokenCounts { inner.tokens }
    package var isComplete: Bool { inner.isComplete }
    package var isStreaming: Bool { inner.isStreaming }

    /// Is this a further attempt of which nothing has gone on? Then it may be made again, wherever.
    package var mayBeginAgain: Bool { turn.number > 1 && turn.isUntouched && inner.failure == nil }

    package func receive(_ events: UnsafeBufferPointer<CanonicalEvent>) -> kimi_status {
        var start = 0
        for (place, event) in events.enumerated() {
            if event.type == KIMI_EVENT_ERROR.rawValue, mayBeginAgain {
                ownFailure = ExchangeError(event)
                return kimi_status(KIMI_STOP)
            }
            let passes = turn.take(event) { made in
                pass(events, start..<place)
                start = place
                pass(made)
            }
            if passes { continue }
            pass(events, start..<place)
            start = place + 1
        }
        pass(events, start..<events.count)
        return kimi_status(failure == nil ? KIMI_OK : KIMI_STOP)
    }

    private func pass(_ events: UnsafeBufferPointer<CanonicalEvent>, _ range: Range<Int>) {
        guard !range.isEmpty, inner.failure == nil else { return }
        _ = inner.receive(UnsafeBufferPointer(rebasing: events[range]))
    }

    private func pass(_ event: CanonicalEvent) {
        guard inner.failure == nil else { return }
        withUnsafePointer(to: event) { _ = inner.receive(UnsafeBufferPointer(start: $0, count: 1)) }
    }

    /// The verdict was to accept: hands on what waits for it.
    package func accept() { turn.finish(pass) }

    /// The verdict was another attempt; as ``EnforcedTurn/again(_:)``.
    package func again(_ demand: EnforcedTurn.Demand) -> [UInt8] { turn.again(demand) }

    /// The attempt is made again.
    package func restart() {
        ownFailure = nil
        turn.restart()
    }

    package func complete() throws(ExchangeError) { try inner.complete() }

    package func abort(_ error: ExchangeError) { inner.abort(error) }

    /// Events of a reply that the host makes: it says nothing, and ends the turn.
    package static func stop(_ encoder: any ResponseEncoder, id: String, model: String) {
        var (id, model) = ("synth_" + id, model)
        let reason: StaticString = "stop"
        id.withUTF8 { id in
            model.withUTF8 { model in
                var start = kimi_event()
                start.type = KIMI_EVENT_START.rawValue
                start.a = kimi_bytes(UnsafeRawBufferPointer(id))
                start.b = kimi_bytes(UnsafeRawBufferPointer(model))
                var usage = kimi_event()
                usage.type = KIMI_EVENT_USAGE.rawValue
                var finish = kimi_event()
                finish.type = KIMI_EVENT_FINISH.rawValue
                finish.a = kimi_bytes(
                    UnsafeRawBufferPointer(start: reason.utf8Start, count: reason.utf8CodeUnitCount))
                _ = [start, usage, finish].withUnsafeBufferPointer { encoder.receive($0) }
            }
        }
    }
}
