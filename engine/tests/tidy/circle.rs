//! Circles: files of a house that name each other round about. None crosses a room, and none is
//! longer than a reader can hold in mind.
//!
//! A file names another where it takes a name from it, by `use` or by a path. A name that a door
//! hands on is the file's that has it, not the door's. Tests may name any module.

use std::collections::{BTreeMap, BTreeSet};

use crate::floor::modules;
use crate::outline::closing;
use crate::source::{Finding, Source};
use crate::token::{Kind, Token};
use crate::{CIRCLE_FILES_MAX, House};

/// The way to a module or to a name in one, from the crate's root.
type Way = Vec<String>;

/// A file as a module: what it names, and which names of others it hands on.
#[derive(Default)]
struct Module {
    file: String,
    named: BTreeSet<Way>,
    handed_on: BTreeMap<String, Way>,
}

/// The modules of a house, by their ways.
type Modules = BTreeMap<Way, Module>;

/// Every circle of all houses, told at one of its files.
pub fn check(files: &[(&str, String)]) -> Vec<Finding> {
    let mut houses: BTreeMap<&str, Vec<(Way, Source)>> = BTreeMap::new();
    for (path, text) in files {
        let source = Source::new(path, text);
        if let Some((house, inside)) = House::of(path)
            && !source.is_tests()
        {
            let way = modules(inside).into_iter().map(String::from).collect();
            houses.entry(house.path).or_default().push((way, source));
        }
    }
    houses
        .into_values()
        .flat_map(|sources| check_house(&sources))
        .collect()
}

fn check_house(sources: &[(Way, Source)]) -> Vec<Finding> {
    let ways: BTreeSet<&Way> = sources.iter().map(|(way, _)| way).collect();
    let modules: Modules = sources
        .iter()
        .map(|(way, source)| (way.clone(), module(way, source, &ways)))
        .collect();
    let edges: BTreeMap<&Way, BTreeSet<&Way>> = modules
        .iter()
        .map(|(way, module)| (way, neighbours(way, module, &modules)))
        .collect();
    circles(&edges)
        .iter()
        .filter_map(|circle| finding(circle, &modules))
        .collect()
}

/// The finding about a circle, if it breaks a rule.
fn finding(circle: &BTreeSet<&Way>, modules: &Modules) -> Option<Finding> {
    let rooms: BTreeSet<Option<&String>> = circle.iter().map(|way| way.first()).collect();
    let names: Vec<String> = circle.iter().map(|way| way.join("/")).collect();
    let names = names.join(", ");
    let what = match (rooms.len(), circle.len()) {
        (1, ..=CIRCLE_FILES_MAX) => return None,
        (1, count) => format!("a circle of {count} files, at most {CIRCLE_FILES_MAX}: {names}"),
        _ => format!("a circle over rooms: {names}"),
    };
    let first = circle.first()?;
    Some(Finding::new(&modules[*first].file, &what))
}

fn module(way: &Way, source: &Source, ways: &BTreeSet<&Way>) -> Module {
    let code = &source.code;
    let mut module = Module {
        file: source.path.to_string(),
        ..Module::default()
    };
    let is_test = |index: usize| source.around(index).any(|item| item.is_test);
    let mut index = 0;
    while index < code.len() {
        let start = index;
        index += 1;
        if is_test(start) {
            continue;
        }
        if code[start].is_word("use") {
            let mut paths = Vec::new();
            index = add_tree(code, start + 1, &[], &mut paths);
            // What a door takes for itself, it takes for those behind it: it holds no code.
            let is_handed_on = source.path.ends_with("/mod.rs") || is_pub(code, start);
            for (path, name) in paths {
                add_use(&mut module, (way, ways), path, (name, is_handed_on));
            }
        } else if starts_path(code, start) {
            let (path, end) = plain_path(code, start);
            index = end;
            module.named.extend(absolute(way, &path, ways));
        }
    }
    module
}

