//! Escapes text for a page.

/// Escapes every character that a browser would interpret.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' => escaped.push(character),
            // HTML does not allow control characters.
            character if character.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_is_left_that_a_browser_would_act_on() {
        let hostile = "<script>alert(\"1\" & '2')</script>\u{0}\u{1b}[31m";
        let escaped = escape(hostile);
        assert!(!escaped.contains(['<', '>', '"', '\'', '\u{0}', '\u{1b}']));
        assert!(escaped.starts_with("&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)"));
        assert_eq!(escape("k0 @ 0/28…"), "k0 @ 0/28…");
    }
}
