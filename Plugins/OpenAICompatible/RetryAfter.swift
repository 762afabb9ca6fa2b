package import PluginABI
internal import PluginKit

/// How long an upstream asks to wait, from its response's head.
package enum RetryAfter {
    /// A day: what asks for more is not waited for anyway.
    private static let longest: Int64 = 86_400_000

    /// Milliseconds from `now` (unix ms); -1 if not said.
    package static func milliseconds(_ result: kimi_result, now: UInt64) -> Int64 {
        if let text = result.header("retry-after-ms"), let value = number(text) { return clamp(value) }
        guard let text = result.header("retry-after") else { return -1 }
        if let seconds = number(text) { return clamp(seconds * 1000) }
        guard let date = HTTPDate.unixSeconds(String(decoding: text, as: UTF8.self)), now > 0 else { return -1 }
        return max(0, min(longest, date * 1000 - Int64(clamping: now)))
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
