//! kimi_plugin.h in Rust, as far as this plugin needs it, and what makes its functions safe to write. The header's
//! comments are the contract; `layout` at the end fails the build where this file and the header part.
#![allow(dead_code)]

use std::ffi::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};

pub type Status = i32;
pub const OK: Status = 0;
pub const UNCHANGED: Status = 1;
pub const STOP: Status = 2;
pub const DONE: Status = 3;
pub const E_CONFIG: Status = -2;
pub const E_PROTOCOL: Status = -4;
pub const E_NOMEM: Status = -8;
pub const E_INTERNAL: Status = -10;
pub const E_VERSION: Status = -12;

pub const CAT_AUTH: u32 = 1;
pub const CAT_RATE_LIMITED: u32 = 2;
pub const CAT_OVERLOADED: u32 = 3;
pub const CAT_BAD_REQUEST: u32 = 6;
pub const CAT_UPSTREAM: u32 = 7;
pub const CAT_PROTOCOL: u32 = 8;
pub const CAT_CONFIG: u32 = 9;
pub const CAT_INTERNAL: u32 = 10;
pub const CAT_NOT_FOUND: u32 = 11;
pub const CAT_PERMISSION: u32 = 12;
pub const CAT_QUOTA: u32 = 13;
pub const CAT_TIMEOUT: u32 = 14;

pub const WHY_CANCELLED: u32 = 3;
pub const FRAME_SSE: u32 = 2;
pub const FRAME_F_ERROR: u32 = 2;
pub const EVENT_START: u32 = 1;
pub const EVENT_TEXT: u32 = 2;
pub const EVENT_REASONING: u32 = 3;
pub const EVENT_TOOL_BEGIN: u32 = 4;
pub const EVENT_TOOL_ARGS: u32 = 5;
pub const EVENT_TOOL_END: u32 = 6;
pub const EVENT_USAGE: u32 = 8;
pub const EVENT_FINISH: u32 = 9;
pub const EVENT_ERROR: u32 = 10;
pub const STEP_SEND: u32 = 1;
pub const SEND_STREAM: u64 = 1;
pub const FIELD_URL: u32 = 2;
pub const FIELD_HEADER: u32 = 3;
pub const FIELD_BODY_PATCH: u32 = 5;
pub const FIELD_SECRET_HEADER: u32 = 13;
pub const PUT_MERGE_PATCH: u32 = 2;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub ptr: *const u8,
    pub len: usize,
}

impl Default for Bytes {
    fn default() -> Self {
        Bytes { ptr: std::ptr::null(), len: 0 }
    }
}

#[repr(C)]
pub struct Header {
    pub name: Bytes,
    pub value: Bytes,
}

#[repr(C)]
pub struct Frame {
    pub kind: u32,
    pub flags: u32,
    pub name: Bytes,
    pub data: Bytes,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Event {
    pub kind: u32,
    pub flags: u32,
    pub choice: u32,
    pub index: u32,
    pub a: Bytes,
    pub b: Bytes,
    pub c: Bytes,
    pub i: [i64; 4],
}

#[repr(C)]
pub struct StepResult {
    pub kind: u32,
    pub id: u32,
    pub status: i32,
    pub http_status: u32,
    pub body: Bytes,
    pub headers: *const Header,
    pub n_headers: usize,
}

#[repr(C)]
pub struct Host {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub extension: unsafe extern "C" fn(*mut c_void, *const c_char) -> *const c_void,
    pub log_on: unsafe extern "C" fn(*mut c_void, u32) -> u32,
    pub log: unsafe extern "C" fn(*mut c_void, u32, Bytes),
    pub unix_ms: unsafe extern "C" fn(*mut c_void) -> u64,
    pub mono_ns: unsafe extern "C" fn(*mut c_void) -> u64,
    pub random: unsafe extern "C" fn(*mut c_void, *mut u8, usize) -> Status,
    pub fail: unsafe extern "C" fn(*mut c_void, Status, u32, u64, Bytes),
    pub put: unsafe extern "C" fn(*mut c_void, u32, Bytes) -> Status,
    pub plan_field: unsafe extern "C" fn(*mut c_void, u32, Bytes, Bytes) -> Status,
    pub plan_step: unsafe extern "C" fn(*mut c_void, u32, u32, u64) -> Status,
    pub text: unsafe extern "C" fn(*mut c_void, u32, u32, u32, Bytes) -> Status,
    pub emit: unsafe extern "C" fn(*mut c_void, *const Event, usize) -> Status,
    pub scratch: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void,
}

pub type Create =
    unsafe extern "C" fn(*const Host, *mut c_void, Bytes, *mut *mut c_void, *mut c_void) -> Status;
pub type Feed<T> = unsafe extern "C" fn(*mut c_void, *const T, usize, *mut c_void, *mut c_void) -> Status;
pub type Flush = unsafe extern "C" fn(*mut c_void, u32, *mut c_void, *mut c_void) -> Status;

#[repr(C)]
pub struct Provider {
    pub struct_size: u32,
    pub flags: u32,
    pub create: Create,
    pub destroy: unsafe extern "C" fn(*mut c_void),
    pub begin: unsafe extern "C" fn(*mut c_void, *const c_void, *mut *mut c_void, *mut c_void) -> Status,
    pub next: unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void) -> Status,
    pub result: unsafe extern "C" fn(*mut c_void, *const StepResult, *mut c_void) -> Status,
    pub feed: Feed<Frame>,
    pub flush: Flush,
    pub end: unsafe extern "C" fn(*mut c_void, u32),
}

