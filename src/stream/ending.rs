//! Knowing how a stream ended. HTTP says whether the bytes are complete; whether the
//! *answer* is complete only the provider's own last event says. [`Ending`] looks at each
//! line as it passes and keeps the little that is needed to tell.

use memchr::memmem;
use serde::Deserialize;

/// Which events of a provider mean that the answer is complete, beside `[DONE]`, which
/// every provider may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// Only `[DONE]`: the Chat Completions shape.
    DoneLine,
    /// A typed event: `message_stop` (Anthropic), `response.completed`,
    /// `response.incomplete` (OpenAI Responses).
    TypedEvent,
    /// A `finishReason` on the last chunk (Google); on Vertex other publishers' typed
    /// events count too.
    FinishReason,
    /// The framing's own clean end (Bedrock).
    Framing,
}

/// What the lines so far said about the end.
#[derive(Debug)]
pub struct Ending {
    marker: Marker,
    terminal: bool,
    error: ErrorEvent,
}

#[derive(Debug, PartialEq, Eq)]
enum ErrorEvent {
    None,
    /// `event: error` was seen; its data line comes next.
    Announced,
    Reported(Option<String>),
}

const TERMINAL_EVENTS: [&[u8]; 3] = [
    b"message_stop",
    b"response.completed",
    b"response.incomplete",
];

const ERROR_EVENTS: [&[u8]; 2] = [b"error", b"response.failed"];

impl Ending {
    /// Nothing seen yet.
    pub fn new(marker: Marker) -> Ending {
        Ending {
            marker,
            terminal: marker == Marker::Framing,
            error: ErrorEvent::None,
        }
    }

    /// Looks at one line. True when it is the `[DONE]` line, which ends the stream.
    pub fn observe(&mut self, line: &[u8]) -> bool {
        if let Some(payload) = line.strip_prefix(b"data:") {
            return self.observe_data(payload.trim_ascii());
        }
        if let Some(name) = line.strip_prefix(b"event:") {
            self.observe_event(name.trim_ascii());
        }
        false
    }

    /// True when the provider's own last event was the last one seen.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// The code of the error the provider reported inside the stream: `None` when it
    /// reported none, `Some(None)` when it gave no code.
    pub fn reported_error(&self) -> Option<Option<&str>> {
        match &self.error {
            ErrorEvent::None => None,
            ErrorEvent::Announced => Some(None),
            ErrorEvent::Reported(code) => Some(code.as_deref()),
        }
    }

    fn observe_event(&mut self, name: &[u8]) {
        if ERROR_EVENTS.contains(&name) {
            self.error = ErrorEvent::Announced;
        }
        if self.reads_types() {
            self.terminal = TERMINAL_EVENTS.contains(&name);
        }
    }

    fn observe_data(&mut self, payload: &[u8]) -> bool {
        if payload == b"[DONE]" {
            return true;
        }
        let first = Member::first_of(payload);
        if self.error == ErrorEvent::Announced || first.is_some_and(Member::begins_an_error) {
            self.error = ErrorEvent::Reported(reported_code(payload));
        }
        match self.marker {
            Marker::TypedEvent => self.terminal = first.is_some_and(Member::ends_the_answer),
            Marker::FinishReason => {
                self.terminal = first.is_some_and(Member::ends_the_answer)
                    || memmem::find(payload, br#""finishReason""#).is_some();
            }
            Marker::DoneLine | Marker::Framing => {}
        }
        false
    }

    fn reads_types(&self) -> bool {
        matches!(self.marker, Marker::TypedEvent | Marker::FinishReason)
    }
}

/// The member that stands first in an object. Providers write `type` and `error` first, so a
/// look at the beginning is enough.
#[derive(Clone, Copy)]
struct Member<'a> {
    key: &'a [u8],
    /// Whatever follows the colon.
    value: &'a [u8],
}

