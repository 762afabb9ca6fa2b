import WireJSON

/// The parts of a tool's parameter schema that repairs of its arguments need.
///
/// Whatever is not understood allows everything: a repair is made only where the schema leaves no other choice.
package struct ParameterSchema: Sendable {
    /// A scalar of `enum` or `const`. Strings are decoded, other kinds are JSON text.
    struct Literal: Sendable, Equatable {
        var kind: ValueKinds
        var text: [UInt8]
    }

    struct Node: Sendable {
        var kinds = ValueKinds.any
        var properties: [(name: [UInt8], node: Int)] = []
        var required: [[UInt8]] = []
        /// Schema of members that are not named; nil: anything.
        var additional: Int?
        var items: Int?
        /// `allOf` and `$ref`: these hold as well.
        var all: [Int] = []
        /// `anyOf` and `oneOf`: of each group one holds.
        var groups: [[Int]] = []
        var literals: [Literal]?

        /// No combination of others.
        var isPlain: Bool { all.isEmpty && groups.isEmpty }
    }

    /// What one value must be: all of its nodes hold for it.
    struct Place {
        /// More than four at once are rare; what is left out then only makes the place allow more.
        private var first: Int32 = -1
        private var second: Int32 = -1
        private var third: Int32 = -1
        private var fourth: Int32 = -1
        var kinds: ValueKinds

        init(node: Int?, kinds: ValueKinds) {
            first = node.map { Int32($0) } ?? -1
            self.kinds = kinds
        }

        /// The only node there is.
        @inline(__always)
        var single: Int? { first >= 0 && second < 0 ? Int(first) : nil }

        var nodes: [Int] { [first, second, third, fourth].filter { $0 >= 0 }.map { Int($0) } }

        mutating func add(_ other: Place) {
            kinds.formIntersection(other.kinds)
            for node in other.nodes.map({ Int32($0) }) {
                if first < 0 {
                    first = node
                } else if second < 0 {
                    second = node
                } else if third < 0 {
                    third = node
                } else if fourth < 0 {
                    fourth = node
                }
            }
        }
    }

    /// The way from a value to one inside it.
    enum Step {
        case member(Bytes)
        case element
    }

    /// How far combinations inside combinations are followed.
    private static let maxNesting = 16

    let nodes: [Node]

    /// Node 0 is the whole schema.
    init(nodes: [Node]) { self.nodes = nodes }

    /// Reads a schema; nil if it is no JSON object.
    package init?(json: [UInt8]) {
        guard !json.isEmpty, let read = withJSON(json, { SchemaReader.read($0) }), let read else { return nil }
        self = read
    }

    var root: Place { Place(node: 0, kinds: nodes[0].kinds) }

    /// What is asked of the value one step inside `place`; nil: nothing.
    func place(in place: Place, _ step: Step) -> Place? {
        if let index = place.single, nodes[index].isPlain {
            return child(of: index, step).map { Place(node: $0, kinds: nodes[$0].kinds) }
        }
        var parts: [Place] = []
        for node in place.nodes { collect(step, node, 0, &parts) }
        guard var result = parts.first else { return nil }
        for part in parts.dropFirst() { result.add(part) }
        if result.kinds.isEmpty { result.kinds = .any }
        return result
    }

    /// The members that an object at `place` must have.
    func required(in place: Place) -> [[UInt8]] {
        if let index = place.single, nodes[index].all.isEmpty { return nodes[index].required }
        var names: [[UInt8]] = []
        for node in place.nodes { collectRequired(node, 0, &names) }
        return names
    }

    /// May a value at `place` be this scalar?
    func allows(_ literal: Literal, at place: Place) -> Bool {
        place.kinds.contains(literal.kind) && place.nodes.allSatisfy { allows(literal, node: $0, 0) }
    }

    // MARK: - Combinations

    private func collect(_ step: Step, _ index: Int, _ nesting: Int, _ parts: inout [Place]) {
        guard nesting < Self.maxNesting else { return }
        let node = nodes[index]
        if let child = child(of: index, step) { parts.append(Place(node: child, kinds: nodes[child].kinds)) }
        for part in node.all { collect(step, part, nesting + 1, &parts) }
        for group in node.groups {
            let fitting = group.filter { nodes[$0].kinds.contains(Self.container(of: step)) }
            if fitting.count == 1 {
                collect(step, fitting[0], nesting + 1, &parts)
            } else if let kinds = alternatives(step, fitting, nesting) {
                parts.append(Place(node: nil, kinds: kinds))
            }
        }
    }

    /// The kinds allowed when one of several schemas holds; nil: any.
    private func alternatives(_ step: Step, _ group: [Int], _ nesting: Int) -> ValueKinds? {
        var union: ValueKinds = []
        for index in group {
            var parts: [Place] = []
            collect(step, index, nesting + 1, &parts)
            if parts.isEmpty { return nil }
            union.formUnion(parts.reduce(ValueKinds.any) { $0.intersection($1.kinds) })
        }
        return union.isEmpty ? nil : union
    }

    @inline(__always)
    private func child(of index: Int, _ step: Step) -> Int? {
        switch step {
        case .element: nodes[index].items
        case .member(let name): property(of: index, name) ?? nodes[index].additional
        }
    }

    private func property(of index: Int, _ name: Bytes) -> Int? {
        for at in nodes[index].properties.indices where nodes[index].properties[at].name.count == name.count {
            let isSame = nodes[index].properties[at].name.withUnsafeBytes { $0.hasSameBytes(as: name) }
            if isSame { return nodes[index].properties[at].node }
        }
        return nil
    }

    private static func container(of step: Step) -> ValueKinds {
        if case .element = step { .array } else { .object }
    }

    private func collectRequired(_ index: Int, _ nesting: Int, _ names: inout [[UInt8]]) {
        guard nesting < Self.maxNesting else { return }
        for name in nodes[index].required where !names.contains(name) { names.append(name) }
        for part in nodes[index].all { collectRequired(part, nesting + 1, &names) }
    }

    private func allows(_ literal: Literal, node index: Int, _ nesting: Int) -> Bool {
        guard nesting < Self.maxNesting else { return true }
        let node = nodes[index]
        guard node.kinds.contains(literal.kind), node.literals?.contains(literal) ?? true else { return false }
        return node.all.allSatisfy { allows(literal, node: $0, nesting + 1) }
            && node.groups.allSatisfy { $0.contains { allows(literal, node: $0, nesting + 1) } }
    }
}
