/// Ids as the model itself counts calls: `functions.NAME:INDEX`, and what clients make of that.
enum NativeIndex {
    /// Digits of the largest number that is believed.
    private static let longest = 9
    /// A bare number is one of ours only if it is short.
    private static let longestBare = 5

    /// The number that the id of a call of `name` shows; nil for foreign ids.
    static func shown(in id: Bytes, name: Bytes) -> Int? {
        if id.starts(with: "functions.".utf8), let colon = id.lastIndex(of: UInt8(ascii: ":")) {
            return number(id.slice(colon + 1..<id.count))
        }
        if id.count > name.count, id[name.count] == UInt8(ascii: ":"), id.starts(with: name) {
            return number(id.slice(name.count + 1..<id.count))
        }
        if id.starts(with: "functions_".utf8) { return sanitised(id.slice(10..<id.count), name) }
        guard let bare = withoutSuffix(id), bare.count <= longestBare else { return nil }
        return number(bare)
    }

    /// Is the id exactly `functions.NAME:INDEX`?
    static func isCanonical(_ id: Bytes, name: Bytes, index: Int) -> Bool {
        guard id.count > name.count + 11, id.starts(with: "functions.".utf8), id[name.count + 10] == UInt8(ascii: ":")
        else { return false }
        return id.slice(10..<name.count + 10).elementsEqual(name)
            && plainNumber(id.slice(name.count + 11..<id.count)) == index
    }

    /// The digits at the end of an id, whatever is before them.
    static func last(in id: Bytes) -> Int? {
        let start = id.lastIndex { !isDigit($0) }.map { $0 + 1 } ?? 0
        return plainNumber(id.slice(start..<id.count))
    }

    /// `NAME_INDEX`, where the client replaced what it does not like in a name by `_`.
    private static func sanitised(_ text: Bytes, _ name: Bytes) -> Int? {
        let body = withoutSuffix(text) ?? text
        guard let line = body.lastIndex(where: { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }),
            isSanitised(String(decoding: body.slice(0..<line), as: UTF8.self), String(decoding: name, as: UTF8.self))
        else { return nil }
        return plainNumber(body.slice(line + 1..<body.count))
    }

    private static func isSanitised(_ text: String, _ name: String) -> Bool {
        text.unicodeScalars.count == name.unicodeScalars.count
            && zip(text.unicodeScalars, name.unicodeScalars).allSatisfy { seen, real in
                seen == real || seen == "_" && !(real.isASCII && real.properties.isAlphabetic)
            }
    }

    /// A number, perhaps with the suffix that tells ids of one number apart.
    private static func number(_ text: Bytes) -> Int? { withoutSuffix(text).flatMap(plainNumber) }

    /// Without `-2` behind digits; nil if these are no digits.
    private static func withoutSuffix(_ text: Bytes) -> Bytes? {
        let end = text.firstIndex(of: UInt8(ascii: "-")) ?? text.count
        guard end > 0, text.slice(0..<end).allSatisfy(isDigit) else { return nil }
        guard end == text.count || plainNumber(text.slice(end + 1..<text.count)) != nil else { return nil }
        return text.slice(0..<end)
    }

    /// Decimal digits as the model writes them: no zeros in front.
    private static func plainNumber(_ digits: Bytes) -> Int? {
        guard !digits.isEmpty, digits.count <= longest, digits.allSatisfy(isDigit),
            digits.count == 1 || digits[0] != UInt8(ascii: "0")
        else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }
}
