//! The items of a file: its functions, and the modules, traits and impls around them.

use std::ops::Range;

use crate::token::{Kind, Token};

/// A function, module, trait or impl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// `fn`, `mod`, `trait` or `impl`.
    pub keyword: &'a str,
    /// The word behind the keyword, which for an impl says nothing.
    pub name: &'a str,
    /// The keyword's line.
    pub line: usize,
    /// The tokens from the keyword up to the body.
    pub head: Range<usize>,
    /// The tokens from brace to brace, both included. Empty if there is no body.
    pub body: Range<usize>,
    /// Whether it is compiled for tests only, by an attribute of its own.
    pub is_test: bool,
}

impl Item<'_> {
    /// Whether another item, or anything else that starts at a token, is inside this one.
    pub fn holds(&self, index: usize) -> bool {
        self.body.contains(&index)
    }

    pub fn has_body(&self) -> bool {
        !self.body.is_empty()
    }
}

/// The items of `code`, in the order of their keywords.
pub fn items<'a>(code: &[Token<'a>]) -> Vec<Item<'a>> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < code.len() {
        let Some(item) = item_at(code, index) else {
            index += 1;
            continue;
        };
        // The head is passed over: what `impl` says of a return type is no item.
        index = item.head.end + 1;
        found.push(item);
    }
    found
}

fn item_at<'a>(code: &[Token<'a>], index: usize) -> Option<Item<'a>> {
    let keyword = &code[index];
    let name = code.get(index + 1)?;
    let is_item = match keyword.text {
        "fn" | "mod" | "trait" => name.kind == Kind::Word,
        "impl" => true,
        _ => false,
    };
    if !is_item || keyword.kind != Kind::Word {
        return None;
    }
    let end = head_end(code, index);
    let has_body = end < code.len() && code[end].is_mark("{");
    let body_end = if has_body {
        closing(code, end) + 1
    } else {
        end
    };
    Some(Item {
        keyword: keyword.text,
        name: name.text,
        line: keyword.line,
        head: index..end,
        body: end..body_end,
        is_test: is_for_tests(code, index),
    })
}

/// The first brace or semicolon behind `index` that is in no brackets.
fn head_end(code: &[Token], index: usize) -> usize {
    let mut at = index;
    while at < code.len() && !code[at].is_mark("{") && !code[at].is_mark(";") {
        at = match code[at].text {
            "(" | "[" => closing(code, at) + 1,
            _ => at + 1,
        };
    }
    at.min(code.len())
}

/// The index of the bracket that closes the one at `open`, or the last token if nothing does.
pub fn closing(code: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in code.iter().enumerate().skip(open) {
        if token.kind != Kind::Mark {
            continue;
        }
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    code.len() - 1
}

/// Whether the attributes before the item at `index` name `test`.
fn is_for_tests(code: &[Token], index: usize) -> bool {
    let is_end = |token: &Token| ["{", "}", ";"].iter().any(|mark| token.is_mark(mark));
    let start = code[..index]
        .iter()
        .rposition(is_end)
        .map_or(0, |at| at + 1);
    let before = &code[start..index];
    before.iter().any(|token| token.is_word("test"))
}

/// The names and count of a function's parameters, `self` left out.
pub fn parameters<'a>(code: &[Token<'a>], item: &Item) -> Vec<&'a str> {
    let mut open = item.head.start + 2;
    if code[open].is_mark("<") {
        open = closing_angle(code, open) + 1;
    }
    let close = closing(code, open);
    let mut names = Vec::new();
    let mut start = open + 1;
    while start < close {
        let end = parameter_end(code, start..close);
        if let Some(name) = parameter_name(&code[start..end]) {
            names.push(name);
        }
        start = end + 1;
    }
    names
}

/// The comma behind the parameter at the start of `range`, or its end.
fn parameter_end(code: &[Token], range: Range<usize>) -> usize {
    let mut at = range.start;
    while at < range.end && !code[at].is_mark(",") {
        at = match code[at].text {
            "(" | "[" | "{" => closing(code, at) + 1,
            "<" => closing_angle(code, at) + 1,
            _ => at + 1,
        };
    }
    at
}

/// The angle that closes the one at `open`. The one in `->` closes nothing.
fn closing_angle(code: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for at in open..code.len() {
        match code[at].text {
            "<" => depth += 1,
            ">" if !code[at - 1].is_mark("-") => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    code.len() - 1
}

/// The last word before the colon: `mut buf: &mut [u8]` is `buf`. Nothing for `self`, however it
/// is written. A pattern's name is whatever its last word is.
fn parameter_name<'a>(parameter: &[Token<'a>]) -> Option<&'a str> {
    let name = parameter.iter().take_while(|token| !token.is_mark(":"));
    let words = name.filter(|token| token.kind == Kind::Word);
    let last = words.last().map_or("_", |token| token.text);
    (last != "self").then_some(last)
}

#[cfg(test)]
mod tests {
    use super::{Item, items, parameters};
    use crate::token::{Token, tokens};

    #[test]
    fn items_know_where_they_start_and_end() {
        let text = "
            pub fn f<T: Fn(u8) -> u8>(t: T) -> impl Fn() { if a { b } }
            trait T { fn g(&self); fn h() -> [u8; 2] { ; } }
            #[cfg(test)]
            mod tests { #[test] fn i() {} }
            mod other; type F = fn(u8) -> u8;
        ";
        let code = tokens(text);
        let found = items(&code);
        let shown: Vec<String> = found.iter().map(|item| show(&code, item)).collect();
        let expected = [
            "fn f { if a { b } }",
            "trait T { fn g ( & self ) ; fn h ( ) - > [ u8 ; 2 ] { ; } }",
            "fn g",
            "fn h { ; }",
            "mod tests { # [ test ] fn i ( ) { } } (test)",
            "fn i { } (test)",
            "mod other",
        ];
        assert_eq!(shown, expected);
    }

    /// An item with its body.
    fn show(code: &[Token], item: &Item) -> String {
        let mut words = vec![item.keyword, item.name];
        words.extend(code[item.body.clone()].iter().map(|token| token.text));
        if item.is_test {
            words.push("(test)");
        }
        words.join(" ")
    }

    #[test]
    fn parameters_are_told_apart() {
        let pairs = [
            ("fn f() {}", vec![]),
            ("fn f(&mut self, mut a: u8,) {}", vec!["a"]),
            ("fn f(self: Arc<Self>, a: &[u8]) {}", vec!["a"]),
            (
                "fn f<T: Fn(u8, u8) -> u8>(a: Map<u8, T>, b: T);",
                vec!["a", "b"],
            ),
            (
                "fn f(a: impl Fn(u8, u8) -> Map<u8, u8>, (b, c): (u8, u8));",
                vec!["a", "c"],
            ),
        ];
        for (text, expected) in pairs {
            let code = tokens(text);
            assert_eq!(parameters(&code, &items(&code)[0]), expected, "{text}");
        }
    }
}
