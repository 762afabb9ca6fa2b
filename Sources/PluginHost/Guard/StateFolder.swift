import JSONSchema

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The folder with everything that the host keeps between its runs (`state_dir`): crash files, what is quarantined, what
/// was probed. Made, readable by its owner only, when something is first written. Any thread; blocks on the disk.
package struct StateFolder: Sendable {
    package let path: String
    /// False: what is not there is not made, and nothing is written.
    package let mayWrite: Bool

    package init(path: String, mayWrite: Bool = true) {
        self.path = path
        self.mayWrite = mayWrite
    }

    package static let crashes = "crashes"
    static let maxFileBytes = 8 << 20

    /// Why something could not be kept.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// What others could do to it; nil: it is the user's own, or not there.
    var distrust: String? {
        for folder in [path, FileSystem.join(path, Self.crashes)] {
            guard let real = FileSystem.realPath(folder), let status = FileStatus.ofPath(real) else { continue }
            if status.owner != geteuid(), status.owner != 0 { return "\(folder) belongs to user \(status.owner)" }
            if status.isWorldWritable {
                return "\(folder) has mode \(status.modeText), so that everybody may write to it"
            }
        }
        return nil
    }

    /// The descriptor of the folder of crash files, for the process's life. Throws what is wrong with the folder.
    func openCrashes() throws(Failure) -> Int32 {
        let folder = FileSystem.join(path, Self.crashes)
        try make(folder)
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(folder) }
        guard access(folder, W_OK | X_OK) == 0 else {
            let error = failure(folder)
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// A file of the folder as JSON; nil if there is none that can be read.
    func read(_ name: String) -> ConfigNode? {
        let descriptor = open(FileSystem.join(path, name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= Self.maxFileBytes {
            let count = Self.read(descriptor, &chunk)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return try? ConfigNode(parsingJSON: bytes)
    }

    private static func read(_ descriptor: Int32, _ chunk: inout [UInt8]) -> Int {
        #if canImport(Glibc)
        Glibc.read(descriptor, &chunk, chunk.count)
        #elseif canImport(Musl)
        Musl.read(descriptor, &chunk, chunk.count)
        #else
        Darwin.read(descriptor, &chunk, chunk.count)
        #endif
    }

    /// Replaces a file of the folder; readers see the old one or the new one.
    func write(_ node: ConfigNode, to name: String) throws(Failure) {
        let target = FileSystem.join(path, name)
        try make(FileSystem.split(target).folder)
        let fresh = "\(target).\(getpid()).new"
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure(fresh) }
        let isWritten = Self.write(node.jsonBytes + [0x0A], to: descriptor)
        let problem = isWritten ? nil : failure(fresh)
        close(descriptor)
        if let problem {
            unlink(fresh)
            throw problem
        }
        guard rename(fresh, target) == 0 else { throw failure(target) }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer
            while !rest.isEmpty {
                #if canImport(Glibc)
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                #elseif canImport(Musl)
                let count = Musl.write(descriptor, rest.baseAddress, rest.count)
                #else
                let count = Darwin.write(descriptor, rest.baseAddress, rest.count)
                #endif
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
            return true
        }
    }

    func names(in folder: String) -> [String] { FileSystem.names(in: FileSystem.join(path, folder)) ?? [] }

    func remove(_ name: String) { unlink(FileSystem.join(path, name)) }

    /// Makes a folder and those above it.
    private func make(_ folder: String) throws(Failure) {
        if FileStatus.ofPath(folder) != nil { return }
        guard mayWrite else { throw Failure(description: "there is no folder \(folder)") }
        let parent = FileSystem.split(folder).folder
        if parent != folder, parent != "." { try make(parent) }
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure(folder) }
    }

    private func failure(_ place: String) -> Failure {
        Failure(description: "\(place): \(FileSystem.lastError)")
    }
}
