//! Floors: which room may name which in a house, `engine/src` or `sim/src`. One walks downstairs,
//! any number of floors, and never up or sideways.

use crate::source::{Finding, Source};
use crate::token::{Kind, Token};
use crate::{HOUSES, House, LOOKS_UP};

/// A name behind `crate::` or another path, and the token that names it.
pub struct Reference<'a> {
    pub index: usize,
    pub name: &'a str,
}

pub fn check(source: &Source) -> Vec<Finding> {
    let Some((house, inside)) = House::of(source.path) else {
        return Vec::new();
    };
    let modules = modules(inside);
    let room = modules.first().copied().unwrap_or("");
    let mut findings = Vec::new();
    if !house.roof.contains(&room) && house.floor(room).is_none() {
        let what = format!("the room `{room}` has no floor: give it one in HOUSES");
        findings.push(source.finding(1, what));
    }
    if LOOKS_UP.iter().any(|(path, _)| *path == source.path) {
        return findings;
    }
    for reference in references(source, modules.len()) {
        if let Some(way) = house.forbidden_way(room, reference.name) {
            let name = reference.name;
            let line = source.code[reference.index].line;
            let what = format!("`{name}` is {way} from `{room}`, only downstairs is allowed");
            findings.push(source.finding(line, what));
        }
    }
    findings
}

/// The modules that a path stands for, from the outermost: `a/b.rs` and `a/b/mod.rs` are `a::b`.
pub fn modules(inside: &str) -> Vec<&str> {
    let stem = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut modules: Vec<&str> = stem.split('/').collect();
    if let Some(&("mod" | "lib")) = modules.last() {
        modules.pop();
    }
    modules
}

impl House {
    /// The house that a file stands in, and its path there.
    pub fn of(path: &str) -> Option<(&'static House, &str)> {
        let within = |house: &'static House| Some((house, path.strip_prefix(house.path)?));
        HOUSES.iter().find_map(within)
    }

    /// The floor of a room, from 0; nothing for the roof.
    fn floor(&self, room: &str) -> Option<usize> {
        self.floors.iter().position(|rooms| rooms.contains(&room))
    }

    fn forbidden_way(&self, from: &str, to: &str) -> Option<&'static str> {
        let from_floor = self.floor(from)?;
        match self.floor(to) {
            _ if from == to => None,
            Some(floor) if floor < from_floor => None,
            Some(floor) if floor == from_floor => Some("sideways"),
            _ => Some("upstairs"),
        }
    }
}

/// Every name that the file takes from the crate's root, by `crate::` or by enough `super::`s.
fn references<'a>(source: &Source<'a>, depth: usize) -> Vec<Reference<'a>> {
    let code = &source.code;
    let mut found = Vec::new();
    for index in 0..code.len() {
        let is_first = index < 2 || !is_path_sep(code, index - 2);
        let supers = (0..)
            .take_while(|count| is_super(code, index + 3 * count))
            .count();
        let inline = source.around(index).filter(|item| item.keyword == "mod");
        let is_root = match supers {
            0 => code[index].is_word("crate"),
            _ => is_first && supers == depth + inline.count(),
        };
        let behind = index + 3 * supers.max(1);
        if is_root && is_path_sep(code, behind - 2) {
            found.extend(names(code, behind));
        }
    }
    found
}

fn is_super(code: &[Token], index: usize) -> bool {
    code.get(index).is_some_and(|token| token.is_word("super")) && is_path_sep(code, index + 1)
}

pub fn is_path_sep(code: &[Token], index: usize) -> bool {
    let is_colon = |index: usize| code.get(index).is_some_and(|token| token.is_mark(":"));
    is_colon(index) && is_colon(index + 1)
}

