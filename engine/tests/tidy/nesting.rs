//! The nesting depth of a function's blocks.
//!
//! A brace opens a block, or it only writes a value or a pattern down. What it does is known from
//! the token before it, and from the words that announce a block: behind `if` there is no struct's
//! literal, but between `let` and `=` there may be a struct's pattern.

use crate::token::{Kind, Token};

/// Brackets that are open.
struct Open {
    is_level: bool,
    /// The kind of the next brace behind them.
    head: Head,
}

/// The kind of the next brace.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    /// The token before it decides.
    Unknown,
    /// A block: it follows `if`, `match`, `->` and the like.
    Block,
    /// A pattern's, between `let` and `=` or between `for` and `in`.
    Pattern,
}

/// The number of levels of blocks in a body, itself included, and the first line at that depth.
pub fn deepest(body: &[Token]) -> (usize, usize) {
    let mut stack: Vec<Open> = Vec::new();
    let mut head = Head::Unknown;
    let mut found = (0, 0);
    for (at, token) in body.iter().enumerate() {
        let before = &body[..at];
        match token.text {
            "(" | "[" | "{" => {
                let is_level = token.text == "{" && is_block(head, before);
                // The block has come that was announced. A pattern goes on behind its braces.
                let head_behind = if is_level { Head::Unknown } else { head };
                stack.push(Open {
                    is_level,
                    head: head_behind,
                });
                head = Head::Unknown;
                let levels = stack.iter().filter(|open| open.is_level).count();
                if found.0 < levels {
                    found = (levels, token.line);
                }
            }
            ")" | "]" | "}" => head = stack.pop().map_or(Head::Unknown, |open| open.head),
            _ => head = next_head(head, before, token),
        }
    }
    found
}

/// Whether a brace behind `before` opens a block that control may enter.
fn is_block(head: Head, before: &[Token]) -> bool {
    match (head, before) {
        (Head::Block, _) | (Head::Unknown, []) => true,
        (Head::Pattern, _) => false,
        (_, [.., a, b]) if a.is_word("async") && b.is_word("move") => false,
        (_, [.., last]) => match last.kind {
            Kind::Word => ["const", "else", "loop", "unsafe"].contains(&last.text),
            _ => !last.is_mark(">"),
        },
    }
}

fn next_head(head: Head, before: &[Token], token: &Token) -> Head {
    let last = before.last().map_or("", |token| token.text);
    match (token.text, head) {
        ("if" | "while" | "match", _) => Head::Block,
        ("fn" | "impl" | "trait" | "mod" | "struct" | "enum", _) => Head::Block,
        (">", _) if last == "-" => Head::Block,
        (">", _) if last == "=" => Head::Unknown,
        (";", _) => Head::Unknown,
        ("let", Head::Block) => Head::Pattern,
        ("for", Head::Unknown) => Head::Pattern,
        ("in", Head::Pattern) => Head::Block,
        ("=", Head::Pattern) if last != "." => Head::Block,
        _ => head,
    }
}

#[cfg(test)]
mod tests {
    use super::deepest;
    use crate::report;
    use crate::token::tokens;

    #[test]
    fn levels_are_blocks() {
        let pairs = [
            ("{}", 1),
            ("{ Foo { a: Bar::<u8> { b } } }", 1),
            ("{ let Foo { a } = b else { return }; }", 2),
            ("{ if let Foo { a: 1..=2 } = b && let Foo { c } = d {} }", 2),
            ("{ for Foo { a } in b(Foo { c }) {} }", 2),
            ("{ match a { Foo { b } if b => Foo { c }, } }", 2),
            ("{ match a { Foo { b } if b => { c } } }", 2),
            ("{ match a { b => { c } d => if e { f }, } }", 3),
            ("{ if a { b } else if c { d } else { e } }", 2),
            ("{ a(|b| { c }); d(|| -> Foo { e }) }", 2),
            ("{ async move { loop { a } } }", 2),
            ("{ while a(|b| { Foo { b } }) { 'c: { d } } }", 3),
            ("{ struct A; impl B for C { fn d() -> E { f } } }", 3),
            ("{ const A: B = B { c }; if d {} }", 2),
        ];
        for (text, levels) in pairs {
            assert_eq!(deepest(&tokens(text)), (levels, 1), "{text}");
        }
    }

    #[test]
    fn a_function_is_4_levels_deep() {
        let text = "fn f() {\n if a {\n if b {\n if c {\n d(Foo { e })\n } } } }";
        assert_eq!(report("sim/benches/a.rs", text), "");
        let text = "fn f() {\n if a {\n if b {\n if c {\n if d {\n } } } } }";
        let expected = "sim/benches/a.rs:5: `f` is 5 levels deep, at most 4";
        assert_eq!(report("sim/benches/a.rs", text), expected);
    }
}