impl<'a> Member<'a> {
    fn first_of(object: &'a [u8]) -> Option<Member<'a>> {
        let key = object
            .strip_prefix(b"{")?
            .trim_ascii_start()
            .strip_prefix(b"\"")?;
        // Longer than any key that is looked for.
        let end = key.iter().take(8).position(|byte| *byte == b'"')?;
        let (key, rest) = key.split_at(end);
        let value = rest[1..].trim_ascii_start().strip_prefix(b":")?;
        Some(Member {
            key,
            value: value.trim_ascii_start(),
        })
    }

    fn begins_an_error(self) -> bool {
        match self.key {
            b"error" => !self.value.starts_with(b"null"),
            _ => self.is_type(&ERROR_EVENTS),
        }
    }

    fn ends_the_answer(self) -> bool {
        self.is_type(&TERMINAL_EVENTS)
    }

    fn is_type(self, names: &[&[u8]]) -> bool {
        let text = match self.key {
            b"type" => self.value.strip_prefix(b"\""),
            _ => None,
        };
        let is = |text: &[u8], name: &[u8]| {
            let rest = text.strip_prefix(name);
            rest.is_some_and(|rest| rest.first() == Some(&b'"'))
        };
        text.is_some_and(|text| names.iter().any(|name| is(text, name)))
    }
}

/// The machine-readable code in a provider's error JSON, in the shapes seen in the field:
/// `error.code`, `error.status` (Google, whose `code` only repeats the HTTP status),
/// `error.type`, or the same at the top (Mistral). `None` when there is none, or it is not
/// a plain token. A failed OpenAI response has its error inside `response`.
pub fn reported_code(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Document {
        response: Option<Response>,
        error: Option<Field>,
        code: Option<Field>,
        #[serde(rename = "type")]
        kind: Option<Field>,
    }
    #[derive(Deserialize)]
    struct Response {
        error: Option<Field>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Field {
        Text(String),
        Number(i64),
        Inner(Inner),
        Other(serde::de::IgnoredAny),
    }
    #[derive(Deserialize)]
    struct Inner {
        status: Option<String>,
        code: Option<Scalar>,
        #[serde(rename = "type")]
        kind: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Scalar {
        Text(String),
        Number(i64),
        Other(serde::de::IgnoredAny),
    }
    fn plain(text: String) -> Option<String> {
        let token = |c: char| c.is_ascii_alphanumeric() || "_.-:#".contains(c);
        (!text.is_empty() && text.len() <= 96 && text.chars().all(token)).then_some(text)
    }
    fn scalar(field: Option<Field>) -> Option<String> {
        match field? {
            Field::Text(text) => plain(text),
            Field::Number(number) => Some(number.to_string()),
            Field::Inner(_) | Field::Other(_) => None,
        }
    }
    let document: Document = serde_json::from_slice(json).ok()?;
    let inside = document.response.and_then(|response| response.error);
    if let Some(Field::Inner(inner)) = document.error.or(inside) {
        let code = inner.code.and_then(|code| match code {
            Scalar::Text(text) => plain(text),
            Scalar::Number(number) => Some(number.to_string()),
            Scalar::Other(_) => None,
        });
        return inner
            .status
            .and_then(plain)
            .or(code)
            .or(inner.kind.and_then(plain));
    }
    scalar(document.code)
        .or(scalar(document.kind).filter(|kind| !ERROR_EVENTS.contains(&kind.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(marker: Marker, lines: &[&str]) -> (bool, bool, Option<Option<String>>) {
        let mut ending = Ending::new(marker);
        let done = lines.iter().any(|line| ending.observe(line.as_bytes()));
        let error = ending.reported_error().map(|code| code.map(str::to_owned));
        (done, ending.is_terminal(), error)
    }

    #[test]
    fn done_is_recognised_however_it_is_spaced() {
        for line in [
            "data: [DONE]",
            "data:[DONE]",
            "data:  [DONE]  ",
            "data: [DONE]\t",
        ] {
            assert!(after(Marker::DoneLine, &[line]).0, "{line}");
        }
        for line in [
            "[DONE]",
            "data: \"[DONE]\"",
            ": [DONE]",
            "data: [DONE] x",
            "event: [DONE]",
        ] {
            assert!(!after(Marker::DoneLine, &[line]).0, "{line}");
        }
    }

    #[test]
    fn each_provider_has_its_own_last_event() {
        use Marker::*;
        let cases: &[(Marker, &[&str], bool)] = &[
            (TypedEvent, &["event: message_stop"], true),
            (
                TypedEvent,
                &[
                    "event: message_stop",
                    r#"data: {"type":"message_stop"}"#,
                    "",
                ],
                true,
            ),
            (
                TypedEvent,
                &[r#"data: {"type": "response.completed","x":1}"#],
                true,
            ),
            (TypedEvent, &[r#"data: {"type":"message_stopped"}"#], false),
            (
                TypedEvent,
                &["event: message_stop", "", "event: ping"],
                false,
            ),
            (TypedEvent, &["event: message_delta"], false),
            (
                FinishReason,
                &[r#"data: {"candidates":[{"finishReason": "STOP"}]}"#, ""],
                true,
            ),
            (
                FinishReason,
                &[r#"data: {"text":"say \"finishReason\" please"}"#],
                false,
            ),
            (
                FinishReason,
                &["event: message_stop", r#"data: {"type":"message_stop"}"#],
                true,
            ),
            (DoneLine, &["event: message_stop"], false),
            (Framing, &["data: {}"], true),
        ];
        for (marker, lines, terminal) in cases {
            assert_eq!(after(*marker, lines).1, *terminal, "{lines:?}");
        }
    }

    #[test]
    fn an_error_inside_the_stream_is_remembered_with_its_code() {
        let overloaded =
            r#"data: {"type":"error","error":{"type":"overloaded_error","message":"x"}}"#;
        let cases: &[(&[&str], Option<Option<&str>>)] = &[
            (
                &["event: error", overloaded],
                Some(Some("overloaded_error")),
            ),
            (&["event: error"], Some(None)),
            (
                &[r#"data: {"error":{"code":502,"message":"x"}}"#],
                Some(Some("502")),
            ),
            (
                &[r#"data: { "error" : {"type":"slow_down"}}"#],
                Some(Some("slow_down")),
            ),
            (
                &[
                    "event: response.failed",
                    r#"data: {"type":"response.failed","response":{"error":{"code":"server_error"}}}"#,
                ],
                Some(Some("server_error")),
            ),
            (&[r#"data: {"error":null,"choices":[]}"#], None),
            (&[r#"data: {"error": null, "choices": []}"#], None),
            (&["data: {\"choices\":[]}"], None),
        ];
        for (lines, expected) in cases {
            let expected = expected.map(|code| code.map(str::to_owned));
            assert_eq!(after(Marker::TypedEvent, lines).2, expected, "{lines:?}");
        }
    }

    #[test]
    fn codes_are_found_in_every_shape_and_free_text_is_not_a_code() {
        for (json, code) in [
            (
                r#"{"error":{"type":"invalid_request_error","code":null}}"#,
                Some("invalid_request_error"),
            ),
            (
                r#"{"error":{"type":"t","code":"context_length_exceeded"}}"#,
                Some("context_length_exceeded"),
            ),
            (
                r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#,
                Some("RESOURCE_EXHAUSTED"),
            ),
            (
                r#"{"object":"error","type":"invalid_model","code":"1500"}"#,
                Some("1500"),
            ),
            (r#"{"error":"Unauthorized sk-key"}"#, None),
            (r#"{"error":{"type":"a sentence with spaces"}}"#, None),
            (r#"{"message":"x"}"#, None),
            ("<html>", None),
        ] {
            assert_eq!(reported_code(json.as_bytes()).as_deref(), code, "{json}");
        }
    }
}
