//! Names of files and directories.

use std::path::Path;

use crate::TOP;
use crate::source::Finding;

/// Vague names: they say that there is something, and not what it is.
const VAGUE: [&str; 6] = ["common", "helper", "helpers", "misc", "util", "utils"];

pub fn check_names(paths: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in paths {
        let mut stems = path
            .split('/')
            .filter_map(|part| Path::new(part).file_stem()?.to_str());
        if let Some(stem) = stems.find(|stem| VAGUE.contains(stem)) {
            let what = format!("`{stem}` names nothing: say what it holds");
            findings.push(Finding::new(path, &what));
        }
    }
    findings
}

pub fn check_top(names: &[String]) -> Vec<Finding> {
    let unknown = names.iter().filter(|name| !TOP.contains(&name.as_str()));
    let what = "not at the top, where only the packages, what they show, and tools' files are";
    unknown.map(|name| Finding::new(name, what)).collect()
}

#[cfg(test)]
mod tests {
    use super::{check_names, check_top};

    /// Whether each path is found.
    fn found<const N: usize>(paths: [&str; N]) -> [bool; N] {
        paths.map(|path| !check_names(&[path.to_string()]).is_empty())
    }

    #[test]
    fn a_name_says_what_is_in_it() {
        let paths = [
            "sim/src/utils.rs",
            "engine/tests/common/a.rs",
            "sim/helpers.py",
        ];
        assert_eq!(found(paths), [true; 3]);
        let paths = [
            "sim/src/futility.rs",
            "engine/src/io/mod.rs",
            "fuzz/corpus/plan/commons",
        ];
        assert_eq!(found(paths), [false; 3]);
    }

    #[test]
    fn the_top_holds_what_it_should() {
        let names = ["Cargo.toml", "engine", "notes.md", "src"].map(String::from);
        let found: Vec<String> = check_top(&names).iter().map(|it| it.to_string()).collect();
        let what = "not at the top, where only the packages, what they show, and tools' files are";
        assert_eq!(
            found,
            [format!("notes.md:1: {what}"), format!("src:1: {what}")]
        );
    }
}
