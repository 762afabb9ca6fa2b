import CPluginTestKit
import PluginABI
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What stands behind an opaque pointer.
class HandleRecord: @unchecked Sendable {
    let run: KitRun
    /// Objects of one call belong to its thread.
    let thread = pthread_self()

    init(run: KitRun) { self.run = run }

    /// "sink", "plan", for messages.
    class var word: String { "handle" }
}

/// Opaque pointers that lead nowhere: whoever looks behind one crashes at a known address, and whoever uses one after its
/// call is found out, because numbers are never given twice.
enum Handles {
    private static let reservedBytes = 4 << 30
    private static let stride = 16

    private struct Table {
        var records: [Int: HandleRecord] = [:]
        var next = 1
    }

    /// Addresses without memory. Immutable after this first use.
    private nonisolated(unsafe) static let base: UnsafeMutableRawPointer? = {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | Int32(0x4000)  // MAP_NORESERVE
        let start = mmap(nil, reservedBytes, PROT_NONE, flags, -1, 0)
        guard let start, start != MAP_FAILED else { return nil }
        ptk_mark(start, reservedBytes, UInt32(PTK_HANDLE))
        return start
    }()

    private static let table = Mutex(Table())

    /// A pointer that stands for `record` until `revoke`.
    static func lend(_ record: HandleRecord) -> OpaquePointer? {
        guard let base else { return nil }
        let number = table.withLock { table in
            let number = table.next
            table.next += 1
            table.records[number] = record
            return number
        }
        guard number * stride < reservedBytes else { return nil }
        return OpaquePointer(base + number * stride)
    }

    static func revoke(_ pointer: OpaquePointer?) {
        guard let pointer, let number = number(of: pointer) else { return }
        table.withLock { $0.records[number] = nil }
    }

    /// The record behind `pointer`, or nil after the breach was noted.
    static func find<Record: HandleRecord>(
        _ pointer: OpaquePointer?, _ type: Record.Type, _ function: String
    ) -> Record? {
        guard let pointer else {
            note("\(function) was called with NULL for its \(type.word)")
            return nil
        }
        guard let number = number(of: pointer) else {
            note("\(function) was called with a pointer that the host never handed out")
            return nil
        }
        guard let record = table.withLock({ $0.records[number] }) else {
            note("\(function) was called with a \(type.word) that died with an earlier call (S12)")
            return nil
        }
        guard let typed = record as? Record else {
            note("\(function) was called with a \(Swift.type(of: record).word) in place of its \(type.word)")
            return nil
        }
        return typed
    }

    /// As `find`, for objects of one call: on another thread they are out of place.
    static func findOfCall<Record: HandleRecord>(
        _ pointer: OpaquePointer?, _ type: Record.Type, _ function: String
    ) -> Record? {
        guard let record = find(pointer, type, function) else { return nil }
        guard pthread_equal(record.thread, pthread_self()) != 0 else {
            record.run.breach(.handle, "\(function) was called on a thread other than the call's own ([call])")
            return nil
        }
        return record
    }

    private static func number(of pointer: OpaquePointer) -> Int? {
        guard let base else { return nil }
        let distance = Int(bitPattern: pointer) &- Int(bitPattern: base)
        guard distance > 0, distance < reservedBytes, distance % stride == 0 else { return nil }
        return distance / stride
    }

    private static func note(_ message: String) { (KitRun.current ?? KitRun.stray).breach(.handle, message) }
}
