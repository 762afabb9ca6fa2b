/// A record's name: ids of different owners have nothing to do with each other.
struct RecordKey: Hashable, Sendable {
    let owner: String
    let id: String
}

/// A record that waits for the disk.
struct PendingRecord: Sendable {
    let key: RecordKey
    let bytes: [UInt8]
    /// Seconds since 1970.
    let created: Int64
    /// Tells a record from a later one of the same name.
    let number: UInt64

    var cost: Int { bytes.count + key.id.utf8.count + key.owner.utf8.count }
}

/// Records on their way to the disk: in the order of their arrival, findable by name. A value, no I/O.
///
/// A record stays here until it is known to be on disk, so that a failed write loses nothing.
struct PendingRecords: Sendable {
    private var records: [RecordKey: PendingRecord] = [:]
    /// Names in order of arrival; entries whose number no longer fits are stale and skipped.
    private var order: [(key: RecordKey, number: UInt64)] = []
    private var head = 0
    private var nextNumber: UInt64 = 0
    private(set) var bytes = 0

    var count: Int { records.count }
    var isEmpty: Bool { records.isEmpty }

    subscript(_ key: RecordKey) -> PendingRecord? { records[key] }

    /// Whether there is room for a record in place of an earlier one of its name.
    func fits(_ key: RecordKey, cost: Int, entries: Int, bytes limit: Int) -> Bool {
        let old = records[key]
        return count + (old == nil ? 1 : 0) <= entries && bytes - (old?.cost ?? 0) + cost <= limit
    }

    mutating func append(_ key: RecordKey, _ record: [UInt8], created: Int64) {
        remove(key)
        let entry = PendingRecord(key: key, bytes: record, created: created, number: nextNumber)
        nextNumber += 1
        records[key] = entry
        order.append((key, entry.number))
        bytes += entry.cost
    }

    @discardableResult
    mutating func remove(_ key: RecordKey) -> PendingRecord? {
        guard let old = records.removeValue(forKey: key) else { return nil }
        bytes -= old.cost
        compact()
        return old
    }

    /// Takes the oldest away; nil if there is none.
    mutating func removeOldest() -> PendingRecord? {
        while head < order.count {
            let (key, number) = order[head]
            head += 1
            if records[key]?.number == number { return remove(key) }
        }
        return nil
    }

    /// The oldest records, at least one if there is any, without taking them away.
    func batch(entries: Int, bytes limit: Int) -> [PendingRecord] {
        var batch: [PendingRecord] = []
        var total = 0
        for (key, number) in order[head...] {
            guard let record = records[key], record.number == number else { continue }
            if !batch.isEmpty, total + record.cost > limit { break }
            batch.append(record)
            total += record.cost
            if batch.count == entries { break }
        }
        return batch
    }

    /// Forgets records that are on disk now, but not what took their name meanwhile.
    mutating func settle(_ batch: [PendingRecord]) {
        for record in batch where records[record.key]?.number == record.number {
            remove(record.key)
        }
    }

    /// Drops stale names before they outnumber the records, so that memory stays bounded by the records' bounds.
    private mutating func compact() {
        guard order.count > 2 * records.count + 64 else { return }
        order = order[head...].filter { records[$0.key]?.number == $0.number }
        head = 0
    }
}
