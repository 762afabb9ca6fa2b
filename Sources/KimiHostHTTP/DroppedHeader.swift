import Dialects

/// `x-kimi-dropped`: the paths of what a request has that its upstream cannot be told.
enum DroppedHeader {
    /// The header's length in bytes; what does not fit is in the log.
    static let maxBytes = 1_024

    static func value(_ dropped: [DroppedField]) -> String {
        var value = ""
        for field in dropped {
            let path = String(
                decoding: field.path.utf8.map { $0 > 0x20 && $0 < 0x7F && $0 != 0x2C ? $0 : 0x3F }, as: UTF8.self)
            guard value.utf8.count + path.utf8.count + 5 <= maxBytes else { return value + ", ..." }
            value += value.isEmpty ? path : ", " + path
        }
        return value
    }
}
