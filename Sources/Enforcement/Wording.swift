/// What the model is told. The texts need no escapes in JSON, except for line ends.
enum Wording {
    static let tool = "done"

    static let definition: StaticString = #"""
        {"type":"function","function":{"name":"done","description":"Ends the task. Call it when nothing is left to do.","parameters":{"type":"object","properties":{"final_answer":{"type":"string","description":"What the user shall read, if you have not said it yet."}},"additionalProperties":false}}}
        """#

    private static let rule =
        "Each of your replies must have at least one tool call: the program that runs your tools stops without one."

    /// For the system message. `isOurs`: the tool `done` is the host's, not one of the client's.
    static func instruction(isOurs: Bool) -> String {
        isOurs
            ? rule + " When nothing is left to do, call the tool `done`; what the user shall read goes into its "
                + "`final_answer`, unless you have said it before."
            : rule + " When nothing is left to do, call the tool `done` in the way its description says."
    }

    /// After a reply without a call.
    static let reminder =
        "Reminder: your last reply had no tool call, so nothing can go on. The user has read what you said; do not "
        + "repeat it. Go on with a tool call now, or call `done` if the task is finished."

    /// After a termination without an answer, while the user has read nothing.
    static let demand =
        "Reminder: the user has read no answer yet. Call `done` again, with the answer in `final_answer`."
}
