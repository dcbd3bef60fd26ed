//! Waivers: what need not be as it should, and why, in lines that a person can check one by one.

/// A line of waivers, in its two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiver<'t> {
    /// The line.
    pub line: &'t str,
    /// What is waived.
    pub what: &'t str,
    /// Why.
    pub reason: &'t str,
}

/// Reads waivers, one a line: `WHAT: REASON`. Blank lines are skipped, and those that start with
/// `#`. `form` says how a line looks, and `read` makes of it what it means.
///
/// # Errors
/// The first line that is none, or that `read` refuses, and what would be right.
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
