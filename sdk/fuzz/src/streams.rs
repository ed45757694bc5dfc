//! Streams that come in pieces.

use syscall_sdk::rpc::sse::Parser;

/// Server-sent events: wherever the bytes are cut, the messages and the cursor are the same. The first byte says where.
pub fn sse(data: &[u8]) {
    let Some((&at, stream)) = data.split_first() else {
        return;
    };
    let mut whole = Parser::default();
    let expected = whole.push(stream);
    let (head, tail) = stream.split_at(usize::from(at).min(stream.len()));
    let mut cut = Parser::default();
    let mut messages = cut.push(head);
    messages.extend(cut.push(tail));
    assert_eq!(messages, expected, "cut at {}", head.len());
    assert_eq!(cut.last_id(), whole.last_id());
    assert_eq!(cut.retry(), whole.retry());
}
