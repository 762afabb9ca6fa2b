internal import PluginABI
internal import PluginKit

/// Times as Google writes them.
enum Timestamp {
    /// RFC 3339 such as `2025-10-02T15:01:23.045Z` or with `+02:00`, as unix seconds; nil if it is none.
    static func unixSeconds(_ text: String) -> Int64? {
        let halves = text.split(separator: "T", maxSplits: 1)
        guard halves.count == 2 else { return nil }
        let date = halves[0].split(separator: "-").compactMap { Int64($0) }
        let clock = halves[1].prefix { $0.isASCII && ($0.isNumber || $0 == ":") }
        let time = clock.split(separator: ":").compactMap { Int64($0) }
        let rest = halves[1].dropFirst(clock.count).drop { $0 == "." || ($0.isASCII && $0.isNumber) }
        guard date.count == 3, time.count == 3, (1970...9999).contains(date[0]), (1...12).contains(date[1]),
            (1...31).contains(date[2]), (0...23).contains(time[0]), (0...59).contains(time[1]),
            (0...60).contains(time[2]), let offset = offset(rest)
        else { return nil }
        return days(date[0], date[1], date[2]) * 86_400 + time[0] * 3600 + time[1] * 60 + time[2] - offset
    }

    private static func offset(_ text: Substring) -> Int64? {
        if text == "Z" || text == "z" { return 0 }
        guard let sign = text.first, sign == "+" || sign == "-" else { return nil }
        let parts = text.dropFirst().split(separator: ":").compactMap { Int64($0) }
        guard parts.count == 2, (0...23).contains(parts[0]), (0...59).contains(parts[1]) else { return nil }
        return (sign == "-" ? -1 : 1) * (parts[0] * 3600 + parts[1] * 60)
    }

    /// Days since 1970: years are counted from March, so that the leap day is the last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}

/// How long an upstream asks to wait.
enum RetryAfter {
    /// A day: what asks for more is not waited for anyway.
    private static let longest = 86_400.0

    /// From the head's `retry-after` in seconds; nil if not said so.
    static func milliseconds(_ result: kimi_result) -> UInt64? {
        result.header("retry-after").flatMap { seconds(String(decoding: $0.trimmed, as: UTF8.self)) }
    }

    /// A protobuf duration such as `34s` or `1.5s`.
    static func duration(_ text: String) -> UInt64? {
        text.hasSuffix("s") ? seconds(String(text.dropLast())) : nil
    }

    private static func seconds(_ text: String) -> UInt64? {
        guard let value = Double(text), value.isFinite, value >= 0 else { return nil }
        return UInt64((min(value, longest) * 1000).rounded(.up))
    }
}
