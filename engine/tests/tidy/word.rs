//! Words: what is said nowhere, what is said in one place only, and what a door may hold.

use crate::outline::Item;
use crate::source::{Finding, Source};
use crate::token::{Kind, Token};

/// A comment with one of these is a promise that is never kept. Do it, or open an issue.
const PROMISES: [&str; 4] = ["TODO", "FIXME", "XXX", "HACK"];

/// A macro that stands where code should.
const STAND_INS: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// A name that the code under `home` does not say, but for the files that start with `door`.
struct Unsaid {
    name: &'static str,
    home: &'static str,
    door: Option<&'static str>,
    reason: &'static str,
}

const UNSAID: [Unsaid; 8] = [
    Unsaid {
        name: "madsim",
        home: "engine/",
        door: None,
        reason: "the engine knows no runtime by name",
    },
    Unsaid {
        name: "tokio",
        home: "engine/",
        door: None,
        reason: "the engine knows no runtime by name",
    },
    Unsaid {
        name: "palimpsest_sim",
        home: "engine/",
        door: None,
        reason: "the house never looks out at its guests",
    },
    Unsaid {
        name: "rustix",
        home: "engine/src/",
        door: Some("engine/src/io/os"),
        reason: "it reaches the world, and the way there is `Io`",
    },
    Unsaid {
        name: "static",
        home: "engine/src/",
        door: Some("engine/src/io/os"),
        reason: "the engine keeps no global",
    },
    Unsaid {
        name: "thread_local",
        home: "engine/src/",
        door: Some("engine/src/io/os"),
        reason: "the engine keeps no global",
    },
    Unsaid {
        name: "judge",
        home: "sim/src/world/",
        door: None,
        reason: "the world tells what happened, and what follows is the judge's",
    },
    Unsaid {
        name: "Driver",
        home: "sim/src/checkers/",
        door: None,
        reason: "a checker is given what it looks at, and the driver carries operations out",
    },
];

pub fn check(source: &Source) -> Vec<Finding> {
    let mut findings = check_comments(source);
    findings.extend(check_code(source));
    findings.extend(check_names(source));
    findings.extend(check_door(source));
    findings
}

fn check_comments(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for comment in &source.comments {
        for (line, text) in (comment.line..).zip(comment.text.lines()) {
            let mut words = text.split(|c: char| !c.is_alphanumeric());
            if let Some(word) = words.find(|word| PROMISES.contains(word)) {
                findings.push(source.finding(line, format!("{word}, in no comment")));
            }
        }
    }
    findings
}

fn check_code(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for three in source.code.windows(3) {
        let [first, second, third] = three else {
            unreachable!("a window of three has three");
        };
        let is_stand_in = first.kind == Kind::Word && STAND_INS.contains(&first.text);
        if is_stand_in && second.is_mark("!") {
            let what = format!("`{}!`, nowhere", first.text);
            findings.push(source.finding(first.line, what));
        }
        if first.is_mark("#") && second.is_mark("[") && third.is_word("ignore") {
            let what = "an ignored test: assert today's answer and say why it is wrong";
            findings.push(source.finding(first.line, what.to_string()));
        }
    }
    findings
}

fn check_names(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for unsaid in &UNSAID {
        let is_at_home = source.path.starts_with(unsaid.home);
        let is_door = unsaid
            .door
            .is_some_and(|door| source.path.starts_with(door));
        if !is_at_home || is_door {
            continue;
        }
        let said = |token: &&Token| token.is_word(unsaid.name);
        for token in source.code.iter().filter(said) {
            let what = format!("`{}`: {}", unsaid.name, unsaid.reason);
            findings.push(source.finding(token.line, what));
        }
    }
    findings
}

/// `mod.rs` is a door: it holds no function with a body, but for tests and a trait's own.
fn check_door(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !source.path.ends_with("/mod.rs") || source.is_tests() {
        return findings;
    }
    let is_excused = |item: &Item| item.is_test || item.keyword == "trait";
    for function in source.functions().filter(|function| function.has_body()) {
        let mut around = source.around(function.head.start);
        if !is_excused(function) && !around.any(is_excused) {
            let what = format!("`{}` stands in a door: give it a file", function.name);
            findings.push(source.finding(function.line, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::report;

    #[test]
    fn a_comment_promises_nothing() {
        let found = report(
            "sim/benches/a.rs",
            "/* a\n TODO: b */\n// Nothing is TODOED.\n",
        );
        assert_eq!(found, "sim/benches/a.rs:2: TODO, in no comment");
        assert_eq!(report("sim/benches/a.rs", "const A: &str = \"TODO\";"), "");
    }

    #[test]
    fn nothing_stands_in_for_code() {
        let found = report(
            "sim/benches/a.rs",
            "fn f() {\n todo!() }\nfn g() { unimplemented!() }",
        );
        let expected =
            "sim/benches/a.rs:2: `todo!`, nowhere\nsim/benches/a.rs:3: `unimplemented!`, nowhere";
        assert_eq!(found, expected);
    }

    #[test]
    fn no_test_is_ignored() {
        let found = report(
            "sim/benches/a.rs",
            "#[test]\n#[ignore = \"slow\"]\nfn f() {}",
        );
        let what = "an ignored test: assert today's answer and say why it is wrong";
        assert_eq!(found, format!("sim/benches/a.rs:2: {what}"));
    }

    #[test]
    fn the_engine_names_no_runtime_and_no_guest() {
        for name in ["madsim", "tokio", "palimpsest_sim"] {
            let text = format!("// {name}\nuse {name}::a;");
            assert_eq!(report("sim/benches/a.rs", &text), "");
            let found = report("engine/benches/a.rs", &text);
            assert!(
                found.starts_with(&format!("engine/benches/a.rs:2: `{name}`: ")),
                "{found}"
            );
        }
    }

    #[test]
    fn the_world_and_globals_stand_behind_the_door() {
        let text = "static A: &'static str = rustix::a();";
        assert_eq!(report("engine/src/io/os.rs", text), "");
        let found = report("engine/src/io/op.rs", text);
        let world = "engine/src/io/op.rs:1: `rustix`: it reaches the world, and the way there is";
        let global = "engine/src/io/op.rs:1: `static`: the engine keeps no global";
        assert_eq!(found, format!("{world} `Io`\n{global}"));
    }

    #[test]
    fn the_world_knows_no_judge_and_a_checker_no_driver() {
        let text = "use crate::judge::Judge;\nfn f(driver: &Driver) {}";
        assert_eq!(report("sim/src/drive/a.rs", text), "");
        let world = "sim/src/world/a.rs:1: `judge`: the world tells what happened";
        let found = report("sim/src/world/a.rs", text);
        assert!(found.contains(world), "{found}");
        let checker = "sim/src/checkers/a.rs:2: `Driver`: a checker is given what it looks at";
        let found = report("sim/src/checkers/a.rs", text);
        assert!(found.contains(checker), "{found}");
    }

    #[test]
    fn a_door_holds_no_code() {
        let text = "
            fn a();
            trait B { fn c() { fn d() {} } }
            #[cfg(test)] mod e { fn f() {} }
            impl G { fn h() {} }
            fn i() {}";
        assert_eq!(report("sim/benches/a/b.rs", text), "");
        assert_eq!(report("sim/benches/a/tests/mod.rs", text), "");
        let path = "sim/benches/a/mod.rs";
        let h = format!("{path}:5: `h` stands in a door: give it a file");
        let i = format!("{path}:6: `i` stands in a door: give it a file");
        assert_eq!(report(path, text), format!("{h}\n{i}"));
    }
}
