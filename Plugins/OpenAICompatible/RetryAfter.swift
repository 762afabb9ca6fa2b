package import PluginABI
internal import PluginKit

/// How long an upstream asks to wait, from its response's head.
package enum RetryAfter {
    /// A day: what asks for more is not waited for anyway.
    private static let longest: Int64 = 86_400_000

    /// Milliseconds from `now` (unix ms); -1 if not said.
    package static func milliseconds(_ result: kimi_result, now: UInt64) -> Int64 {
        if let text = result.header("retry-after-ms"), let value = number(text) { return clamp(value) }
        if let text = result.header("retry-after") {
            if let seconds = number(text) { return clamp(seconds * 1000) }
            if let date = HTTPDate.unixSeconds(String(decoding: text, as: UTF8.self)), now > 0 {
                return until(date * 1000, now: now)
            }
        }
        return result.http_status == 429 ? reset(result, now) : -1
    }

    /// From the time of a reset (unix ms).
    static func until(_ time: Int64, now: UInt64) -> Int64 {
        max(0, min(longest, time.subtractingReportingOverflow(Int64(clamping: now)).partialValue))
    }

    /// When the bound that was reached is reset: of requests or tokens, whichever has nothing left.
    private static func reset(_ result: kimi_result, _ now: UInt64) -> Int64 {
        var longestWait: Int64 = -1
        for (left, reset) in resets {
            guard let text = result.header(reset) else { continue }
            let rest = result.header(left).flatMap(number)
            guard rest == nil || rest == 0 else { continue }
            longestWait = max(longestWait, wait(String(decoding: text.trimmed, as: UTF8.self), now) ?? -1)
        }
        return longestWait
    }

    private static let resets: [(StaticString, StaticString)] = [
        ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
        ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"), ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ]

    /// `6m0s`, `1.5s`, `20ms`; a bare number is seconds, or a unix time in seconds or milliseconds.
    private static func wait(_ text: String, _ now: UInt64) -> Int64? {
        guard let value = Double(text) else { return duration(text[...]) }
        guard value.isFinite, value >= 0 else { return nil }
        switch value {
        case 1e11...: return now > 0 ? until(Int64(clamping: Int64(min(value, 1e15))), now: now) : nil
        case 5e8...: return now > 0 ? until(Int64(value) * 1000, now: now) : nil
        default: return clamp(value * 1000)
        }
    }

    /// Go's way of writing a duration; nil if it is none.
    private static func duration(_ text: Substring) -> Int64? {
        var rest = text
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            let unit = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
            guard let value = Double(digits), let factor = units[String(unit)] else { return nil }
            total += value * factor
            rest = rest.dropFirst(digits.count + unit.count)
        }
        return clamp(total)
    }

    private static let units: [String: Double] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]

    /// "Please try again in 7.66s", "Please retry after 30 seconds": what rate limits say; nil if nothing of the kind.
    static func said(in message: String) -> Int64? {
        let words = message.lowercased().split { $0 == " " || $0 == "," || $0 == "\n" }
        for (place, word) in words.enumerated() where word == "in" || word == "after" {
            guard place > 0, ["again", "retry"].contains(words[place - 1]), place + 1 < words.count else { continue }
            var amount = words[place + 1]
            while let last = amount.last, last == "." || last == ";" || last == "!" { amount.removeLast() }
            if let value = Double(amount), value >= 0, place + 2 < words.count {
                let unit = words[place + 2]
                if unit.hasPrefix("milli") || unit == "ms" { return clamp(value) }
                if unit.hasPrefix("sec") || unit == "s" { return clamp(value * 1000) }
                if unit.hasPrefix("min") { return clamp(value * 60_000) }
            } else if let wait = duration(amount) {
                return wait
            }
        }
        return nil
    }

    private static func number(_ text: UnsafeRawBufferPointer) -> Double? {
        Double(String(decoding: text.trimmed, as: UTF8.self)).flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
    }

    private static func clamp(_ value: Double) -> Int64 {
        Int64(min(value.rounded(.up), Double(longest)))
    }
}

/// The one date format that HTTP still makes: `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    static func unixSeconds(_ text: String) -> Int64? {
        let parts = text.split { $0 == " " || $0 == ":" || $0 == "," }
        guard parts.count == 8, parts[7] == "GMT", let day = Int64(parts[1]), let year = Int64(parts[3]),
            let month = months.firstIndex(where: { $0 == parts[2] }), let hour = Int64(parts[4]),
            let minute = Int64(parts[5]), let second = Int64(parts[6]), (1970...9999).contains(year),
            (1...31).contains(day), (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        return days(year, Int64(month) + 1, day) * 86_400 + hour * 3600 + minute * 60 + second
    }

    /// Days since 1970: years are counted from March, so that the leap day is the last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}
