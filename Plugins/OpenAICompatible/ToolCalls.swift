internal import PluginABI
internal import PluginKit
internal import WireJSON

/// The tool calls of one choice: from fragments in whatever order an upstream sends them to calls one after the
/// other, numbered from 0.
///
/// The oldest call that is not over streams through. A fragment of a later call ends it if its arguments are a
/// whole JSON value, otherwise (calls interleaved) the later call is held until they are, or the choice ends.
struct ToolCalls {
    /// Bounds per choice: calls, and bytes of calls that are held.
    static let maxCalls = 1024
    static let maxHeldBytes = 16 << 20

    private struct Call {
        let key: Int64?
        var id: [UInt8]
        var name: [UInt8] = []
        /// Nothing more of the name can come.
        var isNameWhole = false
        var held: [UInt8] = []
        var balance = ArgumentBalance()
        var isBegun = false

        /// An entry with nothing in it is no call.
        var isNothing: Bool { name.isEmpty && held.isEmpty && id.isEmpty }

        /// Takes what a fragment calls the function. Most upstreams give the name once; some again with every
        /// fragment, some what they have of it so far, some in pieces.
        mutating func take(_ part: UnsafeRawBufferPointer) {
            guard !part.isEmpty, !name.elementsEqual(part) else { return }
            if part.starts(with: name) { name.removeAll(keepingCapacity: true) }
            name.append(contentsOf: part)
        }
    }

    private var calls: [Call] = []
    private var current = 0
    private var begun: UInt32 = 0
    private var heldBytes = 0
    /// Bytes of arguments that came after their call's end, which no client could take.
    private(set) var lateBytes = 0

    var isEmpty: Bool { calls.isEmpty }

    /// Takes one fragment. `isWhole`: of a body, where each entry is a call of its own.
    ///
    /// A call begins when its name is sure: with the first of its arguments, the next call, or the end.
    mutating func add(
        _ fragment: ToolFragment, isWhole: Bool, choice: UInt32, to workspace: Workspace
    ) throws(PluginFailure) {
        let slot: Int
        if !isWhole, let known = find(fragment) { slot = known } else { slot = try append(fragment) }
        if calls[slot].id.isEmpty { calls[slot].id = fragment.id }
        if let name = fragment.name, !calls[slot].isBegun { calls[slot].take(name) }
        if isWhole || fragment.hasArguments { calls[slot].isNameWhole = true }
        advance(choice, workspace)
        if let arguments = fragment.arguments { try add(arguments, to: slot, choice, workspace) }
        advance(choice, workspace)
    }

    /// Begins and ends all that is left, before the choice's FINISH. A call without a name goes on as it is: a
    /// transform may be able to tell the name, and the host refuses one that none can.
    mutating func close(choice: UInt32, to workspace: Workspace) {
        while current < calls.count {
            calls[current].isNameWhole = true
            advance(choice, workspace)
            guard current < calls.count else { return }
            if !calls[current].isBegun {
                if calls[current].isNothing {
                    current += 1
                    continue
                }
                begin(choice, workspace)
            }
            end(choice, workspace)
        }
    }

    // MARK: Which call?

    private func find(_ fragment: ToolFragment) -> Int? {
        guard let key = fragment.key else { return findWithoutKey(fragment) }
        guard let slot = calls.lastIndex(where: { $0.key == key }) else { return nil }
        // Some upstreams number every call 0: another id with a name is another call.
        let known = calls[slot].id
        let isAnother = fragment.hasName && !fragment.id.isEmpty && !known.isEmpty && known != fragment.id
        return isAnother ? nil : slot
    }

    private func findWithoutKey(_ fragment: ToolFragment) -> Int? {
        if !fragment.id.isEmpty, let slot = calls.lastIndex(where: { $0.id == fragment.id }) { return slot }
        return fragment.hasName || calls.isEmpty ? nil : calls.count - 1
    }

    private mutating func append(_ fragment: ToolFragment) throws(PluginFailure) -> Int {
        guard calls.count < Self.maxCalls else {
            throw PluginFailure(
                KIMI_E_LIMIT, KIMI_CAT_PROTOCOL,
                "The upstream sent more than \(Self.maxCalls) tool calls in one answer.")
        }
        calls.append(Call(key: fragment.key, id: fragment.id))
        return calls.count - 1
    }

    // MARK: Emitting

    private mutating func add(
        _ arguments: ToolFragment.Arguments, to slot: Int, _ choice: UInt32, _ workspace: Workspace
    ) throws(PluginFailure) {
        if case .object(let value) = arguments {
            // Arguments as a JSON object instead of its text.
            try value.json.withUnsafeBytesTyped { bytes throws(PluginFailure) in
                try hold(bytes, slot)
            }
            if slot == current, calls[slot].isBegun { release(choice, workspace) }
            return
        }
        guard case .text(let bytes) = arguments, !bytes.isEmpty else { return }
        guard slot == current, calls[slot].isBegun else { return try hold(bytes, slot) }
        calls[slot].balance.add(bytes)
        workspace.add(KIMI_EVENT_TOOL_ARGS, choice: choice, index: begun - 1, bytes)
    }

    private mutating func hold(_ bytes: UnsafeRawBufferPointer, _ slot: Int) throws(PluginFailure) {
        guard slot >= current else {
            lateBytes += bytes.count
            return
        }
        heldBytes += bytes.count
        guard heldBytes <= Self.maxHeldBytes else {
            throw PluginFailure(
                KIMI_E_LIMIT, KIMI_CAT_PROTOCOL,
                "The upstream mixed its tool calls: more than \(Self.maxHeldBytes) bytes had to be held back.")
        }
        calls[slot].held.append(contentsOf: bytes)
    }

    /// Begins the current call when its name is there, and moves on when it is whole and another waits.
    private mutating func advance(_ choice: UInt32, _ workspace: Workspace) {
        while current < calls.count {
            if !calls[current].isBegun {
                let isSure = calls[current].isNameWhole || current + 1 < calls.count
                guard isSure, !calls[current].name.isEmpty else { return }
                begin(choice, workspace)
            }
            guard calls[current].balance.isWhole, current + 1 < calls.count else { return }
            end(choice, workspace)
        }
    }

    private mutating func begin(_ choice: UInt32, _ workspace: Workspace) {
        calls[current].isBegun = true
        workspace.add(kimi_event(KIMI_EVENT_TOOL_BEGIN, choice: choice, index: begun))
        workspace.attach(.a, copyOf: calls[current].id)
        workspace.attach(.b, copyOf: calls[current].name)
        begun += 1
        release(choice, workspace)
    }

    private mutating func release(_ choice: UInt32, _ workspace: Workspace) {
        let held = calls[current].held
        guard !held.isEmpty else { return }
        held.withUnsafeBytes { calls[current].balance.add($0) }
        calls[current].held = []
        heldBytes -= held.count
        workspace.add(kimi_event(KIMI_EVENT_TOOL_ARGS, choice: choice, index: begun - 1))
        workspace.attach(.a, copyOf: held)
    }

    private mutating func end(_ choice: UInt32, _ workspace: Workspace) {
        workspace.add(kimi_event(KIMI_EVENT_TOOL_END, choice: choice, index: begun - 1))
        current += 1
    }
}
