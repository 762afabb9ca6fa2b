#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the system says about a file: the part of `stat` that the loader looks at, the same on every platform.
package struct FileStatus: Sendable, Equatable {
    enum Kind: Sendable { case regular, directory, symbolicLink, other }

    var kind: Kind
    /// Permission bits with set-id and sticky, as `chmod` takes them.
    var mode: UInt32
    var owner: UInt32
    var size: Int64
    // These tell whether it is still the same content.
    private var device: UInt64
    private var inode: UInt64
    private var modified: [Int64]

    /// Of the path itself: a symbolic link is not followed. nil sets errno.
    static func ofPath(_ path: String) -> FileStatus? {
        var info = stat()
        return lstat(path, &info) == 0 ? FileStatus(info) : nil
    }

    static func ofDescriptor(_ descriptor: Int32) -> FileStatus? {
        var info = stat()
        return fstat(descriptor, &info) == 0 ? FileStatus(info) : nil
    }

    private init(_ info: stat) {
        kind =
            switch UInt32(info.st_mode) & 0o170000 {
            case 0o100000: .regular
            case 0o040000: .directory
            case 0o120000: .symbolicLink
            default: .other
            }
        mode = UInt32(info.st_mode) & 0o7777
        owner = info.st_uid
        size = Int64(info.st_size)
        device = UInt64(truncatingIfNeeded: info.st_dev)
        inode = UInt64(info.st_ino)
        #if canImport(Darwin)
        let times = [info.st_mtimespec, info.st_ctimespec]
        #else
        let times = [info.st_mtim, info.st_ctim]
        #endif
        modified = times.flatMap { [Int64($0.tv_sec), Int64($0.tv_nsec)] }
    }

    var isSticky: Bool { mode & 0o1000 != 0 }
    var isGroupWritable: Bool { mode & 0o020 != 0 }
    var isWorldWritable: Bool { mode & 0o002 != 0 }

    /// The mode as `chmod` writes it: "0775".
    var modeText: String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
