package import LogModel

/// What was measured of one exchange, for `/metrics`. Times are microseconds.
package struct ExchangeMeasure: Sendable {
    /// One try at an upstream.
    package struct Attempt: Sendable {
        package var model: String
        package var provider: String
        package var duration: Int
        /// From the request that went up until the first content; nil: none came, or it was no stream.
        package var firstChunk: Int?
        package var gaps: ChunkGaps
        /// The category of its error; empty: none.
        package var error: String

        package init(
            model: String, provider: String, duration: Int, firstChunk: Int?, gaps: ChunkGaps = ChunkGaps(),
            error: String = ""
        ) {
            (self.model, self.provider, self.duration) = (model, provider, duration)
            (self.firstChunk, self.gaps, self.error) = (firstChunk, gaps, error)
        }
    }

    /// The client's name of the model.
    package var asked: String
    /// The client's API, such as `openai.chat`.
    package var dialect: String
    /// From the request's last byte until the reply was complete.
    package var duration = 0
    /// From the same until the first content for the client; nil: none, or the reply was no stream.
    package var firstToken: Int?
    /// Of `duration`, that in which nothing was awaited of an upstream; nil: none was asked.
    package var overhead: Int?
    /// The category of the error that the client heard, or `cancelled`; empty: none.
    package var error = ""
    package var usage = ExchangeRecord.Usage()
    /// In order; the last one may have succeeded.
    package var attempts: [Attempt] = []

    package init(asked: String, dialect: String) {
        (self.asked, self.dialect) = (asked, dialect)
    }

    /// Mean time of an output token behind the first.
    var perToken: Int? {
        guard error.isEmpty, let firstToken, let output = usage.output, output > 1 else { return nil }
        return max(0, duration - firstToken) / Int(clamping: output - 1)
    }
}
