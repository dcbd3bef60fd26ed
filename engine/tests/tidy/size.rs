//! Sizes: of lines, files and functions.

use crate::nesting;
use crate::outline::{self, Item};
use crate::source::{Finding, Source};
use crate::{
    ARGUMENTS_MAX, BLOCK_LEVELS_MAX, CONTEXT, FILE_LINES_MAX, FILE_LINES_SEAM, FUNCTION_LINES_MAX,
    INLINE_TESTS_LINES_MAX, LINE_COLUMNS_MAX, SEAMLESS,
};

pub fn check(source: &Source) -> Vec<Finding> {
    let mut findings = check_lines(source);
    findings.extend(check_file(source));
    for function in source.functions() {
        findings.extend(check_function(source, function));
    }
    findings
}

fn check_lines(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(source.text.lines()) {
        let columns = text.chars().count();
        if LINE_COLUMNS_MAX < columns {
            let what = format!("a line of {columns} columns, at most {LINE_COLUMNS_MAX}");
            findings.push(source.finding(line, what));
        }
    }
    findings
}

fn check_file(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut lines = source.text.lines().count();
    let is_inline_tests = |item: &&Item| item.keyword == "mod" && item.is_test && item.has_body();
    for tests in source.items.iter().filter(is_inline_tests) {
        let tests_lines = lines_of(source, tests);
        lines -= tests_lines;
        if INLINE_TESTS_LINES_MAX < tests_lines && !source.is_tests() {
            let rule = "they move to tests.rs beside it";
            let what = format!("{tests_lines} lines of tests, at most {INLINE_TESTS_LINES_MAX}");
            findings.push(source.finding(tests.line, format!("{what}: {rule}")));
        }
    }
    let is_seamless = source.is_tests() || SEAMLESS.iter().any(|(path, _)| *path == source.path);
    if FILE_LINES_MAX < lines {
        let rule = "house style, Sizes: never over it";
        let what = format!("a file of {lines} lines, at most {FILE_LINES_MAX}: {rule}");
        findings.push(source.finding(1, what));
    } else if FILE_LINES_SEAM < lines && !is_seamless {
        let rule = "look for the seam, or give the reason in SEAMLESS";
        let what = format!("a file of {lines} lines, at most {FILE_LINES_SEAM}: {rule}");
        findings.push(source.finding(1, what));
    }
    findings
}

fn check_function(source: &Source, function: &Item) -> Vec<Finding> {
    let mut findings = Vec::new();
    let name = function.name;
    let names = outline::parameters(&source.code, function);
    let arguments = names.iter().filter(|name| !CONTEXT.contains(name)).count();
    if ARGUMENTS_MAX < arguments {
        let what = format!("`{name}` takes {arguments} arguments, at most {ARGUMENTS_MAX}");
        findings.push(source.finding(function.line, what));
    }
    let lines = lines_of(source, function);
    if FUNCTION_LINES_MAX < lines {
        let what = format!("`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}");
        findings.push(source.finding(function.line, what));
    }
    let (levels, line) = nesting::deepest(&source.code[function.body.clone()]);
    if BLOCK_LEVELS_MAX < levels {
        let what = format!("`{name}` is {levels} levels deep, at most {BLOCK_LEVELS_MAX}");
        findings.push(source.finding(line, what));
    }
    findings
}

/// The lines from an item's keyword to its last brace.
fn lines_of(source: &Source, item: &Item) -> usize {
    match item.has_body() {
        true => source.code[item.body.end - 1].line - item.line + 1,
        false => 1,
    }
}

#[cfg(test)]
mod tests {
    use crate::{SEAMLESS, report};

    /// A function of this many lines.
    fn function(lines: usize) -> String {
        format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2))
    }

    /// A function of this many arguments, and of parameters that do not count.
    fn arguments(count: usize) -> String {
        let list: String = (0..count)
            .map(|index| format!("a{index}: M<u8, u8>, "))
            .collect();
        format!("fn f<T: Fn(u8, u8)>(&self, io: &T, op: Op,\n{list}) {{}}")
    }

    #[test]
    fn a_line_has_100_columns() {
        assert_eq!(
            report("sim/benches/a.rs", &format!("//{}", "é".repeat(98))),
            ""
        );
        let found = report("sim/benches/a.rs", &format!("\n//{}", "é".repeat(99)));
        assert_eq!(
            found,
            "sim/benches/a.rs:2: a line of 101 columns, at most 100"
        );
    }

    #[test]
    fn a_function_has_70_lines() {
        assert_eq!(report("sim/benches/a.rs", &function(70)), "");
        let found = report("sim/benches/a.rs", &format!("#[inline]\n{}", function(71)));
        assert_eq!(found, "sim/benches/a.rs:2: `f` has 71 lines, at most 70");
    }

    #[test]
    fn a_function_takes_4_arguments_beside_its_context() {
        assert_eq!(report("sim/benches/a.rs", &arguments(4)), "");
        let found = report("sim/benches/a.rs", &arguments(5));
        assert_eq!(
            found,
            "sim/benches/a.rs:1: `f` takes 5 arguments, at most 4"
        );
    }

    #[test]
    fn a_file_has_a_seam_at_600_lines_without_its_tests() {
        let code = "fn f() {}\n".repeat(600);
        let tests = format!(
            "#[cfg(test)]\nmod tests {{\n{}}}\n",
            "fn g() {}\n".repeat(148)
        );
        assert_eq!(report("sim/benches/a.rs", &code), "");
        assert_eq!(
            report("sim/benches/a.rs", &format!("{}{tests}", &code[20..])),
            ""
        );
        let found = report("sim/benches/a.rs", &format!("{code}\n"));
        let what = "a file of 601 lines, at most 600: look for the seam, or give the reason";
        assert_eq!(found, format!("sim/benches/a.rs:1: {what} in SEAMLESS"));
        assert_eq!(report("sim/benches/a/tests.rs", &format!("{code}\n")), "");
        for (_, reason) in SEAMLESS {
            assert!(!reason.is_empty());
        }
    }

    #[test]
    fn no_file_has_more_than_1000_lines() {
        let found = report("sim/benches/a/tests.rs", &"fn f() {}\n".repeat(1001));
        let what = "a file of 1001 lines, at most 1000: house style, Sizes: never over it";
        assert_eq!(found, format!("sim/benches/a/tests.rs:1: {what}"));
    }

    #[test]
    fn inline_tests_have_150_lines() {
        let text = format!(
            "#[cfg(test)]\nmod tests {{\n{}}}\n",
            "fn g() {}\n".repeat(149)
        );
        let what = "151 lines of tests, at most 150: they move to tests.rs beside it";
        assert_eq!(
            report("sim/benches/a.rs", &text),
            format!("sim/benches/a.rs:2: {what}")
        );
    }
}
