import CanonicalModel
import PluginABI
import WireJSON

/// What an attempt said, as the assistant's message that goes back up when another attempt follows. A value; bounded.
struct AssistantTurn {
    /// Bytes that are kept; a reply that says more is not sent back.
    static let maxBytes = 4 << 20

    /// A call that ends the task; it goes to no client.
    struct Ending {
        let index: UInt32
        let id: [UInt8]
        let name: [UInt8]
        var arguments: [UInt8] = []
        /// What came with it besides, such as Gemini's signature: members of the call.
        var extras: [UInt8] = []
    }

    /// Members of the message that upstreams want back as they came, in pieces.
    private static let lists: [StaticString] = ["reasoning_details", "reasoning_items"]

    private(set) var size = 0
    private var text: [UInt8] = []
    private var thought: [UInt8] = []
    /// Of the thought, what no signature has ended yet.
    private var open: [UInt8] = []
    /// A signed or sealed thought, as an element of `thinking_blocks`. Sealed ones have no signature.
    private struct Block {
        let json: [UInt8]
        var signature: [UInt8] = []
    }

    /// From events.
    private var blocks: [Block] = []
    /// Signatures that members tell too.
    private var told: Set<[UInt8]> = []
    /// The same from members of the message.
    private var memberBlocks: [UInt8] = []
    /// Are all thoughts in the member, so that the events tell them a second time?
    private var areWhole = false
    private var details: [[UInt8]] = AssistantTurn.lists.map { _ in [] }
    private var extraContent: [UInt8] = []
    var endings: [Ending] = []

    var isTooLong: Bool { size > Self.maxBytes }
    /// Is there anything to send back?
    var saysNothing: Bool { text.isEmpty && endings.isEmpty }

    // MARK: Events

    mutating func add(text piece: UnsafeRawBufferPointer) {
        if makesRoom(piece.count) { text.append(contentsOf: piece) }
    }

