internal import CPlatform
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A shared library that stays mapped for the life of the process.
///
/// There is no close on purpose: runtimes (Swift, Go, C++ thread-locals) keep pointers into a library's image, and
/// unmapping it crashes later, elsewhere. See docs/plugins/abi.md, "Why nothing is unloaded".
package struct LibraryHandle: @unchecked Sendable {
    // Sendable: the handle is only used for dlsym, which any thread may call, and never closed.
    private let handle: UnsafeMutableRawPointer

    /// The hash of what is mapped from each path: dlopen of a path that is mapped answers with the old code, silently.
    private static let mapped = Mutex<[String: String]>([:])

    /// Maps the library: all symbols resolved now, none of its own visible to others.
    ///
    /// - Parameters:
    ///   - path: absolute and without links, because dlopen knows libraries by name.
    ///   - sha256: of the file's content, to notice that another content was mapped from this path before.
    static func open(_ path: String, sha256: String) throws(StepFailure) -> LibraryHandle {
        let previous = mapped.withLock { $0[path] }
        guard previous == nil || previous == sha256 else {
            throw StepFailure(
                message: "another version of this file (sha256 \(previous ?? "")) is loaded and stays so",
                cure: "restart the host, or give the new version another file name")
        }
        // NOW: a missing symbol is found here. LOCAL: plugins do not see each other. NODELETE: even a stray dlclose
        // leaves it mapped. Not DEEPBIND: it gives a process with another malloc two heaps.
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            throw Self.failure(dlerror().map { String(cString: $0) } ?? "dlopen failed and gives no reason", path)
        }
        mapped.withLock { $0[path] = sha256 }
        return LibraryHandle(handle: handle)
    }

    func symbol(_ name: String) -> UnsafeMutableRawPointer? { dlsym(handle, name) }

    /// The address at which the image that holds `pointer` begins; nil if it is in none.
    static func imageBase(of pointer: UnsafeRawPointer) -> UInt? {
        cp_image_base(pointer).map { UInt(bitPattern: $0) }
    }

    private static func failure(_ text: String, _ path: String) -> StepFailure {
        let reason = text.hasPrefix(path + ": ") ? String(text.dropFirst(path.count + 2)) : text
        let cure: String
        if reason.hasPrefix("undefined symbol") {
            cure = "link the plugin with the library that has this symbol (-Wl,-z,defs finds it at link time)"
        } else if reason.contains("static TLS") {
            cure = "build the plugin, or the allocator it brings, without initial-exec TLS"
        } else if reason.contains("cannot open shared object file") {
            cure = "install that library, or set the plugin's run path; one beside the plugin needs a SONAME"
        } else {
            cure = "run 'ldd -r \(path)'"
        }
        return StepFailure(message: reason, cure: cure)
    }
}
