/// Changes to a JSON text that leave every byte they do not concern as it was.
public enum JSONEdit {
    /// Applies a merge patch (RFC 7396) to a text and returns the new text.
    ///
    /// Members that the patch does not name keep their bytes and order, white space included. Replaced values
    /// stay in place, new members come at the end in the patch's order, `null` deletes. A name that the target
    /// has twice is changed at both places.
    public static func mergePatch(
        _ patch: UnsafeRawBufferPointer, into target: UnsafeRawBufferPointer
    ) throws(JSONError) -> [UInt8] {
        let kind = try JSONSpans.value(of: patch)
        let patch = UnsafeRawBufferPointer(rebasing: patch[kind.valueRange])
        guard kind.kind == .object else { return [UInt8](patch) }
        let output = ByteWriter(capacity: target.count + patch.count + 16)
        try merge(patch, into: target, output)
        return output.bytes
    }

    /// Gives an object's member a value (JSON text), in place or as a new last member; all else keeps its bytes.
    public static func replaceMember(
        _ key: String, with json: UnsafeRawBufferPointer, in target: UnsafeRawBufferPointer
    ) throws(JSONError) -> [UInt8] {
        let value = try JSONSpans.value(of: json)
        let entry = PatchEntry(
            key: Array(key.utf8), text: UnsafeRawBufferPointer(rebasing: json[value.valueRange]), kind: .bool)
        let output = ByteWriter(capacity: target.count + json.count + key.utf8.count + 16)
        try edit(target, with: PatchEntries([entry]), output)
        return output.bytes
    }

    /// Both are trimmed texts or parts of checked texts; the patch is an object.
    private static func merge(
        _ patch: UnsafeRawBufferPointer, into target: UnsafeRawBufferPointer, _ output: ByteWriter
    ) throws(JSONError) {
        let entries = try PatchEntries(reading: patch)
        if try JSONSpans.value(of: target).kind == .object {
            try edit(target, with: entries, output)
        } else {
            // What is not an object counts as an empty one.
            output.append("{")
            var first = true
            try appendNew(entries, to: output, first: &first)
            output.append("}")
        }
    }

    private static func edit(
        _ target: UnsafeRawBufferPointer, with patch: PatchEntries, _ output: ByteWriter
    ) throws(JSONError) {
        var spans: [MemberSpan] = []
        try JSONSpans.scanMembers(of: target) { key, escaped, value, _ in
            spans.append(MemberSpan(key: key, escaped: escaped, value: value))
        }
        var entries = patch
        let head = 0..<(spans.first?.key.lowerBound ?? openingEnd(target))
        var kept = 0
        for (number, span) in spans.enumerated() {
            let entry = entries.take(target, span)
            if let entry, entry.kind == .null { continue }
            // A member that stays brings the comma before it, the first one the object's opening.
            let before = kept == 0 ? head : spans[number - 1].value.upperBound..<span.key.lowerBound
            kept += 1
            output.append(bytes: slice(target, before))
            output.append(bytes: slice(target, span.key.lowerBound..<span.value.lowerBound))
            if let entry {
                try append(entry, replacing: slice(target, span.value), output)
            } else {
                output.append(bytes: slice(target, span.value))
            }
        }
        if kept == 0 { output.append(bytes: slice(target, head)) }
        var first = kept == 0
        try appendNew(entries, to: output, first: &first)
        output.append(bytes: slice(target, (spans.last?.value.upperBound ?? head.upperBound)..<target.count))
    }

    private static func append(
        _ entry: PatchEntry, replacing old: UnsafeRawBufferPointer, _ output: ByteWriter
    ) throws(JSONError) {
        if entry.kind == .object {
            try merge(entry.text, into: old, output)
        } else {
            output.append(bytes: entry.text)
        }
    }

    private static func appendNew(
        _ entries: PatchEntries, to output: ByteWriter, first: inout Bool
    ) throws(JSONError) {
        for (entry, used) in zip(entries.list, entries.used) where !used && entry.kind != .null {
            if !first { output.append(",") }
            first = false
            entry.key.withUnsafeBytes { output.appendJSONString($0) }
            output.append(":")
            try append(entry, replacing: emptyObject, output)
        }
    }

    private static func openingEnd(_ target: UnsafeRawBufferPointer) -> Int {
        (target.firstIndex(of: UInt8(ascii: "{")) ?? -1) + 1
    }

    private static func slice(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[range])
    }
}

/// Where a member of the target is.
struct MemberSpan {
    let key: Range<Int>
    let escaped: Bool
    let value: Range<Int>
}

// A literal has static storage.
nonisolated(unsafe) private let emptyObject: UnsafeRawBufferPointer = {
    let text: StaticString = "{}"
    return UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
}()
