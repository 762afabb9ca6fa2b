import LogModel

/// Numbers are reckoned with; those that no host wrote are a damaged disk's.
extension ExchangeRecord {
    /// The year 9999 ends, in Unix milliseconds.
    private static let latest: Int64 = 253_402_300_799_999

    var makesSense: Bool {
        let times = [began, duration, firstByte ?? 0, firstToken ?? 0]
        return times.allSatisfy(Self.isTime)
            && attempts.allSatisfy { attempt in
                attempt.arrivals.allSatisfy { Self.isTime($0.milliseconds) && Self.isTime(Int64($0.count)) }
            }
    }

    private static func isTime(_ number: Int64) -> Bool { number >= 0 && number <= latest }
}
