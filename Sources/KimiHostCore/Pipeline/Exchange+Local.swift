import CanonicalModel
import NIOCore
import PluginABI
import PluginHost

/// Providers that answer by themselves.
extension Exchange {
    func startTicker(_ milliseconds: Int) {
        clock.heard()
        let ticker = LocalTicker(eventLoop: services.eventLoop, milliseconds: milliseconds) { [weak self] in
            self?.tick() ?? .pause
        }
        self.ticker = ticker
        ticker.start()
    }

    /// One tick of a provider that answers by itself, unless the client does not read.
    func tick() -> LocalTicker.Outcome {
        guard !reply.isOver, let client, client.isWritable else { return .pause }
        if let isolated = attempt?.isolated { return tickIsolated(isolated) }
        let delivered = attempt?.delivered
        proceed { (self) throws(ExchangeError) in
            try self.feedTick()
            if self.isProviderDone { try self.finish() }
        }
        guard !reply.isOver else { return .pause }
        // A tick that brings nothing is no sign of life: timeouts.idle ends a provider that never goes on.
        guard attempt?.delivered != delivered else { return .silent }
        clock.heard()
        return .brought
    }

    func feedTick() throws(ExchangeError) {
        var frame = kimi_frame()
        frame.kind = KIMI_FRAME_TICK.rawValue
        try withUnsafePointer(to: frame) { pointer throws(ExchangeError) in
            try self.feed(UnsafeBufferPointer(start: pointer, count: 1))
        }
    }
}
