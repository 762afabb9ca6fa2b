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
    /// Arguments from the first byte on that may be Python's spelling of JSON, until the call ends.
    static let looseArguments = 64 << 10
    /// A string that may spell a number, a boolean or null, with its quotes; a number that may become a string.
    static let coercedScalar = 64
    /// A string that may hold an encoded array or object, with its quotes.
    static let nestedEncoding = 256 << 10
    /// Encoded strings inside each other.
    static let nestedEncodings = 4
    /// Blanks behind a comma, of which it is not known yet whether a bracket follows.
    static let blanksInArguments = 4096
    /// A member's name that is looked up in the schema.
    static let memberName = 1024
    /// Arrays and objects inside each other; what lies deeper is not looked at.
    static let argumentDepth = 512
    /// What stands around arguments: a fence with its language, quotes.
    static let argumentHead = 256
    /// Brackets and quotes too many behind the arguments of a call outside a section.
    static let strayClosers = 64
    /// Calls of one reply that nothing parts from the one before but the end of its arguments. Their number.
    static let gluedCalls = 64
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
