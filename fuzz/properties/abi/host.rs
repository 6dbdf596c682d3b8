//! One thread of a host that does anything, in any order.

use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use modelwire::ffi::*;

use crate::properties::bytes::Bytes;

/// What all threads of one host can reach.
#[derive(Default)]
pub struct Handles {
    calls: Mutex<Vec<u64>>,
    pollers: Mutex<Vec<u64>>,
}

impl Handles {
    /// Frees whatever is alive.
    pub fn give_back(&self) {
        for call in all(&self.calls) {
            modelwire_release(call);
        }
        for poller in all(&self.pollers) {
            modelwire_poller_free(poller);
        }
    }
}

fn all(handles: &Mutex<Vec<u64>>) -> Vec<u64> {
    handles
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

fn keep(handles: &Mutex<Vec<u64>>, handle: u64) {
    handles
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(handle);
}

pub struct Host<'a> {
    url: &'a str,
    shared: &'a Handles,
    /// Calls of this thread alone, whose lines it may read.
    own: Vec<u64>,
    results: Vec<*mut modelwire_result>,
    sse: *mut modelwire_sse,
}

const PROVIDERS: [&str; 10] = [
    "openai",
    "openai_compatible",
    "anthropic",
    "google",
    "mistral",
    "groq",
    "deepseek",
    "vertex",
    "azure",
    "bedrock",
];
const REQUESTS: [&str; 5] = [
    r#"{"model":"m","stream":true,"messages":[]}"#,
    r#"{"modelId":"m"}"#,
    "{}",
    "[",
    "",
];

impl<'a> Host<'a> {
    pub fn new(url: &'a str, shared: &'a Handles) -> Host<'a> {
        Host {
            url,
            shared,
            own: Vec::new(),
            results: Vec::new(),
            sse: modelwire_sse_new(),
        }
    }

    pub fn play(mut self, mut acts: Bytes<'_>) {
        while !acts.is_empty() {
            self.act(&mut acts);
        }
        for call in self.own.drain(..) {
            modelwire_cancel(call);
            modelwire_release(call);
        }
        for result in self.results.drain(..) {
            read_and_free(result);
        }
        // SAFETY: made in `new`, and freed here alone.
        unsafe { modelwire_sse_free(self.sse) }
    }

    fn act(&mut self, acts: &mut Bytes<'_>) {
        match acts.byte() % 16 {
            0 | 1 => self.start(acts),
            2 | 3 => self.next_of_own(acts),
            4 => {
                let call = self.call(acts);
                next(call, acts.byte(), false);
            }
            5 => {
                modelwire_cancel(self.call(acts));
            }
            6 => {
                let call = self.call(acts);
                modelwire_cancel(call);
                self.results.push(modelwire_finish(call));
            }
            7 => {
                modelwire_release(self.call(acts));
            }
            8 => keep(&self.shared.pollers, modelwire_poller_new()),
            9 | 10 => wait(self.poller(acts), acts),
            11 => self.disturb_poller(acts),
            12 => self.block(acts),
            13 => self.feed(acts),
            14 => self.ask(acts),
            _ => {
                if let Some(result) = self.results.pop() {
                    read_and_free(result);
                }
            }
        }
    }

    fn start(&mut self, acts: &mut Bytes<'_>) {
        let operation = u32::from(acts.byte() % 6);
        let (name, config, request) = self.inputs(operation, acts);
        let poller = match acts.byte() % 2 {
            0 => 0,
            _ => self.poller(acts),
        };
        // SAFETY: everything lent lives until the call returns.
        let call = unsafe {
            modelwire_start(
                operation,
                name.as_ptr(),
                config.as_ptr(),
                config.len(),
                request.as_ptr(),
                request.len(),
                poller,
                acts.number(),
            )
        };
        match acts.byte() % 2 {
            0 => self.own.push(call),
            _ => keep(&self.shared.calls, call),
        }
    }

    /// A provider, a config that needs no network but the upstream's, and a request.
    fn inputs(&self, operation: u32, acts: &mut Bytes<'_>) -> (CString, Vec<u8>, Vec<u8>) {
        let name = *acts.pick(&PROVIDERS);
        let base = format!("{}/{}", self.url, acts.byte() % 7);
        let config = match acts.byte() {
            0..8 => "{".to_owned(),
            8..16 => format!(r#"{{"options":{{"base_url":{}}}}}"#, acts.byte()),
            _ => format!(
                r#"{{"credentials":{{"api_key":"k","azure":{{"endpoint":"{base}"}}}},
                    "options":{{"base_url":"{base}","project":"p","location":"global"}},
                    "timeouts":{{"connect_ms":2000,"total_ms":80}}}}"#
            ),
        };
        let request = match operation {
            MODELWIRE_OP_HTTP_PROBE => format!(r#"{{"url":"{base}"}}"#),
            _ => (*acts.pick(&REQUESTS)).to_owned(),
        };
        let name = CString::new(name).expect("a name without NUL");
        (name, config.into_bytes(), request.into_bytes())
    }

    fn next_of_own(&mut self, acts: &mut Bytes<'_>) {
        if !self.own.is_empty() {
            let call = *acts.pick(&self.own);
            next(call, acts.byte(), true);
        }
    }

    /// A call that every thread knows, one of this thread's, or an invented one.
    fn call(&mut self, acts: &mut Bytes<'_>) -> u64 {
        let shared = all(&self.shared.calls);
        match acts.byte() % 8 {
            0 => acts.number(),
            1 | 2 if !self.own.is_empty() => *acts.pick(&self.own),
            _ if !shared.is_empty() => *acts.pick(&shared),
            _ => 0,
        }
    }

    fn poller(&self, acts: &mut Bytes<'_>) -> u64 {
        let shared = all(&self.shared.pollers);
        match acts.byte() % 8 {
            0 => acts.number(),
            _ if !shared.is_empty() => *acts.pick(&shared),
            _ => 0,
        }
    }

    fn disturb_poller(&self, acts: &mut Bytes<'_>) {
        let poller = self.poller(acts);
        match acts.byte() % 4 {
            0 => modelwire_poller_free(poller),
            1 => modelwire_poller_fd(poller),
            _ => modelwire_poller_wake(poller),
        };
    }

    fn block(&mut self, acts: &mut Bytes<'_>) {
        let (name, config, request) = self.inputs(MODELWIRE_OP_COMPLETIONS_STREAM, acts);
        let mut lines_left = acts.byte() % 4;
        // SAFETY: everything lent lives until the call returns.
        let result = unsafe {
            modelwire_completions_stream(
                name.as_ptr(),
                config.as_ptr(),
                config.len(),
                request.as_ptr(),
                request.len(),
                Some(count_down),
                // The upstream that hangs is left after its first line.
                (&raw mut lines_left).cast(),
            )
        };
        self.results.push(result);
    }

    fn feed(&mut self, acts: &mut Bytes<'_>) {
        let mut lines_left = acts.byte();
        let user_data: *mut c_void = (&raw mut lines_left).cast();
        let len = usize::from(acts.byte() % 32);
        let piece = acts.take(len);
        // SAFETY: the splitter is this thread's, and everything lent lives until the end.
        unsafe {
            match acts.byte() % 8 {
                0 => modelwire_sse_end(self.sse, Some(count_down), user_data),
                1 => modelwire_sse_feed(self.sse, ptr::null(), 1, Some(count_down), user_data),
                2 => modelwire_sse_feed(ptr::null_mut(), ptr::null(), 0, None, user_data),
                _ => modelwire_sse_feed(
                    self.sse,
                    piece.as_ptr(),
                    piece.len(),
                    Some(count_down),
                    user_data,
                ),
            }
        };
    }

    /// Questions that take no network, with any bytes for an answer.
    fn ask(&mut self, acts: &mut Bytes<'_>) {
        let kind = acts.byte();
        let number = acts.number();
        let len = usize::from(acts.byte() % 64);
        let text = acts.take(len);
        let provider: *const c_char = match kind & 1 {
            0 => c"openai".as_ptr(),
            _ => ptr::null(),
        };
        let (given, len) = match kind & 2 {
            0 => (text.as_ptr(), text.len()),
            _ => (ptr::null(), text.len()),
        };
        // SAFETY: NULL or what lives until the call returns.
        let result = unsafe {
            match kind >> 2 & 7 {
                0 => modelwire_prepare(provider, given, len, given, len, number as u32),
                1 => modelwire_validate_provider_options(provider, given, len),
                2 => modelwire_classify_probe_status(provider, number as i32),
                3 => modelwire_describe(),
                4 => modelwire_finish(number),
                5 => modelwire_init(b"[".as_ptr(), 1),
                6 => {
                    modelwire_is_valid_provider(provider);
                    modelwire_status_name(number as i32);
                    ptr::null_mut()
                }
                _ => modelwire_stats(),
            }
        };
        self.results.push(result);
    }
}

