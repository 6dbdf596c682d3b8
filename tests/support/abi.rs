//! The C ABI as the tests use it: each function takes slices and gives back what the
//! library made, copied out and freed. A JSON config may be given as text or as a value.

// Every test target compiles this module and uses a part of it.
#![allow(dead_code)]

use modelwire::ffi::*;
use serde_json::Value;
use std::borrow::Cow;
use std::ffi::{CStr, CString, c_void};
use std::ptr::null;

/// The outcome of an operation, copied out of a `modelwire_result` that was freed.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub status: i32,
    pub http_status: i32,
    pub body: Vec<u8>,
    pub message: String,
    pub info: Value,
}

impl Outcome {
    /// Copies a result and frees it.
    pub fn take(result: *mut modelwire_result) -> Outcome {
        assert!(!result.is_null(), "a result is never NULL");
        let mut body_len = usize::MAX;
        let mut info_len = usize::MAX;
        // SAFETY: the result is alive until it is freed below, and the library says that
        // its pointers are valid until then.
        unsafe {
            let body = modelwire_result_body(result, &mut body_len);
            let info = modelwire_result_info(result, &mut info_len);
            let info = std::slice::from_raw_parts(info, info_len);
            let outcome = Outcome {
                status: modelwire_result_status(result),
                http_status: modelwire_result_http_status(result),
                body: std::slice::from_raw_parts(body, body_len).to_vec(),
                message: CStr::from_ptr(modelwire_result_message(result))
                    .to_str()
                    .expect("a message in UTF-8")
                    .to_owned(),
                info: serde_json::from_slice(info).expect("info is JSON"),
            };
            modelwire_result_free(result);
            outcome
        }
    }

    /// The body as text, with replacements where it is not.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON; panics where it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.text()))
    }

    /// Panics unless it worked; for chaining.
    #[track_caller]
    pub fn ok(self) -> Outcome {
        assert_eq!(self.status, MODELWIRE_OK, "{self:?}");
        self
    }
}

/// JSON bytes from what a test has at hand: text, bytes or a `Value`.
pub trait Json {
    fn bytes(&self) -> Cow<'_, [u8]>;
}

impl Json for Value {
    fn bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.to_string().into_bytes())
    }
}

impl Json for str {
    fn bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}

impl Json for String {
    fn bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}

impl Json for [u8] {
    fn bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }
}

impl Json for Vec<u8> {
    fn bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }
}

impl<const N: usize> Json for [u8; N] {
    fn bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }
}

/// `modelwire_completions`.
pub fn completions<C, R>(provider: &str, config: &C, request: &R) -> Outcome
where
    C: Json + ?Sized,
    R: Json + ?Sized,
{
    let (name, config, request) = (c_name(provider), config.bytes(), request.bytes());
    // SAFETY: everything lent lives until the call returns.
    Outcome::take(unsafe {
        modelwire_completions(
            name.as_ptr(),
            config.as_ptr(),
            config.len(),
            request.as_ptr(),
            request.len(),
        )
    })
}

/// `modelwire_completions_stream`, with every line it delivered.
pub fn stream<C, R>(provider: &str, config: &C, request: &R) -> (Vec<Vec<u8>>, Outcome)
where
    C: Json + ?Sized,
    R: Json + ?Sized,
{
    let mut lines = Vec::new();
    let outcome = stream_with(provider, config, request, |line| {
        lines.push(line.to_vec());
        true
    });
    (lines, outcome)
}

/// `modelwire_completions_stream`; `on_line` answers whether to go on. A panic in it ends
/// the call as a bug inside would: collect there, assert afterwards.
pub fn stream_with<C, R, F>(provider: &str, config: &C, request: &R, mut on_line: F) -> Outcome
where
    C: Json + ?Sized,
    R: Json + ?Sized,
    F: FnMut(&[u8]) -> bool,
{
    let (name, config, request) = (c_name(provider), config.bytes(), request.bytes());
    // SAFETY: everything lent lives until the call returns, and `line::<F>` gets the `F`
    // it expects.
    Outcome::take(unsafe {
        modelwire_completions_stream(
            name.as_ptr(),
            config.as_ptr(),
            config.len(),
            request.as_ptr(),
            request.len(),
            Some(line::<F>),
            (&raw mut on_line).cast(),
        )
    })
}

