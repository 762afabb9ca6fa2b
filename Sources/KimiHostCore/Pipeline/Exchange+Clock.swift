import CanonicalModel
package import NIOCore
import PluginABI
import PluginHost

/// Waits that last too long.
extension Exchange {
    /// Called about four times a second.
    package func checkClock(_ now: NIODeadline) {
        noticeReading(now)
        if let overdue = clock.overdue(now) {
            if reply.isOver { return release(KIMI_WHY_END) }
            expire(overdue)
        } else if clock.isErrorBodyLate(now) {
            proceed { (self) throws(ExchangeError) in try self.cutErrorBody() }
        } else if clock.mustRelease(now) {
            proceed { (self) throws(ExchangeError) in try self.attempt?.releaseHeld() }
        }
        keepAwake(now)
    }

    /// A client that takes bytes, however slowly, is no idle one.
    private func noticeReading(_ now: NIODeadline) {
        let buffered = client?.bufferedBytes ?? 0
        if buffered < lastBuffered { clock.heard(now) }
        lastBuffered = buffered
        // While it takes none, the upstream is not asked for more.
        if client?.isWritable == false { clock.postponeTokens(now) }
    }

    /// A wait has lasted too long. If it is the client who does not read, nothing more can be told to it.
    private func expire(_ error: ExchangeError) {
        guard let client, !client.isWritable else { return fail(error) }
        report(.failed, error)
        if reply.completed() { client.exchangeAbandoned() }
        release(KIMI_WHY_FAILED)
    }
}