fn next(call: u64, timeout_ms: u8, reads: bool) {
    let mut data = ptr::null();
    let mut len = usize::MAX;
    // SAFETY: both are writable. Lines are read only where no other thread can take more.
    unsafe {
        let event = modelwire_next(call, i32::from(timeout_ms % 16), &mut data, &mut len);
        assert_eq!(event == MODELWIRE_EVENT_LINES, !data.is_null());
        assert_eq!(event == MODELWIRE_EVENT_LINES, len > 0);
        if reads && event == MODELWIRE_EVENT_LINES {
            assert_eq!(std::slice::from_raw_parts(data, len).last(), Some(&b'\n'));
        }
    }
}

fn wait(poller: u64, acts: &mut Bytes<'_>) {
    let mut tokens = [0; 4];
    let capacity = usize::from(acts.byte() % 5);
    let timeout_ms = i32::from(acts.byte() % 16);
    // SAFETY: there is room for as many.
    let count = unsafe { modelwire_poller_wait(poller, timeout_ms, tokens.as_mut_ptr(), capacity) };
    assert!(count <= capacity as i32);
}

fn read_and_free(result: *mut modelwire_result) {
    let mut len = 0;
    // SAFETY: NULL, or a result that was not freed.
    unsafe {
        let info = modelwire_result_info(result, &mut len);
        let info = std::slice::from_raw_parts(info, len);
        if !result.is_null() {
            let _: serde_json::Value = serde_json::from_slice(info).expect("info is JSON");
        }
        modelwire_result_body(result, &mut len);
        modelwire_result_message(result);
        modelwire_result_free(result);
    }
}

/// Goes on for as many lines as `user_data` counts.
unsafe extern "C-unwind" fn count_down(user_data: *mut c_void, line: *const u8, len: usize) -> i32 {
    // SAFETY: the count is the caller's, and the line is valid during the callback.
    let (left, line) = unsafe {
        (
            &mut *user_data.cast::<u8>(),
            std::slice::from_raw_parts(line, len),
        )
    };
    assert!(!line.contains(&b'\n'));
    *left = left.saturating_sub(1);
    i32::from(*left == 0)
}
