//! @NAME@: a provider for upstreams that speak Chat Completions, in Zig 0.14.
//!
//! It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning,
//! tool calls, the finish reason, usage and errors, of the first choice.
const std = @import("std");
const c = @cImport(@cInclude("kimi_plugin.h"));

const allocator = std.heap.c_allocator;
const Value = std.json.Value;
const manifest =
    \\{"id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
    \\ "provides": [{"interface": "kimi.provider/1", "name": "@NAME@", "frames": "sse", "features": ["stream", "tools", "reasoning"]}],
    \\ "config_schema": {"type": "object", "additionalProperties": false, "required": ["apiKey", "baseUrl"],
    \\  "properties": {
    \\   "apiKey": {"type": "string", "minLength": 1, "x-secret": true, "x-env": "@ENV@_API_KEY"},
    \\   "baseUrl": {"type": "string", "pattern": "^https?://", "x-host": true}}}}
;

/// Why a call cannot succeed.
const Failure = error{ Config, OutOfMemory, Protocol, Refused, Unfinished };

/// A configured use. Nothing changes it after create: many threads use it at once.
const Instance = struct {
    host: *const c.kimi_host,
    url: []const u8,
    authorization: []const u8,

    fn make(host: *const c.kimi_host, config: []const u8) Failure!*Instance {
        var arena = std.heap.ArenaAllocator.init(allocator);
        defer arena.deinit();
        const settings = try parsed(arena.allocator(), config, error.Config);
        const base = std.mem.trimRight(u8, text(member(settings, "baseUrl")), "/");
        const key = text(member(settings, "apiKey"));
        if (base.len == 0 or key.len == 0) return error.Config;
        const made = try allocator.create(Instance);
        errdefer allocator.destroy(made);
        const url = try std.mem.concat(allocator, u8, &.{ base, "/chat/completions" });
        errdefer allocator.free(url);
        made.* = .{ .host = host, .url = url, .authorization = try std.mem.concat(allocator, u8, &.{ "Bearer ", key }) };
        return made;
    }
};