/// `modelwire_test_connection`.
pub fn test_connection<C: Json + ?Sized>(provider: &str, config: &C) -> Outcome {
    let (name, config) = (c_name(provider), config.bytes());
    // SAFETY: everything lent lives until the call returns.
    Outcome::take(unsafe {
        modelwire_test_connection(name.as_ptr(), config.as_ptr(), config.len())
    })
}

/// `modelwire_run_http_probe`.
pub fn run_http_probe<R: Json + ?Sized>(provider: &str, request: &R) -> Outcome {
    let (name, request) = (c_name(provider), request.bytes());
    // SAFETY: everything lent lives until the call returns.
    Outcome::take(unsafe {
        modelwire_run_http_probe(name.as_ptr(), request.as_ptr(), request.len())
    })
}

/// `modelwire_classify_probe_status`.
pub fn classify_probe_status(provider: Option<&str>, http_status: i32) -> Outcome {
    let name = provider.map(c_name);
    let name = name.as_ref().map_or(null(), |name| name.as_ptr());
    // SAFETY: NULL or a string that lives until the call returns.
    Outcome::take(unsafe { modelwire_classify_probe_status(name, http_status) })
}

/// `modelwire_prepare`.
pub fn prepare<C, R>(provider: &str, config: &C, request: &R, operation: u32) -> Outcome
where
    C: Json + ?Sized,
    R: Json + ?Sized,
{
    let (name, config, request) = (c_name(provider), config.bytes(), request.bytes());
    // SAFETY: everything lent lives until the call returns.
    Outcome::take(unsafe {
        modelwire_prepare(
            name.as_ptr(),
            config.as_ptr(),
            config.len(),
            request.as_ptr(),
            request.len(),
            operation,
        )
    })
}

/// `modelwire_validate_provider_options`.
pub fn validate_provider_options<O: Json + ?Sized>(provider: &str, options: &O) -> Outcome {
    let (name, options) = (c_name(provider), options.bytes());
    // SAFETY: everything lent lives until the call returns.
    Outcome::take(unsafe {
        modelwire_validate_provider_options(name.as_ptr(), options.as_ptr(), options.len())
    })
}

/// `modelwire_init`.
pub fn init<O: Json + ?Sized>(options: &O) -> Outcome {
    let options = options.bytes();
    // SAFETY: the options live until the call returns.
    Outcome::take(unsafe { modelwire_init(options.as_ptr(), options.len()) })
}

/// The body of `modelwire_describe`.
pub fn describe() -> Value {
    Outcome::take(modelwire_describe()).ok().json()
}

/// The body of `modelwire_stats`.
pub fn stats() -> Value {
    Outcome::take(modelwire_stats()).ok().json()
}

/// An operation to start: `start(OP, provider, config, request)`, on a poller or not.
pub fn start<C, R>(operation: u32, provider: &str, config: &C, request: &R) -> Call
where
    C: Json + ?Sized,
    R: Json + ?Sized,
{
    start_on(operation, provider, config, request, 0, 0)
}

/// `modelwire_start` with a poller and its token.
pub fn start_on<C, R>(
    operation: u32,
    provider: &str,
    config: &C,
    request: &R,
    poller: modelwire_poller,
    token: u64,
) -> Call
where
    C: Json + ?Sized,
    R: Json + ?Sized,
{
    let (name, config, request) = (c_name(provider), config.bytes(), request.bytes());
    // SAFETY: everything lent lives until the call returns, which copies it.
    Call(unsafe {
        modelwire_start(
            operation,
            name.as_ptr(),
            config.as_ptr(),
            config.len(),
            request.as_ptr(),
            request.len(),
            poller,
            token,
        )
    })
}

/// What `modelwire_next` answered, its bytes copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Again,
    Opened,
    /// Whole lines, each ended by one `\n`, as handed over.
    Lines(Vec<u8>),
    Ended,
    /// A status below 0.
    Refused(i32),
}

/// A call's handle. It is a number, as in C: a copy names the same call, and nothing is
/// freed when it goes out of scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call(pub modelwire_call);

