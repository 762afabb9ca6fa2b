/// Gives every call of one reply an id of its own, in the style asked for, and none that the history has.
///
/// The model counts its calls over the whole conversation; a call that brings no number of its own gets the next one.
struct CallIDs {
    /// The id of one call.
    struct Claim: Equatable {
        var id: String
        /// The id that came was missing or taken.
        var isRepaired: Bool
    }

    /// A longer id is none: clients refuse them, and some servers put whole sentences there. Bytes.
    private static let longest = 64

    private let style: IDStyle
    private let conversation: Conversation
    /// Ids of structured calls go on as they came.
    private let keepsStructured: Bool
    private var random: SplitMix
    private var used: Set<String> = []
    /// The suffix to try next for an id that was wished for more than once.
    private var suffixes: [String: Int] = [:]
    /// The number to try next for a native id that is taken.
    private var nextNumber = 0

    init(_ options: NormaliserOptions) {
        style = options.ids
        conversation = options.conversation
        keepsStructured = !options.repairs.contains(.ids)
        random = SplitMix(state: options.idSeed)
    }

    /// An id for the call of `name`, the reply's `count`th from 0. `wish`: for a structured call the whole id that it
    /// came with, for a call found in text what stood behind the name's colon.
    mutating func claim(_ wish: String?, name: String, isStructured: Bool, count: Int) -> Claim {
        if isStructured, keepsStructured {
            used.insert(wish ?? "")
            return Claim(id: wish ?? "", isRepaired: false)
        }
        let trimmed = String(decoding: Array((wish ?? "").utf8).trimmed, as: UTF8.self)
        // What looks like markup is no id: it comes back in the next turn's prompt.
        let isNone = trimmed.isEmpty || trimmed.utf8.count > Self.longest || trimmed.utf8.contains(0x3C)
        let given = isNone ? nil : trimmed
        let index = isStructured ? given.flatMap(Self.nativeIndex) : given
        let number = conversation.nextIndex + count
        switch style {
        case .short:
            let (id, collided) = free((isStructured ? index ?? given : index) ?? String(number))
            return Claim(id: id, isRepaired: given == nil || given != wish || collided)
        case .native:
            let own = index.flatMap { Self.isCounter($0) ? $0 : nil }
            let (id, collided) = freeNative(name, own ?? String(number), number)
            return Claim(id: id, isRepaired: given == nil || collided)
        case .unique: return Claim(id: freeRandom(), isRepaired: given == nil)
        }
    }

    // MARK: - Parts

    /// The index of `functions.NAME:INDEX`, or of an id that is nothing but a number; nil for others.
    private static func nativeIndex(_ id: String) -> String? {
        if isCounter(id) { return id }
        guard id.hasPrefix("functions."), let colon = id.lastIndex(of: ":") else { return nil }
        let index = id[id.index(after: colon)...]
        return isCounter(index) && id.utf8.distance(from: id.startIndex, to: colon) > 10 ? String(index) : nil
    }

    private static func isCounter(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.count <= 9 && text.utf8.allSatisfy(isDigit)
    }

    private func isTaken(_ id: String) -> Bool { used.contains(id) || conversation.usedIDs.contains(id) }

    private mutating func free(_ base: String) -> (id: String, collided: Bool) {
        if !isTaken(base) {
            used.insert(base)
            return (base, false)
        }
        var suffix = suffixes[base] ?? 2
        while isTaken("\(base)-\(suffix)") { suffix += 1 }
        suffixes[base] = suffix + 1
        used.insert("\(base)-\(suffix)")
        return ("\(base)-\(suffix)", true)
    }

    private mutating func freeNative(_ name: String, _ index: String, _ number: Int) -> (id: String, collided: Bool) {
        let name = name.utf8.contains(0x3C) ? name.filter { $0 != "<" } : name
        var id = "functions.\(name):\(index)"
        let collided = isTaken(id)
        if collided {
            nextNumber = max(nextNumber, number)
            repeat {
                id = "functions.\(name):\(nextNumber)"
                nextNumber += 1
            } while isTaken(id)
        }
        used.insert(id)
        return (id, collided)
    }

    private mutating func freeRandom() -> String {
        while true {
            let digits = Self.hex(random.next(), 16) + Self.hex(random.next(), 8)
            let id = "call_\(digits)"
            if !isTaken(id) {
                used.insert(id)
                return id
            }
        }
    }

    private static func hex(_ value: UInt64, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String((String(repeating: "0", count: max(0, digits - text.count)) + text).suffix(digits))
    }
}

/// A small generator of well mixed numbers; its seed decides how random they are.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
