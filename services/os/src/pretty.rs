//! JSON laid out and coloured, its members in the order in which their service gave them.

use syscall_sdk::pages::{Escaped, Html, Icon};

/// What one step in is written as.
const STEP: &str = "  ";

/// A value as a block that can be copied.
pub(crate) fn block(json: &str) -> Html {
    Html::trusted(format!(
        "<div class=\"code-block\" data-copy-scope><pre tabindex=\"0\" aria-label=\"JSON\"><code>{}</code></pre><button \
         class=\"button is-quiet is-icon needs-script\" type=\"button\" data-copy aria-label=\"Copy JSON\">{}</button></div>",
        lines(json),
        Icon::Copy.html()
    ))
}

/// Valid JSON as markup, a member or an item a line.
fn lines(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth: usize = 0;
    let mut rest = json.trim();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest),
            '{' | '[' | '}' | ']' | ',' | ':' => 1,
            c if c.is_whitespace() => {
                rest = rest.trim_start();
                continue;
            }
            _ => rest.find([',', '}', ']', ' ', '\n', '\r', '\t']).unwrap_or(rest.len()),
        };
        let (piece, after) = rest.split_at(length.max(1));
        let next = after.trim_start();
        match first {
            '{' | '[' if next.starts_with(['}', ']']) => {
                mark(&mut out, "hl-p", &format!("{first}{}", &next[..1]));
                rest = &next[1..];
                continue;
            }
            '{' | '[' => {
                depth += 1;
                mark(&mut out, "hl-p", piece);
                line(&mut out, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                mark(&mut out, "hl-p", piece);
            }
            ',' => {
                mark(&mut out, "hl-p", piece);
                line(&mut out, depth);
            }
            ':' => {
                mark(&mut out, "hl-p", piece);
                out.push(' ');
            }
            '"' if next.starts_with(':') => mark(&mut out, "hl-t", piece),
            '"' => mark(&mut out, "hl-s", piece),
            't' | 'f' | 'n' => mark(&mut out, "hl-k", piece),
            _ => mark(&mut out, "hl-n", piece),
        }
        rest = after;
    }
    out
}

fn mark(out: &mut String, class: &str, piece: &str) {
    out.push_str(&format!("<span class=\"{class}\">{}</span>", Escaped(piece)));
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&STEP.repeat(depth));
}

/// The length of the string at the beginning, its quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// The text that a reader sees and copies.
    fn seen(html: &str) -> String {
        let mut text = String::new();
        let mut inside = false;
        for c in html.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => text.push(c),
                _ => {}
            }
        }
        let unescaped = text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'");
        unescaped.replace("&amp;", "&")
    }

    #[test]
    fn members_keep_their_order_and_stand_a_line_each() {
        let html = lines(r#"{"b":[1,-2.5e3],"a":{},"c":{"d":"x, \"y\" <z>","e":[null,true]}}"#);
        assert_eq!(
            seen(&html),
            "{\n  \"b\": [\n    1,\n    -2.5e3\n  ],\n  \"a\": {},\n  \"c\": {\n    \"d\": \"x, \\\"y\\\" <z>\",\n    \"e\": [\n      null,\n      true\n    ]\n  }\n}"
        );
        assert!(html.contains("<span class=\"hl-t\">&quot;b&quot;</span>"), "{html}");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "(?s).{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("(?s).{0,6}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_shown_is_the_same_value(value in any_json()) {
            let shown = seen(&lines(&value.to_string()));
            prop_assert_eq!(serde_json::from_str::<Value>(&shown).expect("JSON"), value.clone());
            prop_assert_eq!(shown, serde_json::to_string_pretty(&value).expect("JSON"));
        }
    }

    #[test]
    fn a_value_alone_is_a_line() {
        assert_eq!(seen(&lines(&json!("a").to_string())), "\"a\"");
    }
}
