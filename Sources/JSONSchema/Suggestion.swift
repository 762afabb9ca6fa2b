/// Finds the known name that a mistyped one probably meant.
package enum Suggestion {
    /// The nearest of `candidates` to `name`, or nil if none is near.
    ///
    /// `baseURL`, `base_url` and `baseUrl` count as the same word; otherwise a third of the letters may differ.
    package static func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
        let target = fold(name)
        var best: (name: String, distance: Int)?
        for candidate in candidates where candidate != name {
            let folded = fold(candidate)
            let limit = max(1, min(target.count, folded.count) / 3)
            let distance = distance(target, folded)
            if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Up to `limit` names near `name` or starting with it, nearest first.
    package static func near(_ name: String, among candidates: some Sequence<String>, limit: Int = 3) -> [String] {
        let target = fold(name)
        let ranked = candidates.compactMap { candidate -> (String, Int)? in
            let folded = fold(candidate)
            if !target.isEmpty, folded.starts(with: target) || target.starts(with: folded) { return (candidate, 1) }
            let distance = distance(target, folded)
            return distance <= max(1, min(target.count, folded.count) / 3) ? (candidate, distance) : nil
        }
        return ranked.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.prefix(limit).map(\.0)
    }

    /// "; did you mean 'x'?" or an empty string, to append to a message.
    package static func clause(for name: String, among candidates: some Sequence<String>) -> String {
        nearest(to: name, among: candidates).map { "; did you mean '\($0)'?" } ?? ""
    }

    private static func fold(_ name: String) -> [Character] {
        // Names come from clients, as long as they like.
        String(decoding: name.utf8.prefix(256), as: UTF8.self).lowercased().filter {
            $0 != "_" && $0 != "-" && $0 != "."
        }.prefix(64).map { $0 }
    }

    /// Edit distance where swapping two neighbours costs one.
    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
