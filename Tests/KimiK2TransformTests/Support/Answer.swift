import KimiK2TransformLogic

/// What came out, put together again.
struct Answer: Equatable {
    struct Call: Equatable {
        var id: String
        var name: String
        var arguments: [UInt8]
        var isEnded = false

        var text: String { String(decoding: arguments, as: UTF8.self) }
    }

    var contentBytes: [UInt8] = []
    var thinkingBytes: [UInt8] = []
    var calls: [Call] = []
    var finishReason = ""

    var content: String { String(decoding: contentBytes, as: UTF8.self) }
    var thinking: String { String(decoding: thinkingBytes, as: UTF8.self) }
}

extension Answer: CustomStringConvertible {
    var description: String {
        "content \(content.debugDescription), thinking \(thinking.debugDescription), "
            + "calls \(calls.map { "\($0.name)#\($0.id)(\($0.text))" }), finish \(finishReason)"
    }
}

/// Collects what a normaliser emits, and notes breaches of the order of events.
struct Collector: NormalisedOutput {
    var answer = Answer()
    var breaches: [String] = []
    var events = 0
    /// What is being fed, by its addresses: only that outlives the call.
    private var fed: Range<UInt>?

    /// `bytes` are about to be fed; nothing more is, at the end.
    mutating func feeds(_ bytes: UnsafeRawBufferPointer?) {
        let start = bytes?.baseAddress.map { UInt(bitPattern: $0) } ?? 0
        fed = start..<start + UInt(bytes?.count ?? 0)
    }

    private mutating func checkLife(_ bytes: UnsafeRawBufferPointer, _ transient: Bool) {
        guard !transient, let fed, let address = bytes.baseAddress.map({ UInt(bitPattern: $0) }) else { return }
        if address < fed.lowerBound || address + UInt(bytes.count) > fed.upperBound {
            breaches.append("bytes that die with the call are passed as if they lasted")
        }
    }

    mutating func text(_ channel: TextChannel, _ bytes: UnsafeRawBufferPointer, transient: Bool) {
        events += 1
        checkLife(bytes, transient)
        if bytes.isEmpty { breaches.append("empty text") }
        if String(validating: bytes, as: UTF8.self) == nil { breaches.append("a text is cut inside a code point") }
        if channel == .content {
            answer.contentBytes += bytes
        } else {
            answer.thinkingBytes += bytes
        }
    }

    mutating func toolBegin(_ index: UInt32, id: String, name: String) {
        events += 1
        if Int(index) != answer.calls.count { breaches.append("call \(index) begins out of order") }
        answer.calls.append(Answer.Call(id: id, name: name, arguments: []))
    }

    mutating func toolArguments(_ index: UInt32, _ bytes: UnsafeRawBufferPointer, transient: Bool) {
        events += 1
        checkLife(bytes, transient)
        guard Int(index) < answer.calls.count, !answer.calls[Int(index)].isEnded else {
            return breaches.append("arguments for call \(index), which is not open")
        }
        answer.calls[Int(index)].arguments += bytes
    }

    mutating func toolEnd(_ index: UInt32) {
        events += 1
        guard Int(index) < answer.calls.count, !answer.calls[Int(index)].isEnded else {
            return breaches.append("end of call \(index), which is not open")
        }
        answer.calls[Int(index)].isEnded = true
    }

    func finished(_ reason: String) -> Collector {
        var result = self
        result.answer.finishReason = reason
        for (index, call) in answer.calls.enumerated() where !call.isEnded {
            result.breaches.append("call \(index) never ends")
        }
        if Set(answer.calls.map(\.id)).count != answer.calls.count { result.breaches.append("ids are not unique") }
        return result
    }
}
