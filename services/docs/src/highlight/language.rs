//! What the tokenizer knows of each language.

/// A string's beginning and end, and whether it goes on over lines.
pub(super) struct Quote {
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    pub(super) many_lines: bool,
}

/// A language as the tokenizer sees it.
pub(super) struct Language {
    pub(super) keywords: &'static [&'static str],
    /// Whether keywords count in any case.
    pub(super) any_case: bool,
    pub(super) line_comments: &'static [&'static str],
    pub(super) block_comment: Option<(&'static str, &'static str)>,
    /// The longer ones first.
    pub(super) quotes: &'static [Quote],
    /// What follows a name that is a key.
    pub(super) key_mark: Option<char>,
    /// Whether a name that begins with a capital is a type.
    pub(super) capital_types: bool,
    /// What names may hold beside letters, digits and `_`.
    pub(super) name_extras: &'static str,
    /// Whether a word at the beginning of a command is what runs.
    pub(super) commands: bool,
    /// Rust's own: lifetimes, raw strings, macros.
    pub(super) rust: bool,
}

const fn line(open: &'static str) -> Quote {
    Quote {
        open,
        close: open,
        many_lines: false,
    }
}

const fn lines(open: &'static str) -> Quote {
    Quote {
        open,
        close: open,
        many_lines: true,
    }
}

const NONE: Language = Language {
    keywords: &[],
    any_case: false,
    line_comments: &[],
    block_comment: None,
    quotes: &[line("\"")],
    key_mark: None,
    capital_types: false,
    name_extras: "",
    commands: false,
    rust: false,
};

static RUST: Language = Language {
    keywords: &[
        "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn",
        "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self",
        "Self", "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while",
    ],
    line_comments: &["//"],
    block_comment: Some(("/*", "*/")),
    quotes: &[lines("\"")],
    capital_types: true,
    rust: true,
    ..NONE
};
static JSON: Language = Language {
    keywords: &["true", "false", "null"],
    line_comments: &["//"],
    key_mark: Some(':'),
    ..NONE
};
static TOML: Language = Language {
    keywords: &["true", "false"],
    line_comments: &["#"],
    quotes: &[lines("\"\"\""), lines("'''"), line("\""), line("'")],
    key_mark: Some('='),
    name_extras: "-.",
    ..NONE
};
static YAML: Language = Language {
    keywords: &["true", "false", "null", "yes", "no"],
    line_comments: &["#"],
    quotes: &[line("\""), line("'")],
    key_mark: Some(':'),
    name_extras: "-.",
    ..NONE
};
static BASH: Language = Language {
    keywords: &[
        "case", "do", "done", "elif", "else", "esac", "exit", "export", "fi", "for", "function", "if", "in", "local",
        "return", "set", "then", "while",
    ],
    line_comments: &["#"],
    quotes: &[lines("\""), lines("'")],
    name_extras: "-./:@",
    commands: true,
    ..NONE
};
static JAVASCRIPT: Language = Language {
    keywords: &[
        "as",
        "async",
        "await",
        "break",
        "case",
        "catch",
        "class",
        "const",
        "continue",
        "default",
        "delete",
        "do",
        "else",
        "enum",
        "export",
        "extends",
        "false",
        "finally",
        "for",
        "from",
        "function",
        "if",
        "import",
        "in",
        "instanceof",
        "interface",
        "let",
        "new",
        "null",
        "of",
        "return",
        "static",
        "super",
        "switch",
        "this",
        "throw",
        "true",
        "try",
        "type",
        "typeof",
        "undefined",
        "var",
        "void",
        "while",
        "yield",
    ],
    line_comments: &["//"],
    block_comment: Some(("/*", "*/")),
    quotes: &[lines("`"), line("\""), line("'")],
    capital_types: true,
    name_extras: "$",
    ..NONE
};
static PYTHON: Language = Language {
    keywords: &[
        "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
        "False", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "None", "nonlocal", "not",
        "or", "pass", "raise", "return", "True", "try", "while", "with", "yield",
    ],
    line_comments: &["#"],
    quotes: &[lines("\"\"\""), lines("'''"), line("\""), line("'")],
    capital_types: true,
    ..NONE
};
static SQL: Language = Language {
    keywords: &[
        "add",
        "all",
        "alter",
        "and",
        "as",
        "asc",
        "begin",
        "between",
        "by",
        "case",
        "commit",
        "conflict",
        "create",
        "default",
        "delete",
        "desc",
        "distinct",
        "do",
        "drop",
        "else",
        "end",
        "exists",
        "for",
        "foreign",
        "from",
        "group",
        "having",
        "if",
        "in",
        "index",
        "inner",
        "insert",
        "into",
        "is",
        "join",
        "key",
        "left",
        "like",
        "limit",
        "locked",
        "not",
        "nothing",
        "null",
        "offset",
        "on",
        "or",
        "order",
        "primary",
        "references",
        "returning",
        "select",
        "set",
        "skip",
        "table",
        "then",
        "union",
        "unique",
        "update",
        "using",
        "values",
        "when",
        "where",
        "with",
    ],
    any_case: true,
    line_comments: &["--"],
    block_comment: Some(("/*", "*/")),
    quotes: &[lines("'"), line("\"")],
    ..NONE
};

/// The language that a fence names.
pub(super) fn find(name: &str) -> Option<&'static Language> {
    Some(match name {
        "rust" | "rs" => &RUST,
        "json" | "jsonc" => &JSON,
        "toml" => &TOML,
        "yaml" | "yml" => &YAML,
        "bash" | "sh" | "shell" | "zsh" => &BASH,
        "javascript" | "js" | "typescript" | "ts" => &JAVASCRIPT,
        "python" | "py" => &PYTHON,
        "sql" => &SQL,
        _ => return None,
    })
}