/// One attempt of one request.
const Exchange = struct {
    instance: *const Instance,
    status: u32 = 0,
    retry_after_ms: i64 = -1, // -1: not said
    started: bool = false,
    finished: bool = false,
    failed: bool = false, // ERROR was emitted, and nothing may follow it
    call: ?i64 = null, // the open tool call, by the upstream's index; -1: it gave none
    calls: u32 = 0, // how many were begun; ours count from 0

    /// One step: send the request, with two members of its JSON changed and every other byte as it is.
    fn plan(self: *Exchange, to: ?*c.kimi_plan) Failure!c.kimi_status {
        const host = self.instance.host;
        const patch = "{\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
        const Field = struct { u32, []const u8, []const u8 };
        for ([_]Field{
            .{ c.KIMI_FIELD_URL, "", self.instance.url },
            .{ c.KIMI_FIELD_HEADER, "Content-Type", "application/json" },
            .{ c.KIMI_FIELD_SECRET_HEADER, "Authorization", self.instance.authorization }, // in no log
            .{ c.KIMI_FIELD_BODY_PATCH, "", patch },
        }) |field| {
            if (host.plan_field.?(to, field[0], bytes(field[1]), bytes(field[2])) < 0) return error.Refused;
        }
        if (host.plan_step.?(to, c.KIMI_STEP_SEND, 0, c.KIMI_SEND_STREAM) < 0) return error.Refused;
        return c.KIMI_OK;
    }

    /// False: nobody listens any more.
    fn emit(self: *Exchange, sink: ?*c.kimi_sink, event: c.kimi_event) Failure!bool {
        const status = self.instance.host.emit.?(sink, &event, 1);
        if (status < 0) return error.Refused;
        return status != c.KIMI_STOP;
    }

    /// ERROR is the last event of a reply.
    fn failWith(self: *Exchange, sink: ?*c.kimi_sink, message: []const u8) Failure!bool {
        const words = if (message.len > 0) message else "the upstream answered with an error that has no message";
        if (self.failed) return true;
        self.finished = true;
        self.failed = true;
        return self.emit(sink, .{
            .type = c.KIMI_EVENT_ERROR,
            .a = bytes(words),
            .i0 = category(self.status),
            .i1 = self.status,
            .i2 = self.retry_after_ms,
        });
    }

    fn emitText(self: *Exchange, sink: ?*c.kimi_sink, kind: u32, words: []const u8, index: u32) Failure!bool {
        return words.len == 0 or try self.emit(sink, .{ .type = kind, .index = index, .a = bytes(words) });
    }

    fn endCall(self: *Exchange, sink: ?*c.kimi_sink) Failure!bool {
        if (self.call == null) return true;
        self.call = null;
        return self.emit(sink, .{ .type = c.KIMI_EVENT_TOOL_END, .index = self.calls - 1 });
    }

    /// A call's first piece brings its id and its name. The call before it is complete then.
    fn beginCall(self: *Exchange, sink: ?*c.kimi_sink, number: i64, id: []const u8, name: []const u8) Failure!bool {
        if (!try self.endCall(sink)) return false;
        if (name.len == 0) return self.failWith(sink, "the upstream sent a piece of a tool call that had not begun");
        self.call = number;
        self.calls += 1;
        return self.emit(sink, .{
            .type = c.KIMI_EVENT_TOOL_BEGIN,
            .index = self.calls - 1,
            .a = bytes(id),
            .b = bytes(name),
        });
    }

    /// One element of delta.tool_calls: {index, id, function: {name, arguments}}, the last a piece of JSON text.
    fn takeCall(self: *Exchange, sink: ?*c.kimi_sink, piece: Value) Failure!bool {
        const function = member(piece, "function");
        const number = count(member(piece, "index"));
        const id = text(member(piece, "id"));
        if (self.call != number or (number < 0 and id.len > 0)) {
            if (!try self.beginCall(sink, number, id, text(member(function, "name")))) return false;
            if (self.finished) return true;
        }
        const arguments = member(function, "arguments");
        if (arguments != null and arguments.? == .object) return error.Protocol;
        return self.emitText(sink, c.KIMI_EVENT_TOOL_ARGS, text(arguments), self.calls - 1);
    }

    fn takeDelta(self: *Exchange, sink: ?*c.kimi_sink, choice: ?Value) Failure!bool {
        if (count(member(choice, "index")) > 0) {
            return self.failWith(sink, "plugin @NAME@ decodes one choice; ask without n");
        }
        const delta = member(choice, "delta");
        if (!try self.emitText(sink, c.KIMI_EVENT_REASONING, text(member(delta, "reasoning_content")), 0)) return false;
        if (!try self.emitText(sink, c.KIMI_EVENT_TEXT, text(member(delta, "content")), 0)) return false;
        for (elements(member(delta, "tool_calls"))) |piece| {
            if (!try self.takeCall(sink, piece)) return false;
            if (self.finished) return true;
        }
        const reason = text(member(choice, "finish_reason"));
        if (reason.len == 0) return true;
        if (!try self.endCall(sink)) return false;
        self.finished = true;
        return self.emit(sink, .{ .type = c.KIMI_EVENT_FINISH, .a = bytes(reason), .b = bytes(reason) });
    }

    /// One chunk. False: nobody listens any more.
    fn takeChunk(self: *Exchange, sink: ?*c.kimi_sink, chunk: Value) Failure!bool {
        if (self.failed) return true;
        if (member(chunk, "error")) |wrong| {
            if (wrong == .object and !self.finished) return self.failWith(sink, text(member(wrong, "message")));
        }
        if (!self.started) {
            self.started = true;
            if (!try self.emit(sink, .{
                .type = c.KIMI_EVENT_START,
                .a = bytes(text(member(chunk, "id"))),
                .b = bytes(text(member(chunk, "model"))),
                .i0 = @max(count(member(chunk, "created")), 0),
            })) return false;
        }
        if (!self.finished and !try self.takeDelta(sink, first(member(chunk, "choices")))) return false;
        const usage = member(chunk, "usage") orelse return true;
        if (self.failed or usage != .object) return true;
        return self.emit(sink, .{
            .type = c.KIMI_EVENT_USAGE,
            .i0 = count(member(usage, "prompt_tokens")),
            .i1 = count(member(usage, "completion_tokens")),
            .i2 = -1,
            .i3 = -1,
        });
    }

    /// KIMI_OK: go on; KIMI_STOP: nobody listens; KIMI_DONE: the reply is complete.
    fn take(self: *Exchange, frame: c.kimi_frame, sink: ?*c.kimi_sink) Failure!c.kimi_status {
        var arena = std.heap.ArenaAllocator.init(allocator);
        defer arena.deinit();
        const data = slice(frame.data);
        if (frame.flags & c.KIMI_FRAME_F_ERROR != 0) {
            const body: ?Value = parsed(arena.allocator(), data, error.Protocol) catch null; // an HTML page
            const message = text(member(member(body, "error"), "message"));
            return if (try self.failWith(sink, message)) c.KIMI_OK else c.KIMI_STOP;
        }
        if (frame.kind != c.KIMI_FRAME_SSE) return c.KIMI_OK;
        if (std.mem.eql(u8, data, "[DONE]")) return c.KIMI_DONE;
        const chunk = try parsed(arena.allocator(), data, error.Protocol);
        return if (try self.takeChunk(sink, chunk)) c.KIMI_OK else c.KIMI_STOP;
    }
};

