#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Reads small files whole, with a bound; works on pipes and process substitutions too.
enum FileReader {
    struct Failure: Error {
        var message: String
        var isMissingFile = false
    }

    static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw failure(path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            bytes += chunk[..<count]
            guard bytes.count <= limit else {
                throw Failure(message: "\(path) is larger than the \(limit) bytes that are read")
            }
            if count < chunk.count {
                if ferror(file) != 0 { throw failure(path) }
                return bytes
            }
        }
    }

    private static func failure(_ path: String) -> Failure {
        let code = errno
        return Failure(
            message: "cannot read \(path): \(String(cString: strerror(code)))", isMissingFile: code == ENOENT)
    }
}
