internal import PluginKit

/// Addresses of Vertex AI.
enum VertexHost {
    /// Where a location is served: one host for `global`, one for each multi-region, one for each region.
    static func base(location: String) -> String {
        switch location {
        case "global": "https://aiplatform.googleapis.com"
        case "us", "eu": "https://aiplatform.\(location).rep.googleapis.com"
        default: "https://\(location)-aiplatform.googleapis.com"
        }
    }

    /// A configured address, given as URL or as host: scheme, host and port of it, its path does not count.
    static func origin(_ text: String, _ key: String) throws(PluginFailure) -> String {
        let lower = text.lowercased()
        let scheme = ["https://", "http://"].first { lower.hasPrefix($0) } ?? ""
        let authority = text.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
        let isHost = !authority.isEmpty && authority.utf8.allSatisfy(isHostByte)
        guard isHost, !scheme.isEmpty || !text.contains("://") else {
            throw .config(
                "\(key) is '\(text)'; it must be a host such as us-central1-aiplatform.googleapis.com or an https URL.")
        }
        return (scheme.isEmpty ? "https://" : scheme) + authority
    }

    /// A project's or location's name, which becomes part of a URL.
    static func check(_ value: String, _ key: String) throws(PluginFailure) {
        let isPlain = value.utf8.allSatisfy { isHostByte($0) && $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]") }
        guard !value.isEmpty, value.utf8.count <= 128, isPlain else {
            throw .config("\(key) is '\(value)'; it may have letters, digits, '-', '.', ':' and '_' only.")
        }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._:[]".utf8.contains(byte)
        }
    }
}
