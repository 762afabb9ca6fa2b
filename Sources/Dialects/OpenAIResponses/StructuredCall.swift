import CanonicalModel
import WireJSON

/// A call whose item has an object where functions have arguments. What the model left out or got wrong becomes
/// something of the right type, so that the client's tool can tell the model about it.
struct StructuredCall {
    private let kind: ResponsesToolTable.Kind
    private let whole: UnsafeRawBufferPointer

    init(_ kind: ResponsesToolTable.Kind, _ whole: UnsafeRawBufferPointer) {
        self.kind = kind
        self.whole = whole
    }

    /// Writes the member that the item has in place of `arguments`.
    func write(to out: ByteWriter) {
        guard String(validating: whole, as: UTF8.self) != nil, let outline = try? JSONOutline(whole) else {
            return write(nil, to: out)
        }
        withExtendedLifetime(outline) { write(outline.root, to: out) }
    }

    private func write(_ root: JSONSpan?, to out: ByteWriter) {
        switch kind {
        case .applyPatch: writeOperation(root?["operation"] ?? root, to: out)
        case .localShell: writeExec(root?["action"] ?? root, to: out)
        case .shell: writeCommands(root?["action"] ?? root, to: out)
        default:
            out.append(#""execution":"client","arguments":"#)
            if let root, root.kind == .object { out.append(onOneLine: root) } else { out.append("{}") }
        }
    }

    private func writeOperation(_ operation: JSONSpan?, to out: ByteWriter) {
        let type = operation?["type"]
        let isDeletion = type?.matches("delete_file") ?? false
        let isCreation = type?.matches("create_file") ?? false
        out.append(#""operation":{"type":""#)
        out.append(isDeletion ? "delete_file" : isCreation ? "create_file" : "update_file")
        out.append(#"","path":"#)
        writeString(operation?["path"], to: out)
        if !isDeletion {
            out.append(#","diff":"#)
            if operation == nil { out.appendJSONString(whole) } else { writeString(operation?["diff"], to: out) }
        }
        out.append("}")
    }

    private func writeExec(_ action: JSONSpan?, to out: ByteWriter) {
        out.append(#""action":{"type":"exec","command":"#)
        let command = action?["command"]
        if let command, command.kind == .string {
            // A command line needs a shell.
            out.append(#"["sh","-c","#)
            writeString(command, to: out)
            out.append("]")
        } else {
            writeStrings(command, to: out)
        }
        out.append(#","env":{"#)
        var members = MemberWriter(out)
        if let variables = action?["env"] {
            for (key, value) in variables.members where value.kind == .string { members.copy(key: key, value) }
        }
        out.append("}")
        writeNumber("timeout_ms", action, to: out)
        for name: StaticString in ["working_directory", "user"] {
            guard let value = action?[name], value.kind == .string else { continue }
            out.append(",\"")
            out.append(name)
            out.append("\":")
            writeString(value, to: out)
        }
        out.append("}")
    }

    private func writeCommands(_ action: JSONSpan?, to out: ByteWriter) {
        out.append(#""action":{"commands":"#)
        let commands = action?["commands"] ?? action?["command"]
        if let commands, commands.kind == .string {
            out.append("[")
            writeString(commands, to: out)
            out.append("]")
        } else {
            writeStrings(commands, to: out)
        }
        writeNumber("timeout_ms", action, to: out)
        writeNumber("max_output_length", action, to: out)
        out.append("}")
    }

    // MARK: Values

    private func writeString(_ value: JSONSpan?, to out: ByteWriter) {
        guard let value, value.kind == .string else { return out.append(#""""#) }
        value.decoded.withUnsafeBytes { out.appendJSONString($0) }
    }

    private func writeStrings(_ values: JSONSpan?, to out: ByteWriter) {
        var list = ListWriter()
        for value in values.map({ Array($0.elements) }) ?? [] where value.kind == .string {
            writeString(value, to: list.next())
        }
        list.write(to: out)
    }

    private func writeNumber(_ name: StaticString, _ action: JSONSpan?, to out: ByteWriter) {
        out.append(",\"")
        out.append(name)
        out.append("\":")
        if let value = action?[name], value.kind == .int { out.append(value) } else { out.append("null") }
    }
}