fn add_use(
    module: &mut Module,
    (way, ways): (&Way, &BTreeSet<&Way>),
    path: Way,
    (name, is_handed_on): (String, bool),
) {
    let Some(target) = absolute(way, &path, ways) else {
        return;
    };
    match is_handed_on {
        true => drop(module.handed_on.insert(name, target)),
        false => drop(module.named.insert(target)),
    }
}

/// Whether `pub` stands before the `use` at `index`.
fn is_pub(code: &[Token], index: usize) -> bool {
    let before = code[..index].iter().rev();
    let mut before = before.take_while(|token| !token.is_mark(";") && !token.is_mark("}"));
    before.any(|token| token.is_word("pub"))
}

/// Takes a tree of `use` that starts at `index` apart into paths, each with the name that it gets,
/// and returns where it ends.
fn add_tree(
    code: &[Token],
    index: usize,
    before: &[String],
    paths: &mut Vec<(Way, String)>,
) -> usize {
    let mut path = before.to_vec();
    let mut at = index;
    while at < code.len() {
        match code[at].text {
            ":" => at += 1,
            "{" => {
                let end = closing(code, at);
                at += 1;
                while at < end {
                    at = add_tree(code, at, &path, paths) + 1;
                }
                return end + 1;
            }
            "," | ";" | "}" => break,
            "as" => {
                paths.push((path, code[at + 1].text.to_string()));
                return at + 2;
            }
            word => {
                path.push(word.to_string());
                at += 1;
            }
        }
    }
    if path.last().is_some_and(|name| name == "self") {
        path.pop();
    }
    if let Some(name) = path.last().cloned() {
        paths.push((path, name));
    }
    at
}

/// Whether a path of several words starts at `index`.
fn starts_path(code: &[Token], index: usize) -> bool {
    let is_inner = 2 <= index && code[index - 1].is_mark(":") && code[index - 2].is_mark(":");
    code[index].kind == Kind::Word && !is_inner && has_sep(code, index + 1)
}

fn has_sep(code: &[Token], index: usize) -> bool {
    let is_colon = |index: usize| code.get(index).is_some_and(|token| token.is_mark(":"));
    is_colon(index) && is_colon(index + 1)
}

/// The words of the path at `index`, and where it ends.
fn plain_path(code: &[Token], index: usize) -> (Way, usize) {
    let mut path = vec![code[index].text.to_string()];
    let mut at = index + 1;
    while has_sep(code, at) && code.get(at + 2).is_some_and(|next| next.kind == Kind::Word) {
        path.push(code[at + 2].text.to_string());
        at += 3;
    }
    (path, at)
}

/// A path from the crate's root, if it stays in the crate.
fn absolute(way: &Way, path: &[String], ways: &BTreeSet<&Way>) -> Option<Way> {
    let supers = path.iter().take_while(|word| *word == "super").count();
    let (base, rest) = match path.first()?.as_str() {
        "crate" => (&way[..0], &path[1..]),
        "self" => (&way[..], &path[1..]),
        "super" => (&way[..way.len().checked_sub(supers)?], &path[supers..]),
        child => {
            let child = [way.as_slice(), &[child.to_string()]].concat();
            if !ways.contains(&child) {
                return None;
            }
            (&way[..], path)
        }
    };
    Some([base, rest].concat())
}

/// The modules that a module names, but itself.
fn neighbours<'a>(way: &Way, module: &Module, modules: &'a Modules) -> BTreeSet<&'a Way> {
    let named = module.named.iter();
    let found = named.filter_map(|name| owner(name, modules));
    found.filter(|found| *found != way).collect()
}

/// The module that has a name: behind every door that hands it on.
fn owner<'a>(name: &Way, modules: &'a Modules) -> Option<&'a Way> {
    let mut name = name.clone();
    // A name is handed on through fewer doors than there are modules.
    for _ in 0..modules.len() {
        let len = (0..=name.len())
            .rev()
            .find(|len| modules.contains_key(&name[..*len]))?;
        let (way, module) = modules.get_key_value(&name[..len])?;
        let Some(target) = name.get(len).and_then(|first| module.handed_on.get(first)) else {
            return Some(way);
        };
        name = [target.as_slice(), &name[len + 1..]].concat();
    }
    None
}