fn category(status: u32) i64 {
    return switch (status) {
        401 => c.KIMI_CAT_AUTH,
        402 => c.KIMI_CAT_QUOTA,
        403 => c.KIMI_CAT_PERMISSION,
        404 => c.KIMI_CAT_NOT_FOUND,
        408 => c.KIMI_CAT_TIMEOUT,
        429 => c.KIMI_CAT_RATE_LIMITED,
        503 => c.KIMI_CAT_OVERLOADED,
        400, 405...407, 409...428, 430...499 => c.KIMI_CAT_BAD_REQUEST,
        else => c.KIMI_CAT_UPSTREAM,
    };
}

// ---------------------------------------------------------------- slices and JSON

fn bytes(given: []const u8) c.kimi_bytes {
    return .{ .ptr = given.ptr, .len = given.len };
}

fn slice(given: c.kimi_bytes) []const u8 {
    return if (given.len == 0) "" else given.ptr[0..given.len];
}

fn parsed(arena: std.mem.Allocator, json: []const u8, wrong: Failure) Failure!Value {
    return std.json.parseFromSliceLeaky(Value, arena, json, .{}) catch |err| switch (err) {
        error.OutOfMemory => error.OutOfMemory,
        else => wrong,
    };
}

fn member(value: ?Value, name: []const u8) ?Value {
    const present = value orelse return null;
    return if (present == .object) present.object.get(name) else null;
}

fn elements(value: ?Value) []const Value {
    const present = value orelse return &.{};
    return if (present == .array) present.array.items else &.{};
}

fn first(value: ?Value) ?Value {
    const all = elements(value);
    return if (all.len > 0) all[0] else null;
}

fn text(value: ?Value) []const u8 {
    const present = value orelse return "";
    return if (present == .string) present.string else "";
}

/// A whole number from 0; -1 for anything else.
fn count(value: ?Value) i64 {
    const present = value orelse return -1;
    return if (present == .integer and present.integer >= 0) present.integer else -1;
}

// ---------------------------------------------------------------- the table

/// Describes why a call fails.
fn described(host: *const c.kimi_host, err: ?*c.kimi_error, failure: Failure) c.kimi_status {
    const status: c.kimi_status, const kind: u32, const sentence: []const u8 = switch (failure) {
        error.Config => .{ c.KIMI_E_CONFIG, c.KIMI_CAT_CONFIG, "apiKey and baseUrl must be strings" },
        error.OutOfMemory => .{ c.KIMI_E_NOMEM, c.KIMI_CAT_INTERNAL, "out of memory" },
        error.Protocol => .{ c.KIMI_E_PROTOCOL, c.KIMI_CAT_PROTOCOL, "the upstream's stream is not made of JSON" },
        error.Refused => .{ c.KIMI_E_INTERNAL, c.KIMI_CAT_INTERNAL, "the host refused what the plugin gave it" },
        error.Unfinished => .{ c.KIMI_E_PROTOCOL, c.KIMI_CAT_UPSTREAM, "the upstream's answer ended before its finish_reason" },
    };
    host.fail.?(err, status, kind, 0, bytes(sentence));
    return status;
}

