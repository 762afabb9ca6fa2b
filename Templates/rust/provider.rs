//! @NAME@: a provider for upstreams that speak Chat Completions, in Rust without crates.
//!
//! It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning,
//! tool calls, the finish reason, usage and errors, of the first choice.
//!
//! No panic may leave a function of the tables: `guarded` catches it. `Box` and `String` end the process when memory
//! runs out, so what lives longer than a call goes through `try_reserve`.
mod json;
mod kimi_plugin;

use kimi_plugin::*;
use std::ffi::{c_char, c_void, CStr};

static MANIFEST: &str = r#"{
  "id": "com.example.@NAME@", "name": "@NAME@", "version": "0.1.0", "abi": {"built": "1.0", "needs": "1.0"},
  "provides": [{"interface": "kimi.provider/1", "name": "@NAME@", "frames": "sse", "features": ["stream", "tools", "reasoning"]}],
  "config_schema": {
    "type": "object", "additionalProperties": false, "required": ["apiKey", "baseUrl"],
    "properties": {
      "apiKey": {"type": "string", "minLength": 1, "x-secret": true, "x-env": "@ENV@_API_KEY"},
      "baseUrl": {"type": "string", "pattern": "^https?://", "x-host": true}
    }
  }
}"#;

/// A configured use. Nothing changes it after create: many threads use it at once.
struct Instance {
    host: &'static Host,
    url: Vec<u8>,
    authorization: Vec<u8>,
}

/// One attempt of one request. The host ends it before it destroys the instance.
struct Exchange {
    instance: *const Instance,
    status: u32,
    retry_after_ms: i64,
    started: bool,
    finished: bool,
    /// ERROR was emitted, and nothing may follow it.
    failed: bool,
    /// The open tool call, by the upstream's index (-1: it gave none). `calls` were begun; ours count from 0.
    call: Option<i64>,
    calls: u32,
}

impl Instance {
    fn new(host: &'static Host, config: &[u8]) -> Result<Instance, Failure> {
        let wrong = Failure(E_CONFIG, CAT_CONFIG, "apiKey and baseUrl must be strings");
        let mut url = json::text(json::get(config, "baseUrl"))?;
        let key = json::text(json::get(config, "apiKey"))?;
        if url.is_empty() || key.is_empty() {
            return Err(wrong);
        }
        while url.last() == Some(&b'/') {
            url.pop();
        }
        append(&mut url, b"/chat/completions")?;
        let mut authorization = Vec::new();
        append(&mut authorization, b"Bearer ")?;
        append(&mut authorization, &key)?;
        Ok(Instance { host, url, authorization })
    }
}

impl Exchange {
    const NEW: Exchange = Exchange {
        instance: std::ptr::null(),
        status: 0,
        retry_after_ms: -1,
        started: false,
        finished: false,
        failed: false,
        call: None,
        calls: 0,
    };

    fn instance(&self) -> &Instance {
        unsafe { &*self.instance }
    }

