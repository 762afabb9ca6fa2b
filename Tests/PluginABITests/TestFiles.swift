#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Files and folders for tests; a failed call is a thrown sentence.
enum TestFiles {
    struct Failure: Error, CustomStringConvertible {
        var description: String

        init(_ what: String) { description = "\(what): \(String(cString: strerror(errno)))" }
    }

    /// The repository, found from this file's place in it.
    static let repository: String = {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/")
    }()

    /// A folder of this process, removed when it exits.
    static let root: String = {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/kimi-plugins-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil, let real = realpath(template, nil) else { return "/nonexistent" }
        defer { free(real) }
        atexit { _ = try? TestFiles.run(["rm", "-rf", TestFiles.root]) }
        return String(cString: real)
    }()

    /// A new folder with mode 0755 under `root`.
    static func folder(_ name: String) throws -> String {
        let path = "\(root)/\(name)"
        try run(["mkdir", "-p", path])
        try chmod(path, 0o755)
        return path
    }

    static func chmod(_ path: String, _ mode: UInt32) throws {
        #if canImport(Glibc)
        let result = Glibc.chmod(path, mode_t(mode))
        #elseif canImport(Musl)
        let result = Musl.chmod(path, mode_t(mode))
        #else
        let result = Darwin.chmod(path, mode_t(mode))
        #endif
        guard result == 0 else { throw Failure("chmod \(path)") }
    }

    static func read(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw Failure("open \(path)") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while case let got = fread(&buffer, 1, buffer.count, file), got > 0 { bytes += buffer[..<got] }
        return bytes
    }

    static func write(_ path: String, _ bytes: [UInt8]) throws {
        guard let file = fopen(path, "w") else { throw Failure("create \(path)") }
        defer { fclose(file) }
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw Failure("write \(path)") }
        try chmod(path, 0o644)
    }

    static func write(_ path: String, _ text: String) throws { try write(path, Array(text.utf8)) }

    /// A copy with an inode of its own, mode 0644.
    static func copy(_ from: String, _ to: String) throws { try write(to, try read(from)) }

    /// The names in a folder.
    static func names(in folder: String) throws -> [String] {
        guard let directory = opendir(folder) else { throw Failure("open \(folder)") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            withUnsafeBytes(of: entry.pointee.d_name) {
                names.append(String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self))
            }
        }
        return names
    }

    static func link(_ target: String, _ path: String) throws {
        guard symlink(target, path) == 0 else { throw Failure("symlink \(path)") }
    }

    static var isRoot: Bool { geteuid() == 0 }

    static func chown(_ path: String, _ user: UInt32) throws { try run(["chown", "\(user)", path]) }

    /// Runs a program found in PATH and waits for it; throws if it does not end with 0.
    static func run(_ arguments: [String]) throws {
        var pid: pid_t = 0
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        let argv = arguments.map { strdup($0) } + [nil]
        let environment = [strdup("PATH=\(path)"), nil]
        defer { for pointer in argv + environment { free(pointer) } }
        let result = posix_spawnp(&pid, arguments[0], nil, nil, argv, environment)
        guard result == 0 else { throw Failure("cannot run \(arguments[0]) (\(result))") }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else { throw Failure("\(arguments.joined(separator: " ")) ended with \(status)") }
    }
}

/// The C plugins the tests load, built once per test run by their own Makefiles.
enum BuiltPlugins {
    /// The folder with every plugin of Tests/BadPlugins and libDemoProvider.so.
    static let folder = Result { () throws -> String in
        let folder = try TestFiles.folder("built")
        try TestFiles.run(["make", "-s", "-C", "\(TestFiles.repository)/Tests/BadPlugins", "OUT=\(folder)"])
        try TestFiles.run(["make", "-s", "-C", "\(TestFiles.repository)/Plugins/DemoProvider", "OUT=\(folder)"])
        return folder
    }

    static func path(_ name: String) throws -> String { "\(try folder.get())/\(name)" }

    /// A new plugins.d with copies of the named plugins.
    static func pluginsFolder(_ name: String, with libraries: [String]) throws -> String {
        let folder = try TestFiles.folder("\(name)/plugins.d")
        for library in libraries { try TestFiles.copy(try path(library), "\(folder)/\(library)") }
        return folder
    }
}
