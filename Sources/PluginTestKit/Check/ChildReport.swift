import JSONSchema

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The lines between a child and its parent: one JSON object each, `t` says what it is.
package enum ChildReport {
    /// Child: writes a line to the report's descriptor.
    package static func send(_ kind: String, _ message: String = "", cure: String? = nil) {
        var object = ConfigObject([.init(key: "t", value: .string(kind)), .init(key: "m", value: .string(message))])
        if let cure { object["c"] = .string(cure) }
        let bytes = ConfigNode(.object(object)).jsonBytes + [0x0A]
        bytes.withUnsafeBytes { buffer in
            var rest = buffer
            while !rest.isEmpty {
                let count = write(ChildProcess.reportDescriptor, rest.baseAddress, rest.count)
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }

    /// Parent: what a line says; a plugin may have written anything.
    struct Line {
        var kind: String
        var message: String
        var cure: String?
        var node: ConfigNode
    }

    static func parse(_ line: String) -> Line? {
        do {
            let node = try ConfigNode(parsingJSON: Array(line.utf8))
            guard let kind = node["t"]?.string else { return nil }
            return Line(kind: kind, message: node["m"]?.string ?? "", cure: node["c"]?.string, node: node)
        } catch {
            return nil
        }
    }

    /// A crash line in words.
    static func crashSentence(_ node: ConfigNode) -> String {
        let signal = Int32(truncatingIfNeeded: node["signal"]?.int ?? 0)
        let inside = node["inside"]?.string ?? ""
        let place = inside.isEmpty ? "outside of its functions" : "in \(inside)"
        return "the plugin crashed \(place) with \(signalName(signal))" + addressWords(node["address"]?.string ?? "")
    }

    private static func addressWords(_ word: String) -> String {
        switch word {
        case "after": ": it touched bytes behind the end of what it was given"
        case "before": ": it touched bytes in front of what it was given"
        case "revoked": ": it touched memory that was lent to an earlier call"
        case "handle": ": it looked inside an opaque object of the host"
        default: ""
        }
    }

    static func signalName(_ signal: Int32) -> String {
        let names: [Int32: String] = [
            SIGSEGV: "SIGSEGV", SIGBUS: "SIGBUS", SIGILL: "SIGILL (a trap)", SIGFPE: "SIGFPE", SIGABRT: "SIGABRT",
            SIGTRAP: "SIGTRAP (a trap)", SIGKILL: "SIGKILL", SIGXCPU: "SIGXCPU (processor time)",
            SIGXFSZ: "SIGXFSZ (a file too large)",
        ]
        return names[signal] ?? "signal \(signal)"
    }
}
