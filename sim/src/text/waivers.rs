//! Parses waivers: exceptions from a check, one a line, each with its reason.

/// One waiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiver<'t> {
    /// The whole line.
    pub line: &'t str,
    /// What is waived: the part before the colon.
    pub what: &'t str,
    /// The reason.
    pub reason: &'t str,
}

/// Parses waivers, one a line: `WHAT: REASON`. Skips blank lines and lines that start with `#`.
/// `form` is the error for a line of another form, and `read` turns a waiver into a value.
///
/// # Errors
/// The first line that does not parse, with what to write instead.
pub fn read_waivers<'t, T>(
    text: &'t str,
    form: &str,
    mut read: impl FnMut(Waiver<'t>) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let waivers = lines.map(|(index, line)| {
        let waiver = split(line, form).and_then(&mut read);
        waiver.map_err(|problem| format!("line {}: {problem}", index + 1))
    });
    waivers.collect()
}

fn split<'t>(line: &'t str, form: &str) -> Result<Waiver<'t>, String> {
    let (what, reason) = line.split_once(": ").ok_or(form)?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err("write a reason behind the colon".to_string());
    }
    Ok(Waiver { line, what, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(&str, &str)>, String> {
        read_waivers(text, "write `WHAT: REASON`", |waiver| {
            Ok((waiver.what, waiver.reason))
        })
    }

    #[test]
    fn a_waiver_has_a_reason_and_its_line_is_named() {
        assert_eq!(read("# why\n\n  a b: c: d \n"), Ok(vec![("a b", "c: d")]));
        let problem = read("a: b\na:b").unwrap_err();
        assert_eq!(problem, "line 2: write `WHAT: REASON`");
    }
}
