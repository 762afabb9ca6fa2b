/// A call whose arguments are arriving.
struct OpenCall {
    var header: CallHeader
    var source: CallSource
    /// Nothing may be emitted before the arguments are complete: the name depends on them, or the whole call may be
    /// the repetition of another.
    var waits: Bool
    /// The call's number, once it was begun.
    var index: UInt32?
    /// The arguments so far, as long as they are needed.
    var arguments: [UInt8] = []
    /// Are those all of them? Long ones that need not wait are not kept.
    private(set) var isKept = true
    /// Is a call only if its arguments are a whole JSON object: nothing but their place says that they are one.
    var isTentative = false
    /// Repairs the arguments; made when the first of them come.
    var filter = ArgumentFilter(repairs: .all, schema: nil)
    var isFiltered = false
    /// Something of the arguments went on, or is kept in `arguments`.
    var hasArguments = false
    /// What was taken off around the arguments.
    var notes = NoteCounts()
    /// Not a call at all: its arguments are dropped with it.
    var isDropped: Bool { header == .none }
    /// Written in another family's markup.
    var isForeign = false
    /// The name is not the one that was written.
    var isRenamed = false

    /// Keeps a piece of the arguments, if it waits or may be remembered.
    mutating func keep(_ text: Bytes) {
        if !waits, arguments.count + text.count > Limits.remembered {
            isKept = false
            arguments = []
        }
        if isKept { arguments.append(contentsOf: text) }
    }
}
