/// What is counted, by a set of labels. The set that was asked for last is found without hashing: most requests follow
/// one of their own kind.
struct SeriesTable<Key: Hashable & Sendable, Series: Sendable>: Sendable {
    struct Row: Sendable {
        let key: Key
        var series: Series
    }

    private(set) var rows: [Row] = []
    private var places: [Key: Int] = [:]
    private var last = 0

    /// Changes the series of `key`. Of a new one `bounded` is asked for the key that it is counted under; `new` is how it
    /// begins.
    mutating func change(
        _ key: Key, bounded: (Key) -> Key, new: @autoclosure () -> Series, _ body: (inout Series) -> Void
    ) {
        if last < rows.count, rows[last].key == key { return body(&rows[last].series) }
        if let place = places[key] {
            last = place
            return body(&rows[place].series)
        }
        let key = bounded(key)
        if let place = places[key] { return body(&rows[place].series) }
        places[key] = rows.count
        rows.append(Row(key: key, series: new()))
        body(&rows[rows.count - 1].series)
    }

    var count: Int { rows.count }
}
