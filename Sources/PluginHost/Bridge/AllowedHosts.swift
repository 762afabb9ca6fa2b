/// The hosts that a provider instance may talk to: its manifest's `hosts`, and those of its `x-host` properties.
///
/// Asked for every request, hence on bytes: no copies, no grapheme breaking.
package struct AllowedHosts: Sendable {
    /// Lower case; a leading `*.` means any name below.
    private let patterns: [[UInt8]]

    /// `urls`: the configured ones; one without a scheme is a host, with or without port.
    package init(patterns: [String], urls: [String]) {
        let full = urls.map { $0.contains("://") ? $0 : "https://" + $0 }
        let configured = full.compactMap { url in Self.withHost(of: url) { $0.map(Self.lowercased) } }
        self.patterns = patterns.map { Array($0.lowercased().utf8) } + configured.map(Array.init)
    }

    package func refusal(of url: String, plugin: String) -> String? {
        Self.withHost(of: url) { host in
            guard let host else {
                return "plugin '\(plugin)' planned a request to '\(url)', which is not an http or https URL"
            }
            if patterns.contains(where: { Self.matches(host, $0) }) { return nil }
            return
                "plugin '\(plugin)' planned a request to host '\(String(decoding: host, as: UTF8.self))', which neither "
                + "its manifest's \"hosts\" nor an x-host property of its configuration allows"
        }
    }

    /// Calls `body` with the host part, without port, user and brackets; nil for other schemes.
    private static func withHost<Value>(of url: String, _ body: (Slice<UnsafeBufferPointer<UInt8>>?) -> Value) -> Value
    {
        var url = url
        return url.withUTF8 { bytes in
            guard let start = ["http://", "https://"].first(where: { hasPrefix(bytes, $0) })?.utf8CodeUnitCount else {
                return body(nil)
            }
            let end = bytes[start...].firstIndex { [0x2F, 0x3F, 0x23, 0x5C].contains($0) } ?? bytes.endIndex
            var host = bytes[start..<end]
            if let at = host.lastIndex(of: 0x40) { host = host[(at + 1)...] }
            if host.first == 0x5B {
                host = host.dropFirst().prefix { $0 != 0x5D }
            } else {
                host = host.prefix { $0 != 0x3A }
            }
            return body(host.isEmpty ? nil : host)
        }
    }

    private static func hasPrefix(_ bytes: UnsafeBufferPointer<UInt8>, _ prefix: StaticString) -> Bool {
        guard bytes.count >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount where lower(bytes[index]) != prefix.utf8Start[index] { return false }
        return true
    }

    private static func matches(_ host: Slice<UnsafeBufferPointer<UInt8>>, _ pattern: [UInt8]) -> Bool {
        if pattern == [0x2A] { return true }
        guard pattern.starts(with: [0x2A, 0x2E]) else {
            return host.count == pattern.count && zip(host, pattern).allSatisfy { lower($0) == $1 }
        }
        let suffix = pattern.dropFirst()
        return host.count > suffix.count && zip(host.suffix(suffix.count), suffix).allSatisfy { lower($0) == $1 }
    }

    private static func lowercased(_ host: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] { host.map(lower) }

    private static func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
}
