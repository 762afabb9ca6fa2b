package import WireJSON

/// What a request needs from the store before it can be decoded.
package struct ResponsesLookups: Sendable {
    package var previousResponseID: String?
    /// Ids of items that `item_reference`s name, at most `maxReferences`.
    package var references: [String] = []

    /// References looked up in one request; more are refused by the decoder as not stored.
    package static let maxReferences = 1_000

    package var isEmpty: Bool { previousResponseID == nil && references.isEmpty }

    /// Reads a body; nothing is needed of one that the decoder will refuse. `parser` is free again afterwards.
    package init(_ body: UnsafeRawBufferPointer, parser: JSONParser) {
        guard let root = try? parser.parse(body) else { return }
        previousResponseID = root["previous_response_id"]?.string
        guard let input = root["input"] else { return }
        for item in input.elements where references.count < Self.maxReferences {
            let type = item["type"]
            let isReference = type?.stringBytes?.matches("item_reference") ?? (item.elementCount <= 2)
            guard isReference, item["role"] == nil, let id = item["id"]?.string else { continue }
            references.append(id)
        }
    }
}

/// Ids of responses and of the items in them.
package enum ResponseIDs {
    /// A response's id from a host's own request id: `resp_` and what of it is a letter, digit, `-`.
    package static func response(_ requestID: String) -> String {
        "resp_" + String(decoding: requestID.utf8.filter(isPlain), as: UTF8.self)
    }

    /// The response that an item of ours belongs to: `msg_abc_3` is of `resp_abc`. Nil for foreign ids.
    package static func response(ofItem id: String) -> String? {
        let parts = id.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[1].isEmpty, !parts[2].isEmpty, parts[2].utf8.allSatisfy(isDigit) else {
            return nil
        }
        return "resp_\(parts[1])"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "-")
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
