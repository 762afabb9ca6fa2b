import CanonicalModel
import WireJSON

extension InputUnwrapper {
    /// The arguments are all there: finds the text in those that had no string `input`.
    ///
    /// An object with `input` of another kind gives that value's JSON; one with a single string member gives that
    /// string; a JSON string gives itself; all else is taken for the text. True if `whole` was sound.
    func finish(_ whole: UnsafeRawBufferPointer) -> Bool {
        if isComplete || text.count > 0 { return isComplete }
        guard String(validating: whole, as: UTF8.self) != nil, let outline = try? JSONOutline(whole) else {
            if !hasBegun { text.appendJSONEscaped(whole) }
            return false
        }
        withExtendedLifetime(outline) { take(outline.root, whole) }
        return true
    }

    private func take(_ root: JSONSpan, _ whole: UnsafeRawBufferPointer) {
        if root.kind == .string { return take(root) }
        if let input = root["input"] {
            if input.kind == .string { take(input) } else { text.appendJSONEscaped(input.raw) }
            return
        }
        var members = root.members
        guard let only = members.next() else {
            if root.kind != .object { text.appendJSONEscaped(whole) }
            return
        }
        if only.value.kind == .string, members.next() == nil { take(only.value) } else { text.appendJSONEscaped(whole) }
    }

    private func take(_ string: JSONSpan) {
        string.decoded.withUnsafeBytes { text.appendJSONEscaped($0) }
    }
}
