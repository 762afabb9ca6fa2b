package import CanonicalModel
package import WireJSON

/// Turns canonical events into a client's bytes. Event loop only; one per exchange.
///
/// Whatever the events are, the bytes are legal in the client's API: `EventGate` stands before each encoder.
package protocol ResponseEncoder: EventReceiver {
    /// Bytes ready for the client; the owner takes them and empties it.
    var output: ByteWriter { get }
    /// An ERROR event, or what cannot be put right: the exchange must end with it.
    var failure: ExchangeError? { get }
    /// What of the events was put right or left out so far: for the exchange's row in the log.
    var repairs: Repairs { get }
    /// What the reply used so far, for the same row.
    var tokens: TokenCounts { get }
    /// Has every choice finished?
    var isComplete: Bool { get }
    /// True: bytes are a stream and leave as they come. False: nothing leaves before `complete`.
    var isStreaming: Bool { get }
    /// The reply is complete: writes what ends it. Fails if it isn't; then nothing was written.
    func complete() throws(ExchangeError)
    /// The reply ends with an error after bytes of it have left. Only when `isStreaming`.
    func abort(_ error: ExchangeError)
}
