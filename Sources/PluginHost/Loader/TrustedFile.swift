#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file that passed ``FileTrust``, open for reading. Closed when the value goes away.
package struct TrustedFile: ~Copyable {
    /// The path with links in its folders resolved: what messages and dlopen use.
    let path: String
    let status: FileStatus
    private let descriptor: Int32

    init(path: String, status: FileStatus, descriptor: Int32) {
        self.path = path
        self.status = status
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// The whole content, at most the size that was checked when the file was opened.
    func read() throws(StepFailure) -> [UInt8] {
        let wanted = Int(status.size)
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
            while count < wanted {
                let got = pread(descriptor, buffer.baseAddress?.advanced(by: count), wanted - count, off_t(count))
                if got < 0, errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                count += got
            }
        }
        guard failure == 0 else {
            throw StepFailure(message: "reading failed: \(String(cString: strerror(failure)))", cure: "check the disk")
        }
        return bytes
    }

    /// Is the file under this path still the one that was opened and read, unchanged?
    var isStillThere: Bool {
        FileStatus.ofPath(path) == status && FileStatus.ofDescriptor(descriptor) == status
    }
}
