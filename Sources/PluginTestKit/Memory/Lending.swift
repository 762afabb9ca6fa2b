import CPluginTestKit
import CanonicalModel
import PluginABI

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where the memory comes from that a plugin may look at during a call.
package enum LendingMode: Sendable {
    /// Copies, overwritten after the call.
    case copies
    /// Pages of their own: the byte behind each piece is unreadable.
    case guardedEnd
    /// Likewise, the byte in front of each piece.
    case guardedStart
    /// As `guardedEnd`, and unreadable as a whole after the call.
    case revoked
}

/// What is lent to one call. `take` makes copies, `revoke` ends the loan.
final class Lending {
    private struct Region {
        var start: UnsafeMutableRawPointer
        var length: Int
    }

    private let mode: LendingMode
    private var copies: [UnsafeMutableRawBufferPointer] = []
    private var regions: [Region] = []
    private static let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    /// Unreadable bytes on each side.
    private static let guardBytes = 4 * page

    init(_ mode: LendingMode) { self.mode = mode }

    /// A slice with a copy of `bytes`; of no bytes, a NULL pointer.
    func take(_ bytes: [UInt8]) -> kimi_bytes {
        guard !bytes.isEmpty else { return kimi_bytes(ptr: nil, len: 0) }
        let place = room(bytes.count)
        bytes.withUnsafeBytes { place.copyMemory(from: $0) }
        return kimi_bytes(UnsafeRawBufferPointer(place))
    }

    func take(_ text: String) -> kimi_bytes { take(Array(text.utf8)) }

    /// An array of structs of the ABI, whose sizes keep them aligned at the end of a page. Nil for none.
    func take<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element>? {
        guard !elements.isEmpty else { return nil }
        let place = room(elements.count * MemoryLayout<Element>.stride)
        elements.withUnsafeBytes { place.copyMemory(from: $0) }
        return UnsafeRawPointer(place.baseAddress).map { $0.assumingMemoryBound(to: Element.self) }
    }

    private func room(_ count: Int) -> UnsafeMutableRawBufferPointer {
        if mode == .copies {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
            copies.append(copy)
            return copy
        }
        return guarded(count)
            ?? {
                let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
                copies.append(copy)
                return copy
            }()
    }

    /// Nil when the system has no more mappings.
    private func guarded(_ count: Int) -> UnsafeMutableRawBufferPointer? {
        let used = (count + Self.page - 1) / Self.page * Self.page
        let length = used + 2 * Self.guardBytes
        let start = mmap(nil, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let start, start != MAP_FAILED else { return nil }
        let inner = start + Self.guardBytes
        guard mprotect(inner, used, PROT_READ | PROT_WRITE) == 0 else { return nil }
        ptk_mark(start, Self.guardBytes, UInt32(PTK_GUARD_BEFORE))
        ptk_mark(inner, used, UInt32(PTK_FREE))
        ptk_mark(inner + used, Self.guardBytes, UInt32(PTK_GUARD_AFTER))
        regions.append(Region(start: start, length: length))
        let offset = mode == .guardedStart ? 0 : used - count
        return UnsafeMutableRawBufferPointer(start: inner + offset, count: count)
    }

    /// The call is over. Revoked memory stays unreadable for `Lending.kept` further loans, then its addresses are free.
    func revoke() {
        for copy in copies {
            copy.initializeMemory(as: UInt8.self, repeating: 0xDD)
            copy.deallocate()
        }
        copies.removeAll()
        for region in regions {
            if mode == .revoked {
                mprotect(region.start, region.length, PROT_NONE)
                ptk_mark(region.start, region.length, UInt32(PTK_REVOKED))
                Self.keep(region.start, region.length)
            } else {
                munmap(region.start, region.length)
                ptk_mark(region.start, region.length, UInt32(PTK_FREE))
            }
        }
        regions.removeAll()
    }

    /// How many revoked pieces stay mapped without access.
    private static let kept = 4_096
    private nonisolated(unsafe) static var graveyard: [(UnsafeMutableRawPointer, Int)] = []

    /// Only the checks of memory get here, and they run on one thread.
    private static func keep(_ start: UnsafeMutableRawPointer, _ length: Int) {
        graveyard.append((start, length))
        guard graveyard.count >= 2 * kept else { return }
        for (start, length) in graveyard.prefix(kept) { munmap(start, length) }
        graveyard.removeFirst(kept)
    }
}
