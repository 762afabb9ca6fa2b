/// One piece of K3's markup: `<|open|>call tool="read" index="1"<|sep|>`, `<|close|>think<|sep|>`, or a token alone.
struct XTMLTag {
    /// The tags there are.
    enum Name: String {
        case think, response, tools, call, argument, message

        private static let all: [Name] = [.think, .response, .tools, .call, .argument, .message]

        /// The tag whose name these bytes are, `last` behind the others.
        init?(_ bytes: ArraySlice<UInt8>, then last: UInt8) {
            let found = Self.all.first { name in
                name.rawValue.utf8.count == bytes.count + 1 && Self.fits(name, bytes, last)
            }
            guard let found else { return nil }
            self = found
        }

        /// Do these bytes begin the name of a tag?
        static func any(startsWith bytes: ArraySlice<UInt8>, then last: UInt8) -> Bool {
            all.contains { fits($0, bytes, last) }
        }

        private static func fits(_ name: Name, _ bytes: ArraySlice<UInt8>, _ last: UInt8) -> Bool {
            let rest = name.rawValue.utf8.dropFirst(bytes.count)
            return rest.first == last && name.rawValue.utf8.starts(with: bytes)
        }

        /// Does it speak of calls?
        var isOfCalls: Bool { self == .tools || self == .call || self == .argument }
    }

    var token: XTMLToken
    /// nil: the token stands alone, or what follows it is no tag.
    var name: Name?
    /// Values as they are meant, `&amp;` and `&quot;` resolved.
    var attributes: [(name: [UInt8], value: [UInt8])] = []

    /// Reads a tag that is known to be one.
    init(_ spelled: Bytes) {
        var reader = XTMLTagReader()
        for byte in spelled {
            if reader.take(byte) == .undecided { continue }
            break
        }
        self = reader.tag
    }

    init(token: XTMLToken, name: Name? = nil) {
        self.token = token
        self.name = name
    }

    /// The value of the first of these attributes that is there.
    func value(of names: StaticString...) -> [UInt8]? {
        for name in names {
            let found = attributes.first { $0.name.elementsEqual(UnsafeBufferPointer(name)) }
            if let found { return found.value }
        }
        return nil
    }

    /// How far out the tag reaches that this one closes: 1 argument to 4 message, 5 the end of the message; nil if
    /// it closes nothing that a call can be in.
    var closes: Int? {
        if token == .endOfMessage { return 5 }
        guard token == .close else { return nil }
        switch name {
        case .argument: return 1
        case .call: return 2
        case .tools: return 3
        case .message: return 4
        default: return nil
        }
    }

    /// Resolves the two escapes that there are.
    static func unescaped(_ value: ArraySlice<UInt8>) -> [UInt8] {
        guard value.contains(0x26) else { return Array(value) }
        var result: [UInt8] = []
        var rest = value
        while let byte = rest.first {
            if rest.starts(with: "&amp;".utf8) {
                result.append(0x26)
                rest = rest.dropFirst(5)
            } else if rest.starts(with: "&quot;".utf8) {
                result.append(0x22)
                rest = rest.dropFirst(6)
            } else {
                result.append(byte)
                rest = rest.dropFirst()
            }
        }
        return result
    }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate init(_ text: StaticString) { self.init(start: text.utf8Start, count: text.utf8CodeUnitCount) }
}
