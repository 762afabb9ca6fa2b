internal import PluginABI
internal import PluginKit
internal import WireJSON

/// Thinking, which upstreams put in one, two or three places at once: `reasoning_content`, `reasoning` and
/// `reasoning_details`. The first of them that has text is used.
enum Reasoning {
    /// What goes down of `reasoning_details` besides texts and signatures.
    enum Details {
        /// Those without text.
        case mute
        /// All, if one of them says more than a text: what chat clients send back.
        case whole
        /// Those without text, sealed so that clients that keep only their data can send them back.
        case sealed
    }

    /// True if there was something in it.
    static func add(_ parts: DeltaParts, _ how: Details, choice: UInt32, to workspace: Workspace) -> Bool {
        var isSaid = false
        for value in [parts.reasoningContent, parts.reasoning] {
            guard !isSaid, let text = value?.stringBytes, !text.isEmpty else { continue }
            workspace.add(KIMI_EVENT_REASONING, choice: choice, text)
            isSaid = true
        }
        if let details = parts.details {
            isSaid = add(details: details, how, isSaid: isSaid, choice: choice, to: workspace) || isSaid
        }
        return isSaid
    }

    private static func add(
        details: JSONValue, _ how: Details, isSaid: Bool, choice: UInt32, to workspace: Workspace
    ) -> Bool {
        var mute = 0
        var used = false
        for detail in details.elements {
            let text = text(of: detail)
            let signature = signature(of: detail)
            if text == nil, signature == nil {
                mute += 1
                continue
            }
            var event = kimi_event(KIMI_EVENT_REASONING, choice: choice)
            if !isSaid, let text { event.a = kimi_bytes(text) }
            if let signature { event.b = kimi_bytes(signature) }
            guard event.a.len > 0 || event.b.len > 0 else { continue }
            workspace.add(event)
            used = true
        }
        switch how {
        case .whole:
            guard mute > 0 || details.elements.contains(where: saysMore) else { break }
            add(details, choice, workspace) { _ in true }
            used = true
        case .mute, .sealed:
            if mute > 0 { add(details, choice, workspace, isSealed: how == .sealed, where: isMute) }
        }
        return used || mute > 0
    }

    private static func text(of detail: JSONValue) -> UnsafeRawBufferPointer? {
        detail["text"]?.stringBytes ?? detail["summary"]?.stringBytes
    }

    private static func signature(of detail: JSONValue) -> UnsafeRawBufferPointer? {
        detail["signature"]?.stringBytes.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func isMute(_ detail: JSONValue) -> Bool {
        text(of: detail) == nil && signature(of: detail) == nil
    }

    /// Is there more than a text that the client has anyway?
    private static func saysMore(_ detail: JSONValue) -> Bool {
        if isMute(detail) || signature(of: detail) != nil { return true }
        guard let format = detail["format"]?.stringBytes else { return false }
        return !format.isEmpty && !format.matches("unknown")
    }

    private static func add(
        _ details: JSONValue, _ choice: UInt32, _ workspace: Workspace, isSealed: Bool = false,
        where isWanted: (JSONValue) -> Bool
    ) {
        let start = workspace.text.count
        var separator: StaticString = "["
        for detail in details.elements where isWanted(detail) {
            workspace.text.append(separator)
            separator = ","
            if isSealed { SealedDetail.write(detail, to: workspace.text) } else { detail.write(to: workspace.text) }
        }
        workspace.text.append("]")
        let name: StaticString = "reasoning_details"
        workspace.add(.member(kimi_bytes(literal: name).buffer, of: KIMI_SCOPE_MESSAGE, choice: choice))
        workspace.attach(.a, from: start)
    }
}
