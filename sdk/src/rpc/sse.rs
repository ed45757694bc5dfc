//! Server-sent events, read as the HTML standard says: `data`, `id`, `event`, `retry`, comments, any line end, chunks cut anywhere.

use std::time::Duration;

use super::ANSWER_MAX_BYTES;

/// Longest line that is kept: an event's data is at most a request's body, escaped.
const LINE_MAX_BYTES: usize = 8 * 1024 * 1024;

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The stream's cursor after this message, where one was ever given.
    pub id: Option<String>,
    /// The event's type; empty is `message`.
    pub event: String,
    /// The data, its lines joined.
    pub data: String,
}

/// Turns chunks of bytes into messages.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    after_cr: bool,
    begun: bool,
    data: Option<String>,
    event: String,
    last_id: Option<String>,
    retry: Option<Duration>,
    comments: usize,
}

impl Parser {
    /// Takes a chunk and gives the messages that it completes.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        for &byte in chunk {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => messages.extend(self.end_line()),
                _ if self.line.len() < LINE_MAX_BYTES => self.line.push(byte),
                _ => {}
            }
        }
        messages
    }

    /// The cursor to resume from.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// How long the server asks to wait before coming back.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// How many comments there were: heartbeats.
    pub fn comments(&self) -> usize {
        self.comments
    }

    /// Forgets what was begun and not finished, as a new connection does; the cursor stays.
    pub fn reconnected(&mut self) {
        *self = Parser {
            last_id: self.last_id.take(),
            retry: self.retry,
            comments: self.comments,
            ..Parser::default()
        };
    }

    fn end_line(&mut self) -> Option<Message> {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let first = !std::mem::replace(&mut self.begun, true);
        let line = if first {
            text.trim_start_matches('\u{feff}')
        } else {
            &text
        };
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = match line.split_once(':') {
            Some(("", _)) => {
                self.comments += 1;
                return None;
            }
            Some((field, value)) => (field, value.strip_prefix(' ').unwrap_or(value)),
            None => (line, ""),
        };
        match field {
            "data" => match &mut self.data {
                // Past what an answer may be in one piece, what is left of a message is passed over.
                Some(data) if data.len() + value.len() < ANSWER_MAX_BYTES => {
                    data.push('\n');
                    data.push_str(value);
                }
                Some(_) => {}
                None => self.data = Some(value.to_owned()),
            },
            "event" => value.clone_into(&mut self.event),
            "id" if !value.contains('\0') => self.last_id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry = value.parse().ok().map(Duration::from_millis);
            }
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Message> {
        let event = std::mem::take(&mut self.event);
        let data = self.data.take()?;
        Some(Message {
            id: self.last_id.clone().filter(|id| !id.is_empty()),
            event,
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Vec<Message> {
        Parser::default().push(text.as_bytes())
    }

    fn data(text: &str) -> Vec<String> {
        parse(text).into_iter().map(|message| message.data).collect()
    }

    #[test]
    fn a_message_ends_at_an_empty_line_whatever_the_line_ends_are() {
        for text in [
            "data: a\n\ndata: b\n\n",
            "data: a\r\n\r\ndata: b\r\n\r\n",
            "data: a\r\rdata: b\r\r",
        ] {
            assert_eq!(data(text), ["a", "b"], "{text:?}");
        }
    }

    #[test]
    fn chunks_may_be_cut_anywhere() {
        let text = "\u{feff}: hello\r\nid: 7\r\nevent: user\r\ndata: {\"a\":\r\ndata: \"ü\"}\r\n\r\nretry: 250\r\n\r\n";
        let whole = parse(text);
        assert_eq!(whole.len(), 1);
        assert_eq!(whole[0].data, "{\"a\":\n\"ü\"}");
        assert_eq!((whole[0].id.as_deref(), whole[0].event.as_str()), (Some("7"), "user"));
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let messages: Vec<_> = text
                .as_bytes()
                .chunks(size)
                .flat_map(|chunk| parser.push(chunk))
                .collect();
            assert_eq!(messages, whole, "in chunks of {size}");
            assert_eq!(parser.retry(), Some(Duration::from_millis(250)));
            assert_eq!(parser.comments(), 1);
        }
    }

    #[test]
    fn an_id_stays_until_the_next_one_and_is_kept_without_data() {
        let mut parser = Parser::default();
        let messages = parser.push(b"id: 1\ndata: a\n\ndata: b\n\nid: 2\n\n");
        assert_eq!(
            messages.iter().map(|message| message.id.as_deref()).collect::<Vec<_>>(),
            [Some("1"), Some("1")]
        );
        assert_eq!(parser.last_id(), Some("2"));
    }

    #[test]
    fn a_line_without_a_colon_is_a_field_without_a_value() {
        assert_eq!(data("data\n\ndata\ndata\n\n"), ["", "\n"]);
    }

    #[test]
    fn only_the_first_space_after_the_colon_is_dropped() {
        assert_eq!(data("data:a\n\ndata:  b\n\n"), ["a", " b"]);
    }

    #[test]
    fn unknown_fields_bad_retries_and_ids_with_a_nul_are_passed_over() {
        let mut parser = Parser::default();
        assert!(parser.push(b"nonsense: 1\nretry: soon\nid: a\0b\n\n").is_empty());
        assert_eq!((parser.retry(), parser.last_id()), (None, None));
    }

    #[test]
    fn what_was_not_finished_when_the_connection_broke_is_forgotten() {
        let mut parser = Parser::default();
        assert!(parser.push(b"id: 4\ndata: half").is_empty());
        parser.reconnected();
        assert_eq!(parser.push(b"data: whole\n\n")[0].data, "whole");
        assert_eq!(parser.last_id(), Some("4"));
    }
}
