use proptest::prelude::*;

use super::{html, tokens};

const LANGUAGES: [&str; 14] = [
    "rust",
    "json",
    "toml",
    "bash",
    "console",
    "http",
    "yaml",
    "javascript",
    "python",
    "sql",
    "diff",
    "typescript",
    "",
    "nothing-known",
];

fn check(language: &str, source: &str, expected: &str) {
    assert_eq!(html(language, source), expected);
}

proptest! {
    #[test]
    fn no_byte_is_lost_or_moved(language in proptest::sample::select(&LANGUAGES[..]), source in "(?s).{0,200}") {
        let joined: String = tokens(language, &source).into_iter().map(|(_, text)| text).collect();
        prop_assert_eq!(joined, source);
    }

    #[test]
    fn code_like_sources_lose_nothing_either(
        language in proptest::sample::select(&LANGUAGES[..]),
        source in "([a-zA-Z_]{1,4}|[\"'`#$\\\\/*\\-{}():=.0-9 \n]|r#\"|'a|\"\"\"|//|/\\*){0,40}",
    ) {
        let joined: String = tokens(language, &source).into_iter().map(|(_, text)| text).collect();
        prop_assert_eq!(joined, source);
    }
}

#[test]
fn rust_has_keywords_types_functions_macros_and_lifetimes() {
    check(
        "rust",
        "fn get<'a>(id: &'a str) -> User { println!(\"{id}\") } // end",
        "<span class=\"hl-k\">fn</span> get<span class=\"hl-p\">&lt;</span><span class=\"hl-t\">&#39;a</span><span class=\"hl-p\">&gt;</span>\
         <span class=\"hl-p\">(</span>id<span class=\"hl-p\">:</span> <span class=\"hl-p\">&amp;</span><span class=\"hl-t\">&#39;a</span> str\
         <span class=\"hl-p\">)</span> <span class=\"hl-p\">-</span><span class=\"hl-p\">&gt;</span> <span class=\"hl-t\">User</span> \
         <span class=\"hl-p\">{</span> <span class=\"hl-f\">println</span><span class=\"hl-p\">!</span><span class=\"hl-p\">(</span>\
         <span class=\"hl-s\">&quot;{id}&quot;</span><span class=\"hl-p\">)</span> <span class=\"hl-p\">}</span> <span class=\"hl-c\">// end</span>",
    );
}

#[test]
fn keys_of_json_differ_from_its_strings() {
    check(
        "json",
        "{\"id\": \"x\", \"n\": -1.5e3}",
        "<span class=\"hl-p\">{</span><span class=\"hl-t\">&quot;id&quot;</span><span class=\"hl-p\">:</span> \
         <span class=\"hl-s\">&quot;x&quot;</span><span class=\"hl-p\">,</span> <span class=\"hl-t\">&quot;n&quot;</span>\
         <span class=\"hl-p\">:</span> <span class=\"hl-n\">-1.5e3</span><span class=\"hl-p\">}</span>",
    );
}

#[test]
fn a_session_tells_commands_from_what_they_printed() {
    check(
        "console",
        "$ cargo run -- up\nthe fleet is up\n",
        "<span class=\"hl-p\">$ </span><span class=\"hl-f\">cargo</span> run <span class=\"hl-t\">--</span> up\nthe fleet is up\n",
    );
}

#[test]
fn an_http_message_has_a_first_line_headers_and_a_body() {
    check(
        "http",
        "GET /health HTTP/1.1\nHost: core\n\n{\"a\": 1}",
        "<span class=\"hl-k\">GET </span><span class=\"hl-f\">/health </span><span class=\"hl-k\">HTTP/1.1\n</span>\
         <span class=\"hl-t\">Host</span><span class=\"hl-p\">:</span><span class=\"hl-s\"> core\n</span>\n\
         <span class=\"hl-p\">{</span><span class=\"hl-t\">&quot;a&quot;</span><span class=\"hl-p\">:</span> \
         <span class=\"hl-n\">1</span><span class=\"hl-p\">}</span>",
    );
}

#[test]
fn what_is_not_known_is_plain_and_escaped() {
    check("brainfuck", "<+>", "&lt;+&gt;");
}