/// The sets of two or more modules each of which comes to each other one.
fn circles<'a>(edges: &BTreeMap<&'a Way, BTreeSet<&'a Way>>) -> Vec<BTreeSet<&'a Way>> {
    let reached: BTreeMap<&Way, BTreeSet<&Way>> = edges
        .keys()
        .map(|way| (*way, reached_from(way, edges)))
        .collect();
    let mut found = BTreeSet::new();
    for (way, others) in &reached {
        let comes_back = |other: &&&Way| reached[**other].contains(way);
        let circle: BTreeSet<&Way> = others.iter().filter(comes_back).copied().collect();
        if 1 < circle.len() {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

fn reached_from<'a>(
    way: &'a Way,
    edges: &BTreeMap<&'a Way, BTreeSet<&'a Way>>,
) -> BTreeSet<&'a Way> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![way];
    while let Some(way) = waiting.pop() {
        for next in &edges[way] {
            if reached.insert(*next) {
                waiting.push(next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::check;

    /// The findings in files of the simulator.
    fn found(files: &[(&str, &str)]) -> String {
        let owned: Vec<(String, String)> = files
            .iter()
            .map(|(path, text)| (format!("sim/src/{path}"), text.to_string()))
            .collect();
        let files: Vec<(&str, String)> = owned
            .iter()
            .map(|(path, text)| (path.as_str(), text.clone()))
            .collect();
        let found: Vec<String> = check(&files).iter().map(ToString::to_string).collect();
        found.join("\n")
    }

    #[test]
    fn three_files_may_name_each_other_and_four_may_not() {
        let mut files = vec![
            ("world/a.rs", "use super::b::B;"),
            ("world/b.rs", "fn f() { super::c::g() }"),
            ("world/c.rs", "use crate::world::{a::{A, C as D}, e};"),
            ("world/mod.rs", "mod a; mod b; mod c; mod d;"),
        ];
        assert_eq!(found(&files), "");
        files[1].1 = "use super::d::D;";
        files.push(("world/d.rs", "use super::c::{self, C};"));
        let what = "a circle of 4 files, at most 3: world/a, world/b, world/c, world/d";
        assert_eq!(found(&files), format!("sim/src/world/a.rs:1: {what}"));
    }

    #[test]
    fn no_circle_crosses_a_room() {
        let files = [
            ("run.rs", "use crate::parting::Parting;"),
            ("parting.rs", "use crate::run;"),
        ];
        let what = "a circle over rooms: parting, run";
        assert_eq!(found(&files), format!("sim/src/parting.rs:1: {what}"));
    }

    #[test]
    fn a_door_hands_names_on_and_is_not_in_the_way() {
        let files = [
            (
                "world/mod.rs",
                "mod a; mod b; pub use a::A; pub(crate) use b::*;",
            ),
            ("world/a.rs", "pub struct A;"),
            ("world/b.rs", "use super::A;"),
        ];
        assert_eq!(found(&files), "");
        let files = [
            (
                "disk.rs",
                "mod a; mod b; mod c; mod d; pub use a::A; use d::D;",
            ),
            ("disk/a.rs", "use super::b;"),
            ("disk/b.rs", "use super::c;"),
            ("disk/c.rs", "use super::d::D;"),
            ("disk/d.rs", "use super::A;"),
        ];
        assert!(found(&files).contains("disk/a, disk/b, disk/c, disk/d"));
    }

    #[test]
    fn tests_may_name_any_module() {
        let files = [
            ("run.rs", "#[cfg(test)] mod tests { use crate::parting; }"),
            ("parting.rs", "use crate::run;"),
            ("parting/tests.rs", "use crate::cli;"),
        ];
        assert_eq!(found(&files), "");
    }
}
