//! The glossary: words that terms of the field have replaced, each with the term to use instead.

use crate::source::{Finding, Source};
use crate::token::{Kind, Token};

/// Where a word is banned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In names, and in comments unless it is quoted.
    Everywhere,
    /// In names: it has another meaning in prose.
    Names,
}

/// Banned words in a row, and the term to use instead.
struct Replaced {
    words: &'static str,
    place: Place,
    instead: &'static str,
}

const fn everywhere(words: &'static str, instead: &'static str) -> Replaced {
    Replaced {
        words,
        place: Place::Everywhere,
        instead,
    }
}

const fn in_names(words: &'static str, instead: &'static str) -> Replaced {
    Replaced {
        words,
        place: Place::Names,
        instead,
    }
}

const REPLACED: [Replaced; 40] = [
    everywhere("aftermath", "error expectations"),
    everywhere("anybody", "the component that may"),
    everywhere("chooser", "schedule policy, or crash draw"),
    everywhere("come to rest", "quiesce"),
    everywhere("comes to rest", "quiesces"),
    everywhere("doomed", "temporary"),
    everywhere("everybody", "all tasks, or all callers"),
    everywhere("fringe", "frontier"),
    everywhere("housekeeper", "maintenance"),
    everywhere("housekeeping", "maintenance"),
    everywhere("let go of", "released, dropped or cancelled"),
    everywhere("lets go of", "releases, drops or cancels"),
    everywhere("lets in", "registers"),
    everywhere("nobody", "the component that does not"),
    everywhere("remnant", "crash effect"),
    everywhere("remnants", "crash effects"),
    everywhere("somebody", "the component that does"),
    everywhere("whoever", "the component that does"),
    everywhere("whomever", "the component"),
    everywhere("yard", "worktree"),
    in_names("admission", "read guard"),
    in_names("ages", "time to LSN"),
    in_names("book", "fault injector"),
    in_names("corner", "probe"),
    in_names("corners", "probes"),
    in_names("diary", "monitor"),
    in_names("excuse", "allowed errors"),
    in_names("family", "branch tree"),
    in_names("gate", "scheduler"),
    in_names("hunted", "search"),
    in_names("lack", "weakness"),
    in_names("letter", "timeline label"),
    in_names("moments", "samples"),
    in_names("news", "message"),
    in_names("office", "collector"),
    in_names("parting", "divergence"),
    in_names("remains", "crash point"),
    in_names("truth", "expected"),
    in_names("who", "the component"),
    in_names("whom", "the component"),
];

pub fn check(source: &Source) -> Vec<Finding> {
    let names = source.code.iter().filter(|token| token.kind == Kind::Word);
    let mut findings: Vec<Finding> = names.flat_map(|name| check_name(source, name)).collect();
    for comment in &source.comments {
        for (line, text) in (comment.line..).zip(comment.text.lines()) {
            findings.extend(check_comment(source, line, text));
        }
    }
    findings
}

fn check_name(source: &Source, name: &Token) -> Vec<Finding> {
    let parts = parts(name.text);
    let found = REPLACED.iter().filter(|replaced| replaced.is_in(&parts));
    let finding = |replaced: &Replaced| {
        let what = format!("`{}`: say `{}`", name.text, replaced.instead);
        source.finding(name.line, what)
    };
    found.map(finding).collect()
}

fn check_comment(source: &Source, line: usize, text: &str) -> Vec<Finding> {
    let text = unquoted(text).to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(String::from)
        .collect();
    let found = REPLACED
        .iter()
        .filter(|replaced| replaced.place == Place::Everywhere && replaced.is_in(&words));
    let finding = |replaced: &Replaced| {
        source.finding(
            line,
            format!("{}: say {}", replaced.words, replaced.instead),
        )
    };
    found.map(finding).collect()
}

impl Replaced {
    fn is_in(&self, words: &[String]) -> bool {
        let banned: Vec<&str> = self.words.split(' ').collect();
        words.windows(banned.len()).any(|row| row == banned)
    }
}

/// The words of a name, in lower case: `FaultBook` and `FAULT_BOOK` are fault and book.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_small = false;
    for character in name.chars() {
        if character == '_' || (was_small && character.is_uppercase()) {
            parts.push(String::new());
        }
        was_small = character.is_lowercase();
        if character != '_' {
            parts
                .last_mut()
                .expect("there is one")
                .extend(character.to_lowercase());
        }
    }
    parts
}

/// A line of a comment without its quotes and code: the text of a plan keeps its words.
fn unquoted(text: &str) -> String {
    let mut quote = None;
    let mut left = String::new();
    for character in text.chars() {
        match quote {
            Some(end) if character == end => quote = None,
            Some(_) => {}
            None if character == '`' || character == '"' => quote = Some(character),
            None => left.push(character),
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use crate::report;

    #[test]
    fn a_replaced_word_is_reported_with_its_term() {
        let text = "// Nobody waits.\nfn ask(fault_book: FaultBook) {}\n";
        let found = report("sim/benches/a.rs", text);
        let comment = "sim/benches/a.rs:1: nobody: say the component that does not";
        let name = "sim/benches/a.rs:2: `FaultBook`: say `fault injector`";
        let other = "sim/benches/a.rs:2: `fault_book`: say `fault injector`";
        assert_eq!(found, format!("{comment}\n{name}\n{other}"));
    }

    #[test]
    fn a_quoted_word_and_a_part_of_another_word_are_allowed() {
        let text = "//! knob = \"housekeeping\" and `yard`, in a bookshelf.\nstruct Bookshelf;\n";
        assert_eq!(report("sim/benches/a.rs", text), "");
        assert_eq!(report("sim/benches/a.rs", "// An open book.\n"), "");
    }

    #[test]
    fn words_in_a_row_are_found_in_names_and_on_one_line_of_a_comment() {
        let found = report(
            "sim/benches/a.rs",
            "// All comes to rest.\nfn come_to_rest() {}\n",
        );
        let comment = "sim/benches/a.rs:1: comes to rest: say quiesces";
        let name = "sim/benches/a.rs:2: `come_to_rest`: say `quiesce`";
        assert_eq!(found, format!("{comment}\n{name}"));
        assert_eq!(
            report("sim/benches/a.rs", "// It comes.\n// To rest.\n"),
            ""
        );
    }
}
