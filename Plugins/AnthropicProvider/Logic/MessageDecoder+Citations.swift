internal import OpenAICompatible
internal import PluginABI
internal import PluginKit
internal import WireJSON

/// Where a text comes from: Anthropic's clients get the sources as they are, others those that are web pages.
extension MessageDecoder {
    mutating func cite(_ citation: JSONValue, _ workspace: Workspace) {
        guard !isNative else { return }
        if form == .messages {
            let list = [UInt8(ascii: "[")] + citation.json + [UInt8(ascii: "]")]
            return member("citations", list, KIMI_SCOPE_MESSAGE, workspace)
        }
        guard let url = citation["url"]?.stringBytes ?? citation["source"]?.stringBytes, url.starts(with: "http".utf8),
            block?.kind == .text, block.map({ $0.citations.count < Self.maxCitations }) == true
        else {
            return losses.add("content[*].citations", "the client's API knows web pages as sources, nothing else")
        }
        let title = citation["title"]?.stringBytes.map(Array.init) ?? []
        block?.citations.append(Citation(url: Array(url), title: title))
    }

    /// Sources of one text that are told.
    private static var maxCitations: Int { 1000 }

    func closeText(_ open: OpenBlock, _ workspace: Workspace) {
        guard !open.citations.isEmpty else { return }
        let list = form == .chat ? gathered.annotations : BlockList()
        for citation in open.citations where gathered.hasRoom {
            let out = list.next()
            out.append(#"{"type":"url_citation","url_citation":{"start_index":"#)
            out.append(int: open.start)
            out.append(#","end_index":"#)
            out.append(int: textLength)
            out.append(#","url":"#)
            citation.url.withUnsafeBytes { out.appendJSONString($0) }
            out.append(#","title":"#)
            citation.title.withUnsafeBytes { out.appendJSONString($0) }
            out.append("}}")
        }
        if form == .responses { GatheredMembers.emit("annotations", list, to: workspace) }
    }
}

extension GatheredMembers {
    /// The members as events of scope MESSAGE.
    func emit(to workspace: Workspace) {
        Self.emit("thinking_blocks", thoughts, to: workspace)
        Self.emit("annotations", annotations, to: workspace)
    }

    static func emit(_ name: StaticString, _ list: BlockList, to workspace: Workspace) {
        guard !list.isEmpty else { return }
        var event = kimi_event(KIMI_EVENT_JSON)
        event.b = kimi_bytes(literal: name)
        event.i0 = Int64(KIMI_SCOPE_MESSAGE.rawValue)
        workspace.add(event)
        workspace.attach(.a, copyOf: [UInt8(ascii: "[")] + list.out.bytes + [UInt8(ascii: "]")])
    }
}