    /// One step: send the request, with two members of its JSON changed and every other byte as it is.
    fn plan(&self, plan: *mut c_void) -> Result<Status, Failure> {
        let host = self.instance().host;
        let field = |field: u32, key: &[u8], value: &[u8]| {
            checked(unsafe { (host.plan_field)(plan, field, bytes(key), bytes(value)) })
        };
        field(FIELD_URL, b"", &self.instance().url)?;
        field(FIELD_HEADER, b"Content-Type", b"application/json")?;
        // Its value appears in no log.
        field(FIELD_SECRET_HEADER, b"Authorization", &self.instance().authorization)?;
        field(FIELD_BODY_PATCH, b"", br#"{"stream":true,"stream_options":{"include_usage":true}}"#)?;
        checked(unsafe { (host.plan_step)(plan, STEP_SEND, 0, SEND_STREAM) })?;
        Ok(OK)
    }

    fn head(&mut self, result: &StepResult) {
        self.status = result.http_status;
        for header in unsafe { array(result.headers, result.n_headers) } {
            let (name, value) = unsafe { (slice(&header.name), slice(&header.value)) };
            if name.eq_ignore_ascii_case(b"retry-after") && json::count(value) >= 0 {
                self.retry_after_ms = json::count(value) * 1000;
            }
        }
    }

    /// False: nobody listens any more.
    fn emit(&self, sink: *mut c_void, event: Event) -> Result<bool, Failure> {
        Ok(checked(unsafe { (self.instance().host.emit)(sink, &event, 1) })? != STOP)
    }

    /// ERROR is the last event of a reply.
    fn fail_with(&mut self, sink: *mut c_void, message: &[u8]) -> Result<bool, Failure> {
        if self.failed {
            return Ok(true);
        }
        self.finished = true;
        self.failed = true;
        let i = [category(self.status), self.status as i64, self.retry_after_ms, 0];
        self.emit(sink, Event { kind: EVENT_ERROR, a: bytes(message), i, ..Event::default() })
    }

    fn upstream_error(&mut self, sink: *mut c_void, body: &[u8]) -> Result<bool, Failure> {
        let message = json::text(json::get(json::get(body, "error"), "message"))?;
        if message.is_empty() {
            return self.fail_with(sink, b"the upstream answered with an error that has no message");
        }
        self.fail_with(sink, &message)
    }

    fn emit_text(&self, sink: *mut c_void, kind: u32, text: &[u8], index: u32) -> Result<bool, Failure> {
        Ok(text.is_empty() || self.emit(sink, Event { kind, index, a: bytes(text), ..Event::default() })?)
    }

    fn end_call(&mut self, sink: *mut c_void) -> Result<bool, Failure> {
        if self.call.take().is_none() {
            return Ok(true);
        }
        self.emit(sink, Event { kind: EVENT_TOOL_END, index: self.calls - 1, ..Event::default() })
    }

    /// A call's first piece brings its id and its name. The call before it is complete then.
    fn begin_call(&mut self, sink: *mut c_void, number: i64, id: &[u8], name: &[u8]) -> Result<bool, Failure> {
        if !self.end_call(sink)? {
            return Ok(false);
        }
        if name.is_empty() {
            return self.fail_with(sink, b"the upstream sent a piece of a tool call that had not begun");
        }
        let index = self.calls;
        self.calls += 1;
        self.call = Some(number);
        self.emit(sink, Event { kind: EVENT_TOOL_BEGIN, index, a: bytes(id), b: bytes(name), ..Event::default() })
    }

    /// One element of delta.tool_calls: {index, id, function: {name, arguments}}, the last a piece of JSON text.
    fn take_call(&mut self, sink: *mut c_void, piece: &[u8]) -> Result<bool, Failure> {
        let (function, number) = (json::get(piece, "function"), json::count(json::get(piece, "index")));
        let id = json::text(json::get(piece, "id"))?;
        if self.call != Some(number) || (number < 0 && !id.is_empty()) {
            let name = json::text(json::get(function, "name"))?;
            if !self.begin_call(sink, number, &id, &name)? {
                return Ok(false);
            }
            if self.finished {
                return Ok(true);
            }
        }
        let arguments = json::get(function, "arguments");
        if !json::inside(arguments, b'{').is_empty() {
            return self.emit_text(sink, EVENT_TOOL_ARGS, arguments, self.calls - 1);
        }
        self.emit_text(sink, EVENT_TOOL_ARGS, &json::text(arguments)?, self.calls - 1)
    }

    fn take_delta(&mut self, sink: *mut c_void, choice: &[u8]) -> Result<bool, Failure> {
        if json::count(json::get(choice, "index")) > 0 {
            return self.fail_with(sink, b"plugin @NAME@ decodes one choice; ask without n");
        }
        let delta = json::get(choice, "delta");
        for (kind, name) in [(EVENT_REASONING, "reasoning_content"), (EVENT_TEXT, "content")] {
            if !self.emit_text(sink, kind, &json::text(json::get(delta, name))?, 0)? {
                return Ok(false);
            }
        }
        for piece in json::elements(json::get(delta, "tool_calls")) {
            if !self.take_call(sink, piece)? {
                return Ok(false);
            }
            if self.finished {
                return Ok(true);
            }
        }
        let reason = json::text(json::get(choice, "finish_reason"))?;
        if reason.is_empty() {
            return Ok(true);
        }
        if !self.end_call(sink)? {
            return Ok(false);
        }
        self.finished = true;
        self.emit(sink, Event { kind: EVENT_FINISH, a: bytes(&reason), b: bytes(&reason), ..Event::default() })
    }

    /// One chunk. False: nobody listens any more.
    fn take_chunk(&mut self, sink: *mut c_void, data: &[u8]) -> Result<bool, Failure> {
        if self.failed {
            return Ok(true);
        }
        if !json::inside(json::get(data, "error"), b'{').is_empty() && !self.finished {
            return self.upstream_error(sink, data);
        }
        if !self.started {
            let (id, model) = (json::text(json::get(data, "id"))?, json::text(json::get(data, "model"))?);
            let i = [json::count(json::get(data, "created")).max(0), 0, 0, 0];
            self.started = true;
            let event = Event { kind: EVENT_START, a: bytes(&id), b: bytes(&model), i, ..Event::default() };
            if !self.emit(sink, event)? {
                return Ok(false);
            }
        }
        if !self.finished && !self.take_delta(sink, json::first(json::get(data, "choices")))? {
            return Ok(false);
        }
        let usage = json::get(data, "usage");
        if self.failed || json::inside(usage, b'{').is_empty() {
            return Ok(true);
        }
        let tokens = |name| json::count(json::get(usage, name));
        let i = [tokens("prompt_tokens"), tokens("completion_tokens"), -1, -1];
        self.emit(sink, Event { kind: EVENT_USAGE, i, ..Event::default() })
    }

    fn feed(&mut self, frame: &Frame, sink: *mut c_void) -> Result<Status, Failure> {
        let data = unsafe { slice(&frame.data) };
        let goes_on = if frame.flags & FRAME_F_ERROR != 0 {
            self.upstream_error(sink, data)?
        } else if frame.kind != FRAME_SSE {
            true
        } else if data == b"[DONE]" {
            return Ok(DONE);
        } else {
            let data = data.trim_ascii_start();
            if data.first() != Some(&b'{') {
                return Err(Failure(E_PROTOCOL, CAT_PROTOCOL, "the upstream's stream is not made of JSON objects"));
            }
            self.take_chunk(sink, data)?
        };
        Ok(if goes_on { OK } else { STOP })
    }
}

fn category(status: u32) -> i64 {
    match status {
        401 => CAT_AUTH as i64,
        402 => CAT_QUOTA as i64,
        403 => CAT_PERMISSION as i64,
        404 => CAT_NOT_FOUND as i64,
        408 => CAT_TIMEOUT as i64,
        429 => CAT_RATE_LIMITED as i64,
        503 => CAT_OVERLOADED as i64,
        400..=499 => CAT_BAD_REQUEST as i64,
        _ => CAT_UPSTREAM as i64,
    }
}

// ---------------------------------------------------------------- the table

unsafe extern "C" fn create(
    host: *const Host, _ctx: *mut c_void, config: Bytes, instance: *mut *mut c_void, error: *mut c_void,
) -> Status {
    let host: &'static Host = &*host;
    guarded(host, error, || {
        *instance = boxed(Instance::new(host, slice(&config))?)?;
        Ok(OK)
    })
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance as *mut Instance));
}

