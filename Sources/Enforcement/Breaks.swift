import CanonicalModel
import PluginABI

/// Keeps what several attempts say apart: a blank line between their texts, where one went before. A value.
struct Breaks {
    /// Has text gone, and with how many line ends behind it?
    private var hasText = false
    private var lineEnds = 0
    private var isDue = false

    /// What follows is said by another attempt, or is an answer.
    mutating func begin() { isDue = hasText }

    /// Before text that goes on: hands on the line ends that are missing.
    mutating func before(_ text: UnsafeRawBufferPointer, _ type: kimi_event_type, _ emit: (CanonicalEvent) -> Void) {
        guard let last = text.last else { return }
        if isDue, lineEnds < 2 {
            let ends: StaticString = lineEnds == 0 ? "\n\n" : "\n"
            var event = kimi_event()
            event.type = type.rawValue
            event.a = kimi_bytes(UnsafeRawBufferPointer(start: ends.utf8Start, count: ends.utf8CodeUnitCount))
            emit(event)
        }
        isDue = false
        hasText = true
        let isOne = last == 0x0A
        let isTwo = isOne && (text.count > 1 ? text[text.count - 2] == 0x0A : lineEnds > 0)
        lineEnds = isTwo ? 2 : isOne ? 1 : 0
    }
}
