/// A place in a configuration text: line and column, both counted from 1.
package struct Mark: Sendable, Hashable {
    package var line: Int
    package var column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// ``Mark`` under a name that a file which imports Yams as well can use.
package typealias ConfigMark = Mark

/// One value of a configuration document (YAML or JSON), with the place where it was written.
///
/// A value type, cold: made for files of kilobytes, not for request bodies. `==` compares the values and ignores marks.
package struct ConfigNode: Sendable {
    package var value: ConfigValue
    package var mark: Mark?

    package init(_ value: ConfigValue, mark: Mark? = nil) {
        self.value = value
        self.mark = mark
    }
}

/// What a ``ConfigNode`` holds: JSON's kinds, with integers kept apart from doubles.
package indirect enum ConfigValue: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([ConfigNode])
    case object(ConfigObject)
}

/// The members of an object in the order they were written. Keys are unique when it came from a parser here.
package struct ConfigObject: Sendable {
    /// One `key: value` with the key's own place.
    package struct Member: Sendable {
        package var key: String
        package var keyMark: Mark?
        package var value: ConfigNode

        package init(key: String, keyMark: Mark? = nil, value: ConfigNode) {
            self.key = key
            self.keyMark = keyMark
            self.value = value
        }
    }

    package var members: [Member]

    package init(_ members: [Member] = []) {
        self.members = members
    }

    package var keys: [String] { members.map(\.key) }
    package var isEmpty: Bool { members.isEmpty }

    package func member(_ key: String) -> Member? {
        members.first { $0.key == key }
    }

    /// The value under `key`. Setting replaces it in place, or appends it at the end; setting nil removes it.
    package subscript(_ key: String) -> ConfigNode? {
        get { member(key)?.value }
        set {
            let index = members.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(key: key, value: value))
            case (nil, nil): break
            }
        }
    }
}

extension ConfigNode: Equatable {
    package static func == (left: ConfigNode, right: ConfigNode) -> Bool { left.value == right.value }
}

extension ConfigValue: Equatable {
    /// JSON Schema's equality: 1 equals 1.0, the order of an object's members does not matter.
    package static func == (left: ConfigValue, right: ConfigValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.double(let a), .double(let b)): a == b
        case (.int(let a), .double(let b)), (.double(let b), .int(let a)): Int64(exactly: b) == a
        case (.string(let a), .string(let b)): a == b
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }
}

extension ConfigObject: Equatable {
    package static func == (left: ConfigObject, right: ConfigObject) -> Bool {
        left.members.count == right.members.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }
}