impl Call {
    /// `modelwire_next`.
    pub fn next(self, timeout_ms: i32) -> Event {
        let mut data = null();
        let mut len = 0;
        // SAFETY: both are writable; the bytes are copied before this call's next event.
        unsafe {
            match modelwire_next(self.0, timeout_ms, &mut data, &mut len) {
                MODELWIRE_EVENT_AGAIN => Event::Again,
                MODELWIRE_EVENT_OPENED => Event::Opened,
                MODELWIRE_EVENT_LINES => {
                    Event::Lines(std::slice::from_raw_parts(data, len).to_vec())
                }
                MODELWIRE_EVENT_ENDED => Event::Ended,
                status => Event::Refused(status),
            }
        }
    }

    /// `modelwire_cancel`.
    pub fn cancel(self) -> i32 {
        modelwire_cancel(self.0)
    }

    /// `modelwire_finish`.
    pub fn finish(self) -> Outcome {
        Outcome::take(modelwire_finish(self.0))
    }

    /// `modelwire_release`.
    pub fn release(self) -> i32 {
        modelwire_release(self.0)
    }

    /// Reads to the end and finishes: the events but AGAIN and ENDED, and the outcome.
    pub fn drain(self) -> (Vec<Event>, Outcome) {
        let mut events = Vec::new();
        loop {
            match self.next(-1) {
                Event::Again => {}
                Event::Ended => return (events, self.finish()),
                Event::Refused(status) => panic!("next answered {status} after {events:?}"),
                event => events.push(event),
            }
        }
    }
}

/// The lines of a LINES event, without their ends.
pub fn split_lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    let whole = bytes.strip_suffix(b"\n").expect("lines end with a newline");
    whole.split(|&b| b == b'\n').map(<[u8]>::to_vec).collect()
}

/// What `modelwire_sse_feed` and `modelwire_sse_end` deliver and answer.
pub struct Sse {
    splitter: *mut modelwire_sse,
    pub lines: Vec<Vec<u8>>,
}

impl Sse {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Sse {
        let splitter = modelwire_sse_new();
        assert!(!splitter.is_null());
        Sse {
            splitter,
            lines: Vec::new(),
        }
    }

    pub fn feed(&mut self, bytes: &[u8]) -> i32 {
        let lines = &mut self.lines;
        let mut keep = |line: &[u8]| keep_line(lines, line);
        with_line(&mut keep, |on_line, data| {
            // SAFETY: the splitter is alive; the bytes and the closure outlive the call.
            unsafe { modelwire_sse_feed(self.splitter, bytes.as_ptr(), bytes.len(), on_line, data) }
        })
    }

    pub fn end(&mut self) -> i32 {
        let lines = &mut self.lines;
        let mut keep = |line: &[u8]| keep_line(lines, line);
        with_line(&mut keep, |on_line, data| {
            // SAFETY: the splitter is alive; the closure outlives the call.
            unsafe { modelwire_sse_end(self.splitter, on_line, data) }
        })
    }
}

impl Drop for Sse {
    fn drop(&mut self) {
        // SAFETY: made by `modelwire_sse_new` and freed once.
        unsafe { modelwire_sse_free(self.splitter) }
    }
}

fn keep_line(lines: &mut Vec<Vec<u8>>, line: &[u8]) -> bool {
    lines.push(line.to_vec());
    true
}

fn with_line<F: FnMut(&[u8]) -> bool>(
    on_line: &mut F,
    call: impl FnOnce(modelwire_line_fn, *mut c_void) -> i32,
) -> i32 {
    call(Some(line::<F>), (&raw mut *on_line).cast())
}

fn c_name(provider: &str) -> CString {
    CString::new(provider).expect("a name without NUL")
}

/// The C callback over a Rust closure.
unsafe extern "C-unwind" fn line<F: FnMut(&[u8]) -> bool>(
    user_data: *mut c_void,
    line: *const u8,
    line_len: usize,
) -> i32 {
    // SAFETY: `user_data` is the closure `stream_with` lent, used by this thread alone; the
    // line is valid during the callback.
    let (on_line, line) = unsafe {
        (
            &mut *user_data.cast::<F>(),
            std::slice::from_raw_parts(line, line_len),
        )
    };
    i32::from(!on_line(line))
}
