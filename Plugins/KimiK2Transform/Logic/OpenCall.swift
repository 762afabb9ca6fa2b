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
    /// Not a call at all: its arguments are dropped with it.
    var isDropped: Bool { header == .none }
    /// Written in another family's markup.
    var isForeign = false
    /// The name is not the one that was written.
    var isRenamed = false
}
