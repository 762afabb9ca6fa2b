#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Patterns of the configuration whose matches never reach the disk: POSIX extended regular expressions, on bytes.
///
/// `@unchecked`: compiled once, and `regexec` takes the expression as constant.
package final class Redaction: @unchecked Sendable {
    package static let maxPatterns = 32
    private static let mark = Array("***".utf8)

    private var expressions: [regex_t] = []

    package init(patterns: [String]) throws(LogError) {
        guard patterns.count <= Self.maxPatterns else {
            throw .setting("more than \(Self.maxPatterns) patterns to redact")
        }
        for pattern in patterns {
            var expression = regex_t()
            let code = regcomp(&expression, pattern, REG_EXTENDED)
            guard code == 0 else {
                var text = [CChar](repeating: 0, count: 128)
                regerror(code, &expression, &text, text.count)
                let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                throw .setting("the pattern '\(pattern)' is no POSIX extended regular expression: \(reason)")
            }
            expressions.append(expression)
        }
    }

    deinit {
        for index in expressions.indices { regfree(&expressions[index]) }
    }

    /// `bytes` with every match replaced by `***`.
    package func applied(to bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for index in expressions.indices { replace(index, &bytes) }
        return bytes
    }

    private func replace(_ index: Int, _ bytes: inout [UInt8]) {
        var result: [UInt8]?
        var start = 0
        while start < bytes.count, let match = find(index, bytes, from: start) {
            // An empty match hides nothing.
            if match.isEmpty {
                if match.lowerBound >= bytes.count { break }
                result?.append(contentsOf: bytes[start...match.lowerBound])
                if result == nil { result = Array(bytes[...match.lowerBound]) }
                start = match.lowerBound + 1
                continue
            }
            if result == nil { result = Array(bytes[..<start]) }
            result?.append(contentsOf: bytes[start..<match.lowerBound])
            result?.append(contentsOf: Self.mark)
            start = match.upperBound
        }
        guard var result else { return }
        result.append(contentsOf: bytes[start...])
        bytes = result
    }

    private func find(_ index: Int, _ bytes: [UInt8], from start: Int) -> Range<Int>? {
        var match = regmatch_t()
        match.rm_so = regoff_t(start)
        match.rm_eo = regoff_t(bytes.count)
        let isFound = bytes.withUnsafeBytes { bytes in
            let text = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            // Only the text's begin is one, not what is behind an earlier match.
            let flags = start > 0 ? REG_STARTEND | REG_NOTBOL : REG_STARTEND
            return regexec(&expressions[index], text, 1, &match, flags) == 0
        }
        return isFound ? Int(match.rm_so)..<Int(match.rm_eo) : nil
    }
}