/// The names at `start`: one, or those of a group. A macro of ours has no room, it is left out.
pub fn names<'a>(code: &[Token<'a>], start: usize) -> Vec<Reference<'a>> {
    let mut found = Vec::new();
    let mut depth = 0;
    for index in start..code.len() {
        let is_start =
            index == start || code[index - 1].is_mark("{") || code[index - 1].is_mark(",");
        let is_macro = code.get(index + 1).is_some_and(|token| token.is_mark("!"));
        match code[index].text {
            "{" => depth += 1,
            "}" => depth -= 1,
            "self" => {}
            name if is_start && depth <= 1 && !is_macro => found.push(Reference { index, name }),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found.retain(|reference| code[reference.index].kind == Kind::Word || reference.name == "*");
    found
}

#[cfg(test)]
mod tests {
    use crate::report;

    /// The findings in `text` as a file of the engine: each name and its direction.
    fn ways(path: &str, text: &str) -> String {
        let found = report(&format!("engine/src/{path}"), text);
        let ways = found.lines().map(|line| {
            let (_, what) = line.split_once(": ").expect("a finding has a place");
            what.split(" from").next().unwrap_or(what)
        });
        ways.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn downstairs_is_allowed() {
        let pairs = [
            (
                "io/os.rs",
                "use crate::base::Time; use super::Op; use crate::io::Io;",
            ),
            ("format/blob.rs", "use crate::{base::Lsn, io::{File, Io}};"),
            (
                "format/blob.rs",
                "mod tests { use super::super::block; use super::*; }",
            ),
            (
                "timeline/read.rs",
                "use crate::{layer, store::Index}; crate::reached!();",
            ),
            (
                "store/mod.rs",
                "pub(crate) fn f() {} pub(super) struct A(pub(in crate::store) u8);",
            ),
            (
                "lib.rs",
                "use crate::timeline::Timeline; use crate::Options;",
            ),
            (
                "base/lsn.rs",
                "//! See `crate::io`.\nconst A: &str = \"crate::io\";",
            ),
        ];
        for (path, text) in pairs {
            // A door holds no function, which is another check's affair.
            assert_eq!(
                ways(path, &text.replace("fn f() {}", "fn f();")),
                "",
                "{text}"
            );
        }
    }

    #[test]
    fn upstairs_and_sideways_are_not() {
        let triples = [
            ("base/lsn.rs", "use crate::io::Io;", "`io` is upstairs"),
            (
                "io/os.rs",
                "fn f() { crate::format::g() }",
                "`format` is upstairs",
            ),
            (
                "format/blob.rs",
                "use crate::{io, layer::{io, map}};",
                "`layer` is upstairs",
            ),
            (
                "layer/map.rs",
                "use crate::store::Index;",
                "`store` is sideways",
            ),
            ("store/mod.rs", "use super::layer;", "`layer` is sideways"),
            (
                "store/a.rs",
                "use super::super::timeline;",
                "`timeline` is upstairs",
            ),
            (
                "store/a.rs",
                "mod b { use super::super::super::layer; }",
                "`layer` is sideways",
            ),
            (
                "timeline/gc.rs",
                "use crate::Options;",
                "`Options` is upstairs",
            ),
            ("timeline/gc.rs", "use crate::*;", "`*` is upstairs"),
        ];
        for (path, text, expected) in triples {
            assert_eq!(ways(path, text), expected, "{text}");
        }
    }

    #[test]
    fn a_finding_names_the_way_the_line_and_the_rule() {
        let found = report(
            "engine/src/io/os.rs",
            "use std::io;\nuse crate::layer::Layer;",
        );
        let what = "`layer` is upstairs from `io`, only downstairs is allowed";
        assert_eq!(found, format!("engine/src/io/os.rs:2: {what}"));
    }

    #[test]
    fn each_house_has_its_own_floors() {
        let found = report("sim/src/disk/crash.rs", "use crate::plan::Plan;");
        let what = "`plan` is sideways from `disk`, only downstairs is allowed";
        assert_eq!(found, format!("sim/src/disk/crash.rs:1: {what}"));
        assert_eq!(report("sim/src/main.rs", "use crate::cli;"), "");
    }

    #[test]
    fn a_room_has_a_floor() {
        for path in ["engine/src/cellar/mod.rs", "sim/src/cellar.rs"] {
            let what = "the room `cellar` has no floor: give it one in HOUSES";
            assert_eq!(report(path, ""), format!("{path}:1: {what}"));
        }
    }
}
