/// Scalars of the wrong kind that have one right reading of the kind the schema wants.
enum Coercion {
    /// The scalar that the content of a JSON string spells, if it is exactly one and `kinds` allows it.
    ///
    /// `5.0` is 5 where only whole numbers are allowed. `True`, `False` and `None` are Python's spellings.
    static func scalar(spelled text: ArraySlice<UInt8>, kinds: ValueKinds) -> ParameterSchema.Literal? {
        if let (kind, spelling) = word(text) {
            return kinds.contains(kind) ? .init(kind: kind, text: Array(spelling.utf8)) : nil
        }
        guard !kinds.isDisjoint(with: .number), let number = NumberScan.read(text) else { return nil }
        if kinds.contains(.fraction) {
            // Beyond a double there is no number that every reader would see.
            guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else { return nil }
            return .init(kind: number.isIntegral && !number.hasPoint ? .integer : .fraction, text: Array(text))
        }
        guard number.isIntegral else { return nil }
        return .init(kind: .integer, text: Array(text.prefix { $0 != 0x2E }))
    }

    private static func word(_ text: ArraySlice<UInt8>) -> (ValueKinds, String)? {
        guard text.count == 4 || text.count == 5 else { return nil }
        switch String(decoding: text, as: UTF8.self) {
        case "true", "True": return (.bool, "true")
        case "false", "False": return (.bool, "false")
        case "null", "None": return (.null, "null")
        default: return nil
        }
    }

    /// The string that a number stands for where only strings are allowed: its own spelling. Not with an exponent:
    /// nobody writes a text like that.
    static func string(spelledBy number: some Sequence<UInt8>) -> ParameterSchema.Literal? {
        guard let scan = NumberScan.read(number), !scan.hasExponent else { return nil }
        return .init(kind: .string, text: Array(number))
    }
}
