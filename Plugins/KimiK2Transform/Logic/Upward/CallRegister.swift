/// The calls of a conversation in order, and which of them each tool result answers. Time is linear in both.
struct CallRegister {
    /// A call with its number.
    struct Call {
        /// Its number in the conversation; nil without a name, then it keeps the id it has.
        var index: Int?
        var name: Hash128?
        var isAnswered = false
        var turn: Int
    }

    /// Calls of one id: groups of one turn each, the last turn last.
    private struct Bucket {
        var groups: [(turn: Int, calls: [Int], next: Int)] = []
        /// What a further result of that id belongs to when all are answered.
        var last: Int?
    }

    private struct Turn {
        var calls: [Int] = []
        /// No unanswered call is before this one.
        var next = 0
        var open = 0
        /// Unanswered calls by name; made when a result must be matched by name.
        var names: [Hash128: (calls: [Int], next: Int)]?
    }

    private(set) var calls: [Call] = []
    private var buckets: [Hash128: Bucket] = [:]
    private var turns: [Turn] = []
    /// Turns that may have unanswered calls.
    private var openTurns: [Int] = []
    private var lastIndex = -1

    /// The number of the next call, if its id shows none.
    var nextIndex: Int { lastIndex + 1 }

    /// From here on calls belong to a new turn.
    mutating func beginTurn() {
        if turns.last?.calls.isEmpty != true { turns.append(Turn()) }
    }

    /// Registers a call. `shown`: the number in its id. `keys`: ids by which results may mean it.
    mutating func add(name: Hash128?, shown: Int?, keys: [Hash128]) -> Int {
        if turns.isEmpty { turns.append(Turn()) }
        let number = calls.count
        let turn = turns.count - 1
        if name != nil { lastIndex = max(shown ?? 0, lastIndex + 1) }
        calls.append(Call(index: name == nil ? nil : lastIndex, name: name, turn: turn))
        turns[turn].calls.append(number)
        turns[turn].open += 1
        if openTurns.last != turn { openTurns.append(turn) }
        for key in keys { file(number, under: key, turn) }
        return number
    }

    private mutating func file(_ number: Int, under key: Hash128, _ turn: Int) {
        let groups = buckets[key]?.groups.count ?? 0
        if groups > 0, buckets[key]?.groups[groups - 1].turn == turn {
            buckets[key]?.groups[groups - 1].calls.append(number)
        } else {
            buckets[key, default: Bucket()].groups.append((turn, [number], 0))
        }
    }

    // MARK: - Results

    /// The call of that id that a result answers: the nearest one, in order within its turn, each one once. When all
    /// are answered, the one that was last.
    mutating func answer(id key: Hash128) -> Int? {
        guard var bucket = buckets.removeValue(forKey: key) else { return nil }
        defer { buckets[key] = bucket }
        while let at = bucket.groups.indices.last {
            while bucket.groups[at].next < bucket.groups[at].calls.count {
                let number = bucket.groups[at].calls[bucket.groups[at].next]
                bucket.groups[at].next += 1
                guard !calls[number].isAnswered else { continue }
                bucket.last = number
                settle(number)
                return number
            }
            bucket.groups.removeLast()
        }
        return bucket.last
    }

    /// The first unanswered call of that name in the last turn that has unanswered ones.
    mutating func answer(name: Hash128) -> Int? {
        guard let turn = openTurn() else { return nil }
        if turns[turn].names == nil { turns[turn].names = names(of: turn) }
        while let entry = turns[turn].names?[name], entry.next < entry.calls.count {
            let number = entry.calls[entry.next]
            turns[turn].names?[name]?.next += 1
            if calls[number].isAnswered { continue }
            settle(number)
            return number
        }
        return nil
    }

    /// The first unanswered call of the last turn that has any.
    mutating func answerNext() -> Int? {
        guard let turn = openTurn() else { return nil }
        while calls[turns[turn].calls[turns[turn].next]].isAnswered { turns[turn].next += 1 }
        let number = turns[turn].calls[turns[turn].next]
        settle(number)
        return number
    }

    private mutating func settle(_ number: Int) {
        calls[number].isAnswered = true
        turns[calls[number].turn].open -= 1
    }

    private mutating func openTurn() -> Int? {
        while let turn = openTurns.last, turns[turn].open == 0 { openTurns.removeLast() }
        return openTurns.last
    }

    private func names(of turn: Int) -> [Hash128: (calls: [Int], next: Int)] {
        var names: [Hash128: (calls: [Int], next: Int)] = [:]
        for number in turns[turn].calls {
            if let name = calls[number].name { names[name, default: ([], 0)].calls.append(number) }
        }
        return names
    }
}
