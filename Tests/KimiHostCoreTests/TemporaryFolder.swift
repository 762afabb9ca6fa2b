#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A folder of a test's own, which goes with its files when this does.
final class TemporaryFolder {
    struct Failure: Error {
        var message: String
    }

    let path: String
    private var files: [String] = []

    init() throws {
        var template = Array("/tmp/kimi-core-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(message: String(cString: strerror(errno))) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for file in files { unlink(file) }
        rmdir(path)
    }

    /// The path of a file with that text.
    func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        guard let handle = fopen(file, "w") else { throw Failure(message: "open \(file)") }
        defer { fclose(handle) }
        let bytes = Array(text.utf8)
        guard fwrite(bytes, 1, bytes.count, handle) == bytes.count else { throw Failure(message: "write \(file)") }
        if !files.contains(file) { files.append(file) }
        return file
    }
}
