import CanonicalModel
import WireJSON

/// A tool that OpenAI's models know by heart and that the client runs itself: other models get it as a function.
struct BuiltInTool {
    let kind: ResponsesToolTable.Kind
    let name: String
    /// The client's own words and schema, where the tool has them.
    var description: JSONSpan?
    var parameters: JSONSpan?

    /// Nil for tools that run elsewhere, or that are none of these.
    init?(_ tool: Fields, _ type: JSONSpan) throws(ExchangeError) {
        if type.matches("apply_patch") {
            (kind, name) = (.applyPatch, "apply_patch")
        } else if type.matches("local_shell") {
            (kind, name) = (.localShell, "local_shell")
        } else if type.matches("shell") {
            let environment = try tool.object("environment")?.string("type")
            // A container is a machine of OpenAI's.
            guard environment.map({ $0.matches("local") }) ?? true else { return nil }
            (kind, name) = (.shell, "shell")
        } else if type.matches("tool_search"), try tool.string("execution")?.matches("client") == true {
            (kind, name) = (.toolSearch, "tool_search")
            description = try tool.string("description")
            if let schema = tool.value("parameters"), schema.kind == .object { parameters = schema }
        } else {
            return nil
        }
    }

    var defaultDescription: String {
        switch kind {
        case .applyPatch:
            """
            Creates, updates or deletes one file. For create_file, `diff` holds the new file's lines, each with "+" \
            before it. For update_file, `diff` holds hunks: an optional line "@@ " with a line of the file that comes \
            before the hunk, then the hunk's lines, each with " " (unchanged), "-" (removed) or "+" (added) before it, \
            with about three unchanged lines around each change. delete_file needs no `diff`.
            """
        case .localShell: "Runs one command on the user's machine; `command` is the program and its arguments."
        case .shell: "Runs commands in a shell on the user's machine, one after the other."
        default: "Finds further tools by what they are for."
        }
    }

    var defaultParameters: StaticString {
        switch kind {
        case .applyPatch:
            #"{"type":"object","properties":{"type":{"type":"string","enum":["create_file","update_file","delete_file"]},"path":{"type":"string"},"diff":{"type":"string"}},"required":["type","path"],"additionalProperties":false}"#
        case .localShell:
            #"{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"}},"working_directory":{"type":"string"},"timeout_ms":{"type":"integer"},"env":{"type":"object","additionalProperties":{"type":"string"}},"user":{"type":"string"}},"required":["command"],"additionalProperties":false}"#
        case .shell:
            #"{"type":"object","properties":{"commands":{"type":"array","items":{"type":"string"}},"timeout_ms":{"type":"integer"},"max_output_length":{"type":"integer"}},"required":["commands"],"additionalProperties":false}"#
        default:
            #"{"type":"object","properties":{"query":{"type":"string"}},"required":["query"],"additionalProperties":false}"#
        }
    }
}
