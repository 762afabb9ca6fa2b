/// The generations of the model that write differently.
package enum ModelFamily: String, Sendable, CaseIterable {
    /// K2-Instruct: never thinks.
    case k2
    /// K2-Thinking: opens its thought itself, unless the server's template did.
    case k2Thinking = "k2-thinking"
    /// K2.5 to K2.7: the template opens the thought.
    case k25 = "k2.5"
    /// K3: XTML, always thinks.
    case k3

    /// The family that an upstream's model name tells of; nil if it does not.
    package init?(modelName: some StringProtocol) {
        let name = modelName.lowercased()
        let bytes = Array(name.utf8)
        let isASCII = bytes.allSatisfy { $0 < 0x80 }
        // Bytes are found faster than characters.
        func has(_ word: String) -> Bool { isASCII ? Self.has(word, bytes) : name.contains(word) }
        if has("thinking") {
            self = .k2Thinking
        } else if Self.isLaterK2(bytes) {
            self = .k25
        } else if has("k3") {
            self = .k3
        } else if has("k2"), ["instruct", "0711", "0905", "turbo"].contains(where: has) {
            self = .k2
        } else {
            return nil
        }
    }

    /// K2.5 and later, however gateways write the point. The number ends there: `k2-0905` is a date, `k2-8bit` none.
    private static func isLaterK2(_ text: [UInt8]) -> Bool {
        text.indices.dropLast(3).contains { at in
            guard text[at...].starts(with: "k2".utf8), ".-_p".utf8.contains(text[at + 2]) else { return false }
            let next = at + 4 < text.count ? text[at + 4] : 0
            let isWord = isDigit(next) || (0x61...0x7A).contains(next)
            return (0x35...0x39).contains(text[at + 3]) && !isWord
        }
    }

    private static func has(_ word: String, _ name: [UInt8]) -> Bool {
        name.indices.contains { name[$0...].starts(with: word.utf8) }
    }

    /// Does it think at all?
    var thinks: Bool { self != .k2 }
}
