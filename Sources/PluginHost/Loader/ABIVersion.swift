internal import PluginABI

/// A version of the plugin ABI, such as 1.0.
package struct ABIVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var major: Int
    package var minor: Int

    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Reads "1.0"; nil for anything else.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in part.utf8.allSatisfy { (48...57).contains($0) } ? Int(part) : nil }
        guard parts.count == 2, numbers.count == 2 else { return nil }
        self.init(major: numbers[0], minor: numbers[1])
    }

    /// The version of the header this host is built with.
    package static var host: ABIVersion { ABIVersion(major: Int(KIMI_ABI_MAJOR), minor: Int(KIMI_ABI_MINOR)) }

    package var description: String { "\(major).\(minor)" }

    package static func < (left: ABIVersion, right: ABIVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}