unsafe extern "C" fn begin(
    instance: *mut c_void, _request: *const c_void, exchange: *mut *mut c_void, error: *mut c_void,
) -> Status {
    let instance = instance as *const Instance;
    guarded((*instance).host, error, || {
        *exchange = boxed(Exchange { instance, ..Exchange::NEW })?;
        Ok(OK)
    })
}

unsafe extern "C" fn next(exchange: *mut c_void, plan: *mut c_void, error: *mut c_void) -> Status {
    let exchange = &*(exchange as *const Exchange);
    guarded(exchange.instance().host, error, || exchange.plan(plan))
}

unsafe extern "C" fn result(exchange: *mut c_void, result: *const StepResult, error: *mut c_void) -> Status {
    let exchange = &mut *(exchange as *mut Exchange);
    guarded((*exchange.instance).host, error, || {
        exchange.head(&*result);
        Ok(OK)
    })
}

unsafe extern "C" fn feed(
    exchange: *mut c_void, frames: *const Frame, n: usize, sink: *mut c_void, error: *mut c_void,
) -> Status {
    let exchange = &mut *(exchange as *mut Exchange);
    guarded((*exchange.instance).host, error, || {
        for frame in array(frames, n) {
            match exchange.feed(frame, sink)? {
                OK => {}
                STOP => return Ok(OK),
                other => return Ok(other),
            }
        }
        Ok(OK)
    })
}

/// The body is over. A reply that did not finish is a failure, never a short answer.
unsafe extern "C" fn flush(exchange: *mut c_void, why: u32, _sink: *mut c_void, error: *mut c_void) -> Status {
    let exchange = &*(exchange as *const Exchange);
    guarded(exchange.instance().host, error, || {
        if exchange.finished || why == WHY_CANCELLED {
            return Ok(OK);
        }
        Err(Failure(E_PROTOCOL, CAT_UPSTREAM, "the upstream's answer ended before its finish_reason"))
    })
}

unsafe extern "C" fn end(exchange: *mut c_void, _why: u32) {
    drop(Box::from_raw(exchange as *mut Exchange));
}

static PROVIDER: Provider = Provider {
    struct_size: std::mem::size_of::<Provider>() as u32,
    flags: 0,
    create,
    destroy,
    begin,
    next,
    result,
    feed,
    flush,
    end,
};

unsafe extern "C" fn get_interface(id: *const c_char) -> *const c_void {
    match CStr::from_ptr(id).to_bytes() {
        b"kimi.provider/1" => &PROVIDER as *const Provider as *const c_void,
        _ => std::ptr::null(),
    }
}

#[no_mangle]
pub unsafe extern "C" fn kimi_plugin_entry_v1(handshake: *mut Handshake, _error: *mut c_void) -> Status {
    answer(handshake, MANIFEST, get_interface)
}