    mutating func add(thought event: CanonicalEvent) {
        guard makesRoom(event.a.len + event.b.len) else { return }
        if event.a.len > 0 {
            if open.isEmpty, !thought.isEmpty { thought.append(contentsOf: [0x0A, 0x0A]) }
            thought.append(contentsOf: event.a.buffer)
            open.append(contentsOf: event.a.buffer)
        }
        guard event.b.len > 0 else { return }
        let block = ByteWriter(capacity: open.count + event.b.len + 64)
        block.append(#"{"type":"thinking","thinking":"#)
        open.withUnsafeBytes { block.appendJSONString($0) }
        block.append(#","signature":"#)
        block.appendJSONString(event.b.buffer)
        block.append("}")
        blocks.append(Block(json: block.bytes, signature: Array(event.b.buffer)))
        open = []
    }

    /// A content part. Thoughts that only the upstream can read come so, where the client speaks Messages.
    mutating func add(part json: UnsafeRawBufferPointer) {
        guard Self.type(json) == "redacted_thinking", makesRoom(json.count) else { return }
        blocks.append(Block(json: Array(json)))
    }

    /// A member of the message.
    mutating func add(member name: UnsafeRawBufferPointer, _ json: UnsafeRawBufferPointer) {
        if name.matches("thinking_blocks") {
            for block in elements(json) {
                areWhole = areWhole || Self.type(block) == "thinking"
                Self.add(block, to: &memberBlocks)
                if Self.type(block) != "thinking" { blocks.append(Block(json: Array(block))) }
            }
        } else if name.matches("extra_content"), makesRoom(json.count) {
            extraContent = Array(json)
        } else if let place = Self.lists.firstIndex(where: { name.matches($0) }) {
            for element in elements(json) {
                Self.add(element, to: &details[place])
                if let signature = Self.signature(element) { told.insert(signature) }
            }
        }
    }

    private mutating func elements(_ json: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
        guard makesRoom(json.count), let found = try? JSONSpans.elements(of: json) else { return [] }
        return found.map { UnsafeRawBufferPointer(rebasing: json[$0.valueRange]) }
    }

    mutating func makesRoom(_ count: Int) -> Bool {
        size += count
        return !isTooLong
    }

    private static func add(_ element: UnsafeRawBufferPointer, to list: inout [UInt8]) {
        if !list.isEmpty { list.append(UInt8(ascii: ",")) }
        list.append(contentsOf: element)
    }

    private static func type(_ json: UnsafeRawBufferPointer) -> String? {
        guard let members = try? JSONSpans.members(of: json), let type = members.first(where: { $0.key == "type" }),
            type.kind == .string
        else { return nil }
        return String(decoding: json[type.valueRange.dropFirst().dropLast()], as: UTF8.self)
    }

    private static func signature(_ json: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let outline = try? JSONOutline(json) else { return nil }
        defer { withExtendedLifetime(outline) {} }
        return outline.root["signature"].flatMap { $0.kind == .string ? $0.decoded : nil }
    }

    /// What the members do not tell.
    private var ownBlocks: [UInt8] {
        var list: [UInt8] = []
        for block in blocks where block.signature.isEmpty || !told.contains(block.signature) {
            block.json.withUnsafeBytes { Self.add($0, to: &list) }
        }
        return list
    }

    // MARK: Going back up

    /// Writes the message, and behind it what the host has to say: `,{…},{…}`. `number`: of the attempt, for ids.
    func write(_ words: String, number: Int, to out: ByteWriter) {
        if !saysNothing { writeMessage(number, to: out) }
        guard !endings.isEmpty else {
            out.append(#",{"role":"user","content":"#)
            out.appendJSONString(words)
            return out.append("}")
        }
        for place in endings.indices {
            out.append(#",{"role":"tool","tool_call_id":"#)
            writeID(place, number, to: out)
            out.append(#","content":"#)
            out.appendJSONString(words)
            out.append("}")
        }
    }

    private func writeMessage(_ number: Int, to out: ByteWriter) {
        out.append(#",{"role":"assistant","content":"#)
        if text.isEmpty { out.append("null") } else { text.withUnsafeBytes { out.appendJSONString($0) } }
        if !thought.isEmpty {
            out.append(#","reasoning_content":"#)
            thought.withUnsafeBytes { out.appendJSONString($0) }
        }
        writeList("thinking_blocks", areWhole ? memberBlocks : ownBlocks, to: out)
        for (name, list) in zip(Self.lists, details) { writeList(name, list, to: out) }
        if !extraContent.isEmpty {
            out.append(#","extra_content":"#)
            out.append(bytes: extraContent)
        }
        if !endings.isEmpty { writeCalls(number, to: out) }
        out.append("}")
    }

    private func writeList(_ name: StaticString, _ list: [UInt8], to out: ByteWriter) {
        guard !list.isEmpty else { return }
        out.append(",\"")
        out.append(name)
        out.append("\":[")
        out.append(bytes: list)
        out.append("]")
    }

    private func writeCalls(_ number: Int, to out: ByteWriter) {
        out.append(#","tool_calls":["#)
        for (place, ending) in endings.enumerated() {
            out.append(place == 0 ? #"{"id":"# : #",{"id":"#)
            writeID(place, number, to: out)
            out.append(#","type":"function","function":{"name":"#)
            ending.name.withUnsafeBytes { out.appendJSONString($0) }
            out.append(#","arguments":"#)
            let isObject = ending.arguments.withUnsafeBytes { (try? JSONSpans.members(of: $0)) != nil }
            (isObject ? ending.arguments : Array("{}".utf8)).withUnsafeBytes { out.appendJSONString($0) }
            out.append("}")
            out.append(bytes: ending.extras)
            out.append("}")
        }
        out.append("]")
    }

    private func writeID(_ place: Int, _ number: Int, to out: ByteWriter) {
        let id = endings[place].id
        guard id.isEmpty else { return id.withUnsafeBytes { out.appendJSONString($0) } }
        out.appendJSONString("call_done_\(number)_\(place)")
    }
}
