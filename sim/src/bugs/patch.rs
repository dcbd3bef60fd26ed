//! A planted bug as a file: its story, then a patch in the format of `git diff`.
#![expect(
    clippy::disallowed_methods,
    reason = "it reads the repository, outside of any run"
)]

use std::fs;
use std::path::Path;

use super::Trouble;

/// The start of each file's patch.
const FILE_START: &str = "\ndiff --git ";

/// A planted bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bug {
    /// The name of its file, without `.patch`.
    pub id: String,
    /// What is wrong, in some lines.
    pub story: String,
    /// The files that it changes, relative to the repository, each with its patch.
    changes: Vec<(String, String)>,
}

impl Bug {
    /// Reads all bugs of a folder, by name.
    ///
    /// # Errors
    /// `Input` names the file that is no planted bug.
    pub fn read_all(folder: &Path) -> Result<Vec<Bug>, Trouble> {
        let at = |error| Trouble::Input(format!("{}: cannot be read: {error}", folder.display()));
        let mut bugs = Vec::new();
        for entry in fs::read_dir(folder).map_err(at)? {
            let path = entry.map_err(at)?.path();
            let text = fs::read_to_string(&path)
                .map_err(|error| Trouble::Input(format!("{}: {error}", path.display())))?;
            let id = path.file_stem().unwrap_or_default().to_string_lossy();
            bugs.push(Bug::read(&id, &text)?);
        }
        bugs.sort_by(|left, right| left.id.cmp(&right.id));
        Ok(bugs)
    }

    /// Those of `bugs` that are named, in the order of their names.
    ///
    /// # Errors
    /// `Input` if one is missing.
    pub fn named(bugs: &[Bug], names: &[&str]) -> Result<Vec<Bug>, Trouble> {
        let find = |name: &&str| {
            let found = bugs.iter().find(|bug| bug.id == *name).cloned();
            found.ok_or_else(|| Trouble::Input(format!("there is no bug {name}")))
        };
        names.iter().map(find).collect()
    }

    /// Reads the text of a bug.
    ///
    /// # Errors
    /// `Input` if it has no story, or changes nothing.
    pub fn read(id: &str, text: &str) -> Result<Bug, Trouble> {
        let refuse = |why: &str| Trouble::Input(format!("bug {id}: {why}"));
        let mut parts = text.split(FILE_START);
        let story = parts.next().unwrap_or_default().trim();
        if story.is_empty() || story.starts_with("diff --git ") {
            return Err(refuse(
                "no story; say in some lines before the patch what is wrong",
            ));
        }
        let mut changes = Vec::new();
        for part in parts {
            let hunks = part.find("--- a/").map(|start| &part[start..]);
            let path = hunks.and_then(|hunks| {
                let line = hunks.lines().nth(1)?;
                line.strip_prefix("+++ b/")
            });
            let (Some(hunks), Some(path)) = (hunks, path) else {
                return Err(refuse("a patch does not say which file it changes"));
            };
            changes.push((path.to_string(), with_newline(hunks)));
        }
        if changes.is_empty() {
            return Err(refuse(
                "no patch; write what `git diff` prints behind the story",
            ));
        }
        Ok(Bug {
            id: id.to_string(),
            story: story.to_string(),
            changes,
        })
    }

    /// The files that it changes, relative to the repository at `root`, with their new contents.
    ///
    /// # Errors
    /// `Input` if the patch does not fit the sources.
    pub fn apply(&self, root: &Path) -> Result<Vec<(String, String)>, Trouble> {
        let changes = self.changes.iter();
        let changed = changes.map(|(path, hunks)| {
            let refuse = |why: String| {
                let remedy = "mend the patch: sources change, and bugs move with them";
                Trouble::Input(format!("bug {}: {path}: {why}; {remedy}", self.id))
            };
            let text =
                fs::read_to_string(root.join(path)).map_err(|error| refuse(error.to_string()))?;
            let patch = diffy::Patch::from_str(hunks).map_err(|error| refuse(error.to_string()))?;
            let planted = diffy::apply(&text, &patch).map_err(|error| refuse(error.to_string()))?;
            Ok((path.clone(), planted))
        });
        changed.collect()
    }
}

/// The split at the next file takes the line end of this patch: puts it back.
fn with_newline(hunks: &str) -> String {
    let end = if hunks.ends_with('\n') { "" } else { "\n" };
    format!("{hunks}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "--- a/f.rs\n+++ b/f.rs\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n";

    fn complaint(text: &str) -> String {
        Bug::read("b", text).unwrap_err().to_string()
    }

    #[test]
    fn a_bug_is_a_story_and_what_git_prints() {
        let text = format!("It forgets.\n\ndiff --git a/f.rs b/f.rs\nindex 1..2 100644\n{PATCH}");
        let bug = Bug::read("b", &text).unwrap();
        assert_eq!(bug.story, "It forgets.");
        assert_eq!(bug.changes, [("f.rs".to_string(), PATCH.to_string())]);
    }

    #[test]
    fn a_file_without_story_or_patch_is_an_error() {
        assert!(complaint("").contains("no story"));
        assert!(complaint("Only a story.").contains("no patch"));
        let half = complaint("It forgets.\n\ndiff --git a/f.rs b/f.rs\n");
        assert!(half.contains("does not say which file"), "{half}");
    }
}
