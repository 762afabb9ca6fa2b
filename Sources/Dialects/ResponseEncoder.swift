package import CanonicalModel
package import WireJSON

/// Turns canonical events into a client's bytes. Event loop only; one per exchange.
package protocol ResponseEncoder: EventReceiver {
    /// Bytes ready for the client; the owner takes them and empties it.
    var output: ByteWriter { get }
    /// An ERROR event, or a broken rule: the exchange must end with it.
    var failure: ExchangeError? { get }
    /// Has every choice finished?
    var isComplete: Bool { get }
    /// True: bytes are a stream and leave as they come. False: nothing leaves before `complete`.
    var isStreaming: Bool { get }
    /// The reply is complete: writes what ends it. Fails if it isn't; then nothing was written.
    func complete() throws(ExchangeError)
    /// The reply ends with an error after bytes of it have left. Only when `isStreaming`.
    func abort(_ error: ExchangeError)
}
