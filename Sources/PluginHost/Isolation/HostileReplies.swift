package import CanonicalModel

/// The decoder of children's bytes by itself, for tests that feed it what no child should send.
package enum HostileReplies {
    /// Cuts `bytes` into messages and applies each as the reply of a call that may bring anything. How many there were.
    package static func read(_ bytes: [UInt8], to receiver: any EventReceiver, book: NoteBook) -> Int {
        var cutter = MessageCutter()
        bytes.withUnsafeBytes { cutter.append($0) }
        var count = 0
        let sink = SinkNode(receiver: receiver, book: book)
        while true {
            let outcome = cutter.next { message in
                count += 1
                let reply = CallReply(message)
                for plan in [nil, PlanRecord(.provider), PlanRecord(.auth)] {
                    reply.apply(
                        errors: ErrorRecord(), edit: RequestEditRecord(plugin: "p", book: book), plan: plan, sink: sink)
                }
                _ = try? ChildHello(message)
            }
            guard outcome == .message else { return count }
        }
    }

    /// A message of each item there is, with its size in front: what tests change.
    package static var examples: [UInt8] {
        let writer = WireWriter()
        func item(_ tag: IsolationWire.Item, _ body: @escaping (WireWriter) -> Void) {
            writer.message(1, .feed) { to in
                to.put(Int32(0))
                to.put(tag.rawValue)
                body(to)
            }
        }
        item(.events) { to in
            to.put(UInt32(2))
            to.put(UInt16(2))
            to.put(IsolationWire.Bit.text | IsolationWire.Bit.choice)
            to.put(UInt32(1))
            to.put("hello")
            to.put(UInt16(8))
            to.put(IsolationWire.Bit.number)
            to.put(Int64(-1))
        }
        item(.note) { to in
            to.put("kind")
            to.put(UInt64(3))
            to.put("detail")
        }
        item(.put) { to in
            to.put(UInt32(2))
            to.put("{}")
        }
        item(.field) { to in
            to.put(UInt32(2))
            to.put("")
            to.put("https://example.com/")
        }
        item(.step) { to in
            to.put(UInt32(1))
            to.put(UInt32(1))
            to.put(UInt64(1))
        }
        item(.fail) { to in
            to.put(Int32(-10))
            to.put(UInt32(10))
            to.put(UInt64(0))
            to.put("why")
        }
        return Array(writer.content)
    }
}
