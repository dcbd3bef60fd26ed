//! Rust's text, cut into tokens: enough to tell code from what only looks like it.

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A keyword or a name.
    Word,
    /// A lifetime or a label, with its quote.
    Lifetime,
    /// A string, a character or a number.
    Literal,
    /// A comment, with its slashes.
    Comment,
    /// One character of anything else.
    Mark,
}

/// A piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: Kind,
    pub text: &'a str,
    /// The line on which it starts, from 1.
    pub line: usize,
}

impl Token<'_> {
    pub fn is_word(&self, text: &str) -> bool {
        self.kind == Kind::Word && self.text == text
    }

    pub fn is_mark(&self, text: &str) -> bool {
        self.kind == Kind::Mark && self.text == text
    }
}

/// Cuts `text` into its tokens and drops the space between them.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            line += usize::from(first == '\n');
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (kind, len) = measure(rest, first);
        let (text, after) = rest.split_at(len);
        found.push(Token { kind, text, line });
        line += text.matches('\n').count();
        rest = after;
    }
    found
}

/// The kind and the length in bytes of the token at the start of `rest`.
fn measure(rest: &str, first: char) -> (Kind, usize) {
    match first {
        '/' if rest.starts_with("//") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
        '/' if rest.starts_with("/*") => (Kind::Comment, block_comment_len(rest)),
        '"' => (Kind::Literal, quoted_len(rest, '"')),
        '\'' => measure_quote(rest),
        _ if is_in_word(first) => measure_word(rest),
        _ => (Kind::Mark, first.len_utf8()),
    }
}

fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the word at the start of `rest`, which may be none.
fn word_len(rest: &str) -> usize {
    rest.find(|c| !is_in_word(c)).unwrap_or(rest.len())
}

/// A word, a number, or a literal that starts with a letter, such as `br#"…"#`.
fn measure_word(rest: &str) -> (Kind, usize) {
    let len = word_len(rest);
    let (word, after) = rest.split_at(len);
    let hashes = word_len_of_hashes(after);
    match word {
        "r" | "br" | "cr" if after[hashes..].starts_with('"') => {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = len + hashes + 1;
            let content = rest[start..].find(&end).unwrap_or(rest.len() - start);
            (Kind::Literal, (start + content + end.len()).min(rest.len()))
        }
        "r" if hashes == 1 => (Kind::Word, len + 1 + word_len(&after[1..])),
        "b" | "c" if after.starts_with('"') => (Kind::Literal, len + quoted_len(after, '"')),
        "b" if after.starts_with('\'') => (Kind::Literal, len + quoted_len(after, '\'')),
        _ if word.starts_with(|c: char| c.is_ascii_digit()) => (Kind::Literal, len),
        _ => (Kind::Word, len),
    }
}

fn word_len_of_hashes(rest: &str) -> usize {
    rest.len() - rest.trim_start_matches('#').len()
}

/// A character, or a lifetime: `'a'` is closed right behind its only character, `'a` is not.
fn measure_quote(rest: &str) -> (Kind, usize) {
    let mut chars = rest.chars().skip(1);
    let first = chars.next();
    if first == Some('\\') || chars.next() == Some('\'') {
        return (Kind::Literal, quoted_len(rest, '\''));
    }
    (Kind::Lifetime, 1 + word_len(&rest[1..]))
}

/// The length of a literal that opens with `quote` and ends at the next that is not escaped.
fn quoted_len(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == quote && !is_escaped {
            return at + c.len_utf8();
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    rest.len()
}

/// The length of a block comment with those inside it.
fn block_comment_len(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let step = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens};

    /// The code of `text`: its tokens but comments, each literal shown as `_`.
    fn code(text: &str) -> String {
        let mut shown = Vec::new();
        for token in tokens(text) {
            match token.kind {
                Kind::Comment => {}
                Kind::Literal => shown.push("_"),
                _ => shown.push(token.text),
            }
        }
        shown.join(" ")
    }

    #[test]
    fn what_only_looks_like_code_is_none() {
        let pairs = [
            ("a // b {\nc", "a c"),
            ("a /* { /* { */ fn */ b", "a b"),
            (r#"x = "{ \" fn \\";"#, "x = _ ;"),
            (r##"x = r#"{ " \"#;"##, "x = _ ;"),
            ("x = br\"\\\";", "x = _ ;"),
            ("b\"{\" c\"{\"", "_ _"),
            ("'{' '\\'' '\\\\' b'{' '\u{e9}'", "_ _ _ _ _"),
            ("&'a str 'static '_", "& 'a str 'static '_"),
            ("'outer: loop", "'outer : loop"),
            ("r#fn r", "r#fn r"),
            ("0..=0x5A_u8", "_ . . = _"),
            ("\"open", "_"),
        ];
        for (text, expected) in pairs {
            assert_eq!(code(text), expected, "{text}");
        }
    }

    #[test]
    fn lines_are_counted_through_long_tokens() {
        let found = tokens("/* 1\n 2 */ a\n\"3\n4\" b");
        let lines: Vec<usize> = found.iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 2, 3, 4]);
    }
}
