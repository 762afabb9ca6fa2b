"""@NAME@: a transform that makes typographic quotation marks in replies plain ones."""

import kimi_plugin as kimi

MARKS = str.maketrans("‘’‚‛“”„‟", "''''\"\"\"\"")


class Transform(kimi.Transform):
    """One attempt of one request. What must be remembered from call to call belongs into `self`."""

    # Other events pass by, in order.
    wants = (kimi.TEXT,)

    def begin(self, note):
        """To change the request, return a dict: a merge patch. `self.request.data` is what the client asked."""

    def feed(self, events, sink):
        """A mark is one character, and no event ends inside one, so nothing has to wait for the next event."""
        for event in events:
            sink.emit(event.with_text(event.text.translate(MARKS)))

    def flush(self, why, sink):
        """Nothing is held back, so there is nothing to give up."""


kimi.plugin(id="com.example.@NAME@", name="@NAME@", version="0.1.0", word="@NAME@", transform=Transform)
