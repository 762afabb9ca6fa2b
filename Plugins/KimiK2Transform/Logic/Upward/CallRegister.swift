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

    /// Calls of one id that one turn made, in order; `next` and `older` are places in `links` and `groups`.
    private struct Group {
        var turn: Int
        var first: Int
        var last: Int
        /// The group of the same id that an earlier turn made.
        var older: Int?
    }

    private struct Turn {
        /// Its calls, in `calls`.
        var first: Int
        /// No unanswered call is before this one.
        var next: Int
        var open = 0
        /// Unanswered calls by name; made when a result must be matched by name.
        var names: [Hash128: (calls: [Int], next: Int)]?
    }

    private(set) var calls: [Call] = []
    /// The calls that have a number, in order.
    private var numbered: [Int] = []
    /// The latest group of each id, and the call that was answered last.
    private var ids: [Hash128: (group: Int?, last: Int?)] = [:]
    private var groups: [Group] = []
    private var links: [(call: Int, next: Int?)] = []
    private var turns: [Turn] = []
    /// Turns that may have unanswered calls.
    private var openTurns: [Int] = []
    private var lastIndex = -1

    /// The number of the next call, if its id shows none.
    var nextIndex: Int { lastIndex + 1 }

    /// `count`: calls to make room for.
    init(count: Int = 0) {
        calls.reserveCapacity(count)
        ids.reserveCapacity(count)
        groups.reserveCapacity(count)
        links.reserveCapacity(count)
        numbered.reserveCapacity(count)
    }

    /// From here on calls belong to a new turn.
    mutating func beginTurn() {
        if turns.last.map({ $0.first < calls.count }) ?? true {
            turns.append(Turn(first: calls.count, next: calls.count))
        }
    }

    /// Registers a call. `shown`: the number in its id. `keys`: ids by which results may mean it.
    mutating func add(name: Hash128?, shown: Int?, keys: [Hash128]) -> Int {
        let number = add(name: name, shown: shown)
        for key in keys { file(number, under: key) }
        return number
    }

    /// The same for a call of one id, or none.
    mutating func add(name: Hash128?, shown: Int?, key: Hash128?) -> Int {
        let number = add(name: name, shown: shown)
        if let key { file(number, under: key) }
        return number
    }

    private mutating func add(name: Hash128?, shown: Int?) -> Int {
        if turns.isEmpty { turns.append(Turn(first: 0, next: 0)) }
        let turn = turns.count - 1
        if name != nil {
            lastIndex = max(shown ?? 0, lastIndex + 1)
            numbered.append(calls.count)
        }
        calls.append(Call(index: name == nil ? nil : lastIndex, name: name, turn: turn))
        turns[turn].open += 1
        if openTurns.last != turn { openTurns.append(turn) }
        return calls.count - 1
    }

    private mutating func file(_ number: Int, under key: Hash128) {
        links.append((number, nil))
        let (link, turn) = (links.count - 1, calls[number].turn)
        let entry = ids[key]
        if let group = entry?.group, groups[group].turn == turn {
            links[groups[group].last].next = link
            groups[group].last = link
        } else {
            groups.append(Group(turn: turn, first: link, last: link, older: entry?.group))
            ids[key] = (groups.count - 1, entry?.last)
        }
    }

    // MARK: - Results

    /// The call of that id that a result answers: the nearest one, in order within its turn, each one once. When all
    /// are answered, the one that was last.
    mutating func answer(id key: Hash128) -> Int? {
        guard let entry = ids[key] else { return nil }
        var group = entry.group
        while let at = group {
            var link: Int? = groups[at].first
            while let here = link {
                let number = links[here].call
                link = links[here].next
                guard !calls[number].isAnswered else { continue }
                groups[at].first = here
                ids[key] = (at, number)
                settle(number)
                return number
            }
            group = groups[at].older
        }
        ids[key] = (nil, entry.last)
        return entry.last
    }

    /// The unanswered call of that number.
    func unanswered(index: Int) -> Int? {
        // Numbers grow, so half of what is left can always be ruled out.
        var (low, high) = (0, numbered.count)
        while low < high {
            let middle = (low + high) / 2
            if calls[numbered[middle]].index ?? 0 < index { low = middle + 1 } else { high = middle }
        }
        guard low < numbered.count, calls[numbered[low]].index == index else { return nil }
        return calls[numbered[low]].isAnswered ? nil : numbered[low]
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
        while calls[turns[turn].next].isAnswered { turns[turn].next += 1 }
        let number = turns[turn].next
        settle(number)
        return number
    }

    /// That call is answered.
    mutating func settle(_ number: Int) {
        calls[number].isAnswered = true
        turns[calls[number].turn].open -= 1
    }

    private mutating func openTurn() -> Int? {
        while let turn = openTurns.last, turns[turn].open == 0 { openTurns.removeLast() }
        return openTurns.last
    }

    private func names(of turn: Int) -> [Hash128: (calls: [Int], next: Int)] {
        var names: [Hash128: (calls: [Int], next: Int)] = [:]
        let end = turn + 1 < turns.count ? turns[turn + 1].first : calls.count
        for number in turns[turn].first..<end {
            if let name = calls[number].name { names[name, default: ([], 0)].calls.append(number) }
        }
        return names
    }
}