fn create(host: [*c]const c.kimi_host, _: ?*c.kimi_ctx, config: c.kimi_bytes, instance: [*c]?*c.kimi_inst, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    instance.* = @ptrCast(Instance.make(host, slice(config)) catch |failure| return described(host, err, failure));
    return c.KIMI_OK;
}

fn destroy(given: ?*c.kimi_inst) callconv(.c) void {
    const instance: *Instance = @ptrCast(@alignCast(given.?));
    allocator.free(instance.url);
    allocator.free(instance.authorization);
    allocator.destroy(instance);
}

fn begin(given: ?*c.kimi_inst, _: [*c]const c.kimi_request, exchange: [*c]?*c.kimi_exch, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const instance: *Instance = @ptrCast(@alignCast(given.?));
    const made = allocator.create(Exchange) catch |failure| return described(instance.host, err, failure);
    made.* = .{ .instance = instance };
    exchange.* = @ptrCast(made);
    return c.KIMI_OK;
}

fn next(given: ?*c.kimi_exch, plan: ?*c.kimi_plan, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const exchange: *Exchange = @ptrCast(@alignCast(given.?));
    return exchange.plan(plan) catch |failure| described(exchange.instance.host, err, failure);
}

/// The answer's head.
fn result(given: ?*c.kimi_exch, answer: [*c]const c.kimi_result, _: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const exchange: *Exchange = @ptrCast(@alignCast(given.?));
    exchange.status = answer.*.http_status;
    for (0..answer.*.n_headers) |i| {
        const header = answer.*.headers[i];
        if (!std.ascii.eqlIgnoreCase(slice(header.name), "retry-after")) continue;
        const seconds = std.fmt.parseInt(u31, slice(header.value), 10) catch continue;
        exchange.retry_after_ms = @as(i64, seconds) * 1000;
    }
    return c.KIMI_OK;
}

fn feed(given: ?*c.kimi_exch, frames: [*c]const c.kimi_frame, n: usize, sink: ?*c.kimi_sink, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const exchange: *Exchange = @ptrCast(@alignCast(given.?));
    for (0..n) |i| {
        const status = exchange.take(frames[i], sink) catch |failure|
            return described(exchange.instance.host, err, failure);
        if (status == c.KIMI_STOP) return c.KIMI_OK; // nobody listens any more
        if (status != c.KIMI_OK) return status;
    }
    return c.KIMI_OK;
}

/// The body is over. A reply that did not finish is a failure, never a short answer.
fn flush(given: ?*c.kimi_exch, why: u32, _: ?*c.kimi_sink, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const exchange: *Exchange = @ptrCast(@alignCast(given.?));
    if (exchange.finished or why == c.KIMI_WHY_CANCELLED) return c.KIMI_OK;
    return described(exchange.instance.host, err, error.Unfinished);
}

fn end(exchange: ?*c.kimi_exch, _: u32) callconv(.c) void {
    allocator.destroy(@as(*Exchange, @ptrCast(@alignCast(exchange.?))));
}

const provider = c.kimi_provider{
    .struct_size = @sizeOf(c.kimi_provider),
    .flags = 0,
    .create = create,
    .destroy = destroy,
    .begin = begin,
    .next = next,
    .result = result,
    .feed = feed,
    .flush = flush,
    .end = end,
};

fn getInterface(id: [*c]const u8) callconv(.c) ?*const anyopaque {
    return if (std.mem.eql(u8, std.mem.span(id), c.KIMI_PROVIDER_ID)) &provider else null;
}

export fn kimi_plugin_entry_v1(handshake: *c.kimi_handshake, _: ?*c.kimi_error) callconv(.c) c.kimi_status {
    if (handshake.struct_size < @sizeOf(c.kimi_handshake)) return c.KIMI_E_VERSION; // no host of ABI 1
    handshake.plugin_minor = c.KIMI_ABI_MINOR; // built with this header
    handshake.needs_minor = 0; // works with every 1.x host
    handshake.manifest = bytes(manifest);
    handshake.get_interface = getInterface;
    return c.KIMI_OK;
}
