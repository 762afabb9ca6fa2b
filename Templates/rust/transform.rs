//! @NAME@: a transform that makes typographic quotation marks in a reply plain ones, as code needs them. Rust
//! without crates.
//!
//! It asks for TEXT events only; everything else passes it by, in order. The host never cuts a text inside a code
//! point, so each event can be looked at by itself and nothing is held back.
//!
//! No panic may leave a function of the tables: `guarded` catches it. `Box` and `String` end the process when memory
//! runs out, so memory is asked for with `try_reserve`.
#[allow(dead_code)]
mod kimi_plugin;

use kimi_plugin::*;
use std::ffi::{c_char, c_void, CStr};

static MANIFEST: &str = r#"{
  "id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
  "provides": [{"interface": "kimi.transform/1", "name": "@NAME@"}],
  "config_schema": {"type": "object", "additionalProperties": false, "properties": {}}
}"#;

/// A configured use. Nothing changes it after create: many threads use it at once.
struct Instance {
    host: &'static Host,
}

/// One attempt of one request. What must be remembered from call to call belongs here.
struct Exchange {
    host: &'static Host,
}

/// Is there a quotation mark, U+2018 to U+201F, at the beginning? Its plain form.
fn plain(text: &[u8]) -> Option<u8> {
    match text {
        [0xE2, 0x80, 0x98..=0x9B, ..] => Some(b'\''),
        [0xE2, 0x80, 0x9C..=0x9F, ..] => Some(b'"'),
        _ => None,
    }
}

/// The text with plain marks; None if there are none to change.
fn with_plain_quotes(text: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    if !(0..text.len()).any(|at| plain(&text[at..]).is_some()) {
        return Ok(None);
    }
    let mut made = Vec::new();
    made.try_reserve_exact(text.len()).map_err(|_| NO_MEMORY)?;
    let mut at = 0;
    while at < text.len() {
        let mark = plain(&text[at..]);
        made.push(mark.unwrap_or(text[at]));
        at += if mark.is_some() { 3 } else { 1 };
    }
    Ok(Some(made))
}

unsafe extern "C" fn create(
    host: *const Host, _ctx: *mut c_void, _config: Bytes, instance: *mut *mut c_void, error: *mut c_void,
) -> Status {
    let host: &'static Host = &*host;
    guarded(host, error, || {
        *instance = boxed(Instance { host })?;
        Ok(OK)
    })
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance as *mut Instance));
}

/// To change the request: `(host.put)(out, PUT_MERGE_PATCH, ...)`, and return OK.
unsafe extern "C" fn begin(
    instance: *mut c_void, _request: *const c_void, _out: *mut c_void, exchange: *mut *mut c_void, error: *mut c_void,
) -> Status {
    let instance = &*(instance as *const Instance);
    guarded(instance.host, error, || {
        *exchange = boxed(Exchange { host: instance.host })?;
        Ok(UNCHANGED)
    })
}

unsafe extern "C" fn feed(
    exchange: *mut c_void, events: *const Event, n: usize, sink: *mut c_void, error: *mut c_void,
) -> Status {
    let exchange = &*(exchange as *const Exchange);
    guarded(exchange.host, error, || {
        for event in array(events, n) {
            let mut event = *event;
            let changed = if event.kind == EVENT_TEXT { with_plain_quotes(slice(&event.a))? } else { None };
            if let Some(text) = &changed {
                event.a = bytes(text); // the host copies it before emit returns
            }
            if checked((exchange.host.emit)(sink, &event, 1))? == STOP {
                return Ok(OK); // nobody listens any more
            }
        }
        Ok(OK)
    })
}

/// Nothing is held back, so there is nothing to give up.
unsafe extern "C" fn flush(_exchange: *mut c_void, _why: u32, _sink: *mut c_void, _error: *mut c_void) -> Status {
    OK
}

unsafe extern "C" fn end(exchange: *mut c_void, _why: u32) {
    drop(Box::from_raw(exchange as *mut Exchange));
}

static TRANSFORM: Transform = Transform {
    struct_size: std::mem::size_of::<Transform>() as u32,
    event_mask: 1 << EVENT_TEXT,
    create,
    destroy,
    begin,
    feed,
    flush,
    end,
};

unsafe extern "C" fn get_interface(id: *const c_char) -> *const c_void {
    match CStr::from_ptr(id).to_bytes() {
        b"kimi.transform/1" => &TRANSFORM as *const Transform as *const c_void,
        _ => std::ptr::null(),
    }
}

#[no_mangle]
pub unsafe extern "C" fn kimi_plugin_entry_v1(handshake: *mut Handshake, _error: *mut c_void) -> Status {
    answer(handshake, MANIFEST, get_interface)
}
