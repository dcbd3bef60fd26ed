//! The page for operators names every option and every error.

use super::source::root;

/// The names of the public fields of a struct in a source text.
fn fields(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim_start);
    let fields = lines.filter_map(|line| line.strip_prefix("pub "));
    let names = fields.filter_map(|field| field.split_once(':'));
    let is_name = |name: &&str| !name.contains([' ', '(']);
    names.map(|(name, _)| name).filter(is_name).collect()
}

/// The names of the variants of the first enum in a source text.
fn variants(text: &str) -> Vec<&str> {
    let begin = text.find("pub enum ").expect("there is an enum");
    let body = &text[begin..];
    let body = &body[..body.find("\n}").expect("it ends")];
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let starts_with_a_name = |line: &&str| line.starts_with(|it: char| it.is_ascii_uppercase());
    let names = lines.filter(starts_with_a_name);
    names
        .filter_map(|line| line.split([' ', '(', ',']).next())
        .collect()
}

#[test]
fn every_option_and_error_is_on_the_page_for_operators() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect(path);
    let page = read("engine/README.md");
    let (options, errors) = (
        read("engine/src/timeline/options.rs"),
        read("engine/src/base/error.rs"),
    );
    let (options, errors) = (fields(&options), variants(&errors));
    assert!(30 < options.len() && 10 < errors.len());
    let names = options.into_iter().chain(errors);
    let missing: Vec<&str> = names
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(missing, [] as [&str; 0], "not in engine/README.md");
}
