/// Where a value sits in a document, for messages: `models[2].provider_config.apiKey`.
package struct ConfigPath: Sendable, Hashable, CustomStringConvertible {
    package private(set) var description: String

    /// The document's root is the empty path.
    package static let root = ConfigPath("")

    /// Takes a path already in its written form.
    package init(_ description: String) {
        self.description = description
    }

    package func key(_ name: String) -> ConfigPath {
        let isPlain = !name.isEmpty && name.utf8.allSatisfy(Self.isPlainByte)
        if !isPlain { return ConfigPath(description + "[\(ConfigNode.string(name).json)]") }
        return ConfigPath(description.isEmpty ? name : description + "." + name)
    }

    package func index(_ index: Int) -> ConfigPath {
        ConfigPath(description + "[\(index)]")
    }

    private static func isPlainByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "$"): true
        default: false
        }
    }
}
