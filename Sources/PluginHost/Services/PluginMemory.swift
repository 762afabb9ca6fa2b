import Synchronization

/// What one plugin keeps between exchanges (`kimi.host.kv/1`): bytes by key, in memory, the longest unused out first.
///
/// Any thread. Each operation takes constant time but for copying the value.
package final class PluginMemory: Sendable {
    /// Longest key, in bytes.
    package static let maxKeyBytes = 256
    /// Longest value, in bytes, if the whole memory is not smaller.
    package static let maxValueBytes = 1 << 20
    /// Counted for each entry beside its key and value: what the tables around it take, in bytes.
    static let entryOverhead = 160

    package enum Outcome: Equatable {
        case done
        /// The key is empty or too long.
        case badKey
        /// The value is longer than is kept.
        case tooLarge
    }

    private let state: Mutex<LeastRecentlyUsed>
    private let maxValueBytes: Int

    /// `capacity`: bytes kept at most, overhead included; 0 keeps nothing.
    package init(capacity: Int) {
        state = Mutex(LeastRecentlyUsed(capacity: capacity))
        maxValueBytes = min(Self.maxValueBytes, max(0, capacity - Self.maxKeyBytes - Self.entryOverhead))
    }

    /// Files a copy of `value`. `expiresAt`: milliseconds of the clock that `get` is asked with; nil: never.
    package func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, expiresAt: UInt64?) -> Outcome {
        guard !key.isEmpty, key.count <= Self.maxKeyBytes else { return .badKey }
        guard value.count <= maxValueBytes else { return .tooLarge }
        let (key, value) = (Array(key), Array(value))  // Outside the lock.
        state.withLock { $0.put(key, value, expiresAt: expiresAt) }
        return .done
    }

    /// The value, unless it expired at or before `now`. Counts as a use.
    package func get(_ key: UnsafeRawBufferPointer, now: UInt64) -> [UInt8]? {
        guard !key.isEmpty, key.count <= Self.maxKeyBytes else { return nil }
        let key = Array(key)
        return state.withLock { $0.get(key, now: now) }
    }

    package func forget(_ key: UnsafeRawBufferPointer) {
        let key = Array(key.prefix(Self.maxKeyBytes + 1))
        state.withLock { $0.remove(key) }
    }

    package struct Size: Sendable, Equatable {
        package var bytes: Int
        package var entries: Int
        /// Entries that went before their time, for want of room.
        package var evictions: Int
    }

    package var size: Size {
        state.withLock { Size(bytes: $0.bytes, entries: $0.count, evictions: $0.evictions) }
    }
}

/// Entries in order of use, in an array with links, so that every operation is a few index changes.
private struct LeastRecentlyUsed {
    private struct Entry {
        var key: [UInt8]
        var value: [UInt8]
        var expiresAt: UInt64?
        var older = -1
        var newer = -1

        var size: Int { key.count + value.count + PluginMemory.entryOverhead }
    }

    private let capacity: Int
    private var entries: [Entry] = []
    private var places: [[UInt8]: Int] = [:]
    private var free: [Int] = []
    private var newest = -1
    private var oldest = -1
    private(set) var bytes = 0
    private(set) var evictions = 0

    var count: Int { places.count }

    init(capacity: Int) { self.capacity = capacity }

    mutating func put(_ key: [UInt8], _ value: [UInt8], expiresAt: UInt64?) {
        remove(key)
        let entry = Entry(key: key, value: value, expiresAt: expiresAt)
        while oldest >= 0, bytes + entry.size > capacity {
            remove(entries[oldest].key)
            evictions += 1
        }
        guard entry.size <= capacity else { return }
        bytes += entry.size
        let place = free.popLast() ?? entries.count
        if place == entries.count { entries.append(entry) } else { entries[place] = entry }
        places[key] = place
        link(place)
    }

    mutating func get(_ key: [UInt8], now: UInt64) -> [UInt8]? {
        guard let place = places[key] else { return nil }
        if let expiry = entries[place].expiresAt, expiry <= now {
            remove(key)
            return nil
        }
        unlink(place)
        link(place)
        return entries[place].value
    }

    mutating func remove(_ key: [UInt8]) {
        guard let place = places.removeValue(forKey: key) else { return }
        bytes -= entries[place].size
        unlink(place)
        entries[place] = Entry(key: [], value: [])
        free.append(place)
    }

    private mutating func link(_ place: Int) {
        entries[place].older = newest
        entries[place].newer = -1
        if newest >= 0 { entries[newest].newer = place } else { oldest = place }
        newest = place
    }

    private mutating func unlink(_ place: Int) {
        let (older, newer) = (entries[place].older, entries[place].newer)
        if older >= 0 { entries[older].newer = newer } else { oldest = newer }
        if newer >= 0 { entries[newer].older = older } else { newest = older }
    }
}
