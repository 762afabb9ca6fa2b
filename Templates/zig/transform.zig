//! @NAME@: a transform that makes typographic quotation marks in a reply plain ones, as code needs them. In Zig 0.14.
//!
//! It asks for TEXT events only; everything else passes it by, in order. The host never cuts a text inside a code
//! point, so each event can be looked at by itself and nothing is held back.
const std = @import("std");
const c = @cImport(@cInclude("kimi_plugin.h"));

const allocator = std.heap.c_allocator;
const manifest =
    \\{"id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
    \\ "provides": [{"interface": "kimi.transform/1", "name": "@NAME@"}],
    \\ "config_schema": {"type": "object", "additionalProperties": false, "properties": {}}}
;

/// A configured use. Nothing changes it after create: many threads use it at once.
const Instance = struct { host: *const c.kimi_host };

/// One attempt of one request. What must be remembered from call to call belongs here.
const Exchange = struct { host: *const c.kimi_host };

fn bytes(text: []const u8) c.kimi_bytes {
    return .{ .ptr = text.ptr, .len = text.len };
}

fn slice(given: c.kimi_bytes) []const u8 {
    return if (given.len == 0) "" else given.ptr[0..given.len];
}

fn fail(host: *const c.kimi_host, err: ?*c.kimi_error, status: c.kimi_status, sentence: []const u8) c.kimi_status {
    host.fail.?(err, status, c.KIMI_CAT_INTERNAL, 0, bytes(sentence));
    return status;
}

/// Is there a quotation mark, U+2018 to U+201F, at the beginning? Its plain form.
fn plain(text: []const u8) ?u8 {
    if (text.len < 3 or text[0] != 0xE2 or text[1] != 0x80) return null;
    return switch (text[2]) {
        0x98...0x9B => '\'',
        0x9C...0x9F => '"',
        else => null,
    };
}

fn hasQuote(text: []const u8) bool {
    for (0..text.len) |at| if (plain(text[at..]) != null) return true;
    return false;
}

/// Copies the text with plain marks into `to`, which is as long as `text`.
fn copyPlain(text: []const u8, to: []u8) []const u8 {
    var at: usize = 0;
    var n: usize = 0;
    while (at < text.len) : (n += 1) {
        const mark = plain(text[at..]);
        to[n] = mark orelse text[at];
        at += if (mark != null) 3 else 1;
    }
    return to[0..n];
}

fn create(host: [*c]const c.kimi_host, _: ?*c.kimi_ctx, _: c.kimi_bytes, instance: [*c]?*c.kimi_inst, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const made = allocator.create(Instance) catch return fail(host, err, c.KIMI_E_NOMEM, "no memory for an instance");
    made.* = .{ .host = host };
    instance.* = @ptrCast(made);
    return c.KIMI_OK;
}

fn destroy(instance: ?*c.kimi_inst) callconv(.c) void {
    allocator.destroy(@as(*Instance, @ptrCast(@alignCast(instance.?))));
}

/// To change the request: host.put.?(out, c.KIMI_PUT_MERGE_PATCH, ...), and return KIMI_OK.
fn begin(given: ?*c.kimi_inst, _: [*c]const c.kimi_request, _: ?*c.kimi_out, exchange: [*c]?*c.kimi_exch, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const instance: *Instance = @ptrCast(@alignCast(given.?));
    const made = allocator.create(Exchange) catch
        return fail(instance.host, err, c.KIMI_E_NOMEM, "no memory for an exchange");
    made.* = .{ .host = instance.host };
    exchange.* = @ptrCast(made);
    return c.KIMI_UNCHANGED;
}

fn feed(given: ?*c.kimi_exch, events: [*c]const c.kimi_event, n: usize, sink: ?*c.kimi_sink, err: ?*c.kimi_error) callconv(.c) c.kimi_status {
    const exchange: *Exchange = @ptrCast(@alignCast(given.?));
    const host = exchange.host;
    for (0..n) |i| {
        var event = events[i];
        const text = slice(event.a);
        if (event.type == c.KIMI_EVENT_TEXT and hasQuote(text)) {
            const room = host.scratch.?(sink, text.len) orelse // dies with this call
                return fail(host, err, c.KIMI_E_NOMEM, "no scratch memory for a text");
            event.a = bytes(copyPlain(text, @as([*]u8, @ptrCast(room))[0..text.len]));
        }
        const status = host.emit.?(sink, &event, 1);
        if (status == c.KIMI_STOP) return c.KIMI_OK; // nobody listens any more
        if (status < 0) return fail(host, err, status, "the host did not take an event");
    }
    return c.KIMI_OK;
}

/// Nothing is held back, so there is nothing to give up.
fn flush(_: ?*c.kimi_exch, _: u32, _: ?*c.kimi_sink, _: ?*c.kimi_error) callconv(.c) c.kimi_status {
    return c.KIMI_OK;
}

fn end(exchange: ?*c.kimi_exch, _: u32) callconv(.c) void {
    allocator.destroy(@as(*Exchange, @ptrCast(@alignCast(exchange.?))));
}

const transform = c.kimi_transform{
    .struct_size = @sizeOf(c.kimi_transform),
    .event_mask = 1 << c.KIMI_EVENT_TEXT,
    .create = create,
    .destroy = destroy,
    .begin = begin,
    .feed = feed,
    .flush = flush,
    .end = end,
};

fn getInterface(id: [*c]const u8) callconv(.c) ?*const anyopaque {
    return if (std.mem.eql(u8, std.mem.span(id), c.KIMI_TRANSFORM_ID)) &transform else null;
}

export fn kimi_plugin_entry_v1(handshake: *c.kimi_handshake, _: ?*c.kimi_error) callconv(.c) c.kimi_status {
    if (handshake.struct_size < @sizeOf(c.kimi_handshake)) return c.KIMI_E_VERSION; // no host of ABI 1
    handshake.plugin_minor = c.KIMI_ABI_MINOR; // built with this header
    handshake.needs_minor = 0; // works with every 1.x host
    handshake.manifest = bytes(manifest);
    handshake.get_interface = getInterface;
    return c.KIMI_OK;
}
