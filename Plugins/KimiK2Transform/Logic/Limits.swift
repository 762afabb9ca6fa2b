/// Bounds of what is held back. Bytes.
enum Limits {
    /// Text after a section's begin that no call has followed yet.
    static let sectionText = 4096
    /// Text from a marker inside Markdown code on, until the code ends.
    static let quotedMarkup = 16 << 10
    /// Arguments from a marker inside a JSON string on, until the string ends.
    static let quotedInString = 64 << 10
    /// Arguments of a call whose name they must tell.
    static let unnamedArguments = 1 << 20
    /// Arguments remembered, all calls together, to know a call that arrives a second time in another place.
    static let remembered = 256 << 10
    static let rememberedCalls = 256
    /// Markup of a call as other families write it, until it is complete.
    static let foreignCalls = 64 << 10
    /// A role's name after `<|im_assistant|>`.
    static let roleName = 32
    /// Texts held until thought and answer can be told apart, by default: unknown models, thinking models.
    static let heldThinking = 8 << 10
    static let heldThinkingOfThinkers = 256 << 10
    /// One tag of K3 with its attributes.
    static let xtmlTag = 4096
    /// Blanks between two tags of which the first may be quoted.
    static let xtmlBlanks = 1024
    /// The value of a K3 argument that is not a string, until it is complete.
    static let xtmlValue = 1 << 20
    /// Keys of one K3 call that are remembered, to know one that comes twice. Their number.
    static let xtmlKeys = 4096
    /// Text in a K3 call outside its arguments.
    static let xtmlCallText = 64 << 10
}
