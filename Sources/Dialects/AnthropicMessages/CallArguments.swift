import CanonicalModel
import WireJSON

/// The arguments of one call on their way to a client that wants a JSON object.
///
/// Streamed, they leave as they come while they are the beginning of an object. What is wrong behind that stays
/// away: the client sees arguments that end early, as it does when a model reaches its token limit, and rejects them. We
/// do not invent an end, because a shortened command that looks complete might be run. Arguments that are no object
/// from their first byte on, and all those of an unstreamed reply, are gathered: what is no object then becomes
/// `{"_raw":"…"}`.
struct CallArguments {
    private enum Mode { case undecided, streaming, gathering, wrong }

    /// Text of one call that is kept; what is longer is cut (and counted as wrong anyway).
    static let maxGathered = 8 << 20

    private var mode: Mode
    private var check = ArgumentsCheck()
    private var gathered = ByteWriter(capacity: 64)

    init(isStreaming: Bool) {
        mode = isStreaming ? .undecided : .gathering
    }

    /// What became of arguments that were no object.
    var repair: String {
        switch mode {
        case .gathering: "arguments that are no JSON object became {\"_raw\": text}"
        default: "arguments that are no JSON object end where they go wrong"
        }
    }

    mutating func add(_ piece: UnsafeRawBufferPointer, to blocks: inout some MessageBlocks) {
        switch mode {
        case .undecided: decide(piece, &blocks)
        case .streaming: stream(piece, &blocks)
        case .gathering: gather(piece, limit: blocks.streamsArguments ? Self.maxGathered : .max)
        case .wrong: break
        }
    }

    /// Writes what is left. False if the arguments were not an object, nor empty.
    mutating func end(_ blocks: inout some MessageBlocks) -> Bool {
        switch mode {
        case .undecided:
            Self.input("{}", &blocks)
            return true
        case .streaming: return check.isComplete
        case .wrong: return false
        case .gathering: return endGathered(&blocks)
        }
    }

    private mutating func decide(_ piece: UnsafeRawBufferPointer, _ blocks: inout some MessageBlocks) {
        guard let start = piece.firstIndex(where: { !isSpace($0) }) else { return }
        mode = piece[start] == UInt8(ascii: "{") ? .streaming : .gathering
        add(UnsafeRawBufferPointer(rebasing: piece[start...]), to: &blocks)
    }

    private mutating func stream(_ piece: UnsafeRawBufferPointer, _ blocks: inout some MessageBlocks) {
        let count = check.accept(piece)
        if count > 0 { blocks.input(UnsafeRawBufferPointer(rebasing: piece[..<count])) }
        if count < piece.count { mode = .wrong }
    }

    private func gather(_ piece: UnsafeRawBufferPointer, limit: Int) {
        guard gathered.count < limit else { return }
        gathered.append(bytes: UnsafeRawBufferPointer(rebasing: piece.prefix(limit - gathered.count)))
    }

    private func endGathered(_ blocks: inout some MessageBlocks) -> Bool {
        let text = gathered.unsafeBytes.trimmed
        if text.isEmpty || text.matches("null") || text.matches(#""""#) {
            Self.input("{}", &blocks)
            return true
        }
        if Self.isObject(text) {
            blocks.input(text)
            return true
        }
        let wrapped = ByteWriter(capacity: text.count + 32)
        wrapped.append(#"{"_raw":"#)
        wrapped.appendJSONString(text)
        wrapped.append("}")
        blocks.input(wrapped.unsafeBytes)
        return false
    }

    private static func isObject(_ text: UnsafeRawBufferPointer) -> Bool {
        guard String(validating: text, as: UTF8.self) != nil else { return false }
        return (try? JSONSpans.value(of: text))?.kind == .object
    }

    private static func input(_ text: StaticString, _ blocks: inout some MessageBlocks) {
        blocks.input(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

extension UnsafeRawBufferPointer {
    /// Without white space around it.
    fileprivate var trimmed: UnsafeRawBufferPointer {
        var bytes = self[...]
        while let first = bytes.first, isSpace(first) { bytes.removeFirst() }
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        return UnsafeRawBufferPointer(rebasing: bytes)
    }
}