#[repr(C)]
pub struct Transform {
    pub struct_size: u32,
    pub event_mask: u32,
    pub create: Create,
    pub destroy: unsafe extern "C" fn(*mut c_void),
    pub begin:
        unsafe extern "C" fn(*mut c_void, *const c_void, *mut c_void, *mut *mut c_void, *mut c_void) -> Status,
    pub feed: Feed<Event>,
    pub flush: Flush,
    pub end: unsafe extern "C" fn(*mut c_void, u32),
}

type GetInterface = unsafe extern "C" fn(*const c_char) -> *const c_void;

#[repr(C)]
pub struct Handshake {
    pub struct_size: u32,
    pub host_minor: u32,
    pub host: *const Host,
    pub plugin_minor: u32,
    pub needs_minor: u32,
    pub manifest: Bytes,
    pub get_interface: Option<GetInterface>,
    pub quiesce: Option<unsafe extern "C" fn()>,
}

const _: () = {
    assert!(std::mem::size_of::<Frame>() == 40 && std::mem::size_of::<Event>() == 96);
    assert!(std::mem::size_of::<StepResult>() == 48 && std::mem::size_of::<Host>() == 112);
    assert!(std::mem::size_of::<Provider>() == 72 && std::mem::size_of::<Transform>() == 56);
    assert!(std::mem::size_of::<Handshake>() == 56);
};

/// Fills the plugin's half of the handshake.
pub unsafe fn answer(handshake: *mut Handshake, manifest: &'static str, get_interface: GetInterface) -> Status {
    if ((*handshake).struct_size as usize) < std::mem::size_of::<Handshake>() {
        return E_VERSION; // no host of ABI 1
    }
    (*handshake).plugin_minor = 0; // built for ABI 1.0
    (*handshake).needs_minor = 0; // works with every 1.x host
    (*handshake).manifest = bytes(manifest.as_bytes());
    (*handshake).get_interface = Some(get_interface);
    OK
}

/// A call that cannot succeed: status, category, one sentence.
pub struct Failure(pub Status, pub u32, pub &'static str);

pub const NO_MEMORY: Failure = Failure(E_NOMEM, CAT_INTERNAL, "out of memory");

/// Runs the body, and makes a described failure of an Err or a panic.
pub fn guarded(host: &Host, error: *mut c_void, body: impl FnOnce() -> Result<Status, Failure>) -> Status {
    let outcome = catch_unwind(AssertUnwindSafe(body))
        .unwrap_or(Err(Failure(E_INTERNAL, CAT_INTERNAL, "the plugin panicked")));
    match outcome {
        Ok(status) => status,
        Err(Failure(status, category, sentence)) => {
            unsafe { (host.fail)(error, status, category, 0, bytes(sentence.as_bytes())) };
            status
        }
    }
}

/// A negative answer of the host is a failure.
pub fn checked(status: Status) -> Result<Status, Failure> {
    if status < 0 {
        return Err(Failure(status, CAT_INTERNAL, "the host refused what the plugin gave it"));
    }
    Ok(status)
}

/// A box that is an error when memory runs out, as an opaque pointer; `Box::from_raw` frees it.
pub fn boxed<T>(value: T) -> Result<*mut c_void, Failure> {
    let memory = unsafe { std::alloc::alloc(std::alloc::Layout::new::<T>()) } as *mut T;
    if memory.is_null() {
        return Err(NO_MEMORY);
    }
    unsafe { memory.write(value) };
    Ok(memory as *mut c_void)
}

pub fn append(to: &mut Vec<u8>, what: &[u8]) -> Result<(), Failure> {
    to.try_reserve(what.len()).map_err(|_| NO_MEMORY)?;
    to.extend_from_slice(what);
    Ok(())
}

pub fn bytes(slice: &[u8]) -> Bytes {
    Bytes { ptr: slice.as_ptr(), len: slice.len() }
}

/// What a call lent. The pointer of an empty slice may be NULL.
pub unsafe fn slice<'a>(bytes: &'a Bytes) -> &'a [u8] {
    array(bytes.ptr, bytes.len)
}

pub unsafe fn array<'a, T>(ptr: *const T, n: usize) -> &'a [T] {
    if n == 0 {
        return &[];
    }
    std::slice::from_raw_parts(ptr, n)
}
