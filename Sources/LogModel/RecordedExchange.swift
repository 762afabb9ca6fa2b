/// An exchange as it was recorded, with what a replay needs of it.
package struct RecordedExchange: Sendable {
    package var id = ""
    /// Unix milliseconds.
    package var began: Int64 = 0
    package var dialect = ""
    package var profile: String?
    package var model = ""
    package var outcome = ExchangeRecord.Outcome.ok
    package var status = 0
    package var request: [UInt8] = []
    package var reply: [UInt8] = []
    package var attempts: [Attempt] = []

    package init() {}

    package struct Attempt: Sendable {
        package var provider = ""
        package var upstreamModel = ""
        /// 0: no answer.
        package var status = 0
        package var headers: [AttemptRecord.Header] = []
        package var request: [UInt8] = []
        package var reply: [UInt8] = []
        package var arrivals: [AttemptRecord.Arrival] = []
        /// Milliseconds since the exchange began.
        package var end: Int64?
        /// Why the answer broke off, or none came.
        package var broke: String?

        package init() {}
    }
}
